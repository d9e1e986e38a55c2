"""Meister1: clients sign in and refresh at /v1/token; /v1/sso makes an address that signs a user in, once, within 15 s.

The address carries what its document names. What counts is what the ticket carries: the rest of an address can be
rewritten. A ticket lives in memory alone, so it is gone with the process, and costs no write.
"""

import html
import json
from typing import Dict, List
from urllib.parse import urlencode, urlsplit

import tokenstore

from .host import GRANT_LIFETIME, Host, ms_of
from .web import NO_STORE, Refusal, Request, Response, Route, parameters, text

_PAGE = """<!doctype html>
<title>Sign in</title>
<form method="post" action="/v1/grant"><input type="hidden" name="token" value="{token}">
<button>Continue</button></form>
"""


class Meister1:
    """Its routes."""

    def __init__(self, host: Host, url: str) -> None:
        self.host = host
        self.url = url
        self._bearer = host.store.query(type=host.access, header=True)
        self._grants = host.store.query(type=host.grant)

    def routes(self) -> Dict[str, Route]:
        """By method and path."""
        return {
            "POST /v1/token": self.token,
            "POST /v1/sso": self.sso,
            "GET /v1/grant": self.look,
            "POST /v1/grant": self.open,
        }

    def token(self, request: Request, rest: List[str]) -> Response:
        """`client_credentials` with a secret, or `refresh_token` with the client's id and no secret."""
        asked = request.given()
        kind, client = text(asked, "grantType"), text(asked, "clientId")
        if kind == "client_credentials":
            owner = self.host.client(client, text(asked, "clientSecret"))
            if owner is None:
                raise Refusal(401, "unauthorized")
            pair = self.host.issue(self.host.public_refresh, client, owner)
        elif kind == "refresh_token":
            refreshed = self.host.refreshed(self.host.public_refresh, client, text(asked, "refreshToken"))
            if refreshed is None:
                raise Refusal(401, "unauthorized")
            pair = refreshed
        else:
            raise Refusal(400, "grantType is client_credentials or refresh_token")
        return Response(
            200,
            {
                "accessToken": pair.access.value.reveal(),
                "expiresIn": self.host.seconds_left(pair),
                "tokenType": "Bearer",
                "refreshToken": pair.refresh.value.reveal(),
            },
            headers=dict(NO_STORE),
        )

    def sso(self, request: Request, rest: List[str]) -> Response:
        """An address that signs the owner of the access token in."""
        owner, asked = self.host.owner(request, self._bearer), request.given()
        at = ms_of(self.host.now())
        carried = {
            "userId": owner.decode("utf-8", "replace"),
            "backUrl": _web_address(text(asked, "backUrl")),
            "deepPath": str(asked.get("deepPath", "/")),
            "accountId": text(asked, "accountId"),
            "locale": text(asked, "locale"),
        }
        ticket = self.host.store.create_token(
            self.host.grant, owner, app_data=json.dumps(carried), app_word=at
        )
        shown = {"token": ticket.value.reveal(), "userId": carried["userId"], "timestamp": str(at)}
        shown.update(backUrl=carried["backUrl"], deepPath=carried["deepPath"])
        url = f"{self.url}/v1/grant?{urlencode(shown, errors='replace')}"
        seconds = int(GRANT_LIFETIME.total_seconds())
        return Response(200, {"grantUrl": url, "expiresIn": seconds}, headers=dict(NO_STORE))

    def look(self, request: Request, rest: List[str]) -> Response:
        """Programs open addresses before people do, so this only looks."""
        token = text(parameters(request.query), "token")
        if self.host.store.verify(token, self._grants).status != tokenstore.Status.MUST_CONSUME:
            raise Refusal(403, "the grant is not valid any more")
        return Response(200, html=_PAGE.format(token=html.escape(token)), headers=dict(NO_STORE))

    def open(self, request: Request, rest: List[str]) -> Response:
        """Signs in: of many that open one address, one does."""
        spent = self.host.store.consume(text(request.form(), "token"), self._grants)
        if spent.app_data is None:
            raise Refusal(403, "the grant is not valid any more")
        carried = json.loads(spent.app_data)
        return Response(200, {**carried, "timestamp": spent.verdict.app_word}, headers=dict(NO_STORE))


def _web_address(given: str) -> str:
    """Where the user comes back to: a page of the web, and no script."""
    try:
        parts = urlsplit(given)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refusal(400, "backUrl is an address of the web")
    return given
