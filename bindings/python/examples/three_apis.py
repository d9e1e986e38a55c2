"""Three APIs and OAuth 2.0 over one store, with nothing but the standard library.

    python3 three_apis.py tokens.store [PORT]

Each route is a few lines over the engine: see `apis/`. It listens on this machine alone; in front of it stands what
speaks TLS. At its first start it makes a client and a session, and shows their values once.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Dict
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))

import tokenstore  # noqa: E402
from apis import web  # noqa: E402
from apis.host import Host  # noqa: E402
from apis.meetergo import Meetergo  # noqa: E402
from apis.meister1 import Meister1  # noqa: E402
from apis.oauth import OAuth  # noqa: E402
from apis.pushwoosh import Pushwoosh  # noqa: E402


class Server(ThreadingHTTPServer):
    """A server on the loopback interface; port 0 is any free one."""

    daemon_threads = True

    def __init__(self, host: Host, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.routes: Dict[str, web.Route] = {}
        for api in (Meister1(host, self.url), Meetergo(host), Pushwoosh(host), OAuth(host)):
            self.routes.update(api.routes())

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Server

    def _answer(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isascii() or not length.isdigit():
            self._send(web.Response(411, {"error": "a body has a Content-Length"}), close=True)
        elif len(length) > 9 or int(length) > web.MOST_BODY_BYTES:
            self._send(web.Response(413, {"error": "the body is too long"}), close=True)
        else:
            address = urlsplit(self.path)
            body = self.rfile.read(int(length))
            request = web.Request(self.command, address.path, address.query, self.headers, body)
            self._send(web.answer(self.server.routes, request))

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def _send(self, response: web.Response, close: bool = False) -> None:
        body = response.encoded()
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != 204:
            self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """An address may hold a ticket: nothing is logged."""


def main(path: str, port: int) -> None:
    """Serves until it is interrupted."""
    new = not Path(path).exists()
    with (tokenstore.Store.create if new else tokenstore.Store.open)(path) as store:
        host = Host(store)
        if new:
            print("client-7's secret, shown once:", host.register_client("client-7", "user-17").reveal())
            print("user-17's session, shown once:", host.sign_in("user-17").reveal())
        with Server(host, port) as server:
            print("listening on", server.url, flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                pass


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 8080)
