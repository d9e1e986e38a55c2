"""A real gunicorn with four workers over one store: what one of them revokes, the next request to every one refuses.

`python3 workers.py [--rounds N] [--command TOKENSTORE]` serves `examples/wsgi_app.py`, with and without --preload. In
each round one worker makes a token, all accept it, another revokes it, and all refuse it; then the command revokes
while gunicorn serves. It ends with 0 only if no answer was stale. gunicorn must be installed.
"""

import argparse
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Type

import tokenstore

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

WORKERS = 4
# How often the command revokes: each time a process begins, opens the store, and ends.
COMMANDS = 40
PATIENCE_S = 30.0


class Server:
    """gunicorn on a port that was free, in a session of its own; none of it is left at the end."""

    def __init__(self, folder: Path, store: Path, arguments: List[str]) -> None:
        self._log = folder / "gunicorn.log"
        with socket.create_server(("127.0.0.1", 0)) as listener, open(self._log, "wb") as log:
            self.port: int = listener.getsockname()[1]
            # As gunicorn sets it for sockets of its own: it writes a response in two pieces.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "gunicorn", "--chdir", str(EXAMPLES), "--bind", f"fd://{listener.fileno()}"),
                    *("--workers", str(WORKERS), "--worker-class", "gthread", "--threads", "4"),
                    *("--keep-alive", "300", "--graceful-timeout", "5", *arguments, "wsgi_app:application"),
                ],
                # What it keeps for itself goes with the folder, too.
                env={**os.environ, "TOKENS": str(store), "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._process.terminate()
        try:
            code = self._process.wait(PATIENCE_S)
        finally:
            # Its workers are of its session.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
        said = self._log.read_text(errors="replace")
        if error is not None:
            print(said, file=sys.stderr)
        elif code != 0 or "Traceback" in said:
            raise AssertionError(f"gunicorn ended with {code}:\n{said}")

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None


def _end_with_parent() -> None:
    """Between fork and exec: the kernel ends gunicorn if this process is killed and cannot."""
    pr_set_pdeathsig = 1
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


class Client:
    """A connection to each of the workers, which stays. Counts what it asks, and whom it hears."""

    def __init__(self, server: Server) -> None:
        self.requests = 0
        self._of: Dict[int, HTTPConnection] = {}
        begun = time.monotonic()
        while len(self._of) < WORKERS:
            if not server.alive() or time.monotonic() - begun > PATIENCE_S:
                raise AssertionError(f"{len(self._of)} of {WORKERS} workers were heard")
            self._meet(server.port)
        self.workers = sorted(self._of)

    def _meet(self, port: int) -> None:
        """Some connections at once, so that no worker takes them all; those to workers not met before are kept."""
        fresh = [HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S) for _ in range(2 * WORKERS)]
        for one in fresh:
            one.request("GET", "/me")
        for one in fresh:
            _, worker, _ = _read(one.getresponse())
            if self._of.setdefault(worker, one) is not one:
                one.close()

    def ask(self, worker: int, method: str, path: str, value: str, body: Any = None) -> Tuple[int, Any]:
        """One worker's answer."""
        self._send(worker, method, path, value, body)
        return self._receive(worker)

    def ask_all(self, value: str) -> List[int]:
        """What every worker answers to a token's bearer: all are asked before one is heard."""
        for worker in self.workers:
            self._send(worker, "GET", "/me", value, None)
        return [self._receive(worker)[0] for worker in self.workers]

    def _send(self, worker: int, method: str, path: str, value: str, body: Any) -> None:
        sent = None if body is None else json.dumps(body).encode()
        self._of[worker].request(method, path, sent, {"Authorization": "Bearer " + value})
        self.requests += 1

    def _receive(self, worker: int) -> Tuple[int, Any]:
        status, answered, body = _read(self._of[worker].getresponse())
        if answered != worker:
            raise AssertionError(f"worker {answered} answered for {worker}")
        return status, json.loads(body) if body else None

    def close(self) -> None:
        """Lets the connections go."""
        for one in self._of.values():
            one.close()


def _read(response: HTTPResponse) -> Tuple[int, int, bytes]:
    """The status, the worker that answered, and the body."""
    body = response.read()
    return response.status, int(response.headers["Worker"]), body


def expect(what: str, found: object, wanted: object) -> None:
    """Fails with what was found. No value of a token is given to it."""
    if found != wanted:
        raise AssertionError(f"{what}: expected {wanted}, got {found}")


def play(client: Client, admin: str, rounds: int) -> int:
    """Makes and revokes through the workers, every one after every other; how many answers were stale."""
    stale = 0
    for round in range(rounds):
        makes = client.workers[round % WORKERS]
        revokes = client.workers[(round + round // WORKERS) % WORKERS]
        status, made = client.ask(makes, "POST", "/admin/tokens", admin, {"owner": f"user-{round}"})
        expect("a token's making", status, 201)
        expect("a new token", client.ask_all(made["token"]), [200] * WORKERS)
        status, _ = client.ask(revokes, "DELETE", f"/admin/tokens/{made['id']}", admin)
        expect("a revocation", status, 204)
        stale += _stale(client.ask_all(made["token"]))
    return stale


def play_command(client: Client, admin: str, command: str, store: Path) -> int:
    """The same, but that the command revokes."""
    stale = 0
    for round in range(COMMANDS):
        makes = client.workers[round % WORKERS]
        _, made = client.ask(makes, "POST", "/admin/tokens", admin, {"owner": f"user-{round}"})
        expect("a new token", client.ask_all(made["token"]), [200] * WORKERS)
        revoke = [command, "--store", str(store), "revoke", made["id"]]
        ran = subprocess.run(revoke, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        expect("tokenstore revoke", (ran.returncode, ran.stderr), (0, ""))
        stale += _stale(client.ask_all(made["token"]))
    return stale


def _stale(answers: List[int]) -> int:
    """How many of them accept what is revoked. Every other answer than a refusal is a failure of another kind."""
    expect("answers to a revoked token", [one for one in answers if one not in (200, 401)], [])
    return answers.count(200)


def serve_and_play(folder: Path, arguments: List[str], rounds: int, command: str) -> int:
    """Plays against one gunicorn; how many answers were stale."""
    path = folder / "tokens.store"
    with tokenstore.Store.create(path, shared=True) as store:
        # As the service declares it.
        admin = store.create_token(store.declare("admin", "adm", by_name_only=True), "admin").value.reveal()
    name = " ".join(["gunicorn", *arguments])
    with Server(folder, path, arguments) as server, contextlib.closing(Client(server)) as client:
        played: List[Tuple[str, int, Callable[[], int]]] = [
            ("a worker revokes", rounds, lambda: play(client, admin, rounds)),
            ("the command revokes", COMMANDS, lambda: play_command(client, admin, command, path)),
        ]
        stale = 0
        for what, times, run in played:
            begun, before = time.monotonic(), client.requests
            found = run()
            stale += found
            print(
                f"{name}: {what}: {times:,} rounds, {client.requests - before:,} requests, "
                f"{len(client.workers)} workers heard in each, {found} stale, {time.monotonic() - begun:.1f} s",
                flush=True,
            )
        status, made = client.ask(client.workers[0], "POST", "/admin/tokens", admin, {"owner": "last"})
        expect("a token accepted by all at the end", client.ask_all(made["token"]), [200] * WORKERS)
    # All that had it open are gone, so it can be opened alone; and they wrote what they had noted.
    with tokenstore.Store.open(path) as store:
        expect("live tokens", len(list(store.list(type="api"))), 1)
        expect("tokens", len(list(store.list(type="api", dead=True))), rounds + COMMANDS + 1)
        expect("a last use that was noted", store.get(made["id"]).last_used is None, False)
    return stale


def find_command() -> str:
    """The command that cargo built, or builds."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    for profile in ("release", "debug"):
        if (target / profile / "tokenstore").exists():
            return str(target / profile / "tokenstore")
    cargo = shutil.which(os.environ.get("CARGO", "cargo"))
    if cargo is None:
        raise SystemExit("tokenstore is built by cargo, which was not found; --command names one that is built")
    subprocess.run([cargo, "build", "--release", "--locked", "--package", "tokenstore-cli"], cwd=ROOT, check=True)
    return str(target / "release" / "tokenstore")


@contextlib.contextmanager
def ended_by_exceptions() -> Iterator[None]:
    """Signals that end this process do so by an exception, so that nothing of it is left."""

    def end(number: int, frame: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=1_000, help="how many with each gunicorn")
    parser.add_argument("--command", help="the command, if it is not where cargo puts it")
    given = parser.parse_args()
    command, stale = given.command or find_command(), 0
    with ended_by_exceptions():
        for arguments in ([], ["--preload"]):
            with tempfile.TemporaryDirectory() as folder:
                stale += serve_and_play(Path(folder), arguments, given.rounds, command)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
