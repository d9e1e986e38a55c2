"""Values and keys are shown by nothing but `reveal`."""

import copy
import json
import logging
import os
import pickle
import traceback
import unittest
from datetime import timedelta
from typing import Any, Callable

import tokenstore

PACKAGE = os.path.dirname(os.path.abspath(tokenstore.__file__))


def shown_by(call: Callable[[], Any]) -> str:
    """What a traceback with locals shows of the package's own frames, and of the error itself."""
    try:
        call()
    except BaseException as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown = [repr(error), str(error), repr(error.args), repr(vars(error))]
        pending = [told]
        while pending:
            one = pending.pop()
            shown.extend(one.format_exception_only())
            for frame in one.stack:
                if os.path.dirname(os.path.abspath(frame.filename)) == PACKAGE:
                    shown.append(f"{frame.name} {frame.locals}")
            pending.extend(other for other in (one.__cause__, one.__context__) if other)
        return "\n".join(shown)
    raise AssertionError("nothing was raised")


class Secrets(unittest.TestCase):
    def setUp(self) -> None:
        self.store = tokenstore.Store.in_memory()
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv", external=True)
        self.created = self.store.create_token(self.server, "acme")
        self.asks = self.store.query(type=self.server)

    def test_a_secret_is_shown_by_reveal_alone(self) -> None:
        secret = self.created.value
        value = secret.reveal()
        self.assertRegex(value, r"^srv_[0-9A-Za-z]{36}$")
        log = logging.LogRecord("x", 20, "x", 1, "made %s", (secret,), None).getMessage()
        for shown in (
            repr(secret),
            str(secret),
            f"{secret}",
            f"{secret!r:>30}",
            "%s" % secret,
            log,
            repr(self.created),
        ):
            self.assertNotIn(value, shown)
            self.assertNotIn(value[4:], shown)
            self.assertIn("Secret", shown)
        for copier in (pickle.dumps, copy.copy, copy.deepcopy, json.dumps):
            with self.assertRaises(TypeError):
                copier(secret)
        self.assertFalse(hasattr(secret, "__dict__"))
        with self.assertRaises(TypeError):
            hash(secret)

    def test_what_else_is_made_once_is_a_secret_too(self) -> None:
        minute = timedelta(minutes=1)
        families = tokenstore.FamilyPolicy(minute, minute, minute)
        refresh = self.store.declare("refresh", "ref", families=families)
        pair = self.store.issue_pair(self.server, refresh, "acme", "c")
        rotated = self.store.rotate(self.created.id, minute)
        refreshed = self.store.try_refresh(pair.refresh.value, "c")
        for secret, held_in in (
            (pair.access.value, pair),
            (pair.refresh.value, pair),
            (rotated.value, rotated),
            (refreshed.pair.access.value if refreshed.pair else None, refreshed),
        ):
            self.assertIsInstance(secret, tokenstore.Secret)
            assert secret is not None
            value = secret.reveal()
            for shown in (repr(held_in), str(held_in), f"{held_in}"):
                self.assertIn("Secret", shown)
                self.assertNotIn(value[4:], shown)

    def test_secrets_compare_by_their_values(self) -> None:
        value = self.created.value.reveal()
        self.assertEqual(self.created.value, tokenstore.Secret(value))
        self.assertNotEqual(self.created.value, tokenstore.Secret(value + "x"))
        self.assertNotEqual(self.created.value, value)
        self.assertEqual(len(tokenstore.Secret(b"12345")), 5)

    def test_a_wiped_secret_is_gone_and_refused(self) -> None:
        secret = tokenstore.Secret(self.created.value.reveal())
        buffer = secret._buffer
        self.assertTrue(self.store.verify(secret, self.asks))
        secret.wipe()
        secret.wipe()
        self.assertEqual(bytes(buffer), b"\0" * len(buffer))
        self.assertFalse(secret)
        self.assertIn("wiped", repr(secret))
        with self.assertRaises(ValueError):
            secret.reveal()
        for call in (
            lambda: self.store.verify(secret, self.asks),
            lambda: self.store.verify_many([secret], self.asks),
            lambda: self.store.create_from_value(secret, self.server, "acme"),
            lambda: tokenstore.Secret(secret),
        ):
            with self.assertRaises(TypeError):
                call()

    def test_a_secret_is_overwritten_when_it_is_garbage(self) -> None:
        secret = tokenstore.Secret("a-value-of-somebody")
        buffer = secret._buffer
        del secret
        self.assertEqual(bytes(buffer), b"\0" * len(buffer))

    def test_a_secret_that_only_a_call_holds_is_taken(self) -> None:
        store, asks = self.store, self.asks
        coupon = store.declare("coupon", "cpn", uses=1)
        access = store.declare("access", "acc")
        hour = timedelta(hours=1)
        families = tokenstore.FamilyPolicy(access=hour, refresh=hour, family=hour)
        refresh = store.declare("refresh", "ref", families=families)

        def made(type: int) -> tokenstore.Secret:
            return store.create_token(type, "acme").value

        def issued() -> tokenstore.Secret:
            return store.issue_pair(access, refresh, "acme", "client-7").refresh.value

        self.assertTrue(store.verify(made(self.server), asks))
        self.assertTrue(store.verify(made(self.server), type="server"))
        self.assertTrue(store.require(made(self.server), asks))
        self.assertTrue(store.verify_many([made(self.server) for _ in range(3)], asks).all_allowed)
        self.assertTrue(store.verify_many((made(self.server) for _ in range(3)), asks).all_allowed)
        mixed = store.verify_many(iter([made(self.server), tokenstore.Secret("x" * 20)]), asks)
        self.assertEqual(mixed.allowed, 1)
        self.assertTrue(store.consume(made(coupon), type=coupon))
        self.assertTrue(store.redeem(made(coupon), type=coupon))
        self.assertTrue(store.refresh(issued(), "client-7"))
        self.assertTrue(store.try_refresh(issued(), "client-7"))
        self.assertTrue(store.revoke_value(made(self.server)))
        own = os.urandom(16).hex()
        store.create_from_value(tokenstore.Secret(own), self.server, "acme")
        self.assertTrue(store.verify(own, asks))
        self.assertEqual(tokenstore.Secret(tokenstore.Secret(own)).reveal(), own)

    def test_no_traceback_shows_a_value(self) -> None:
        text = self.created.value.reveal()
        closed = tokenstore.Store.in_memory()
        closed.close()
        too_long = self.store.query(type=self.server, project="p" * 65)
        plain = self.store.declare("plain", "pln")
        store, server, asks = self.store, self.server, self.asks
        store.disable(self.created.id)
        broken = bytes(bytearray(text.encode()) + b"\xff")

        def long(value: Any) -> bytes:
            return bytes(tokenstore.Secret(value)._buffer) * 1_000

        for value in (text, text.encode(), bytearray(text.encode()), self.created.value, text + "\ud800"):
            no_value: Any = {value: 1} if isinstance(value, str) else [value]
            calls = {
                "verify, closed": lambda: closed.verify(value, asks),
                "verify, wrong query": lambda: store.verify(value, too_long),
                "verify, both": lambda: store.verify(value, asks, type=server),  # type: ignore[call-overload]
                "verify, no query": lambda: store.verify(value),  # type: ignore[call-overload]
                "verify, no type": lambda: store.verify(value, type="nothing"),
                "verify, no value": lambda: store.verify([value], asks),  # type: ignore[call-overload]
                "require, refused": lambda: store.require(value, asks),
                "require, closed": lambda: closed.require(value, asks),
                "require, wrong query": lambda: store.require(value, asks, project="p"),
                "verify_many, closed": lambda: closed.verify_many([value], asks),
                "verify_many, wrong query": lambda: store.verify_many([value] * 3, too_long),
                "verify_many, no value": lambda: store.verify_many([value, 5], asks),  # type: ignore[list-item]
                "verify_many, no list": lambda: store.verify_many(5, asks),  # type: ignore[arg-type]
                "create_from_value, not external": lambda: store.create_from_value(value, plain, "acme"),
                "create_from_value, closed": lambda: closed.create_from_value(value, server, "acme"),
                "create_from_value, no owner": lambda: store.create_from_value(value, server, ""),
                "create_from_value, wrong owner": lambda: store.create_from_value(
                    value,
                    server,
                    5,  # type: ignore[arg-type]
                ),
                "create_from_value, no value": lambda: store.create_from_value(no_value, server, "o"),
                "consume, closed": lambda: closed.consume(value, asks),
                "consume, wrong query": lambda: store.consume(value, too_long),
                "consume, no value": lambda: store.consume([value], asks),  # type: ignore[arg-type]
                "consume, no query": lambda: store.consume(value),
                "redeem, refused": lambda: store.redeem(value, asks),
                "redeem, closed": lambda: closed.redeem(value, asks),
                "refresh, refused": lambda: store.refresh(value, "client"),
                "refresh, closed": lambda: closed.refresh(value, "client"),
                "refresh, no value": lambda: store.refresh([value], "client"),  # type: ignore[arg-type]
                "refresh, no client": lambda: store.refresh(value, 5),  # type: ignore[arg-type]
                "refresh, no own": lambda: store.refresh(value, "c", access=[value]),  # type: ignore[arg-type]
                "refresh, own, refused": lambda: store.refresh(value, "c", access=value, refresh=value),
                "try_refresh, closed": lambda: closed.try_refresh(value, "client"),
                "try_refresh, wrong actor": lambda: store.try_refresh(value, "client", by="\n"),
                "issue_pair, no family": lambda: store.issue_pair(
                    server, plain, "acme", "c", access=value, refresh=value
                ),
                "issue_pair, closed": lambda: closed.issue_pair(server, plain, "acme", "c", access=value),
                "issue_pair, no owner": lambda: store.issue_pair(
                    server,
                    server,
                    5,  # type: ignore[arg-type]
                    "c",
                    refresh=value,
                ),
                "issue_pair, too long": lambda: store.issue_pair(server, server, "a", "c", refresh=long(value)),
                "issue_pair, no value": lambda: store.issue_pair(server, server, "a", "c", access=no_value),
                "revoke_value, closed": lambda: closed.revoke_value(value),
                "revoke_value, wrong reason": lambda: store.revoke_value(value, reason="\n"),
                "revoke_value, no value": lambda: store.revoke_value([value]),  # type: ignore[arg-type]
                "Secret, no value": lambda: tokenstore.Secret([value]),  # type: ignore[arg-type]
                "reveal, no text": lambda: tokenstore.Secret(broken).reveal(),
            }
            for name, call in calls.items():
                with self.subTest(name, kind=type(value).__name__):
                    shown = shown_by(call)
                    self.assertNotIn(text, shown)
                    self.assertNotIn(text[4:20], shown)

    def test_no_traceback_shows_a_key(self) -> None:
        key = b"a-key-of-32-bytes-that-is-no-key"
        wrong: Any
        for wrong in (key[:-1], key + b"x", [key], key.decode()):
            for call in (
                lambda: tokenstore.Store.in_memory(key=wrong),
                lambda: tokenstore.Store.open("/nothing/here", key=wrong),
                lambda: tokenstore.Store.create("/nothing/here", key=wrong),
                lambda: self.store.change_key(wrong),
            ):
                self.assertNotIn("a-key-of-32", shown_by(call))
        for call in (
            lambda: tokenstore.Store.open("/nothing/here", key=key),
            lambda: tokenstore.Store.open("/nothing/here", key=key, max_events=0),
            lambda: tokenstore.Store.in_memory(key=bytearray(key)),
            lambda: tokenstore.Store.create("/nothing\0here", key=memoryview(key)),
        ):
            self.assertNotIn("a-key-of-32", shown_by(call))


if __name__ == "__main__":
    unittest.main()
