"""A service with several workers over one store, for any WSGI server.

    python3 wsgi_app.py tokens.store               # makes the store, and shows an administrator's token once
    TOKENS=tokens.store gunicorn --workers 4 wsgi_app:application

Every worker opens the store, shared, when it imports this, or goes on with what was opened before the fork
(`gunicorn --preload`). What one of them revokes, all of them refuse from the next request on.

    curl -H "Authorization: Bearer $VALUE" http://127.0.0.1:8000/me
    curl -H "Authorization: Bearer $ADMIN" -d '{"owner": "user-17"}' http://127.0.0.1:8000/admin/tokens
    curl -H "Authorization: Bearer $ADMIN" -X DELETE http://127.0.0.1:8000/admin/tokens/$ID
"""

import os
import sys
from http.client import responses
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List

sys.path.insert(0, str(Path(__file__).parent))

import tokenstore  # noqa: E402
from apis import web  # noqa: E402


def open_or_create(path: str) -> tokenstore.Store:
    """The store at a path, shared, whoever comes first."""
    try:
        return tokenstore.Store.open(path, shared=True)
    except tokenstore.StoreMissing:
        try:
            return tokenstore.Store.create(path, shared=True)
        except tokenstore.AlreadyExists:
            # Another worker was faster.
            return tokenstore.Store.open(path, shared=True)


class Service:
    """The routes, over a store."""

    def __init__(self, store: tokenstore.Store) -> None:
        self.store = store
        # Declaring what is declared alike finds it, so every worker may.
        self.api = store.declare("api", "api")
        self.admin = store.declare("admin", "adm", by_name_only=True)
        self._users = store.query(type=self.api, header=True)
        self._admins = store.query(type=self.admin, header=True)
        self.routes: Dict[str, web.Route] = {
            "GET /me": self.me,
            "POST /admin/tokens": self.create,
            "DELETE /admin/tokens/*": self.revoke,
        }

    def me(self, request: web.Request, rest: List[str]) -> web.Response:
        """A call of the API."""
        return web.Response(200, {"owner": self._owner(request, self._users)})

    def create(self, request: web.Request, rest: List[str]) -> web.Response:
        """The answer is the only place where the token stands."""
        admin = self._owner(request, self._admins)
        made = self.store.create_token(self.api, web.text(request.json(), "owner"), by=admin)
        return web.Response(201, {"id": str(made.id), "token": made.value.reveal()}, headers=dict(web.NO_STORE))

    def revoke(self, request: web.Request, rest: List[str]) -> web.Response:
        """Once this is answered, no worker accepts the token."""
        admin = self._owner(request, self._admins)
        # An administrator's own token is not ended here.
        if self.store.get(rest[0]).type != self.api:
            raise tokenstore.NotFound("no such token")
        self.store.revoke(rest[0], by=admin)
        return web.Response(204)

    def _owner(self, request: web.Request, asks: tokenstore.Query) -> str:
        verdict = self.store.verify(request.headers.get("Authorization", ""), asks)
        owner = self.store.owner(verdict) if verdict else None
        if owner is None:
            raise web.Refusal(401, "invalid_token", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        return owner.decode("utf-8", "replace")


def _request(environ: Any) -> web.Request:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isascii() or not length.isdigit():
        raise web.Refusal(400, "a body has a Content-Length")
    if len(length) > 9 or int(length) > web.MOST_BODY_BYTES:
        raise web.Refusal(413, "the body is too long")
    headers = {
        "Authorization": environ.get("HTTP_AUTHORIZATION", ""),
        "Content-Type": environ.get("CONTENT_TYPE", ""),
    }
    body = environ["wsgi.input"].read(int(length))
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    return web.Request(environ["REQUEST_METHOD"], path, query, headers, body)


def wsgi(service: Service) -> Callable[[Any, Any], Iterable[bytes]]:
    """The service as an application. Each response says which process it is of."""

    def application(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            response = web.answer(service.routes, _request(environ))
        except web.Refusal as refusal:
            response = refusal.response
        body = response.encoded()
        headers = [*response.headers.items(), ("Worker", str(os.getpid()))]
        if response.status != 204:
            headers.append(("Content-Length", str(len(body))))
        start_response(f"{response.status} {responses[response.status]}", headers)
        return [body]

    return application


def main(path: str) -> None:
    """Makes the store if need be, and an administrator's token."""
    with open_or_create(path) as store:
        made = store.create_token(Service(store).admin, "admin")
        print("an administrator's token, shown once:", made.value.reveal())


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    main(sys.argv[1])
else:
    service = Service(open_or_create(os.environ.get("TOKENS", "tokens.store")))
    application = wsgi(service)
