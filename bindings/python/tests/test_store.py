"""What every call answers when it is used as it is meant."""

import os
import pickle
import tempfile
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

import tokenstore
from tokenstore import ALL, ANY, NEVER, NewToken, Store

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
NOBODY = uuid.UUID("018f3a5e-7c1d-7a2b-9c3d-4e5f60718293")


class InMemory(unittest.TestCase):
    """A store in memory with a type, a token and a clock that stands."""

    def setUp(self) -> None:
        self.clock = tokenstore.ManualClock(NOON)
        self.store = Store.in_memory(clock=self.clock)
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv", external=True)
        self.created = self.store.create_token(self.server, "acme", "deploy", projects=["A-1"], app_word=7)
        self.asks = self.store.query(type=self.server)

    def status(self) -> object:
        return self.store.verify(self.created.value, self.asks).status

    def test_a_verdict_tells_who_it_is_and_is_true_only_if_allowed(self) -> None:
        verdict = self.store.verify(self.created.value, type="server", project="A-1")
        self.assertTrue(verdict)
        self.assertIs(verdict.status, tokenstore.Status.OK)
        self.assertEqual(verdict.id, self.created.id)
        self.assertEqual((verdict.app_word, verdict.type, verdict.revision), (7, self.server, 2))
        self.assertIsNone(verdict.expires)
        self.assertEqual(self.store.owner(verdict), b"acme")
        refused = self.store.verify(self.created.value, type=ANY, project=b"B-2")
        self.assertFalse(refused)
        self.assertIs(refused.status, tokenstore.Status.NO_GRANT)
        self.assertEqual(refused.id, self.created.id)
        nobody = self.store.verify("nonsense", self.asks)
        self.assertIsNone(nobody.id)
        self.assertIsNone(nobody.expires)
        self.assertFalse(tokenstore.Verdict(), "zeros allow nothing")
        self.assertEqual(pickle.loads(pickle.dumps(verdict)), verdict)
        self.assertEqual(len({verdict, refused, nobody}), 3)
        self.assertNotIn("acme", repr(verdict))

    def test_a_value_is_taken_as_str_bytes_and_secret_alike(self) -> None:
        text = self.created.value.reveal()
        for value in (
            text,
            text.encode(),
            bytearray(text.encode()),
            memoryview(text.encode()),
            self.created.value,
        ):
            self.assertTrue(self.store.verify(value, self.asks))
            self.assertEqual(self.store.verify_many([value, "x"], self.asks).statuses, [0, 1])

    def test_require_raises_by_status_with_the_verdict(self) -> None:
        self.assertTrue(self.store.require(self.created.value, self.asks))
        with self.assertRaises(tokenstore.NoGrant) as raised:
            self.store.require(self.created.value, type=ANY, project="B-2")
        self.assertEqual(raised.exception.verdict.id, self.created.id)
        self.store.disable(self.created.id)
        with self.assertRaises(tokenstore.Disabled):
            self.store.require(self.created.value, self.asks)
        with self.assertRaises(tokenstore.Malformed):
            self.store.require("nonsense", self.asks)
        self.store.revoke(self.created.id)
        with self.assertRaises(tokenstore.Revoked):
            self.store.require(self.created.value, self.asks)

    def test_a_query_and_what_it_is_made_of_do_not_mix(self) -> None:
        wrong: Any
        for wrong in ({"project": "B-2"}, {"binding": "b"}, {"header": True}, {"type": self.server}):
            with self.assertRaises(TypeError, msg=str(wrong)):
                self.store.verify(self.created.value, self.asks, **wrong)
        with self.assertRaises(TypeError):
            self.store.verify(self.created.value)  # type: ignore[call-overload]
        with self.assertRaises(TypeError):
            self.store.verify(self.created.value, "server")  # type: ignore[call-overload]

    def test_a_header_is_taken_apart_only_if_asked_for(self) -> None:
        header = "Bearer " + self.created.value.reveal()
        self.assertTrue(self.store.verify(header, type=self.server, header=True))
        self.assertFalse(self.store.verify(header, self.asks))

    def test_a_batch_is_answered_in_order_whatever_the_lengths(self) -> None:
        value = self.created.value.reveal()
        external = "x" * 5_000
        self.store.create_from_value(external, self.server, "acme")
        values = [value, "", external, "y" * 20_000, value] + ["z" * n for n in range(1_500)] + [value]
        verdicts = self.store.verify_many(values, self.asks)
        singly = [self.store.verify(one, self.asks) for one in values]
        self.assertEqual(list(verdicts), singly)
        self.assertEqual(verdicts.statuses, [one.status for one in singly])
        self.assertEqual((verdicts.allowed, verdicts.all_allowed), (4, False))
        self.assertEqual(verdicts[-1], singly[-1])
        self.assertEqual(verdicts[1:3], singly[1:3])
        self.assertTrue(self.store.verify_many((value for _ in range(3)), self.asks).all_allowed)
        self.assertEqual(len(self.store.verify_many([], self.asks)), 0)

    def test_a_batch_takes_values_of_every_kind_apart_where_they_end(self) -> None:
        text = self.created.value.reveal()
        size = len(text)
        self.store.create_from_value("\n" * size, self.server, "acme")
        self.store.create_from_value("x" * (size - 1) + "\n", self.server, "acme")
        self.store.create_from_value("\u00fc" * 20, self.server, "acme")
        made = [self.store.create_token(self.server, "acme").value for _ in range(3)]
        for values in (
            [text] * 3,
            [text.encode()] * 3,
            (text, text),
            made,
            [bytearray(text.encode()), memoryview(text.encode()), text.encode()],
            [memoryview(text.encode() * 2)[::2], text.encode()],
            [memoryview(text.encode()).cast("I"), text.encode()],
            [text, text.encode(), self.created.value],
            ["\n" * size, text, "\n" * size],
            ["\n" * size] * 2,
            ["x" * (size - 1) + "\n"] * 2,
            [b"x" * (size - 1) + b"\n", text.encode()],
            # Where another length puts what is between them into a value.
            [text + "\n" + text, text[:10], text[11:]],
            ["a" * 11, "ab\ncd", "", "b" * 5],
            [b"", b"", b"\n", b""],
            ["", ""],
            [""],
            ["\n"],
            ["\u00fc" * 20, text, "\u00fc" * 20],
            ["\u00fc" * 20, "\ud800" * 13 + "x"],
            ["\U0001f600" * 10, "\u00fc" * 20],
            [text + "\0", text + "\n", text + " "],
        ):
            given: Any = values
            verdicts = self.store.verify_many(given, self.asks)
            singly = [self.store.verify(one, self.asks) for one in given]
            self.assertEqual(list(verdicts), singly, ascii(given))
            self.assertEqual(verdicts.statuses, [one.status for one in singly], ascii(given))
            allowed = sum(one.allowed for one in singly)
            self.assertEqual((verdicts.allowed, verdicts.all_allowed), (allowed, allowed == len(singly)))

    def test_a_type_is_called_by_number_or_name(self) -> None:
        self.assertEqual(self.store.find_type("server"), self.server)
        self.assertIsNone(self.store.find_type("nothing"))
        self.store.create_token("server", "zeta")
        with self.assertRaises(tokenstore.NotFound):
            self.store.create_token("nothing", "zeta")
        with self.assertRaises(tokenstore.NotFound):
            self.store.query(type="nothing")
        short = self.store.declare(
            "short",
            "sht",
            default_lifetime=timedelta(minutes=1),
            max_lifetime=timedelta(hours=1),
            unique_names=False,
        )
        info = self.store.type_info(short)
        self.assertEqual(info, self.store.types()[1])
        self.assertEqual(
            (info.default_lifetime, info.max_lifetime), (timedelta(minutes=1), timedelta(hours=1))
        )
        self.assertEqual((info.unique_names, info.by_name_only, info.external), (False, False, False))
        with self.assertRaises(tokenstore.TypeConflict):
            self.store.declare("short", "sht")
        self.assertEqual(f"{short} {short!r}", "2 TypeId(2)")

    def test_making_answers_what_was_made_or_found(self) -> None:
        with self.assertRaises(tokenstore.NameTaken):
            self.store.create_token(self.server, "acme", "deploy")
        found = self.store.create_if_absent(self.server, "acme", "deploy")
        self.assertEqual(found, tokenstore.Existing(self.created.id))
        made = self.store.create_if_absent(self.server, "acme", "other")
        assert isinstance(made, tokenstore.Created)
        self.assertTrue(self.store.verify(made.value, self.asks))
        registered = self.store.create_from_value("a-value-made-elsewhere", self.server, "acme")
        self.assertEqual(self.store.verify("a-value-made-elsewhere", self.asks).id, registered.id)
        with self.assertRaises(tokenstore.ValueExists):
            self.store.create_from_value("a-value-made-elsewhere", self.server, "zeta")

    def test_each_of_many_is_made_or_refused_by_itself(self) -> None:
        wanted = [
            NewToken(self.server, "o", "one", projects=ALL, expires=NEVER),
            NewToken(self.server, "o", "one"),
            NewToken(self.server, "o", ""),
            NewToken("nothing", "o"),
            NewToken(self.server, ""),
            NewToken("server", b"o", binding="laptop", lifetime=timedelta(seconds=1)),
            NewToken(70_000, "o"),
            NewToken(self.server, "o", by=b"\xff\xfe"),
            NewToken(self.server, "o", projects=[""]),
            NewToken(self.server, "o", "last"),
        ]
        before = self.store.stats().tokens
        made = self.store.create_many(wanted)
        kinds = [type(one) for one in made]
        self.assertEqual(
            kinds,
            [
                tokenstore.Created,
                tokenstore.NameTaken,
                tokenstore.InvalidArgument,
                tokenstore.NotFound,
                tokenstore.InvalidArgument,
                tokenstore.Created,
                tokenstore.NotFound,
                tokenstore.InvalidArgument,
                tokenstore.InvalidArgument,
                tokenstore.Created,
            ],
        )
        self.assertEqual(self.store.stats().tokens, before + 3)
        for new, one in zip(wanted, made):
            # As it would have been answered by itself.
            if isinstance(one, tokenstore.TokenstoreError):
                with self.assertRaises(type(one)):
                    self.store.create_token(new.type, new.owner, new.name, projects=new.projects, by=new.by)
            else:
                self.assertEqual(self.store.verify(one.value, type=ANY, binding=new.binding).id, one.id)
        assert isinstance(made[5], tokenstore.Created)
        self.assertIs(self.store.verify(made[5].value, self.asks).status, tokenstore.Status.WRONG_BINDING)
        self.assertTrue(self.store.verify(made[5].value, type=self.server, binding=b"laptop"))
        self.assertEqual(self.store.create_many([]), [])

    def test_changes_say_whether_they_changed_and_hold_to_their_conditions(self) -> None:
        id = self.created.id
        self.assertFalse(self.store.grant(id, "A-1"))
        change = self.store.grant(id, "B-2", by="admin", reason="asked for")
        self.assertTrue(change)
        with self.assertRaises(tokenstore.RevisionConflict):
            self.store.ungrant(id, "B-2", if_revision=change.revision - 1)
        with self.assertRaises(tokenstore.NotFound):
            self.store.ungrant(id, "B-2", if_owner="zeta")
        self.assertTrue(self.store.ungrant(str(id), "B-2", if_revision=change.revision, if_owner=b"acme"))
        self.assertTrue(self.store.grant_all(id.bytes))
        with self.assertRaises(tokenstore.GrantIsAll):
            self.store.ungrant(id, "A-1")
        self.assertEqual(self.store.get(id).projects, ALL)
        self.assertTrue(self.store.revoke_grants(id))
        self.assertEqual(self.store.get(id).projects, ())
        self.assertTrue(self.store.disable(id))
        self.assertIs(self.status(), tokenstore.Status.DISABLED)
        self.assertTrue(self.store.enable(id))
        self.assertTrue(self.store.revoke(id, reason="leaked"))
        self.assertFalse(self.store.revoke(id))
        with self.assertRaises(tokenstore.Revoked) as raised:
            self.store.enable(id)
        self.assertIsNone(raised.exception.verdict)
        self.assertEqual(self.store.delete(id).revision, 0)
        self.assertIs(self.status(), tokenstore.Status.UNKNOWN)
        with self.assertRaises(LookupError):
            self.store.get(id)
        with self.assertRaises(tokenstore.NotFound):
            self.store.get(NOBODY)

    def test_an_edit_changes_what_is_given_and_nothing_else(self) -> None:
        id = self.created.id
        before = self.store.get(id)
        self.assertFalse(self.store.edit(id))
        self.store.edit(id, app_data="note", expires=NOON + timedelta(hours=1))
        token = self.store.get(id)
        self.assertEqual((token.name, token.projects, token.app_word), ("deploy", (b"A-1",), 7))
        self.assertEqual((token.app_data, token.expires), (b"note", NOON + timedelta(hours=1)))
        self.assertEqual(token.created, before.created)
        self.store.edit(id, name=None, projects=[], app_word=0, expires=NEVER, app_data=b"")
        token = self.store.get(id)
        self.assertEqual((token.name, token.projects, token.app_word), (None, (), 0))
        self.assertEqual((token.app_data, token.expires), (b"", None))
        self.store.edit(id, projects=ALL, name="new", lifetime=timedelta(milliseconds=1))
        self.clock.advance(timedelta(milliseconds=1))
        self.assertIs(self.status(), tokenstore.Status.EXPIRED)

    def test_values_and_projects_are_ended_by_what_they_are(self) -> None:
        self.assertEqual(self.store.remove_project("A-1", by="admin"), 1)
        self.assertEqual(self.store.remove_project("A-1"), 0)
        self.assertFalse(self.store.revoke_value("a-value-that-nobody-has"))
        self.assertTrue(self.store.revoke_value(self.created.value, by="scanner", reason="found in a log"))
        token = self.store.get(self.created.id)
        self.assertEqual((token.state, token.reason), (tokenstore.State.REVOKED, "found in a log"))

    def test_lists_show_what_is_asked_for(self) -> None:
        many = self.store.create_many([NewToken(self.server, f"o{n % 3}", f"n{n}") for n in range(2_500)])
        ids = [self.created.id] + [one.id for one in many if isinstance(one, tokenstore.Created)]
        self.assertEqual([token.id for token in self.store.list()], ids)
        self.assertEqual(len(list(self.store.list(owner="o1"))), 833)
        self.assertEqual([token.name for token in self.store.list(name_prefix="n249")][:2], ["n249", "n2490"])
        self.store.revoke(ids[0])
        self.assertEqual(next(iter(self.store.list())).id, ids[1])
        self.assertEqual([token.id for token in self.store.list(states=[tokenstore.State.REVOKED])], ids[:1])
        self.assertEqual(next(iter(self.store.list(dead=True))).id, ids[0])
        self.assertEqual([token.id for token in self.store.list(after=ids[-2])], ids[-1:])
        self.assertEqual(list(self.store.list(expires_before=NOON)), [])
        self.assertEqual(len(list(self.store.list(unused_since=NOON + timedelta(1)))), 2_500)
        page = self.store.list_page(limit=10, project="A-1", dead=True)
        self.assertEqual(([token.id for token in page.tokens], page.next), (ids[:1], None))
        pages, page = 1, self.store.list_page(dead=True)
        self.assertEqual(page.next, ids[999])
        while page.next:
            pages, page = pages + 1, self.store.list_page(dead=True, after=page.next)
        self.assertEqual((pages, len(page.tokens)), (3, 501))
        for size in (1, 2, 999, 1_000):
            self.assertEqual([token.id for token in self.store.list(dead=True, page_size=size)], ids)
        for limit in (1, 2, 999, 1_000):
            page = self.store.list_page(limit=limit, dead=True)
            self.assertEqual(([token.id for token in page.tokens], page.next), (ids[:limit], ids[limit - 1]))
        for size in (0, 1_001, 2**32, -1):
            with self.assertRaises(tokenstore.InvalidArgument):
                self.store.list(page_size=size)

    def test_a_page_of_a_list_is_what_it_is_when_it_is_read(self) -> None:
        made = [self.store.create_token(self.server, "acme") for _ in range(3)]
        one_by_one, at_once = self.store.list(page_size=1), self.store.list()
        self.assertEqual([next(tokens).id for tokens in (one_by_one, at_once)], [self.created.id] * 2)
        self.store.revoke(made[0].id)
        self.assertEqual([token.id for token in one_by_one], [made[1].id, made[2].id])
        self.assertEqual([token.id for token in at_once], [one.id for one in made])

    def test_a_list_shows_each_token_as_it_is_when_it_is_read(self) -> None:
        second = self.store.create_token(self.server, "acme", "second")
        tokens = self.store.list()
        self.assertEqual(next(tokens).id, self.created.id)
        self.assertEqual(next(tokens).id, second.id)
        self.assertIsNone(next(tokens, None))
        with self.assertRaises(StopIteration):
            next(tokens)

    def test_a_token_with_much_of_everything_is_read_whole(self) -> None:
        projects = sorted(f"p{n:03}".encode() * 12 for n in range(1_000))
        made = self.store.create_token(
            self.server,
            b"\0" * 255,
            "n" * 255,
            projects=projects,
            app_data=bytes(range(256)) * 16,
            app_word=2**64 - 1,
        )
        for token in (self.store.get(made.id), list(self.store.list())[-1]):
            self.assertEqual(token.projects, tuple(projects))
            self.assertEqual(token.app_data, bytes(range(256)) * 16)
            self.assertEqual((token.owner, token.name, token.app_word), (b"\0" * 255, "n" * 255, 2**64 - 1))
        with self.assertRaises(tokenstore.LimitReached):
            self.store.create_token(self.server, "acme", projects=[str(n) for n in range(1_001)])

    def test_events_tell_what_happened(self) -> None:
        self.store.revoke(self.created.id, by="admin", reason="leaked")
        kinds = [event.kind for event in self.store.events()]
        self.assertEqual(
            kinds,
            [tokenstore.EventKind.TYPE_DECLARED, tokenstore.EventKind.CREATED, tokenstore.EventKind.REVOKED],
        )
        last = self.store.events_page(after=2, limit=1)[0]
        self.assertEqual((last.sequence, last.at, last.by, last.reason), (3, NOON, "admin", "leaked"))
        self.assertEqual((last.id, last.type), (self.created.id, None))
        self.assertEqual(self.store.events_page(after=3), [])
        stats = self.store.stats()
        self.assertEqual((stats.tokens, stats.types, stats.sequence, stats.first_event), (1, 1, 3, 1))

    def test_an_owner_whose_last_token_is_deleted_is_none(self) -> None:
        verdict = self.store.verify(self.created.value, self.asks)
        self.store.delete(self.created.id)
        self.assertIsNone(self.store.owner(verdict))

    def test_a_stale_answer_is_asked_for_again_by_a_call_that_may_wait(self) -> None:
        from tokenstore import _judging

        asked = []

        def stale(*arguments: object) -> int:
            asked.append(arguments)
            return int(tokenstore.Status.STALE)

        fast = _judging._verify
        _judging._verify = stale
        self.addCleanup(setattr, _judging, "_verify", fast)
        self.assertTrue(self.store.verify(self.created.value, self.asks))
        self.assertEqual(len(asked), 1)


class InAFile(unittest.TestCase):
    """Making, opening and closing."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tokens.store")

    def test_what_was_made_is_there_after_a_reopen(self) -> None:
        key = os.urandom(32)
        with Store.create(self.path, key=key, max_events=100, cache_bytes=1 << 20) as store:
            created = store.create_token(store.declare("server", "srv"), "acme")
            store.verify(created.value, type="server")
            store.flush()
            store.change_key(None)
        self.assertTrue(store.closed)
        with self.assertRaises(tokenstore.WrongKey):
            Store.open(self.path, key=key)
        with Store.open(
            self.path, busy_timeout=timedelta(seconds=1), use_resolution=timedelta(hours=1)
        ) as store:
            self.assertTrue(store.verify(created.value, type="server"))
            self.assertIsNotNone(store.get(created.id).last_used)

    def test_a_path_may_be_anything_that_names_a_file(self) -> None:
        import pathlib

        Store.create(pathlib.Path(self.path)).close()
        Store.open(os.fsencode(self.path)).close()
        odd = os.fsencode(self.path) + b"\xff\xfe"
        Store.create(odd).close()
        Store.open(os.fsdecode(odd)).close()

    def test_errors_are_of_the_kinds_that_python_has(self) -> None:
        with self.assertRaises(FileNotFoundError) as missing:
            Store.open(self.path)
        self.assertIsInstance(missing.exception, tokenstore.StoreMissing)
        self.assertEqual((missing.exception.errno, missing.exception.name), (2, "IO"))  # type: ignore[attr-defined]
        with Store.create(self.path):
            with self.assertRaises(FileExistsError):
                Store.create(self.path)
            with self.assertRaises(BlockingIOError) as locked:
                Store.open(self.path)
            self.assertIsInstance(locked.exception, tokenstore.StoreLocked)
        with open(self.path, "wb") as file:
            file.write(b"no store" * 1_000)
        with self.assertRaises(tokenstore.TokenstoreError):
            Store.open(self.path)

    def test_close_is_idempotent_and_ends_every_call(self) -> None:
        store = Store.create(self.path)
        server = store.declare("server", "srv")
        created = store.create_token(server, "acme")
        asks = store.query(type=server)
        tokens, events = store.list(), store.events()
        next(tokens)
        store.create_token(server, "acme")
        store.close()
        store.close()
        for call in (
            lambda: store.verify(created.value, asks),
            lambda: store.require(created.value, asks),
            lambda: store.verify_many([], asks),
            lambda: store.verify_many([created.value], asks),
            lambda: store.owner(0),
            lambda: store.create_token(server, "acme"),
            lambda: store.create_many([]),
            lambda: store.create_many([NewToken(server, "o")]),
            lambda: store.revoke(created.id),
            lambda: store.consume(created.value, asks),
            lambda: store.redeem(created.value, asks),
            lambda: store.issue_pair(server, server, "acme", "c"),
            lambda: store.refresh(created.value, "c"),
            lambda: store.try_refresh(created.value, "c"),
            lambda: store.revoke_family(created.id),
            lambda: store.revoke_owner("acme"),
            lambda: store.rotate(created.id, timedelta(0)),
            lambda: store.prune(NOON, 1),
            lambda: store.get(created.id),
            lambda: next(tokens),
            lambda: next(events),
            lambda: store.list(),
            lambda: store.events(),
            lambda: store.types(),
            lambda: store.stats(),
            lambda: store.flush(),
            lambda: store.__enter__(),
        ):
            with self.assertRaises(tokenstore.StoreClosed):
                call()
        # A list that ended with an error holds nothing.
        Store.open(self.path).close()

    def test_a_store_that_nobody_has_any_more_is_closed(self) -> None:
        store = Store.create(self.path)
        store.declare("server", "srv")
        del store
        Store.open(self.path).close()


class Errors(unittest.TestCase):
    """The exceptions themselves."""

    def test_every_status_has_a_class_with_its_name_that_can_be_pickled(self) -> None:
        from tokenstore import _errors, _ffi

        for status in tokenstore.Status:
            self.assertEqual(_ffi.lib.status_name(int(status)).decode(), status.name)
            if status == tokenstore.Status.OK:
                continue
            error = _errors.error_of(int(status), "a message", 0)
            self.assertIsNot(type(error), tokenstore.TokenstoreError, status.name)
            self.assertEqual((error.status, error.name, str(error)), (status, status.name, "a message"))
            # Not all refused, and an answer that would have to wait, are of calls and not of a token.
            refusal = 1 <= status <= 16 and status not in (13, 14)
            self.assertEqual(issubclass(type(error), tokenstore.Refused), refusal)
            copy = pickle.loads(pickle.dumps(error))
            self.assertEqual((type(copy), copy.status, str(copy)), (type(error), error.status, str(error)))

    def test_a_status_of_a_newer_library_is_the_base(self) -> None:
        from tokenstore import _errors

        error = _errors.error_of(999, "from the future")
        self.assertIs(type(error), tokenstore.TokenstoreError)
        self.assertEqual((error.status, error.name), (999, "?"))


if __name__ == "__main__":
    unittest.main()
