"""Pushwoosh: Server and Device tokens, each good for its own API, and for the projects that it was granted.

A Server token comes in the body's field `auth`, a Device token as `Authorization: Token <token>`. A value cannot be
shown again, as a store of hashes does not have it; `rotate` gives a token another one.
"""

from datetime import timedelta
from typing import Any, Dict, List, Union

import tokenstore

from .host import Host
from .web import NO_STORE, Refusal, Request, Response, Route, text

DEFAULT_NAME = "Pushwoosh Demo App"


class Pushwoosh:
    """Its routes."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.types = {"server": host.server, "device": host.device}

    def routes(self) -> Dict[str, Route]:
        """By method and path."""
        return {
            "POST /pushwoosh/account": self.open_account,
            "POST /pushwoosh/tokens": self.create,
            "GET /pushwoosh/tokens": self.list,
            "PUT /pushwoosh/tokens/*": self.edit,
            "DELETE /pushwoosh/tokens/*": self.delete,
            "POST /pushwoosh/tokens/*/grantAll": self.grant_all,
            "POST /pushwoosh/tokens/*/revokeAll": self.revoke_all,
            "POST /pushwoosh/tokens/*/rotate": self.rotate,
            "POST /json/1.3/createMessage": self.create_message,
            "POST /json/1.3/registerDevice": self.register_device,
        }

    # The control panel

    def open_account(self, request: Request, rest: List[str]) -> Response:
        """Every account begins with a Server token. A second call makes no second one, and cannot show the first."""
        made = self.host.store.create_if_absent(
            self.host.server, self.host.user(request), DEFAULT_NAME, projects=tokenstore.ALL
        )
        return self._made(made) if isinstance(made, tokenstore.Created) else self._found(made)

    def create(self, request: Request, rest: List[str]) -> Response:
        """With a type and a name. It reaches nothing yet."""
        owner, asked = self.host.user(request), request.json()
        type = self.types.get(text(asked, "type"))
        if type is None:
            raise Refusal(400, "type is server or device")
        return self._made(self.host.store.create_token(type, owner, text(asked, "name")))

    def list(self, request: Request, rest: List[str]) -> Response:
        """The tokens of both types."""
        owner = self.host.user(request)
        found = [
            self._shown(token)
            for type in self.types.values()
            for token in self.host.store.list(owner=owner, type=type)
        ]
        return Response(200, {"tokens": found})

    def edit(self, request: Request, rest: List[str]) -> Response:
        """A name and projects, saved together: no request sees one without the other."""
        owner, asked = self.host.user(request), request.json()
        projects = asked.get("projects")
        if not isinstance(projects, list) or not all(isinstance(one, str) for one in projects):
            raise Refusal(400, "projects is a list")
        name = text(asked, "name")
        self.host.store.edit(self._own(rest, owner), name=name, projects=projects, if_owner=owner)
        return Response(200, self._shown(self.host.store.get(rest[0])))

    def delete(self, request: Request, rest: List[str]) -> Response:
        """For good."""
        owner = self.host.user(request)
        self.host.store.delete(self._own(rest, owner), if_owner=owner)
        return Response(204)

    def grant_all(self, request: Request, rest: List[str]) -> Response:
        """All projects, those to come included."""
        owner = self.host.user(request)
        self.host.store.grant_all(self._own(rest, owner), if_owner=owner)
        return Response(200, self._shown(self.host.store.get(rest[0])))

    def revoke_all(self, request: Request, rest: List[str]) -> Response:
        """The token stays, and is of no use until it is granted something again."""
        owner = self.host.user(request)
        self.host.store.revoke_grants(self._own(rest, owner), if_owner=owner)
        return Response(200, self._shown(self.host.store.get(rest[0])))

    def rotate(self, request: Request, rest: List[str]) -> Response:
        """Another value for the same token, in place of showing the old one again, which works for an hour more."""
        owner = self.host.user(request)
        made = self.host.store.rotate(self._own(rest, owner), timedelta(hours=1), if_owner=owner)
        return self._made(made, 200)

    # The two APIs

    def create_message(self, request: Request, rest: List[str]) -> Response:
        """The Server API."""
        asked = _request_of(request)
        return self._answer(text(asked, "auth"), self.host.server, text(asked, "application"), header=False)

    def register_device(self, request: Request, rest: List[str]) -> Response:
        """The Device API."""
        asked, shown = _request_of(request), request.headers.get("Authorization", "")
        return self._answer(shown, self.host.device, text(asked, "application"), header=True)

    def _answer(self, value: str, type: int, project: str, header: bool) -> Response:
        verdict = self.host.store.verify(value, type=type, project=project, header=header)
        if verdict:
            return Response(200, {"status_code": 200, "status_message": "OK"})
        if verdict.status == tokenstore.Status.NO_GRANT:
            return Response(403, {"status_code": 403, "status_message": "No access to the project"})
        # A token of the wrong type is no better than none.
        return Response(401, {"status_code": 401, "status_message": "Authentication error"})

    # What is shown

    def _own(self, rest: List[str], owner: bytes) -> str:
        return self.host.own(rest[0], owner, *self.types.values())

    def _made(self, made: tokenstore.Created, status: int = 201) -> Response:
        shown = {**self._shown(self.host.store.get(made.id)), "token": made.value.reveal()}
        return Response(status, shown, headers=dict(NO_STORE))

    def _found(self, found: tokenstore.Existing) -> Response:
        return Response(200, self._shown(self.host.store.get(found.id)))

    def _shown(self, token: tokenstore.Token) -> Dict[str, Any]:
        projects: Union[str, List[str]] = "all"
        if not isinstance(token.projects, tokenstore.All):
            projects = [project.decode("utf-8", "replace") for project in token.projects]
        type = "server" if token.type == self.host.server else "device"
        return {"id": str(token.id), "type": type, "name": token.name, "projects": projects}


def _request_of(request: Request) -> Dict[str, Any]:
    """Calls of these APIs stand in a field `request`."""
    asked = request.json().get("request")
    if not isinstance(asked, dict):
        raise Refusal(400, "request is missing")
    return asked
