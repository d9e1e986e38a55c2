"""meetergo: personal access tokens with unique names and an optional expiry, shown once, revoked at once."""

from datetime import datetime
from typing import Any, Dict, List, Optional

import tokenstore

from .host import Host, time_in
from .web import NO_STORE, Request, Response, Route, text


class Meetergo:
    """Its routes."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._bearer = host.store.query(type=host.personal, header=True)

    def routes(self) -> Dict[str, Route]:
        """By method and path."""
        return {
            "POST /meetergo/tokens": self.create,
            "GET /meetergo/tokens": self.list,
            "DELETE /meetergo/tokens/*": self.revoke,
            "GET /meetergo/me": self.me,
        }

    def create(self, request: Request, rest: List[str]) -> Response:
        """The answer is the only place where the token stands."""
        user, asked = self.host.user(request), request.json()
        name, expires = text(asked, "name"), time_in(asked.get("expiresAt"))
        made = self.host.store.create_token(self.host.personal, user, name, expires=expires, by=user)
        shown = {**_shown(self.host.store.get(made.id)), "token": made.value.reveal()}
        return Response(201, shown, headers=dict(NO_STORE))

    def list(self, request: Request, rest: List[str]) -> Response:
        """What can be used, without values."""
        tokens = self.host.store.list(owner=self.host.user(request), type=self.host.personal)
        return Response(200, {"tokens": [_shown(token) for token in tokens]})

    def revoke(self, request: Request, rest: List[str]) -> Response:
        """From now on; of others' tokens nobody learns that they are there."""
        user = self.host.user(request)
        self.host.store.revoke(self.host.own(rest[0], user, self.host.personal), if_owner=user, by=user)
        return Response(204)

    def me(self, request: Request, rest: List[str]) -> Response:
        """A call of the API."""
        return Response(200, {"user": self.host.owner(request, self._bearer).decode("utf-8", "replace")})


def _shown(token: tokenstore.Token) -> Dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "createdAt": token.created.isoformat(),
        "expiresAt": _time(token.expires),
        "lastUsedAt": _time(token.last_used),
    }


def _time(time: Optional[datetime]) -> Optional[str]:
    return None if time is None else time.isoformat()
