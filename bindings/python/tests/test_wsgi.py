"""The application of `examples/wsgi_app.py`, called as a server calls it. workers.py has a real one."""

import importlib
import io
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any, Dict, List, Tuple
from wsgiref.validate import validator

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

from test_processes import in_child  # noqa: E402


class Application(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = os.path.join(folder.name, "tokens.store")
        # It opens the store when it is imported, as in each worker.
        before = os.environ.get("TOKENS")
        os.environ["TOKENS"] = path
        try:
            sys.modules.pop("wsgi_app", None)
            self.module: Any = importlib.import_module("wsgi_app")
        finally:
            os.environ.pop("TOKENS")
            if before is not None:
                os.environ["TOKENS"] = before
        self.service = self.module.service
        self.addCleanup(self.service.store.close)
        self.admin = self.service.store.create_token(self.service.admin, "admin").value.reveal()

    def ask(self, method: str, path: str, value: str = "", body: bytes = b"", **more: str) -> Tuple[int, Any]:
        """The status and what the body says, through a check that both sides keep to the interface."""
        environ: Dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_AUTHORIZATION": f"Bearer {value}",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **more,
        }
        told: List[Tuple[int, Dict[str, str]]] = []

        def start_response(status: str, headers: List[Tuple[str, str]], error: Any = None) -> Any:
            told.append((int(status.split()[0]), dict(headers)))
            return lambda data: None

        application = self.module.application
        # The check refuses what no server lets through, and a server may let through.
        length = str(environ["CONTENT_LENGTH"])
        if length.isascii() and length.isdigit():
            application = validator(application)
        answer = application(environ, start_response)
        said = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        status, headers = told[0]
        self.assertEqual(headers["Worker"], str(os.getpid()))
        return status, json.loads(said) if said else None

    def create(self, owner: str) -> Tuple[str, str]:
        """A token made through the application: its id and its value."""
        status, made = self.ask("POST", "/admin/tokens", self.admin, json.dumps({"owner": owner}).encode())
        self.assertEqual(status, 201)
        return made["id"], made["token"]

    def test_a_token_is_made_used_and_revoked(self) -> None:
        id, value = self.create("user-17")
        self.assertEqual(self.ask("GET", "/me", value), (200, {"owner": "user-17"}))
        self.assertEqual(self.ask("DELETE", f"/admin/tokens/{id}", self.admin), (204, None))
        self.assertEqual(self.ask("GET", "/me", value), (401, {"error": "invalid_token"}))
        self.assertEqual(self.service.store.get(id).owner, b"user-17")

    def test_only_an_administrator_makes_and_revokes_and_is_no_user(self) -> None:
        id, value = self.create("user-17")
        for shown in (value, "", "adm_nonsense"):
            self.assertEqual(self.ask("POST", "/admin/tokens", shown, b'{"owner": "x"}')[0], 401)
            self.assertEqual(self.ask("DELETE", f"/admin/tokens/{id}", shown)[0], 401)
        self.assertEqual(self.ask("GET", "/me", self.admin)[0], 401)
        self.assertEqual(self.ask("GET", "/me", value)[0], 200)
        own = next(self.service.store.list(type=self.service.admin)).id
        self.assertEqual(self.ask("DELETE", f"/admin/tokens/{own}", self.admin)[0], 404)
        self.assertNotEqual(self.create("user-18")[0], id)

    def test_what_is_no_request_of_these_is_answered(self) -> None:
        for body in (b"", b"[]", b"{}", b'{"owner": 7}', b'{"owner": ""}', b'{"owner": "' + b"x" * 256 + b'"}'):
            self.assertEqual(self.ask("POST", "/admin/tokens", self.admin, body)[0], 400, body)
        for length, status in (("-1", 400), ("x", 400), ("٣", 400), (str(1 << 40), 413), ("65537", 413)):
            answer = self.ask("POST", "/admin/tokens", self.admin, CONTENT_LENGTH=length)
            self.assertEqual(answer[0], status, length)
        for method, path, status in (
            ("GET", "/", 404),
            ("GET", "", 404),
            ("POST", "/me", 405),
            ("DELETE", "/admin/tokens/", 400),
            ("DELETE", "/admin/tokens/7", 400),
            ("DELETE", "/admin/tokens/019ab0d2-0000-7000-8000-000000000000", 404),
        ):
            self.assertEqual(self.ask(method, path, self.admin)[0], status, path)

    def test_trouble_with_the_store_is_no_refusal(self) -> None:
        _, value = self.create("user-17")
        self.service.store.close()
        self.assertEqual(self.ask("GET", "/me", value)[0], 503)

    def test_a_worker_that_was_forked_afterwards_goes_on(self) -> None:
        ids = [self.create("user-17") for _ in range(10)]

        def body() -> str:
            for id, value in ids:
                self.assertEqual(self.ask("GET", "/me", value)[0], 200)
                self.assertEqual(self.ask("DELETE", f"/admin/tokens/{id}", self.admin)[0], 204)
            return "done"

        self.assertEqual(in_child(body), "done")
        for _, value in ids:
            self.assertEqual(self.ask("GET", "/me", value)[0], 401)
        id, value = self.create("user-17")
        self.assertEqual(self.ask("GET", "/me", value)[0], 200)


if __name__ == "__main__":
    unittest.main()
