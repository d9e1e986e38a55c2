"""The example server answers what the documents of three APIs, and of OAuth 2.0, say."""

import base64
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional
from unittest import mock
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import tokenstore

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
sys.path.insert(0, str(EXAMPLES))

import three_apis  # noqa: E402
from apis.host import Host  # noqa: E402

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
NOON_MS = 1_795_521_600_000


class Reply(NamedTuple):
    """An answer, as a client sees it."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Dict[str, Any]:
        read: Dict[str, Any] = json.loads(self.body)
        return read


class Served(unittest.TestCase):
    """A server on loopback with a store in memory, a clock that stands, a client and a person."""

    def setUp(self) -> None:
        self.clock = tokenstore.ManualClock(NOON)
        self.store = tokenstore.Store.in_memory(clock=self.clock)
        self.addCleanup(self.store.close)
        self.host = Host(self.store, self.clock.now)
        self.server = three_apis.Server(self.host)
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)
        self.secret = self.host.register_client("client-7", "user-17").reveal()
        self.session = "Bearer " + self.host.sign_in("user-17").reveal()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """A request: JSON of a dict, a form of a str."""
        if isinstance(body, dict):
            headers["Content_Type"], body = "application/json", json.dumps(body)
        elif body is not None:
            headers["Content_Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=30)
        try:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            return Reply(got.status, got.headers, got.read())
        finally:
            connection.close()

    def panel(self, method: str, path: str, body: Optional[Dict[str, Any]] = None, expect: int = 200) -> Any:
        """A request of the person who is signed in; the JSON of its answer."""
        reply = self.ask(method, path, body, Authorization=self.session)
        self.assertEqual(reply.status, expect, reply.body)
        return reply.json if reply.body else None


class Meister1(Served):
    def token(self, **asked: str) -> Reply:
        return self.ask("POST", "/v1/token", asked)

    def sign_in(self) -> Dict[str, Any]:
        reply = self.token(grantType="client_credentials", clientId="client-7", clientSecret=self.secret)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    def sso(self, access: str, **more: str) -> Reply:
        asked = {"backUrl": "https://shop.example/cart", "accountId": "account-3", "locale": "it", **more}
        return self.ask("POST", "/v1/sso", asked, Authorization=f"Bearer {access}")

    def grant(self, deep: str = "/orders/7") -> str:
        reply = self.sso(self.sign_in()["accessToken"], deepPath=deep)
        self.assertEqual((reply.status, reply.json["expiresIn"]), (200, 15))
        url: str = reply.json["grantUrl"]
        return url

    def look(self, url: str) -> Reply:
        return self.ask("GET", url[len(self.server.url) :])

    def open(self, url: str) -> Reply:
        return self.ask("POST", "/v1/grant", urlencode({"token": parse_qs(urlsplit(url).query)["token"][0]}))

    def test_a_client_signs_in_with_its_secret_and_refreshes_without(self) -> None:
        first = self.sign_in()
        self.assertEqual(sorted(first), ["accessToken", "expiresIn", "refreshToken", "tokenType"])
        self.assertEqual((first["expiresIn"], first["tokenType"]), (36_000, "Bearer"))
        reply = self.token(grantType="refresh_token", clientId="client-7", refreshToken=first["refreshToken"])
        self.assertEqual(reply.status, 200)
        self.assertEqual(reply.headers["Cache-Control"], "no-store")
        second = reply.json
        self.assertEqual(second["expiresIn"], 36_000)
        self.assertNotEqual(second["accessToken"], first["accessToken"])
        self.assertNotEqual(second["refreshToken"], first["refreshToken"])
        self.assertEqual(self.sso(first["accessToken"]).status, 401)
        self.assertEqual(self.sso(second["accessToken"]).status, 200)

    def test_a_lost_reply_is_asked_for_again_and_a_theft_ends_the_family(self) -> None:
        first = self.sign_in()
        asked = {"grantType": "refresh_token", "clientId": "client-7", "refreshToken": first["refreshToken"]}
        second = self.token(**asked).json
        self.clock.advance(timedelta(milliseconds=10_001))
        again = self.token(**asked).json
        self.assertEqual(again.pop("expiresIn"), 36_000 - 10, "rounded up")
        self.assertEqual(again, {name: second[name] for name in again})
        self.clock.advance(timedelta(seconds=21))
        self.assertEqual(self.token(**asked).status, 401)
        self.assertEqual(self.sso(second["accessToken"]).status, 401)

    def test_who_is_not_that_client_gets_nothing(self) -> None:
        first = self.sign_in()
        other = self.host.register_client("client-8", "user-18").reveal()
        for asked, status in (
            ({"grantType": "client_credentials", "clientId": "client-7", "clientSecret": other}, 401),
            ({"grantType": "client_credentials", "clientId": "", "clientSecret": other}, 400),
            ({"grantType": "client_credentials", "clientId": "c" * 300, "clientSecret": other}, 401),
            ({"grantType": "client_credentials", "clientId": "client-7"}, 400),
            ({"grantType": "password", "clientId": "client-7"}, 400),
            ({"grantType": "refresh_token", "clientId": "client-8", "refreshToken": first["refreshToken"]}, 401),
            ({"grantType": "refresh_token", "clientId": "client-7", "refreshToken": first["accessToken"]}, 401),
            ({"grantType": "refresh_token", "clientId": "client-7", "refreshToken": self.secret}, 401),
            ({"grantType": "refresh_token", "clientId": "client-7"}, 400),
        ):
            self.assertEqual(self.token(**asked).status, status, sorted(asked))
        self.assertEqual(self.sso(self.secret).status, 401)
        self.assertEqual(self.sso(first["refreshToken"]).status, 401)
        self.assertEqual(self.sso(first["accessToken"]).status, 200)

    def test_a_body_may_be_a_form_as_curl_sends_it(self) -> None:
        asked = {"grantType": "client_credentials", "clientId": "client-7", "clientSecret": self.secret}
        signed_in = self.ask("POST", "/v1/token", urlencode(asked))
        self.assertEqual((signed_in.status, signed_in.json["expiresIn"]), (200, 36000))
        asked = {"backUrl": "https://shop.example/cart", "accountId": "account-3", "locale": "it"}
        bearer = "Bearer " + signed_in.json["accessToken"]
        grant = self.ask("POST", "/v1/sso", urlencode(asked), Authorization=bearer)
        self.assertEqual((grant.status, grant.json["expiresIn"]), (200, 15))
        self.assertEqual(self.ask("POST", "/v1/token", urlencode({"grantType": "password"})).status, 400)

    def test_an_access_token_works_for_36000_seconds(self) -> None:
        access = self.sign_in()["accessToken"]
        self.clock.advance(timedelta(milliseconds=35_999_999))
        self.assertEqual(self.sso(access).status, 200)
        self.clock.advance(timedelta(milliseconds=1))
        self.assertEqual(self.sso(access).status, 401)

    def test_a_grant_url_carries_what_the_document_names_and_works_once(self) -> None:
        url = self.grant()
        carried = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.assertEqual(sorted(carried), ["backUrl", "deepPath", "timestamp", "token", "userId"])
        self.assertEqual((carried["userId"], carried["timestamp"]), ("user-17", str(NOON_MS)))
        for _ in range(3):
            # Looking at it, as a link checker does, spends nothing.
            page = self.look(url)
            self.assertEqual(page.status, 200)
            self.assertIn(carried["token"], page.body.decode())
            self.assertEqual(page.headers["Referrer-Policy"], "no-referrer")
        opened = self.open(url)
        self.assertEqual(opened.status, 200)
        self.assertEqual(
            opened.json,
            {
                "userId": "user-17",
                "timestamp": NOON_MS,
                "backUrl": "https://shop.example/cart",
                "deepPath": "/orders/7",
                "accountId": "account-3",
                "locale": "it",
            },
        )
        self.assertEqual(self.open(url).status, 403)
        self.assertEqual(self.look(url).status, 403)

    def test_a_grant_url_works_for_15_seconds_to_the_millisecond(self) -> None:
        early, late = self.grant(), self.grant()
        self.clock.advance(timedelta(milliseconds=14_999))
        self.assertEqual(self.look(late).status, 200)
        self.assertEqual(self.open(early).status, 200)
        self.clock.advance(timedelta(milliseconds=1))
        self.assertEqual(self.look(late).status, 403)
        self.assertEqual(self.open(late).status, 403)

    def test_of_many_that_open_one_grant_url_one_gets_in(self) -> None:
        url, together = self.grant(), threading.Barrier(8)
        statuses: List[int] = []

        def open_it() -> None:
            together.wait()
            statuses.append(self.open(url).status)

        threads = [threading.Thread(target=open_it) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(statuses), [200] + [403] * 7)

    def test_what_an_address_says_is_not_what_counts(self) -> None:
        forged = self.grant().replace("user-17", "user-18")
        self.assertEqual(self.open(forged).json["userId"], "user-17")
        access = self.sign_in()["accessToken"]
        for address in ("javascript:alert(1)", "//shop.example", "https://", "shop", "http://[", ""):
            self.assertEqual(self.sso(access, backUrl=address).status, 400, address)
        self.assertEqual(self.sso(access, deepPath="/\ud800").status, 200)
        for token in ('"><script>', access, "", quote("\0")):
            page = self.ask("GET", f"/v1/grant?token={quote(token)}")
            self.assertIn(page.status, (400, 403))
            self.assertNotIn(b"<script>", page.body)

    def test_curl_signs_in_and_opens_a_grant(self) -> None:
        curl = shutil.which("curl")
        if curl is None:
            self.skipTest("there is no curl")

        def run(*arguments: str) -> Dict[str, Any]:
            ran = subprocess.run([curl or "", "-sS", *arguments], capture_output=True, check=True, timeout=30)
            read: Dict[str, Any] = json.loads(ran.stdout)
            return read

        asked = {"grantType": "client_credentials", "clientId": "client-7", "clientSecret": self.secret}
        json_body = ["-H", "Content-Type: application/json", "-d"]
        signed = run("-X", "POST", self.server.url + "/v1/token", *json_body, json.dumps(asked))
        self.assertEqual(signed["expiresIn"], 36_000)
        asked = {"backUrl": "https://shop.example/", "accountId": "a", "locale": "de"}
        bearer = ["-H", f"Authorization: Bearer {signed['accessToken']}"]
        granted = run(self.server.url + "/v1/sso", *bearer, *json_body, json.dumps(asked))
        token = parse_qs(urlsplit(granted["grantUrl"]).query)["token"][0]
        opened = run(self.server.url + "/v1/grant", "--data-urlencode", f"token={token}")
        self.assertEqual(opened["userId"], "user-17")


class Program(unittest.TestCase):
    def test_the_program_shows_values_once_and_goes_on_after_a_restart(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            first, told = self.serve(os.path.join(folder, "tokens.store"), None)
            self.assertEqual(len(told), 2)
            second, nothing = self.serve(os.path.join(folder, "tokens.store"), first["refreshToken"])
            self.assertEqual(nothing, [])
            self.assertNotEqual(second["refreshToken"], first["refreshToken"])

    def serve(self, path: str, refresh: Optional[str]) -> Any:
        """What a client gets of the program, and the lines with values that it printed."""
        command = [sys.executable, str(EXAMPLES / "three_apis.py"), path, "0"]

        def heed_ctrl_c() -> None:
            # What ignores it, as jobs in a shell's background do, hands that on to what it starts.
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, preexec_fn=heed_ctrl_c
        ) as program:
            assert program.stdout is not None
            try:
                told = []
                while True:
                    name, _, value = program.stdout.readline().strip().rpartition(" ")
                    if name == "listening on":
                        break
                    self.assertIn("shown once", name)
                    told.append(value)
                asked = {"grantType": "refresh_token", "clientId": "client-7", "refreshToken": refresh}
                if told:
                    asked = {"grantType": "client_credentials", "clientId": "client-7", "clientSecret": told[0]}
                connection = http.client.HTTPConnection(urlsplit(value).netloc, timeout=30)
                connection.request("POST", "/v1/token", json.dumps(asked))
                got = json.loads(connection.getresponse().read())
                connection.close()
            finally:
                program.send_signal(signal.SIGINT)
                program.wait(30)
        self.assertEqual(program.returncode, 0)
        return got, told


class Meetergo(Served):
    def me(self, token: str) -> Reply:
        return self.ask("GET", "/meetergo/me", Authorization=f"Bearer {token}")

    def test_a_personal_token_is_shown_once_listed_and_revoked(self) -> None:
        made = self.panel("POST", "/meetergo/tokens", {"name": "Laptop"}, 201)
        self.assertRegex(made["token"], "^mgo_")
        self.assertEqual((made["name"], made["expiresAt"]), ("Laptop", None))
        used = self.me(made["token"])
        self.assertEqual((used.status, used.json), (200, {"user": "user-17"}))
        self.panel("POST", "/meetergo/tokens", {"name": "Laptop"}, 409)
        listed = self.panel("GET", "/meetergo/tokens")["tokens"]
        self.assertEqual([token["id"] for token in listed], [made["id"]])
        self.assertNotIn("token", listed[0])
        self.assertEqual(listed[0]["lastUsedAt"], NOON.isoformat())
        self.panel("DELETE", f"/meetergo/tokens/{made['id']}", expect=204)
        self.assertEqual(self.me(made["token"]).status, 401)
        self.assertEqual(self.panel("GET", "/meetergo/tokens")["tokens"], [])
        # The name is free again.
        self.panel("POST", "/meetergo/tokens", {"name": "Laptop"}, 201)

    def test_an_expiry_is_kept_to_the_millisecond(self) -> None:
        made = self.panel(
            "POST", "/meetergo/tokens", {"name": "CI", "expiresAt": "2026-11-24T12:00:01Z"}, 201
        )
        self.clock.advance(timedelta(milliseconds=999))
        self.assertEqual(self.me(made["token"]).status, 200)
        self.clock.advance(timedelta(milliseconds=1))
        self.assertEqual(self.me(made["token"]).status, 401)
        wrong: Any
        for wrong in ("tomorrow", "2026-11-24T12:00:00", "2026-11-24T11:00:00Z", 5, {}):
            self.panel("POST", "/meetergo/tokens", {"name": "no", "expiresAt": wrong}, 400)

    def test_others_tokens_and_other_tokens_are_not_there(self) -> None:
        made = self.panel("POST", "/meetergo/tokens", {"name": "Laptop"}, 201)
        stranger = "Bearer " + self.host.sign_in("user-18").reveal()
        path = f"/meetergo/tokens/{made['id']}"
        self.assertEqual(self.ask("DELETE", path, Authorization=stranger).status, 404)
        self.assertEqual(self.ask("DELETE", path).status, 401)
        self.assertEqual(self.ask("DELETE", path, Authorization=f"Bearer {made['token']}").status, 401)
        self.assertEqual(self.me(made["token"]).status, 200)
        server = self.panel("POST", "/pushwoosh/tokens", {"type": "server", "name": "S"}, 201)
        self.panel("DELETE", f"/meetergo/tokens/{server['id']}", expect=404)
        self.assertEqual(self.me(self.session.split()[1]).status, 401)
        challenge = self.me("nonsense")
        self.assertEqual((challenge.status, challenge.headers["WWW-Authenticate"][:6]), (401, "Bearer"))


class Pushwoosh(Served):
    def make(self, type: str, name: str) -> Dict[str, Any]:
        made: Dict[str, Any] = self.panel("POST", "/pushwoosh/tokens", {"type": type, "name": name}, 201)
        return made

    def message(self, token: str, project: str = "A-1") -> int:
        asked = {"request": {"application": project, "auth": token, "notifications": []}}
        reply = self.ask("POST", "/json/1.3/createMessage", asked)
        self.assertEqual(reply.json["status_code"], reply.status)
        return reply.status

    def register(self, token: str, project: str = "A-1") -> int:
        asked = {"request": {"application": project, "hwid": "x"}}
        reply = self.ask("POST", "/json/1.3/registerDevice", asked, Authorization=f"Token {token}")
        self.assertEqual(reply.json["status_code"], reply.status)
        return reply.status

    def test_each_type_is_good_for_its_own_api_alone(self) -> None:
        server, device = self.make("server", "S"), self.make("device", "D")
        for made in (server, device):
            self.assertEqual(made["projects"], [])
            self.panel("POST", f"/pushwoosh/tokens/{made['id']}/grantAll")
        self.assertEqual((self.message(server["token"]), self.register(device["token"])), (200, 200))
        self.assertEqual((self.message(device["token"]), self.register(server["token"])), (401, 401))
        self.assertEqual((self.message("nonsense"), self.register("nonsense")), (401, 401))
        self.panel("POST", "/pushwoosh/tokens", {"type": "other", "name": "O"}, 400)

    def test_a_token_reaches_the_projects_that_it_was_granted(self) -> None:
        made = self.make("server", "S")
        token, path = made["token"], f"/pushwoosh/tokens/{made['id']}"
        self.assertEqual(self.message(token), 403)
        self.assertEqual(self.panel("POST", path + "/grantAll")["projects"], "all")
        self.assertEqual((self.message(token), self.message(token, "B-2")), (200, 200))
        self.assertEqual(self.panel("POST", path + "/revokeAll")["projects"], [])
        self.assertEqual(self.message(token), 403)
        saved = self.panel("PUT", path, {"name": "Renamed", "projects": ["B-2", "C-3"]})
        self.assertEqual((saved["name"], saved["projects"]), ("Renamed", ["B-2", "C-3"]))
        self.assertEqual((self.message(token), self.message(token, "B-2")), (403, 200))
        # A name that is taken saves neither.
        self.make("device", "Taken")
        self.panel("PUT", path, {"name": "Taken", "projects": ["A-1"]}, 409)
        self.assertEqual((self.message(token), self.message(token, "B-2")), (403, 200))
        self.panel("PUT", path, {"name": "Renamed", "projects": "A-1"}, 400)
        self.panel("DELETE", path, expect=204)
        self.assertEqual(self.message(token, "B-2"), 401)
        self.panel("DELETE", path, expect=404)

    def test_an_account_begins_with_one_default_token(self) -> None:
        first = self.panel("POST", "/pushwoosh/account", expect=201)
        self.assertEqual((first["name"], first["type"]), ("Pushwoosh Demo App", "server"))
        self.assertEqual(self.message(first["token"]), 200)
        again = self.panel("POST", "/pushwoosh/account")
        self.assertEqual(again["id"], first["id"])
        self.assertNotIn("token", again)
        self.assertEqual(len(self.panel("GET", "/pushwoosh/tokens")["tokens"]), 1)

    def test_a_value_is_replaced_instead_of_shown_again(self) -> None:
        first = self.panel("POST", "/pushwoosh/account", expect=201)
        second = self.panel("POST", f"/pushwoosh/tokens/{first['id']}/rotate")
        self.assertEqual(second["id"], first["id"])
        self.assertEqual((self.message(first["token"]), self.message(second["token"])), (200, 200))
        self.clock.advance(timedelta(hours=1))
        self.assertEqual((self.message(first["token"]), self.message(second["token"])), (401, 200))

    def test_others_tokens_and_other_tokens_are_not_there(self) -> None:
        made = self.make("server", "S")
        stranger = "Bearer " + self.host.sign_in("user-18").reveal()
        personal = self.panel("POST", "/meetergo/tokens", {"name": "Laptop"}, 201)
        for method, end, body in (
            ("PUT", "", {"name": "x", "projects": []}),
            ("DELETE", "", None),
            ("POST", "/grantAll", None),
            ("POST", "/revokeAll", None),
            ("POST", "/rotate", None),
        ):
            reply = self.ask(method, f"/pushwoosh/tokens/{made['id']}{end}", body, Authorization=stranger)
            self.assertEqual(reply.status, 404, method + end)
            self.panel(method, f"/pushwoosh/tokens/{personal['id']}{end}", body, 404)


class OAuth(Served):
    def post(self, path: str, client: str = "client-7", secret: Optional[str] = None, **form: str) -> Reply:
        pair = f"{quote(client, '')}:{quote(self.secret if secret is None else secret, '')}"
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        return self.ask("POST", path, urlencode(form), Authorization=basic)

    def sign_in(self) -> Dict[str, Any]:
        reply = self.post("/oauth/token", grant_type="client_credentials")
        self.assertEqual(reply.status, 200, reply.body)
        self.assertEqual((reply.headers["Cache-Control"], reply.headers["Pragma"]), ("no-store", "no-cache"))
        return reply.json

    def refused(self, reply: Reply, status: int, error: str) -> None:
        self.assertEqual((reply.status, reply.json["error"]), (status, error), reply.body)
        self.assertEqual(reply.headers["Cache-Control"], "no-store")

    def active(self, value: str) -> Dict[str, Any]:
        reply = self.post("/oauth/introspect", token=value)
        self.assertEqual(reply.status, 200)
        return reply.json

    def test_the_token_endpoint_is_that_of_rfc_6749(self) -> None:
        first = self.sign_in()
        self.assertEqual((first["token_type"], first["expires_in"]), ("Bearer", 36_000))
        second = self.post("/oauth/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
        self.assertEqual(sorted(second.json), sorted(first))
        by_form = f"grant_type=client_credentials&client_id=client-7&client_secret={self.secret}"
        self.assertEqual(self.ask("POST", "/oauth/token", by_form).status, 200)

    def test_errors_of_the_token_endpoint_are_those_of_rfc_6749(self) -> None:
        unknown = self.post("/oauth/token", secret="wrong", grant_type="client_credentials")
        self.refused(unknown, 401, "invalid_client")
        self.assertRegex(unknown.headers["WWW-Authenticate"], "^Basic ")
        grant = {"grant_type": "client_credentials"}
        for header in ("Bearer x", "Basic", "Basic !", "Basic " + base64.b64encode(b"\xff:x").decode()):
            reply = self.ask("POST", "/oauth/token", urlencode(grant), Authorization=header)
            self.refused(reply, 401, "invalid_client")
        self.refused(self.ask("POST", "/oauth/token", urlencode(grant)), 401, "invalid_client")
        self.refused(self.post("/oauth/token", grant_type="password"), 400, "unsupported_grant_type")
        self.refused(self.post("/oauth/token"), 400, "invalid_request")
        self.refused(self.post("/oauth/token", grant_type="refresh_token"), 400, "invalid_request")
        two_ways = self.post("/oauth/token", grant_type="client_credentials", client_secret=self.secret)
        self.refused(two_ways, 400, "invalid_request")
        twice = "grant_type=client_credentials&grant_type=client_credentials"
        self.refused(self.ask("POST", "/oauth/token", twice), 400, "invalid_request")
        many = "&".join(f"p{place}=" for place in range(101))
        self.refused(self.ask("POST", "/oauth/token", many), 400, "invalid_request")
        wrong = self.post("/oauth/token", grant_type="refresh_token", refresh_token="wrong")
        self.refused(wrong, 400, "invalid_grant")
        other = self.host.register_client("client-8", "user-18").reveal()
        stolen = {"grant_type": "refresh_token", "refresh_token": self.sign_in()["refresh_token"]}
        self.refused(self.post("/oauth/token", "client-8", other, **stolen), 400, "invalid_grant")

    def test_a_revocation_ends_the_family_whichever_value_is_shown(self) -> None:
        for kind in ("access_token", "refresh_token"):
            pair = self.sign_in()
            reply = self.post("/oauth/revoke", token=pair[kind], token_type_hint="access_token")
            self.assertEqual((reply.status, reply.body), (200, b""))
            self.assertEqual(self.active(pair["access_token"]), {"active": False})
            again = self.post("/oauth/token", grant_type="refresh_token", refresh_token=pair["refresh_token"])
            self.refused(again, 400, "invalid_grant")
        # A value that nobody has is no error (section 2.2).
        self.assertEqual(self.post("/oauth/revoke", token="nonsense").status, 200)
        self.refused(self.post("/oauth/revoke"), 400, "invalid_request")
        self.refused(self.post("/oauth/revoke", secret="x", token="x"), 401, "invalid_client")

    def test_a_client_revokes_its_own_tokens_alone(self) -> None:
        pair = self.sign_in()
        other = self.host.register_client("client-8", "user-17").reveal()
        for kind in ("access_token", "refresh_token"):
            self.refused(self.post("/oauth/revoke", "client-8", other, token=pair[kind]), 400, "invalid_grant")
        self.assertTrue(self.active(pair["access_token"])["active"])
        # What is no token of OAuth is nobody's here.
        self.assertEqual(self.post("/oauth/revoke", token=self.secret).status, 200)
        self.sign_in()

    def test_introspection_tells_what_rfc_7662_names(self) -> None:
        pair = self.sign_in()
        at = NOON_MS // 1000
        told = {"active": True, "client_id": "client-7", "sub": "user-17", "iat": at}
        self.assertEqual(
            self.active(pair["access_token"]), {**told, "exp": at + 36_000, "token_type": "Bearer"}
        )
        self.assertEqual(self.active(pair["refresh_token"]), {**told, "exp": at + 30 * 86_400})
        for nothing in ("nonsense", self.secret, self.session.split()[1]):
            self.assertEqual(self.active(nothing), {"active": False})
        self.clock.advance(timedelta(seconds=36_000))
        self.assertEqual(self.active(pair["access_token"]), {"active": False})
        other = self.host.register_client("client-8", "user-18").reveal()
        of_other = self.post("/oauth/introspect", "client-8", other, token=pair["refresh_token"])
        self.assertEqual(of_other.json, {"active": False})
        self.refused(self.post("/oauth/introspect", secret="x", token="x"), 401, "invalid_client")


    def test_a_refresh_value_gets_past_client_authentication_by_no_other_api(self) -> None:
        value = self.sign_in()["refresh_token"]
        asked = {"grantType": "refresh_token", "clientId": "client-7", "refreshToken": value}
        self.assertEqual(self.ask("POST", "/v1/token", asked).status, 401)
        asked = {"grantType": "client_credentials", "clientId": "client-7", "clientSecret": self.secret}
        theirs = self.ask("POST", "/v1/token", asked).json["refreshToken"]
        reply = self.post("/oauth/token", grant_type="refresh_token", refresh_token=theirs)
        self.refused(reply, 400, "invalid_grant")
        # Nothing was ended by that.
        reply = self.post("/oauth/token", grant_type="refresh_token", refresh_token=value)
        self.assertEqual(reply.status, 200)


class Transport(Served):
    def test_trouble_with_the_store_is_503_and_no_401(self) -> None:
        self.store.close()
        basic = "Basic " + base64.b64encode(b"client-7:" + self.secret.encode()).decode()
        signed_in = {"grantType": "client_credentials", "clientId": "c", "clientSecret": "s"}
        message = {"request": {"application": "A", "auth": "x"}}
        for method, path, body, header in (
            ("POST", "/v1/token", signed_in, ""),
            ("POST", "/v1/sso", {}, "Bearer x"),
            ("GET", "/v1/grant?token=x", None, ""),
            ("POST", "/v1/grant", "token=x", ""),
            ("GET", "/meetergo/me", None, "Bearer x"),
            ("POST", "/json/1.3/createMessage", message, ""),
            ("POST", "/oauth/token", "grant_type=client_credentials", basic),
            ("POST", "/oauth/introspect", "token=x", basic),
        ):
            reply = self.ask(method, path, body, Authorization=header)
            self.assertEqual((reply.status, reply.headers["Retry-After"]), (503, "1"), path)

    def test_a_failure_of_a_write_is_503_and_hands_out_nothing(self) -> None:
        for error in (tokenstore.StoreBusy("busy"), tokenstore.CommitUnknown("?"), tokenstore.StoreIOError("!")):
            with mock.patch.object(tokenstore.Store, "issue_pair", side_effect=error):
                asked = {"grantType": "client_credentials", "clientId": "client-7", "clientSecret": self.secret}
                reply = self.ask("POST", "/v1/token", asked)
            self.assertEqual((reply.status, reply.json), (503, {"error": "temporarily unavailable"}))

    def test_what_is_no_request_is_refused(self) -> None:
        self.assertEqual(self.ask("GET", "/nothing").status, 404)
        self.assertEqual(self.ask("GET", "/v1/token").status, 405)
        for body in ("", "[]", "{", "\xff", "[" * 50_000, '"x"', "{}"):
            self.assertEqual(self.ask("POST", "/v1/token", body.encode("latin-1")).status, 400, body[:5])
        self.assertEqual(self.ask("POST", "/v1/token", "x" * 70_000).status, 413)
        for length in ("-1", "x", "1" * 4_000):
            self.assertIn(self.ask("POST", "/v1/token", Content_Length=length).status, (411, 413))

    def test_no_value_lies_in_the_store_s_events_or_tokens(self) -> None:
        made = self.panel("POST", "/meetergo/tokens", {"name": "Laptop"}, 201)
        shown = repr(list(self.store.events())) + repr(list(self.store.list(dead=True)))
        for value in (made["token"], self.secret, self.session.split()[1]):
            self.assertNotIn(re.sub("^[a-z]+_", "", value), shown)


if __name__ == "__main__":
    unittest.main()
