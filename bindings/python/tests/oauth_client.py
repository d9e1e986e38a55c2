"""An OAuth client that others wrote, as it is, against the example server: Authlib over requests.

`python3 oauth_client.py`: it signs in, refreshes ten times, uses what it got, revokes, and is refused from then on.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, Callable

# The server is on loopback and speaks plain HTTP: Authlib's own switch for that.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import authlib  # noqa: E402
from authlib.integrations.base_client import OAuthError  # noqa: E402
from authlib.integrations.requests_client import OAuth2Session  # noqa: E402

import tokenstore  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

import three_apis  # noqa: E402
from apis.host import Host  # noqa: E402

REFRESHES = 10
ASKED = {"backUrl": "https://shop.example/", "accountId": "account-3", "locale": "it"}


def refusal_of(call: Callable[[], Any]) -> str:
    """The error code with which a call of the client ends."""
    try:
        call()
    except OAuthError as error:
        return str(error.error)
    raise AssertionError("nothing was refused")


def expect(what: str, found: object, wanted: object) -> None:
    """Fails with what was found. No value of a token is given to it."""
    if found != wanted:
        raise AssertionError(f"{what}: expected {wanted}, got {found}")


def play(client: Any, url: str, method: str) -> None:
    """A session from the sign-in to the revocation."""
    token_url = url + "/oauth/token"
    token = client.fetch_token(token_url, grant_type="client_credentials")
    expect("expires_in", token["expires_in"], 36_000)
    expect("an access token", client.post(url + "/v1/sso", json=ASKED).status_code, 200)
    seen = {token["access_token"], token["refresh_token"]}
    for turn in range(1, REFRESHES + 1):
        before = token
        token = client.refresh_token(token_url, refresh_token=before["refresh_token"])
        seen |= {token["access_token"], token["refresh_token"]}
        expect("values that were never there before", len(seen), 2 * turn + 2)
        expect("a refreshed access token", client.post(url + "/v1/sso", json=ASKED).status_code, 200)
        told = client.introspect_token(url + "/oauth/introspect", token=before["access_token"])
        expect("the access token before", told.json(), {"active": False})
    told = client.introspect_token(url + "/oauth/introspect", token=token["access_token"])
    expect("the client of the token", (told.json()["active"], told.json()["client_id"]), (True, client.client_id))
    revoked = client.revoke_token(url + "/oauth/revoke", token=token["access_token"])
    expect("a revocation", revoked.status_code, 200)
    expect("a revoked access token", client.post(url + "/v1/sso", json=ASKED).status_code, 401)
    again = refusal_of(lambda: client.refresh_token(token_url, refresh_token=token["refresh_token"]))
    expect("a refresh after the revocation", again, "invalid_grant")
    print(f"Authlib {authlib.__version__}, {method}: signed in, refreshed {REFRESHES} times, refused when revoked")


def main() -> None:
    """Plays over a store in a file, by both ways of client authentication."""
    with tempfile.TemporaryDirectory() as folder:
        with tokenstore.Store.create(os.path.join(folder, "tokens.store")) as store:
            host = Host(store)
            secret = host.register_client("client-7", "user-17")
            with three_apis.Server(host) as server:
                thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
                thread.start()
                try:
                    for method in ("client_secret_basic", "client_secret_post"):
                        client = OAuth2Session(
                            "client-7", secret.reveal(), token_endpoint_auth_method=method
                        )
                        play(client, server.url, method)
                    wrong = OAuth2Session("client-7", "wrong")
                    signing_in = refusal_of(
                        lambda: wrong.fetch_token(server.url + "/oauth/token", grant_type="client_credentials")
                    )
                    expect("a wrong secret", signing_in, "invalid_client")
                finally:
                    server.shutdown()
                    thread.join()


if __name__ == "__main__":
    main()
