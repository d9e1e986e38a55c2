"""One store on several sides: in this process, in a child of it, and in another program. All are asked alike.

`python3 others.py PATH` is the other program: it opens the store at PATH, shared, and answers a line of JSON for each
line that it reads.
"""

import json
import os
import select
import subprocess
import sys
import time
from datetime import timedelta
from typing import IO, Any, Callable, Dict, List, Optional

import tokenstore
from tokenstore import ALL, FamilyPolicy, Status, Store

# A side that does not answer by then never will.
PATIENCE_S = 60.0
_END = "end"
FAMILIES = FamilyPolicy(access=timedelta(hours=1), refresh=timedelta(days=1), family=timedelta(days=2))


class Failed(Exception):
    """What a side raised: the name of the status, or of the exception, and its text."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class Side:
    """A store, somewhere."""

    pid: int

    def ask(self, name: str, *arguments: Any) -> Any:
        """Makes a call; what it answers. Raises Failed."""
        raise NotImplementedError

    def end(self) -> None:
        """Ends it."""


class Here(Side):
    """A store of this process."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.pid = os.getpid()

    def ask(self, name: str, *arguments: Any) -> Any:
        try:
            return _CALLS[name](self.store, *arguments)
        except tokenstore.TokenstoreError as error:
            raise Failed(error.name, str(error)) from None
        except Exception as error:
            raise Failed(type(error).__name__, str(error)) from None

    def end(self) -> None:
        self.store.close()


class _Piped(Side):
    """A store behind two pipes."""

    _to: IO[str]
    _from: IO[str]

    def ask(self, name: str, *arguments: Any) -> Any:
        self._to.write(json.dumps([name, *arguments]) + "\n")
        self._to.flush()
        # Nothing is read ahead: there is one line for each.
        ready, _, _ = select.select([self._from], [], [], PATIENCE_S)
        line = self._from.readline() if ready else ""
        if not line:
            raise Failed("DIED", "it answers nothing")
        answer, error = json.loads(line)
        if error is not None:
            raise Failed(*error)
        return answer

    def _say_end(self) -> None:
        # The end of the pipe may not be enough: children that were forked since hold it, too.
        try:
            self._to.write(_END + "\n")
            self._to.close()
        except BrokenPipeError:
            pass


class There(_Piped):
    """A store in another program, which has opened it when this is made; `how` is `shared` or `alone`."""

    def __init__(self, path: str, how: str = "shared") -> None:
        command = [sys.executable, "-X", "dev", os.path.abspath(__file__), path, how]
        self._program = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **_PATHS}
        )
        assert self._program.stdin is not None and self._program.stdout is not None
        self._to, self._from = self._program.stdin, self._program.stdout
        self.pid = self._program.pid
        try:
            self.ask("opened")
        except BaseException:
            self.end()
            raise

    def kill(self) -> None:
        """Ends it in the middle of whatever it does."""
        self._program.kill()

    def end(self) -> None:
        self._say_end()
        try:
            self._program.wait(PATIENCE_S)
        finally:
            self._program.kill()
            self._program.wait()
            self._from.close()


class Child(_Piped):
    """A forked child that goes on with a store of its parent's. With `orphan` it is one of a parent that is gone."""

    def __init__(self, store: Store, orphan: bool = False) -> None:
        theirs, to = os.pipe()
        ours, back = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            code = 1
            try:
                os.close(to)
                os.close(ours)
                if orphan and os.fork():
                    os._exit(0)
                with os.fdopen(theirs) as asked, os.fdopen(back, "w") as answers:
                    serve(store, asked, answers)
                code = 0
            finally:
                os._exit(code)
        os.close(theirs)
        os.close(back)
        self._to, self._from = os.fdopen(to, "w"), os.fdopen(ours)
        if orphan:
            os.waitpid(self._child, 0)
        self._orphan = orphan
        self.pid = self.ask("pid")

    def end(self) -> None:
        """Ends it, and checks that it ended well."""
        self._say_end()
        rest = self._from.read()
        self._from.close()
        status = 0
        if not self._orphan:
            _, status = os.waitpid(self._child, 0)
        assert (rest, status) == ("", 0), f"a child ended with {status} and said {rest!r}"


def serve(store: Store, asked: IO[str], answers: IO[str]) -> None:
    """Answers until nothing more is asked."""
    here = Here(store)
    for line in asked:
        if line.strip() == _END:
            return
        try:
            answer = [here.ask(*json.loads(line)), None]
        except Failed as failed:
            answer = [None, [failed.name, failed.text]]
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


# What can be asked. Arguments and answers are such that JSON has them.


def _declare(store: Store, name: str, prefix: str, uses: Optional[int] = None, families: bool = False) -> int:
    return int(store.declare(name, prefix, uses=uses, families=FAMILIES if families else None))


def _create(store: Store, type: int, owner: str, projects: Optional[List[str]] = None) -> List[str]:
    made = store.create_token(type, owner, projects=ALL if projects is None else projects)
    return [str(made.id), made.value.reveal()]


def _name(status: int) -> str:
    return Status(status).name


def _verify(store: Store, value: str, type: int, project: Optional[str] = None) -> str:
    return _name(store.verify(value, type=type, project=project).status)


def _quick(store: Store, value: str, type: int) -> str:
    verdict = store.verify(value, store.query(type=type, no_wait=True))
    assert verdict.allowed == (verdict.status == Status.OK)
    return _name(verdict.status)


def _verify_many(store: Store, values: List[str], type: int) -> List[str]:
    return [_name(status) for status in store.verify_many(values, store.query(type=type)).statuses]


def _owner(store: Store, value: str, type: int) -> Optional[str]:
    owner = store.owner(store.verify(value, type=type))
    return None if owner is None else owner.decode()


def _pair(store: Store, access: int, refresh: int, owner: str) -> List[str]:
    made = store.issue_pair(access, refresh, owner, "client-7", projects=ALL)
    return [str(made.family), made.access.value.reveal(), made.refresh.value.reveal()]


def _refresh(store: Store, value: str) -> List[str]:
    refreshed = store.try_refresh(value, "client-7")
    if refreshed.pair is None:
        return [Status(refreshed.status).name]
    pair = refreshed.pair
    return [pair.outcome.name, pair.access.value.reveal(), pair.refresh.value.reveal()]


def _sleep(store: Store, seconds: float) -> None:
    time.sleep(seconds)


_CALLS: Dict[str, Callable[..., Any]] = {
    "opened": lambda store: True,
    "pid": lambda store: os.getpid(),
    "sleep": _sleep,
    "declare": _declare,
    "create": _create,
    "verify": _verify,
    "quick": _quick,
    "verify_many": _verify_many,
    "owner": _owner,
    "pair": _pair,
    "refresh": _refresh,
    "consume": lambda store, value, type: _name(store.consume(value, type=type).status),
    "edit": lambda store, id, projects: bool(store.edit(id, projects=projects)),
    "grant": lambda store, id, project: bool(store.grant(id, project)),
    "ungrant": lambda store, id, project: bool(store.ungrant(id, project)),
    "rotate": lambda store, id: store.rotate(id, timedelta(0)).value.reveal(),
    "revoke": lambda store, id: bool(store.revoke(id)),
    "revoke_value": lambda store, value: bool(store.revoke_value(value)),
    "disable": lambda store, id: bool(store.disable(id)),
    "enable": lambda store, id: bool(store.enable(id)),
    "delete": lambda store, id: bool(store.delete(id)),
    "revoke_owner": lambda store, owner: bool(store.revoke_owner(owner)),
    "revoke_family": lambda store, id: bool(store.revoke_family(id)),
    "remove_project": lambda store, project: store.remove_project(project),
    "revision": lambda store, id: store.get(id).revision,
    "ids": lambda store, owner: [str(token.id) for token in store.list(owner=owner)],
    "events": lambda store: [event.sequence for event in store.events()],
    "close": lambda store: store.close(),
}

# So that the other program finds the package where this one has it.
_PATHS = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def main(path: str, how: str = "shared") -> None:
    """Answers on standard output. If it cannot open the store, that is its only answer."""
    try:
        store = Store.open(path, shared=how == "shared")
    except tokenstore.TokenstoreError as error:
        print(json.dumps([None, [error.name, str(error)]]))
        return
    with store:
        serve(store, sys.stdin, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
