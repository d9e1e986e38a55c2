"""What counts, hangs, refreshes and is replaced: tickets, families, rotation, parents, owners, pruning."""

import os
import tempfile
import threading
import unittest
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any, List

import tokenstore
from tokenstore import EventKind, FamilyPolicy, NewToken, OldAccess, Outcome, Status, Store

NOON = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class InMemory(unittest.TestCase):
    """A store in memory and a clock that stands."""

    def setUp(self) -> None:
        self.clock = tokenstore.ManualClock(NOON)
        self.store = Store.in_memory(clock=self.clock)
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv")

    def status(self, value: Any, type: int) -> object:
        return self.store.verify(value, type=type).status


class Tickets(InMemory):
    def setUp(self) -> None:
        super().setUp()
        self.ticket = self.store.declare("ticket", "tkt", default_lifetime=15 * SECOND, uses=1, volatile=True)
        self.coupon = self.store.declare("coupon", "cpn", uses=3)
        self.asks = self.store.query(type=self.ticket)

    def test_a_ticket_is_looked_at_often_and_spent_once(self) -> None:
        value = self.store.create_token(self.ticket, "user-17", app_data=b"/orders\0/7").value
        for _ in range(3):
            self.assertIs(self.status(value, self.ticket), Status.MUST_CONSUME)
        spent = self.store.consume(value, self.asks)
        self.assertTrue(spent)
        self.assertEqual((spent.status, spent.app_data, spent.uses_left), (Status.OK, b"/orders\0/7", 0))
        again = self.store.consume(value, self.asks)
        self.assertFalse(again)
        self.assertEqual((again.status, again.app_data, again.uses_left), (Status.USED, None, None))
        self.assertEqual(again.verdict.id, spent.verdict.id)
        with self.assertRaises(tokenstore.Used) as used:
            self.store.redeem(value, self.asks)
        self.assertEqual(used.exception.verdict, again.verdict)

    def test_a_use_count_runs_down_and_a_refusal_spends_nothing(self) -> None:
        made = self.store.create_token(self.coupon, "acme", projects=["A-1"], app_data=b"d" * 4_096)
        asks = self.store.query(type=self.coupon, project="A-1")
        for left in (2, 1, 0):
            self.assertEqual(self.store.get(made.id).uses_left, left + 1)
            wrong: Any
            for wrong, error in (
                ({"type": self.server}, tokenstore.WrongType),
                ({"type": self.coupon, "project": "B-2"}, tokenstore.NoGrant),
                ({"type": self.coupon, "binding": "b"}, tokenstore.WrongBinding),
            ):
                self.assertFalse(self.store.consume(made.value, **wrong))
                with self.assertRaises(error):
                    self.store.redeem(made.value, **wrong)
            spent = self.store.redeem(made.value, asks)
            self.assertEqual((spent.uses_left, spent.app_data), (left, b"d" * 4_096))
        self.assertIs(self.store.get(made.id, if_owner="acme").state, tokenstore.State.USED)
        header = self.store.consume("Bearer " + made.value.reveal(), type=self.coupon, header=True)
        self.assertIs(header.status, Status.USED)

    def test_what_is_not_counted_is_verified_and_not_consumed(self) -> None:
        value = self.store.create_token(self.server, "acme").value
        self.assertIs(self.store.consume(value, type=self.server).status, Status.NOT_COUNTED)
        with self.assertRaises(tokenstore.NotCounted):
            self.store.redeem(value, type=self.server)
        self.assertTrue(self.store.verify(value, type=self.server))
        self.assertIsNone(next(self.store.list(type=self.server)).uses_left)

    def test_a_ticket_ends_at_its_time_and_with_its_store(self) -> None:
        first, last = (self.store.create_token(self.ticket, "user-17").value for _ in range(2))
        self.clock.advance(15 * SECOND - timedelta(milliseconds=1))
        self.assertTrue(self.store.consume(first, self.asks))
        self.clock.advance(timedelta(milliseconds=1))
        self.assertIs(self.store.consume(last, self.asks).status, Status.EXPIRED)
        self.assertEqual(list(self.store.list(dead=True)), [])
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tokens.store")
            with Store.create(path) as store:
                ticket = store.declare("ticket", "tkt", default_lifetime=HOUR, uses=1, volatile=True)
                coupon = store.declare("coupon", "cpn", uses=1)
                values = [store.create_token(type, "acme").value for type in (ticket, coupon)]
                self.assertTrue(store.consume(values[1], type=coupon))
            with Store.open(path) as store:
                self.assertIs(store.consume(values[0], type=ticket).status, Status.UNKNOWN)
                self.assertIs(store.consume(values[1], type=coupon).status, Status.USED)

    def test_of_many_threads_each_use_has_one_winner(self) -> None:
        for type, uses in ((self.ticket, 1), (self.coupon, 3)):
            for _ in range(20):
                value = self.store.create_token(type, "acme").value
                asks, together = self.store.query(type=type), threading.Barrier(6)
                won: List[tokenstore.Consumed] = []

                def race() -> None:
                    together.wait()
                    won.append(self.store.consume(value, asks))

                threads = [threading.Thread(target=race) for _ in range(6)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                self.assertEqual(
                    sorted(str(one.status) for one in won),
                    sorted([str(Status.OK)] * uses + [str(Status.USED)] * (6 - uses)),
                )
                self.assertEqual(sorted(one.uses_left for one in won if one), list(range(uses)))

    def test_a_use_count_and_a_policy_are_checked(self) -> None:
        declare: Any = self.store.declare
        wrong: Any
        for wrong in ({"uses": 0}, {"uses": 1 << 32}, {"uses": -1}, {"volatile": True}):
            with self.assertRaises(tokenstore.InvalidArgument, msg=str(wrong)):
                declare("wrong", "wrg", **wrong)
        for wrong in ({"uses": "1"}, {"uses": True}, {"families": HOUR}, {"families": {}}):
            with self.assertRaises(TypeError, msg=str(wrong)):
                declare("wrong", "wrg", **wrong)
        info = self.store.type_info("ticket")
        self.assertEqual((info.uses, info.volatile, info.families), (1, True, None))
        self.assertIsNone(self.store.type_info("server").uses)


class Families(InMemory):
    def setUp(self) -> None:
        super().setUp()
        self.access = self.store.declare("access", "acc", external=True)
        self.policy = FamilyPolicy(access=10 * HOUR, refresh=30 * DAY, family=90 * DAY)
        self.refresh = self.store.declare("refresh", "ref", external=True, families=self.policy)

    def issue(self, **more: Any) -> tokenstore.Pair:
        return self.store.issue_pair(self.access, self.refresh, "user-17", "client-7", **more)

    def test_a_pair_is_an_access_value_that_verifies_and_a_refresh_value_that_does_not(self) -> None:
        pair = self.issue(name="Laptop", projects=["A-1"], app_data=b"mine", app_word=7, by="login")
        self.assertIs(pair.outcome, Outcome.ISSUED)
        self.assertEqual(pair.access.expires, NOON + 10 * HOUR)
        self.assertEqual(pair.refresh.expires, NOON + 30 * DAY)
        verdict = self.store.require(pair.access.value, type=self.access, project="A-1")
        self.assertEqual((verdict.id, verdict.app_word), (pair.access.id, 7))
        looked_at = self.store.verify(pair.refresh.value, type=self.refresh, binding="client-7")
        self.assertIs(looked_at.status, Status.MUST_REFRESH)
        token = self.store.get(pair.refresh.id)
        self.assertEqual((token.family, token.refreshes, token.name), (pair.family, True, "Laptop"))
        token = self.store.get(pair.access.id)
        self.assertEqual((token.family, token.refreshes, token.app_data), (pair.family, False, b"mine"))
        info = self.store.type_info("refresh")
        self.assertEqual(info.families, self.policy)
        self.assertEqual(self.policy.grace, 30 * SECOND)

    def test_a_refresh_rotates_once_and_is_replayed_within_the_grace(self) -> None:
        first = self.issue()
        second = self.store.refresh(first.refresh.value, "client-7", by="web")
        self.assertIs(second.outcome, Outcome.ROTATED)
        self.assertEqual(second.family, first.family)
        self.assertIs(self.status(first.access.value, self.access), Status.SUPERSEDED)
        self.clock.advance(30 * SECOND - timedelta(milliseconds=1))
        for pair in (
            self.store.refresh(first.refresh.value, "client-7"),
            self.store.try_refresh(first.refresh.value, "client-7").pair,
        ):
            assert pair is not None
            self.assertIs(pair.outcome, Outcome.REPLAYED)
            self.assertEqual(pair.access, second.access)
            self.assertEqual(pair.refresh, second.refresh)
        self.assertTrue(self.store.verify(second.access.value, type=self.access))

    def test_a_refresh_value_that_is_used_again_ends_its_family(self) -> None:
        pair = first = self.issue()
        for _ in range(3):
            pair = self.store.refresh(pair.refresh.value, "client-7")
        self.clock.advance(31 * SECOND)
        with self.assertRaises(tokenstore.Reused) as reused:
            self.store.refresh(first.refresh.value, "client-7")
        self.assertEqual((reused.exception.status, reused.exception.name), (Status.REUSED, "REUSED"))
        self.assertIs(self.status(pair.access.value, self.access), Status.REVOKED)
        refused = self.store.try_refresh(pair.refresh.value, "client-7")
        self.assertFalse(refused)
        self.assertEqual((refused.status, refused.pair), (Status.REVOKED, None))
        event = self.store.events_page()[-1]
        self.assertIs(event.kind, EventKind.REUSED)
        self.assertEqual((event.id, event.count, event.age), (first.family, 3, 31 * SECOND))
        self.assertIsNone(event.owner)

    def test_the_two_verbs_refuse_alike(self) -> None:
        pair = self.issue()
        plain = self.store.create_token(self.server, "acme").value
        dead = self.issue()
        self.store.revoke_family(dead.family)
        for value, client, error in (
            ("nonsense", "client-7", tokenstore.Malformed),
            ("ref_" + "0" * 36, "client-7", tokenstore.Malformed),
            (plain, "client-7", tokenstore.WrongType),
            (pair.access.value, "client-7", tokenstore.WrongType),
            (pair.refresh.value, "client-8", tokenstore.WrongBinding),
            (dead.refresh.value, "client-7", tokenstore.Revoked),
        ):
            with self.subTest(error.__name__):
                refused = self.store.try_refresh(value, client)
                self.assertEqual((refused.status, refused.pair), (error.status, None))
                with self.assertRaises(error):
                    self.store.refresh(value, client)
        self.assertTrue(self.store.try_refresh(pair.refresh.value, "client-7"))
        for client in ("", "c" * 256):
            for call in (self.store.refresh, self.store.try_refresh):
                with self.assertRaises(tokenstore.InvalidArgument):
                    call(pair.refresh.value, client)

    def test_a_refresh_is_refused_when_its_time_is_over(self) -> None:
        pair = self.issue()
        self.clock.advance(30 * DAY)
        with self.assertRaises(tokenstore.Expired):
            self.store.refresh(pair.refresh.value, "client-7")

    def test_own_values_of_up_to_8_kib_are_a_pair_as_they_are(self) -> None:
        jwt, next_jwt = b"eyJ" + b"a" * 8_189, b"eyJ" + b"b" * 8_189
        first = self.issue(access=jwt, refresh=tokenstore.Secret("r" * 16))
        self.assertEqual(first.access.value.reveal().encode(), jwt)
        self.assertEqual(first.refresh.value.reveal(), "r" * 16)
        second = self.store.refresh("r" * 16, "client-7", access=next_jwt)
        again = self.store.refresh("r" * 16, "client-7")
        self.assertEqual(second.access.value, tokenstore.Secret(next_jwt))
        self.assertEqual((again.access, again.refresh), (second.access, second.refresh))
        self.assertTrue(self.store.verify(next_jwt, type=self.access))
        self.assertRegex(second.refresh.value.reveal(), "^ref_")
        with self.assertRaises(tokenstore.ValueExists):
            self.issue(access=jwt)
        with self.assertRaises(tokenstore.ValueExists):
            self.store.try_refresh(second.refresh.value, "client-7", refresh=jwt)
        wrong: Any
        for wrong in (b"", b"x" * 15, b"x" * 8_193, bytearray(10_000)):
            for key in ("access", "refresh"):
                with self.assertRaises(tokenstore.InvalidArgument):
                    self.issue(**{key: wrong})
        for wrong in (5, ["x" * 16], object()):
            with self.assertRaises(TypeError):
                self.issue(access=wrong)

    def test_access_values_are_bound_if_that_is_asked_for(self) -> None:
        pair = self.issue(bind_access=True)
        self.assertIs(self.status(pair.access.value, self.access), Status.WRONG_BINDING)
        self.assertTrue(self.store.verify(pair.access.value, type=self.access, binding="client-7"))

    def test_what_a_refresh_makes_of_the_access_value_before_is_the_policys(self) -> None:
        for number, (fate, now, later) in enumerate(
            (
                (OldAccess.ENDS_NOW, Status.SUPERSEDED, Status.SUPERSEDED),
                (OldAccess.ENDS_WITH_GRACE, Status.OK, Status.SUPERSEDED),
                (OldAccess.LIVES_ON, Status.OK, Status.OK),
            )
        ):
            policy = FamilyPolicy(HOUR, DAY, DAY, grace=5 * SECOND, old_access=fate)
            type = self.store.declare(f"r{number}", f"r{number}", families=policy)
            self.assertEqual(self.store.type_info(type).families, policy)
            pair = self.store.issue_pair(self.access, type, "acme", "c")
            self.store.refresh(pair.refresh.value, "c")
            self.assertIs(self.status(pair.access.value, self.access), now)
            self.clock.advance(5 * SECOND)
            self.assertIs(self.status(pair.access.value, self.access), later)

    def test_without_a_grace_a_second_use_is_a_reuse_at_once(self) -> None:
        policy = FamilyPolicy(HOUR, DAY, DAY, grace=timedelta(0))
        type = self.store.declare("strict", "stc", families=policy)
        self.assertEqual(self.store.type_info(type).families, policy)
        pair = self.store.issue_pair(self.access, type, "acme", "c")
        self.store.refresh(pair.refresh.value, "c")
        with self.assertRaises(tokenstore.Reused):
            self.store.refresh(pair.refresh.value, "c")

    def test_a_policy_of_families_is_checked(self) -> None:
        for wrong in (
            FamilyPolicy(timedelta(0), DAY, DAY),
            FamilyPolicy(HOUR, -DAY, DAY),
            FamilyPolicy(HOUR, DAY, timedelta(0)),
            FamilyPolicy(HOUR, DAY, DAY, grace=-SECOND),
            FamilyPolicy(HOUR, DAY, DAY, grace=DAY + SECOND),
            FamilyPolicy(HOUR, DAY, DAY, old_access=3),  # type: ignore[arg-type]
        ):
            with self.assertRaises(tokenstore.InvalidArgument, msg=str(wrong)):
                self.store.declare("wrong", "wrg", families=wrong)
        with self.assertRaises(TypeError):
            self.store.declare("wrong", "wrg", families=FamilyPolicy(1, DAY, DAY))  # type: ignore[arg-type]
        with self.assertRaises(tokenstore.InvalidArgument):
            self.store.issue_pair(self.access, self.server, "acme", "c")
        for missing in ("nothing", 99):
            with self.assertRaises(tokenstore.NotFound):
                self.store.issue_pair(missing, self.refresh, "acme", "c")

    def test_of_many_threads_one_rotates_and_all_get_the_same_pair(self) -> None:
        for _ in range(10):
            first, together = self.issue(), threading.Barrier(6)
            pairs: List[tokenstore.Pair] = []

            def race() -> None:
                together.wait()
                pairs.append(self.store.refresh(first.refresh.value, "client-7"))

            threads = [threading.Thread(target=race) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(
                sorted(pair.outcome for pair in pairs), [Outcome.ROTATED] + [Outcome.REPLAYED] * 5
            )
            self.assertEqual({pair.access.value.reveal() for pair in pairs}, {pairs[0].access.value.reveal()})

    def test_a_family_is_ended_as_one(self) -> None:
        pair = self.issue()
        with self.assertRaises(tokenstore.NotFound):
            self.store.revoke_family(pair.family, if_owner="user-18")
        with self.assertRaises(tokenstore.NotFound):
            self.store.revoke_family(pair.access.id)
        self.assertTrue(self.store.revoke_family(pair.family, by="admin", reason="logout"))
        self.assertFalse(self.store.revoke_family(pair.family))
        self.assertIs(self.status(pair.access.value, self.access), Status.REVOKED)
        event = self.store.events_page()[-1]
        self.assertEqual((event.kind, event.id, event.reason), (EventKind.FAMILY_REVOKED, pair.family, "logout"))


class Lines(InMemory):
    def test_a_rotated_token_has_two_values_for_the_grace(self) -> None:
        made = self.store.create_token(self.server, "acme", "deploy", app_data=b"mine", app_word=7)
        before = self.store.get(made.id)
        self.assertEqual((before.old_value_until, before.old_value_used), (None, None))
        rotated = self.store.rotate(made.id, HOUR, by="admin", reason="monthly")
        self.assertEqual(rotated.id, made.id)
        self.assertNotEqual(rotated.value, made.value)
        self.assertGreater(rotated.revision, made.revision)
        old, new = (self.store.verify(value, type=self.server) for value in (made.value, rotated.value))
        self.assertTrue(old and old.old_value)
        self.assertTrue(new and not new.old_value and new.app_word == 7)
        token = self.store.get(made.id)
        self.assertEqual((token.old_value_until, token.app_data, token.name), (NOON + HOUR, b"", "deploy"))
        self.assertEqual(token.old_value_used, NOON)
        self.clock.advance(HOUR)
        self.assertIs(self.status(made.value, self.server), Status.SUPERSEDED)
        at_once = self.store.rotate(made.id, timedelta(0))
        self.assertIs(self.status(rotated.value, self.server), Status.SUPERSEDED)
        self.assertTrue(self.store.verify(at_once.value, type=self.server))
        with self.assertRaises(tokenstore.RevisionConflict):
            self.store.rotate(made.id, HOUR, if_revision=made.revision)
        with self.assertRaises(tokenstore.InvalidArgument):
            self.store.rotate(made.id, -SECOND)
        with self.assertRaises(TypeError):
            self.store.rotate(made.id, 5)  # type: ignore[arg-type]
        kinds = [event.kind for event in self.store.events_page()]
        self.assertEqual(kinds[-2:], [EventKind.ROTATED] * 2)

    def test_what_hangs_on_a_token_ends_with_it(self) -> None:
        parent = self.store.create_token(self.server, "acme", lifetime=HOUR)
        for id in (parent.id, str(parent.id), parent.id.bytes):
            child = self.store.create_token(self.server, "acme", parent=id)
            token = self.store.get(child.id)
            self.assertEqual((token.parent, token.expires), (parent.id, NOON + HOUR))
        many = self.store.create_many([NewToken(self.server, "acme", parent=parent.id)])
        self.assertIsInstance(many[0], tokenstore.Created)
        absent = self.store.create_if_absent(self.server, "acme", "deploy", parent=parent.id)
        self.assertEqual(self.store.get(absent.id).parent, parent.id)
        self.assertIsNone(self.store.get(parent.id).parent)
        self.store.revoke(parent.id)
        self.assertIs(self.status(child.value, self.server), Status.REVOKED)
        for nobody in (uuid.uuid4(), uuid.UUID(int=0)):
            with self.assertRaises(tokenstore.NotFound):
                self.store.create_token(self.server, "acme", parent=nobody)
        with self.assertRaises(tokenstore.InvalidArgument):
            self.store.create_token(self.server, "acme", parent="no uuid")
        with self.assertRaises(tokenstore.Revoked):
            self.store.create_token(self.server, "acme", parent=parent.id)

    def test_all_that_an_owner_has_ends_at_once(self) -> None:
        device = self.store.declare("device", "dev")
        one, other, others = (
            self.store.create_token(type, owner).value
            for type, owner in ((self.server, "acme"), (device, "acme"), (self.server, "b"))
        )
        self.assertTrue(self.store.revoke_owner("acme", "device", by="admin", reason="lost"))
        self.assertIs(self.status(other, device), Status.REVOKED)
        self.assertTrue(self.store.verify(one, type=self.server))
        event = self.store.events_page()[-1]
        self.assertEqual((event.kind, event.owner, event.type), (EventKind.OWNER_REVOKED, b"acme", device))
        self.assertEqual((event.id, event.count, event.age), (None, None, None))
        self.store.revoke_owner(b"acme")
        self.assertIs(self.status(one, self.server), Status.REVOKED)
        self.assertTrue(self.store.verify(others, type=self.server))
        after = self.store.create_token(self.server, "acme").value
        for type in (0, 99, "nothing"):
            with self.assertRaises(tokenstore.NotFound):
                self.store.revoke_owner("acme", type)
        self.assertTrue(self.store.verify(after, type=self.server))

    def test_the_dead_are_taken_out_a_few_at_a_time(self) -> None:
        dead = [self.store.create_token(self.server, "acme").id for _ in range(5)]
        live = self.store.create_token(self.server, "acme")
        for id in dead:
            self.store.revoke(id)
        self.clock.advance(DAY)
        self.assertEqual(self.store.prune(NOON - SECOND, 100), 0)
        self.assertEqual(self.store.prune(NOON + HOUR, 3), 3)
        self.assertEqual(self.store.prune(NOON + HOUR, 3), 2)
        self.assertEqual([token.id for token in self.store.list(dead=True)], [live.id])
        event = self.store.events_page()[-1]
        self.assertEqual((event.kind, event.count, event.id, event.type), (EventKind.PRUNED, 2, None, None))
        with self.assertRaises(tokenstore.InvalidArgument):
            self.store.prune(NOON, 0)
        with self.assertRaises(tokenstore.InvalidArgument):
            self.store.prune(NOON.replace(tzinfo=None), 1)


if __name__ == "__main__":
    unittest.main()
