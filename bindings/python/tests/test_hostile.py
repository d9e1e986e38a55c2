"""What is wrong, huge or no text is refused by an exception that says so, and crashes nothing."""

import ctypes
import subprocess
import sys
import unittest
import uuid
from datetime import datetime, timezone
from typing import Any, Callable, Dict

import tokenstore
from tokenstore import NewToken, Store

HUGE = 10_000_000
WRONG: Dict[str, Any] = {
    "None": None,
    "an int": 5,
    "a float": 5.5,
    "a list": ["a"],
    "a dict": {"a": 1},
    "an object": object(),
    "a type": str,
}


class Hostile(unittest.TestCase):
    def setUp(self) -> None:
        self.store = Store.in_memory()
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv", external=True)
        self.created = self.store.create_token(self.server, "acme", "deploy")
        self.asks = self.store.query(type=self.server)

    def test_what_is_no_value_is_a_type_error_and_any_text_is_a_value(self) -> None:
        for name, wrong in WRONG.items():
            with self.subTest(name):
                for call in (
                    lambda: self.store.verify(wrong, self.asks),
                    lambda: self.store.require(wrong, self.asks),
                    lambda: self.store.verify_many([b"x", wrong], self.asks),
                    lambda: self.store.create_from_value(wrong, self.server, "acme"),
                    lambda: self.store.revoke_value(wrong),
                    lambda: self.store.consume(wrong, self.asks),
                    lambda: self.store.redeem(wrong, self.asks),
                    lambda: self.store.refresh(wrong, "client"),
                    lambda: self.store.try_refresh(wrong, "client"),
                    lambda: tokenstore.Secret(wrong),
                ):
                    with self.assertRaises(TypeError):
                        call()
        good = self.created.value.reveal()
        for value in (
            "",
            "\0",
            good + "\0",
            "\0" + good,
            good + "\n",
            " " + good,
            "\ud800",
            "\udcff",
            "ü",
            b"\xff\xfe",
            good[:-1],
        ):
            self.assertFalse(self.store.verify(value, self.asks), ascii(value))
            self.assertFalse(self.store.verify_many([value] * 2, self.asks).allowed, ascii(value))
            # As a header it may be right: spaces around it are no part of it. Both ways say the same.
            header = self.store.query(type=self.server, header=True)
            self.assertEqual(self.store.verify_many([value], header)[0], self.store.verify(value, header))
        for size in (8_192, 8_193, HUGE):
            self.assertFalse(self.store.verify(b"x" * size, self.asks))
            self.assertFalse(self.store.verify_many([b"x" * size, good.encode()], self.asks)[0])

    def test_what_is_no_query_is_refused(self) -> None:
        for name, wrong in WRONG.items():
            with self.subTest(name):
                if wrong is not None:
                    with self.assertRaises(TypeError):
                        self.store.verify("x", wrong)
                with self.assertRaises(TypeError):
                    self.store.verify_many(["x"], wrong)
                if not isinstance(wrong, int):
                    with self.assertRaises(TypeError):
                        self.store.query(type=wrong)
        for number in (0, -1, 2**32, 2**64, True):
            with self.assertRaises((tokenstore.InvalidArgument, TypeError)):
                self.store.query(type=number)
        # Nobody's type, and what is too long, are found when they are asked.
        self.assertIs(self.store.verify(self.created.value, type=60_000).status, tokenstore.Status.WRONG_TYPE)
        checks: Any
        for checks in ({"project": ""}, {"project": "p" * 65}, {"binding": ""}, {"binding": b"b" * 256}):
            query = self.store.query(type=self.server, **checks)
            for call in (
                lambda: self.store.verify(self.created.value, query),
                lambda: self.store.require(self.created.value, query),
                lambda: self.store.verify_many([self.created.value], query),
            ):
                with self.assertRaises(tokenstore.InvalidArgument):
                    call()

    def test_what_is_no_argument_is_refused_before_anything_is_made(self) -> None:
        before = self.store.stats()
        store: Any = self.store
        make, server = store.create_token, self.server
        any_store: Any = Store
        type_errors: Dict[str, Callable[[Any], Any]] = {
            "owner": lambda wrong: make(server, wrong),
            "name": lambda wrong: make(server, "o", 5 if wrong is None else wrong),
            "projects": lambda wrong: make(
                server, "o", projects=5 if isinstance(wrong, (list, dict)) else wrong
            ),
            "a project": lambda wrong: make(server, "o", projects=[wrong]),
            "binding": lambda wrong: make(server, "o", binding=5 if wrong is None else wrong),
            "app_data": lambda wrong: make(server, "o", app_data=wrong),
            "app_word": lambda wrong: make(server, "o", app_word="5" if isinstance(wrong, int) else wrong),
            "by": lambda wrong: make(server, "o", by=5 if wrong is None else wrong),
            "id": lambda wrong: store.revoke(wrong),
            "revision": lambda wrong: store.revoke(
                self.created.id, if_revision="5" if wrong is None or isinstance(wrong, int) else wrong
            ),
            "get": lambda wrong: store.get(wrong),
            "a project of a grant": lambda wrong: store.grant(self.created.id, wrong),
            "after": lambda wrong: store.list(after=5 if wrong is None else wrong),
            "events": lambda wrong: store.events(after="5" if isinstance(wrong, int) else wrong),
            "many": lambda wrong: store.create_many([NewToken(server, wrong)]),
            "a type": lambda wrong: make([] if isinstance(wrong, int) else wrong, "o"),
            "a clock": lambda wrong: any_store.in_memory(clock=5 if wrong is None else wrong),
            "a number": lambda wrong: any_store.in_memory(
                max_events="5" if wrong is None or isinstance(wrong, int) else wrong
            ),
        }
        for what, call in type_errors.items():
            for name, wrong in WRONG.items():
                with self.subTest(what, given=name), self.assertRaises(TypeError):
                    call(wrong)
        with self.assertRaises(TypeError):
            make(server, "o", projects="A-1")
        self.assertEqual(self.store.stats(), before)

    def test_what_is_too_long_or_no_text_is_an_invalid_argument(self) -> None:
        before = self.store.stats()
        make, edit, id = self.store.create_token, self.store.edit, self.created.id
        for call in (
            lambda: make(self.server, ""),
            lambda: make(self.server, "o" * 256),
            lambda: make(self.server, "o" * HUGE),
            lambda: make(self.server, "\ud800"),
            lambda: make(self.server, "o", ""),
            lambda: make(self.server, "o", "n" * 256),
            lambda: make(self.server, "o", b"\xff"),
            lambda: make(self.server, "o", "a\0b"),
            lambda: make(self.server, "o", "a\nb"),
            lambda: make(self.server, "o", projects=[""]),
            lambda: make(self.server, "o", projects=["p" * 65]),
            lambda: make(self.server, "o", binding=""),
            lambda: make(self.server, "o", binding=b"b" * 256),
            lambda: make(self.server, "o", app_data=b"d" * 4_097),
            lambda: make(self.server, "o", app_data=b"d" * HUGE),
            lambda: make(self.server, "o", app_word=-1),
            lambda: make(self.server, "o", app_word=2**64),
            lambda: make(self.server, "o", by=b"\xff\xfe"),
            lambda: make(-1, "o"),
            lambda: make(2**32, "o"),
            lambda: edit(id, name=""),
            lambda: edit(id, name="\udcff"),
            lambda: edit(id, app_word=2**64),
            lambda: edit(id, projects=["p", ""]),
            lambda: self.store.grant(id, "p" * HUGE),
            lambda: self.store.revoke(id, reason="r" * 256),
            lambda: self.store.revoke(id, by="a\0b"),
            lambda: self.store.revoke(id, if_owner=""),
            lambda: self.store.revoke(id, if_revision=-1),
            lambda: self.store.revoke(id, if_revision=2**64),
            lambda: self.store.get(id, if_owner=""),
            lambda: self.store.get("no-uuid"),
            lambda: self.store.get(b"15 bytes of id!"),
            lambda: self.store.list(owner=""),
            lambda: self.store.list(project="p" * 65),
            lambda: self.store.list(states=[1]),
            lambda: self.store.list(states=[32]),
            lambda: self.store.list_page(limit=0),
            lambda: self.store.list_page(limit=1_001),
            lambda: self.store.events(after=-1),
            lambda: self.store.events_page(limit=2**70),
            lambda: self.store.declare("", "p"),
            lambda: self.store.declare("n", ""),
            lambda: self.store.declare("n", "P"),
            lambda: self.store.declare("\ud800", "p"),
            lambda: self.store.find_type(b"\xff"),
            lambda: self.store.create_from_value("short", self.server, "o"),
            lambda: self.store.create_from_value("x" * 8_193, self.server, "o"),
            lambda: self.store.create_from_value("x" * HUGE, self.server, "o"),
            lambda: self.store.create_from_value("", self.server, "o"),
            lambda: self.store.owner(-1),
            lambda: Store.in_memory(key=b"k" * 32),
            lambda: Store.in_memory(key=b"short"),
            lambda: Store.in_memory(max_events=0),
            lambda: Store.in_memory(cache_bytes=2**64),
            lambda: Store.open(""),
            lambda: Store.open("a\0b"),
            lambda: Store.create(b"a\0b"),
        ):
            with self.assertRaises(tokenstore.InvalidArgument):
                call()
        self.assertEqual(self.store.stats(), before)

    def test_errors_show_no_more_than_they_must(self) -> None:
        with self.assertRaises(tokenstore.TokenstoreError) as raised:
            self.store.get(uuid.uuid4())
        self.assertEqual(raised.exception.args, (str(raised.exception),))
        self.assertNotIn("\n", str(raised.exception))

    def test_values_with_every_byte_are_kept_apart(self) -> None:
        for byte in range(256):
            value = b"a-value-made-elsewhere" + bytes([byte]) + b"\0"
            registered = self.store.create_from_value(value, self.server, bytes([byte]))
            verdict = self.store.verify(value, self.asks)
            self.assertEqual((verdict.id, self.store.owner(verdict)), (registered.id, bytes([byte])))
        self.assertFalse(self.store.verify(b"a-value-made-elsewhere", self.asks))

    def test_what_is_changed_after_it_was_given_changes_nothing(self) -> None:
        project = bytearray(b"A-1")
        query = self.store.query(type=self.server, project=project)
        self.store.grant(self.created.id, "A-1")
        project[:] = b"B-2"
        self.assertTrue(self.store.verify(self.created.value, query))

    def test_a_handle_of_another_kind_is_refused(self) -> None:
        from tokenstore import _ffi

        clock = tokenstore.ManualClock(datetime(2026, 11, 24, tzinfo=timezone.utc))
        listing = ctypes.c_void_p()
        told, verdict, stats = _ffi.Error(), tokenstore.Verdict(), _ffi.Stats()
        self.assertEqual(_ffi.lib.list_open(self.store._handle, None, listing, told), 0)
        for handle in (int(clock._handle), listing.value):
            value, query = b"x", self.asks._patient
            self.assertEqual(_ffi.lib.get_stats(handle, stats, told), tokenstore.Status.INVALID_ARGUMENT)
            self.assertEqual(
                _ffi.verify_holding(handle, value, 1, query, verdict), tokenstore.Status.INVALID_ARGUMENT
            )
            self.assertEqual(_ffi.lib.close(handle, told), tokenstore.Status.INVALID_ARGUMENT)
            self.assertEqual((verdict.allowed, verdict.id, stats.tokens), (False, None, 0))
        self.assertEqual(_ffi.lib.list_close(listing), 0)
        self.assertEqual(clock.now().year, 2026)

    def test_a_store_is_not_made_by_hand(self) -> None:
        with self.assertRaises(TypeError):
            Store()
        self.assertTrue(Store.__new__(Store).closed)


class Loading(unittest.TestCase):
    """Which library is loaded, and what is said of one that is not."""

    def python(self, script: str, library: str) -> "subprocess.CompletedProcess[str]":
        import os

        environment = {**os.environ, "TOKENSTORE_LIBRARY": library}
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
        )

    def test_a_library_that_is_not_there_is_an_import_error_that_says_where_it_was_sought(self) -> None:
        ran = self.python("import tokenstore", "/nothing/here.so")
        self.assertIn("ImportError", ran.stderr)
        self.assertIn("/nothing/here.so", ran.stderr)
        self.assertIn("TOKENSTORE_LIBRARY", ran.stderr)

    def test_a_library_of_another_kind_is_an_import_error_that_names_it(self) -> None:
        import _ctypes

        ran = self.python("import tokenstore", _ctypes.__file__)
        self.assertIn("ImportError", ran.stderr)
        self.assertIn(_ctypes.__file__, ran.stderr)

    def test_a_library_of_another_abi_or_an_older_one_is_refused_with_both_versions(self) -> None:
        from tokenstore import _ffi

        for name in ("ABI", "VERSION_NUMBER"):
            before = getattr(_ffi, name)
            self.addCleanup(setattr, _ffi, name, before)
            setattr(_ffi, name, before + 1)
            with self.assertRaises(ImportError) as raised:
                _ffi._check_version()
            setattr(_ffi, name, before)
            for part in (_ffi.path, tokenstore.version_text(), f"this package is {_ffi.VERSION}"):
                self.assertIn(part, str(raised.exception))


if __name__ == "__main__":
    unittest.main()
