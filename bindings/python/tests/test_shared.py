"""Shared stores: what one process changed, the very next verify of every other sees, also after a fork."""

import asyncio
import ctypes
import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from typing import Any, Callable, List, Tuple

import tokenstore
from others import Child, Failed, Here, Side, There
from test_processes import in_child
from tokenstore import Status, Store

ROUNDS = 25


class Shared(unittest.TestCase):
    """A shared store, and a type of tokens."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tokens.store")
        self.store = Store.create(self.path, shared=True)
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv")
        self.asks = self.store.query(type=self.server)
        self.here = Here(self.store)

    def there(self) -> There:
        """Another program with the same store."""
        made = There(self.path)
        self.addCleanup(made.end)
        return made

    def child(self, orphan: bool = False) -> Child:
        """A child that goes on with this store."""
        made = Child(self.store, orphan)
        self.addCleanup(made.end)
        return made

    def both_ways(self, other: Side, body: Callable[[Side, Side, str], None]) -> None:
        """Runs a body many times, with each side as the one that changes and the other as the one that judges."""
        for round in range(ROUNDS):
            for name, changes, judges in (("here", self.here, other), ("there", other, self.here)):
                with self.subTest(changed=name, round=round):
                    body(changes, judges, f"{name}-{round}")

    def is_of_both(self, *others: Side) -> None:
        """All see what each of them makes and revokes."""
        sides: List[Side] = [self.here, *others]
        for changes in sides:
            id, value = changes.ask("create", self.server, "acme")
            answers = [side.ask("verify", value, self.server) for side in sides]
            self.assertEqual(answers, ["OK"] * len(sides))
            changes.ask("revoke", id)
            answers = [side.ask("verify", value, self.server) for side in sides]
            self.assertEqual(answers, ["REVOKED"] * len(sides))

    def only_shared(self) -> None:
        """The file is held here, and not let go by anybody's end."""
        with self.assertRaises(tokenstore.StoreLocked):
            Store.open(self.path)


class TwoPrograms(Shared):
    """What one changes, the other's next verify says."""

    def setUp(self) -> None:
        super().setUp()
        self.other = self.there()

    def test_a_token_is_there_and_then_revoked(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            id, value = changes.ask("create", self.server, owner)
            self.assertEqual(judges.ask("verify", value, self.server), "OK")
            self.assertEqual(judges.ask("owner", value, self.server), owner)
            self.assertTrue(changes.ask("revoke", id))
            self.assertEqual(judges.ask("verify", value, self.server), "REVOKED")
            self.assertFalse(judges.ask("revoke", id), "it is revoked already")

        self.both_ways(self.other, body)

    def test_of_many_values_too(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            made = [changes.ask("create", self.server, owner) for _ in range(3)]
            values = [value for _, value in made]
            self.assertEqual(judges.ask("verify_many", values, self.server), ["OK"] * 3)
            changes.ask("revoke", made[1][0])
            self.assertEqual(judges.ask("verify_many", values, self.server), ["OK", "REVOKED", "OK"])

        self.both_ways(self.other, body)

    def test_grants_come_and_go(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            id, value = changes.ask("create", self.server, owner, ["A-1"])

            def reached() -> List[str]:
                return [judges.ask("verify", value, self.server, project) for project in ("A-1", "B-2")]

            self.assertEqual(reached(), ["OK", "NO_GRANT"])
            changes.ask("edit", id, ["B-2"])
            self.assertEqual(reached(), ["NO_GRANT", "OK"])
            changes.ask("grant", id, "A-1")
            self.assertEqual(reached(), ["OK", "OK"])
            judges.ask("ungrant", id, "A-1")
            self.assertEqual(changes.ask("verify", value, self.server, "A-1"), "NO_GRANT")
            self.assertEqual(changes.ask("remove_project", "B-2"), 1)
            self.assertEqual(reached(), ["NO_GRANT", "NO_GRANT"])

        self.both_ways(self.other, body)

    def test_a_token_is_switched_off_and_on_and_deleted(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            id, value = changes.ask("create", self.server, owner)
            for change, answer in (("disable", "DISABLED"), ("enable", "OK"), ("delete", "UNKNOWN")):
                changes.ask(change, id)
                self.assertEqual(judges.ask("verify", value, self.server), answer)
            with self.assertRaises(Failed) as failed:
                judges.ask("revision", id)
            self.assertEqual(failed.exception.name, "NOT_FOUND")

        self.both_ways(self.other, body)

    def test_a_value_is_replaced(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            id, value = changes.ask("create", self.server, owner)
            self.assertEqual(judges.ask("verify", value, self.server), "OK")
            other = changes.ask("rotate", id)
            self.assertEqual(judges.ask("verify", value, self.server), "SUPERSEDED")
            self.assertEqual(judges.ask("verify", other, self.server), "OK")
            third = judges.ask("rotate", id)
            self.assertEqual(changes.ask("verify", other, self.server), "SUPERSEDED")
            self.assertEqual(changes.ask("verify", third, self.server), "OK")

        self.both_ways(self.other, body)

    def test_an_owner_loses_all_and_begins_anew(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            values = [side.ask("create", self.server, owner)[1] for side in (changes, judges, changes)]
            changes.ask("revoke_owner", owner)
            self.assertEqual(judges.ask("verify_many", values, self.server), ["REVOKED"] * 3)
            _, value = judges.ask("create", self.server, owner)
            self.assertEqual(changes.ask("verify", value, self.server), "OK")

        self.both_ways(self.other, body)

    def test_a_type_is_declared(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            prefix = owner.replace("-", "_")
            type = changes.ask("declare", owner, prefix)
            _, value = changes.ask("create", type, "acme")
            self.assertEqual(judges.ask("verify", value, type), "OK")
            self.assertEqual(judges.ask("verify", value, self.server), "WRONG_TYPE")
            self.assertEqual(judges.ask("declare", owner, prefix), type)

        self.both_ways(self.other, body)

    def test_a_family_is_refreshed_and_ends(self) -> None:
        access = self.here.ask("declare", "access", "acc")
        refresh = self.here.ask("declare", "refresh", "ref", None, True)

        def body(changes: Side, judges: Side, owner: str) -> None:
            family, first, value = changes.ask("pair", access, refresh, owner)
            self.assertEqual(judges.ask("verify", first, access), "OK")
            outcome, second, next_value = changes.ask("refresh", value)
            self.assertEqual(outcome, "ROTATED")
            self.assertNotEqual(judges.ask("verify", first, access), "OK")
            self.assertEqual(judges.ask("verify", second, access), "OK")
            self.assertEqual(judges.ask("refresh", value), ["REPLAYED", second, next_value])
            self.assertEqual(judges.ask("refresh", next_value)[0], "ROTATED")
            self.assertNotEqual(changes.ask("verify", second, access), "OK")
            # Two generations back: somebody else had it, too.
            self.assertEqual(changes.ask("refresh", value), ["REUSED"])
            self.assertEqual(judges.ask("refresh", next_value), ["REVOKED"])
            family, first, value = judges.ask("pair", access, refresh, owner)
            changes.ask("revoke_family", family)
            self.assertEqual(judges.ask("verify", first, access), "REVOKED")
            self.assertEqual(judges.ask("refresh", value), ["REVOKED"])

        self.both_ways(self.other, body)

    def test_each_use_is_spent_once(self) -> None:
        ticket = self.here.ask("declare", "ticket", "tkt", 2)

        def body(changes: Side, judges: Side, owner: str) -> None:
            _, value = changes.ask("create", ticket, owner)
            said = [side.ask("consume", value, ticket) for side in (judges, changes, judges, changes)]
            self.assertEqual(said, ["OK", "OK", "USED", "USED"])

        self.both_ways(self.other, body)

    def test_lists_and_events_are_of_all(self) -> None:
        def body(changes: Side, judges: Side, owner: str) -> None:
            made = [side.ask("create", self.server, owner)[0] for side in (changes, judges)]
            self.assertEqual(judges.ask("ids", owner), sorted(made))
            self.assertEqual(changes.ask("ids", owner), sorted(made))
            self.assertEqual(judges.ask("revision", made[0]), changes.ask("revision", made[0]))

        self.both_ways(self.other, body)
        events = self.here.ask("events")
        self.assertEqual(events, sorted(set(events)))
        self.assertEqual(self.other.ask("events"), events)

    def test_volatile_types_are_of_all(self) -> None:
        ticket = self.store.declare("short", "sht", uses=1, volatile=True, default_lifetime=timedelta(minutes=5))
        for _ in range(ROUNDS):
            value = self.store.create_token(ticket, "acme").value.reveal()
            self.assertEqual(self.other.ask("consume", value, ticket), "OK")
            self.assertIs(self.store.consume(value, type=ticket).status, Status.USED)

    def test_a_revocation_is_seen_beside_writers_on_both_sides(self) -> None:
        ended = threading.Event()
        made = [0]

        def write() -> None:
            while not ended.is_set():
                self.store.create_token(self.server, "busy")
                made[0] += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            self.both_ways(self.other, self._revoked_at_once)
        finally:
            ended.set()
            writer.join()
        self.assertGreater(made[0], 10)
        self.assertEqual(len(self.other.ask("ids", "busy")), made[0])

    def _revoked_at_once(self, changes: Side, judges: Side, owner: str) -> None:
        _, value = changes.ask("create", self.server, owner)
        self.assertEqual(judges.ask("verify", value, self.server), "OK")
        changes.ask("revoke_value", value)
        self.assertEqual(judges.ask("verify", value, self.server), "REVOKED")

    def test_one_that_is_killed_takes_nothing_along(self) -> None:
        id, value = self.other.ask("create", self.server, "acme")
        self.other.kill()
        self.assertTrue(self.store.verify(value, self.asks))
        third = self.there()
        self.assertTrue(third.ask("revoke", id))
        self.assertIs(self.store.verify(value, self.asks).status, Status.REVOKED)
        self.is_of_both(third)


class NoWait(Shared):
    """A stale answer is for those who ask for it."""

    def setUp(self) -> None:
        super().setUp()
        self.other = self.there()
        self.quick = self.store.query(type=self.server, no_wait=True)

    def test_it_is_stale_after_a_foreign_change_until_somebody_waited(self) -> None:
        for _ in range(ROUNDS):
            id, value = self.other.ask("create", self.server, "acme")
            stale = self.store.verify(value, self.quick)
            self.assertEqual((stale.allowed, stale.status, stale.id), (False, Status.STALE, None))
            self.assertFalse(stale)
            self.assertTrue(self.store.verify(value, self.asks))
            self.assertTrue(self.store.verify(value, self.quick))
            self.other.ask("revoke", id)
            self.assertIs(self.store.verify(value, self.quick).status, Status.STALE)
            self.assertIs(self.store.verify(value, self.asks).status, Status.REVOKED)
            self.assertIs(self.store.verify(value, self.quick).status, Status.REVOKED)

    def test_it_is_never_stale_after_a_change_of_ones_own(self) -> None:
        for _ in range(ROUNDS):
            made = self.store.create_token(self.server, "acme")
            self.assertTrue(self.store.verify(made.value, self.quick))
            self.store.revoke(made.id)
            self.assertIs(self.store.verify(made.value, self.quick).status, Status.REVOKED)

    def test_require_raises_it_and_it_is_no_refusal(self) -> None:
        _, value = self.other.ask("create", self.server, "acme")
        with self.assertRaises(tokenstore.Stale) as stale:
            self.store.require(value, self.quick)
        self.assertNotIsInstance(stale.exception, tokenstore.Refused)
        self.assertEqual(stale.exception.name, "STALE")
        self.assertTrue(self.store.require(value, self.asks))

    def test_it_is_each_ones_answer_of_many(self) -> None:
        values = [self.other.ask("create", self.server, "acme")[1] for _ in range(3)]
        stale = self.store.verify_many(values, self.quick)
        self.assertEqual((stale.statuses, stale.allowed, stale.all_allowed), ([Status.STALE] * 3, 0, False))
        self.assertTrue(self.store.verify_many(values, self.asks).all_allowed)
        self.assertTrue(self.store.verify_many(values, self.quick).all_allowed)

    def test_no_other_call_answers_it(self) -> None:
        coupon = self.store.declare("coupon", "cpn", uses=1)
        quick = self.store.query(type=coupon, no_wait=True)
        calls: List[Callable[[str, str], Any]] = [
            lambda id, value: self.store.verify(value, self.asks).status,
            lambda id, value: self.store.verify(value, type="server").status,
            lambda id, value: self.store.require(value, self.asks),
            lambda id, value: self.store.verify_many([value], self.asks).statuses,
            lambda id, value: self.store.query(type="server"),
            lambda id, value: self.store.consume(value, quick).status,
            lambda id, value: self.store.revoke_value(value),
            lambda id, value: self.store.get(id),
            lambda id, value: self.store.find_type("server"),
            lambda id, value: self.store.type_info(self.server),
            lambda id, value: [token.id for token in self.store.list()],
            lambda id, value: [event.at for event in self.store.events()],
            lambda id, value: self.store.stats(),
            lambda id, value: self.store.edit(id, app_word=7),
            lambda id, value: self.store.rotate(id, timedelta(0)),
            lambda id, value: self.store.create_token(self.server, "acme"),
            lambda id, value: self.store.try_refresh(value, "c").status,
            lambda id, value: self.store.flush(),
        ]
        for place, call in enumerate(calls):
            with self.subTest(place=place):
                id, value = self.other.ask("create", self.server, "acme")
                answer = call(id, value)
                self.assertNotIn(Status.STALE, answer if isinstance(answer, list) else [answer])

    def test_a_consume_waits_whatever_the_query_says(self) -> None:
        coupon = self.store.declare("coupon", "cpn", uses=1)
        quick = self.store.query(type=coupon, no_wait=True)
        for _ in range(ROUNDS):
            _, value = self.other.ask("create", coupon, "acme")
            self.assertTrue(self.store.consume(value, quick))
            self.assertEqual(self.other.ask("consume", value, coupon), "USED")

    def test_an_event_loop_waits_in_a_thread(self) -> None:
        in_threads = [0]

        async def judge(value: str) -> tokenstore.Verdict:
            verdict = self.store.verify(value, self.quick)
            if verdict.status is Status.STALE:
                in_threads[0] += 1
                verdict = await asyncio.to_thread(self.store.verify, value, self.asks)
            return verdict

        async def serve() -> None:
            for _ in range(ROUNDS):
                id, value = self.other.ask("create", self.server, "acme")
                answers = await asyncio.gather(*(judge(value) for _ in range(8)))
                self.assertTrue(all(answers))
                self.other.ask("revoke", id)
                answers = await asyncio.gather(*(judge(value) for _ in range(8)))
                self.assertEqual({answer.status for answer in answers}, {Status.REVOKED})

        asyncio.run(serve())
        self.assertGreaterEqual(in_threads[0], 2 * ROUNDS)

    def test_a_store_that_is_not_shared_is_never_stale(self) -> None:
        with Store.in_memory() as store:
            made = store.create_token(store.declare("server", "srv"), "acme")
            quick = store.query(type="server", no_wait=True)
            self.assertTrue(store.verify(made.value, quick))
            self.assertTrue(store.require(made.value, quick))
            self.assertTrue(store.verify_many([made.value], quick).all_allowed)


class Forks(Shared):
    """A child goes on by itself, and lets nothing of its parent's go."""

    def test_a_child_and_its_parent_see_each_others_changes(self) -> None:
        child = self.child()
        for _ in range(ROUNDS):
            self.is_of_both(child)
        self.only_shared()

    def test_children_of_children_do_too(self) -> None:
        def body() -> str:
            made = self.store.create_token(self.server, "acme")

            def of_the_child() -> str:
                self.store.revoke(made.id)
                return Status(self.store.verify(made.value, self.asks).status).name

            before = self.store.verify(made.value, self.asks).status
            said = in_child(of_the_child)
            after = self.store.verify(made.value, self.asks).status
            return " ".join([Status(before).name, said, Status(after).name])

        for _ in range(3):
            self.assertEqual(in_child(body), "OK REVOKED REVOKED")

    def test_many_children_and_a_stranger_are_of_one_mind(self) -> None:
        children = [self.child() for _ in range(4)]
        stranger = self.there()
        for _ in range(5):
            self.is_of_both(*children, stranger)

    def test_a_daemon_goes_on_when_its_parent_is_gone(self) -> None:
        daemon = self.child(orphan=True)
        self.assertNotEqual(daemon.pid, os.getpid())
        self.is_of_both(daemon)

    def test_a_child_goes_on_when_its_parent_has_closed(self) -> None:
        child = self.child()
        _, value = child.ask("create", self.server, "acme")
        self.store.close()
        self.assertEqual(child.ask("verify", value, self.server), "OK")
        other = self.there()
        other.ask("revoke_value", value)
        self.assertEqual(child.ask("verify", value, self.server), "REVOKED")

    def test_the_first_answer_in_a_child_is_right_whatever_is_called_first(self) -> None:
        revoked = self.store.create_token(self.server, "acme")
        made = self.store.create_token(self.server, "acme")
        quick = self.store.query(type=self.server, no_wait=True)
        self.store.revoke(revoked.id)
        calls: List[Tuple[Callable[[], Any], Any]] = [
            (lambda: self.store.verify(made.value, self.asks).status, Status.OK),
            (lambda: self.store.verify(revoked.value, self.asks).status, Status.REVOKED),
            (lambda: self.store.verify(made.value, quick).status, Status.STALE),
            (lambda: self.store.verify_many([made.value, revoked.value], self.asks).statuses, [0, 3]),
            (lambda: self.store.find_type("server"), self.server),
            (lambda: len(list(self.store.list(dead=True))), 2),
            (lambda: len(list(self.store.events())) >= 4, True),
            (lambda: self.store.stats().tokens, 2),
            (lambda: self.store.get(made.id).id, made.id),
            (lambda: bool(self.store.revoke(revoked.id)), False),
            (lambda: bool(self.store.create_token(self.server, "acme").value), True),
            (lambda: self.store.declare("server", "srv"), self.server),
            (lambda: self.store.flush(), None),
            (lambda: self.store.close(), None),
        ]
        for place, (call, wanted) in enumerate(calls):
            self.assertEqual(in_child(lambda: repr(call())), repr(wanted), place)
        self.only_shared()

    def test_an_owner_in_a_child_is_never_somebody_else(self) -> None:
        # The references that a verdict holds are of the process that made it: a child's own memory is laid out anew.
        owners = [f"owner-{n}" * (1 + n % 7) for n in range(200)]
        made = [self.store.create_token(self.server, owner) for owner in owners]
        for one in made[:150:2]:
            self.store.delete(one.id)
        left = [(owner, one) for n, (owner, one) in enumerate(zip(owners, made)) if n >= 150 or n % 2]
        verdicts = [(owner, self.store.verify(one.value, self.asks)) for owner, one in left]

        def body() -> str:
            before = [(owner, self.store.owner(verdict)) for owner, verdict in verdicts]
            again = [(owner, self.store.owner(self.store.verify(one.value, self.asks))) for owner, one in left]
            after = [(owner, self.store.owner(verdict)) for owner, verdict in verdicts]
            wrong = [pair for pair in before + after if pair[1] not in (None, pair[0].encode())]
            wrong += [pair for pair in again if pair[1] != pair[0].encode()]
            return f"{len(again)} owners, wrong: {wrong[:3]}"

        self.assertEqual(in_child(body), f"{len(left)} owners, wrong: []")

    def test_an_owner_is_looked_up_in_memory_alone_also_in_a_child_that_has_not_opened_the_store(self) -> None:
        made = self.store.create_token(self.server, "acme")
        verdict = self.store.verify(made.value, self.asks)

        def body() -> str:
            before = self.store.owner(verdict)
            with self.assertRaises(tokenstore.Stale):
                # So it was not opened on the way.
                self.store.require(made.value, self.store_query_no_wait)
            return f"{before!r} {self.store.owner(self.store.verify(made.value, self.asks))!r}"

        self.store_query_no_wait = self.store.query(type=self.server, no_wait=True)
        self.assertEqual(in_child(body), "None b'acme'")
        self.assertEqual(self.store.owner(verdict), b"acme")

    def test_what_a_child_closes_or_drops_stays_its_parents(self) -> None:
        made = self.store.create_token(self.server, "acme")

        def leave() -> str:
            with self.store as store:
                inside = bool(store.verify(made.value, self.asks))
            with self.assertRaises(tokenstore.StoreClosed):
                store.verify(made.value, self.asks)
            return f"{inside} {store.closed}"

        def leave_unused() -> str:
            with self.store:
                pass
            self.store.close()
            return str(self.store.closed)

        def drop() -> str:
            self.store.verify(made.value, self.asks)
            del self.store, self.here
            gc.collect()
            return "dropped"

        def drop_unused() -> str:
            del self.store, self.here
            gc.collect()
            return "dropped"

        for body, said in ((leave, "True True"), (leave_unused, "True"), (drop, "dropped"), (drop_unused, "dropped")):
            self.assertEqual(in_child(body), said)
            self.assertFalse(self.store.closed)
            self.assertTrue(self.store.verify(made.value, self.asks))
            self.only_shared()
            self.is_of_both()
        self.store.close()
        Store.open(self.path).close()

    def test_a_child_that_ends_as_programs_do_writes_its_last_uses(self) -> None:
        script = """
import os, sys, tokenstore
store = tokenstore.Store.open(sys.argv[1], shared=True)
made = store.create_token("server", "acme")
child = os.fork()
if child == 0:
    assert store.verify(made.value, type="server")
    sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert store.get(made.id).last_used is not None
made = store.create_token("server", "acme")
"""
        command = [sys.executable, "-X", "dev", "-c", script, self.path]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "", ""))
        self.assertEqual(len(list(self.store.list())), 2)
        self.is_of_both()

    def test_a_fork_in_the_middle_of_other_threads_calls_is_no_trouble(self) -> None:
        made = self.store.create_token(self.server, "acme")
        ended = threading.Event()

        def use() -> None:
            while not ended.is_set():
                self.store.create_token(self.server, "busy")
                self.store.verify(made.value, self.asks)
                list(self.store.events_page(limit=10))

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for round in range(20):

                def body() -> str:
                    began = time.monotonic()
                    inside = self.store.verify(made.value, self.asks).status
                    id = self.store.create_token(self.server, "acme").id
                    self.store.revoke(id)
                    self.store.close()
                    slow = time.monotonic() - began > 20
                    return f"{Status(inside).name} {self.store.closed}{' slow' * slow}"

                self.assertEqual(in_child(body), "OK True", round)
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        self.is_of_both()

    def test_a_list_of_the_parents_goes_on_in_neither_a_wrong_nor_a_harmful_way(self) -> None:
        made = sorted(self.store.create_token(self.server, "acme").id for _ in range(5))
        tokens = self.store.list(page_size=2)
        self.assertEqual(next(tokens).id, made[0])

        def body() -> str:
            try:
                return repr([token.id for token in tokens] == made[1:])
            except tokenstore.ForkedStore:
                return "True"

        self.assertEqual(in_child(body), "True")
        self.assertEqual([token.id for token in tokens], made[1:])

    def test_a_store_that_was_closed_stays_closed_in_a_child(self) -> None:
        self.store.close()

        def body() -> str:
            self.store.close()
            try:
                self.store.stats()
            except tokenstore.StoreClosed as error:
                return error.name
            return "open"

        self.assertEqual(in_child(body), "CLOSED")

    def test_a_fork_that_python_does_not_hear_of_is_one(self) -> None:
        # As of a server that is written in C, and forks by itself.
        made = self.store.create_token(self.server, "acme")
        read, write = os.pipe()
        child = ctypes.PyDLL(None).fork()
        if child == 0:
            try:
                said = Status(self.store.verify(made.value, self.asks).status).name
                self.store.revoke(made.id)
                self.store.close()
                os.write(write, f"{said} {self.store.closed}".encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            self.assertEqual(pipe.read(), "OK True")
        os.waitpid(child, 0)
        self.assertIs(self.store.verify(made.value, self.asks).status, Status.REVOKED)
        self.only_shared()
        self.is_of_both()

    def test_only_the_shared_ones_go_on(self) -> None:
        with Store.create(self.path + "2") as alone:

            def body() -> str:
                try:
                    alone.stats()
                except tokenstore.ForkedStore as error:
                    return f"{error.name} {self.store.stats().tokens}"
                return "goes on"

            self.assertEqual(in_child(body), "FORKED 0")
            alone.stats()

    def test_a_store_in_memory_is_one_processs_alone(self) -> None:
        with Store.in_memory(shared=True) as store:
            made = store.create_token(store.declare("server", "srv"), "acme")

            def body() -> str:
                try:
                    with store:
                        store.verify(made.value, type="server")
                except tokenstore.ForkedStore as error:
                    return error.name
                return "goes on"

            self.assertEqual(in_child(body), "FORKED")
            self.assertTrue(store.verify(made.value, type="server"))


# What children of pools do. They find the store where their parent had it.
_pooled: Any = None
_together: Any = None


def _pid_and_answer(value: str) -> Tuple[int, str]:
    """Who judged, and what. All workers are in here at once, so that each takes one task."""
    _together.wait(60)
    store, asks = _pooled
    return os.getpid(), Status(store.verify(value, asks).status).name


class Pools(Shared):
    """The standard library's own ways to have workers."""

    WORKERS = 4

    def setUp(self) -> None:
        global _pooled, _together
        super().setUp()
        self.context = multiprocessing.get_context("fork")
        _pooled, _together = (self.store, self.asks), self.context.Barrier(self.WORKERS)

    def agree(self, map_to_all: Callable[[str], List[Tuple[int, str]]]) -> None:
        """All workers accept a token, and refuse it once it is revoked, here or in a third process."""
        other, heard = self.there(), set()
        for round in range(ROUNDS):
            id, value = (self.here, other)[round % 2].ask("create", self.server, "acme")
            for answer in ("OK", "REVOKED"):
                answers = map_to_all(value)
                self.assertEqual([said for _, said in answers], [answer] * self.WORKERS)
                self.assertEqual(len({pid for pid, _ in answers}), self.WORKERS)
                heard |= {pid for pid, _ in answers}
                (other, self.here)[round % 2].ask("revoke", id)
        self.assertEqual(len(heard), self.WORKERS)
        self.assertNotIn(os.getpid(), heard)
        self.only_shared()

    def test_a_pool_of_multiprocessing_goes_on_with_the_store(self) -> None:
        with self.context.Pool(self.WORKERS) as pool:
            self.agree(lambda value: pool.map(_pid_and_answer, [value] * self.WORKERS, 1))

    def test_a_process_pool_executor_goes_on_with_the_store(self) -> None:
        with ProcessPoolExecutor(self.WORKERS, self.context) as pool:
            self.agree(lambda value: list(pool.map(_pid_and_answer, [value] * self.WORKERS)))

    def test_a_process_by_fork_goes_on_with_the_store(self) -> None:
        answers = self.context.SimpleQueue()
        made = self.store.create_token(self.server, "acme")

        def body() -> None:
            answers.put(str(self.store.verify(made.value, self.asks).allowed))
            self.store.revoke(made.id)

        child = self.context.Process(target=body)
        child.start()
        child.join(60)
        self.assertEqual((child.exitcode, answers.get()), (0, "True"))
        self.assertIs(self.store.verify(made.value, self.asks).status, Status.REVOKED)


    def test_no_verify_that_begins_after_a_revocation_elsewhere_accepts_it(self) -> None:
        made = [self.store.create_token(self.server, "acme") for _ in range(100)]
        values = [one.value.reveal().encode() for one in made]
        revoked = self.context.RawArray("b", len(made))
        judged, late = self.context.RawArray("Q", self.WORKERS), self.context.RawArray("Q", self.WORKERS)

        def verify(number: int) -> None:
            while True:
                last = revoked[-1]
                for place, value in enumerate(values):
                    before = revoked[place]
                    if self.store.verify(value, self.asks) and before:
                        late[number] += 1
                judged[number] += len(values)
                if last:
                    return

        children = [self.context.Process(target=verify, args=(number,)) for number in range(self.WORKERS)]
        for child in children:
            child.start()
        for place, one in enumerate(made):
            self.store.revoke(one.id)
            revoked[place] = 1
        for child in children:
            child.join(60)
            child.kill()
        self.assertEqual([child.exitcode for child in children], [0] * self.WORKERS)
        self.assertEqual(list(late), [0] * self.WORKERS)
        self.assertGreater(min(judged), len(values))


class Opening(unittest.TestCase):
    """Who may have a store open beside whom."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tokens.store")

    def test_a_shared_store_is_locked_to_one_that_wants_it_alone(self) -> None:
        with Store.create(self.path, shared=True):
            self._locked(os.getpid(), "alone")
        other = There(self.path, "shared")
        try:
            with self.assertRaises(tokenstore.StoreLocked) as locked:
                Store.open(self.path)
            self._names(str(locked.exception), other.pid)
        finally:
            other.end()
        Store.open(self.path).close()

    def test_a_store_of_one_alone_is_locked_to_all_others(self) -> None:
        with Store.create(self.path):
            self._locked(os.getpid(), "shared")
            self._locked(os.getpid(), "alone")
        other = There(self.path, "alone")
        try:
            for shared in (True, False):
                with self.assertRaises(tokenstore.StoreLocked) as locked:
                    Store.open(self.path, shared=shared)
                self._names(str(locked.exception), other.pid)
        finally:
            other.end()
        Store.open(self.path, shared=True).close()

    def _locked(self, holder: int, how: str) -> None:
        with self.assertRaises(Failed) as failed:
            There(self.path, how)
        self.assertEqual(failed.exception.name, "LOCKED")
        self._names(failed.exception.text, holder)

    def _names(self, text: str, holder: int) -> None:
        self.assertIn(self.path, text)
        self.assertIn(str(holder), text)

    def test_two_of_one_process_are_as_two_of_two(self) -> None:
        with Store.create(self.path, shared=True) as one:
            server = one.declare("server", "srv")
            for _ in range(3):
                with Store.open(self.path, shared=True) as two:
                    made = two.create_token(server, "acme")
                    self.assertTrue(one.verify(made.value, type=server))
                    one.revoke(made.id)
                    self.assertIs(two.verify(made.value, type=server).status, Status.REVOKED)
                # The end of one lets nothing of the other's go.
                self._locked(os.getpid(), "alone")
            self.assertTrue(one.verify(one.create_token(server, "acme").value, type=server))
        Store.open(self.path).close()

    def test_a_store_is_shared_or_not_each_time_that_it_is_opened(self) -> None:
        with Store.create(self.path) as store:
            value = store.create_token(store.declare("server", "srv"), "acme").value
        for shared in (True, False, True):
            with Store.open(self.path, shared=shared) as store:
                self.assertTrue(store.verify(value, type="server"))
                value = store.create_token("server", "acme").value

    def test_a_store_with_a_key_is_shared_by_those_who_have_it(self) -> None:
        key = os.urandom(32)
        with Store.create(self.path, key=key, shared=True) as store:
            value = store.create_token(store.declare("server", "srv"), "acme").value

            def body() -> str:
                # The child has no need of the key: it goes on with what its parent opened.
                return str(bool(store.verify(value, type="server")))

            self.assertEqual(in_child(body), "True")

            def wrong() -> str:
                try:
                    Store.open(self.path, shared=True)
                except tokenstore.WrongKey as error:
                    return error.name
                return "opened"

            self.assertEqual(in_child(wrong), "WRONG_KEY")

    def test_many_programs_begin_at_once(self) -> None:
        # As workers do that each import the application: the first to come makes the store.
        context = multiprocessing.get_context("fork")
        together, answers = context.Barrier(6), context.SimpleQueue()

        def begin() -> None:
            together.wait(60)
            store = open_or_create(self.path)
            made = store.create_if_absent(store.declare("server", "srv"), "acme", "first")
            answers.put(type(made).__name__)
            together.wait(60)
            answers.put(str(len(list(store.list()))))
            store.close()

        children = [context.Process(target=begin) for _ in range(6)]
        for child in children:
            child.start()
        for child in children:
            child.join(60)
            child.kill()
        self.assertEqual([child.exitcode for child in children], [0] * 6)
        said = sorted(answers.get() for _ in range(12))
        self.assertEqual(said, ["1"] * 6 + ["Created"] + ["Existing"] * 5)


def open_or_create(path: str) -> Store:
    """The store at a path, for a program that does not know whether it is the first."""
    try:
        return Store.open(path, shared=True)
    except tokenstore.StoreMissing:
        try:
            return Store.create(path, shared=True)
        except tokenstore.AlreadyExists:
            return Store.open(path, shared=True)


if __name__ == "__main__":
    unittest.main()
