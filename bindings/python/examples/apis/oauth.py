"""OAuth 2.0 over the same calls: /oauth/token (RFC 6749), /oauth/revoke (RFC 7009), /oauth/introspect (RFC 7662).

RFC 6749 says that client credentials should get no refresh token (4.4.3). They get one here, as Meister1's clients do.
"""

import base64
from typing import Any, Dict, List, Tuple
from urllib.parse import unquote_plus

import tokenstore

from .host import Host, ms_of
from .web import NO_STORE, Refusal, Request, Response, Route


class OAuth:
    """Its routes."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._access = host.store.query(type=host.access)

    def routes(self) -> Dict[str, Route]:
        """By method and path."""
        return {
            "POST /oauth/token": self.token,
            "POST /oauth/revoke": self.revoke,
            "POST /oauth/introspect": self.introspect,
        }

    def token(self, request: Request, rest: List[str]) -> Response:
        """`client_credentials` and `refresh_token`, both with client authentication."""
        form = request.form()
        kind = _parameter(form, "grant_type")
        client, owner = self._client(request, form)
        if kind == "client_credentials":
            pair = self.host.issue(self.host.refresh, client, owner)
        elif kind == "refresh_token":
            refreshed = self.host.refreshed(self.host.refresh, client, _parameter(form, "refresh_token"))
            if refreshed is None:
                raise Refusal(400, "invalid_grant")
            pair = refreshed
        else:
            raise Refusal(400, "unsupported_grant_type")
        return _told(
            {
                "access_token": pair.access.value.reveal(),
                "token_type": "Bearer",
                "expires_in": self.host.seconds_left(pair),
                "refresh_token": pair.refresh.value.reveal(),
            }
        )

    def revoke(self, request: Request, rest: List[str]) -> Response:
        """Ends the whole family of a token, whichever of its values it is. A value that nobody has is no error."""
        form = request.form()
        client, _ = self._client(request, form)
        token = self.host.token_of(_parameter(form, "token"))
        if token is not None and token.family is not None:
            if token.app_data != client.encode():
                raise Refusal(400, "invalid_grant", error_description="another client's token")
            self.host.store.revoke_family(token.family, by=client, reason="RFC 7009")
        return Response(200, headers=dict(NO_STORE))

    def introspect(self, request: Request, rest: List[str]) -> Response:
        """What a token is, to any client that signs in; a refresh token only to its own."""
        form = request.form()
        client, _ = self._client(request, form)
        value = _parameter(form, "token")
        verdict = self.host.store.verify(value, self._access)
        if not verdict:
            verdict = self.host.store.verify(value, type=self.host.refresh, binding=client)
            if verdict.status != tokenstore.Status.MUST_REFRESH:
                return _told({"active": False})
        token = self.host.token_of(value)
        if token is None or token.expires is None:
            return _told({"active": False})
        shown = {
            "active": True,
            "client_id": token.app_data.decode("utf-8", "replace"),
            "sub": token.owner.decode("utf-8", "replace"),
            "iat": ms_of(token.created) // 1000,
            "exp": ms_of(token.expires) // 1000,
        }
        if not token.refreshes:
            shown["token_type"] = "Bearer"
        return _told(shown)

    def _client(self, request: Request, form: Dict[str, str]) -> Tuple[str, bytes]:
        """Who calls, by HTTP Basic or by parameters, and not by both (RFC 6749, section 2.3.1)."""
        header = request.headers.get("Authorization", "")
        if header and "client_secret" in form:
            raise Refusal(400, "invalid_request", error_description="two ways of client authentication")
        client, secret = _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
        owner = self.host.client(client, secret)
        if owner is None:
            raise Refusal(401, "invalid_client", {"WWW-Authenticate": 'Basic realm="oauth"'})
        return client, owner


def _basic(header: str) -> Tuple[str, str]:
    scheme, _, coded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client, _, secret = base64.b64decode(coded.strip(), validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client), unquote_plus(secret)


def _parameter(form: Dict[str, str], name: str) -> str:
    """A parameter without a value counts as left out (section 3.2)."""
    if not form.get(name):
        raise Refusal(400, "invalid_request", error_description=f"{name} is missing")
    return form[name]


def _told(shown: Dict[str, Any]) -> Response:
    return Response(200, shown, headers=dict(NO_STORE))
