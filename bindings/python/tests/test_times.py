"""Times are aware, exact to the millisecond, and refused when they are out of range."""

import unittest
from datetime import datetime, timedelta, timezone

import tokenstore

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
EAST = timezone(timedelta(hours=5, minutes=30))


class Times(unittest.TestCase):
    def setUp(self) -> None:
        self.clock = tokenstore.ManualClock(START)
        self.store = tokenstore.Store.in_memory(clock=self.clock)
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv")

    def expiry_of(self, **expiry: object) -> object:
        created = self.store.create_token(self.server, "acme", **expiry)  # type: ignore[arg-type]
        token = self.store.get(created.id)
        self.assertEqual(self.store.verify(created.value, type=tokenstore.ANY).expires, token.expires)
        return token.expires

    def test_times_go_in_and_out_to_the_millisecond(self) -> None:
        for ms in (1, 999, 1_000, 86_399_999, 2**40):
            at = START + timedelta(milliseconds=ms)
            self.assertEqual(self.expiry_of(expires=at), at)
            self.assertEqual(self.expiry_of(lifetime=timedelta(milliseconds=ms)), at)
        self.assertIsNone(self.expiry_of(expires=tokenstore.NEVER))
        self.assertIsNone(self.expiry_of())

    def test_what_is_finer_than_a_millisecond_is_rounded_down(self) -> None:
        at = START + timedelta(microseconds=1_999)
        self.assertEqual(self.expiry_of(expires=at), START + timedelta(milliseconds=1))
        with self.assertRaises(tokenstore.InvalidArgument):
            self.expiry_of(lifetime=timedelta(microseconds=999))

    def test_a_time_of_any_zone_is_the_same_moment(self) -> None:
        at = datetime(2027, 3, 28, 2, 30, fold=1, tzinfo=EAST)
        read = self.expiry_of(expires=at)
        self.assertEqual(read, at)
        assert isinstance(read, datetime)
        self.assertEqual(read.tzinfo, timezone.utc)

    def test_a_time_without_a_zone_is_refused(self) -> None:
        naive = datetime(2027, 1, 1)
        for call in (
            lambda: self.store.create_token(self.server, "acme", expires=naive),
            lambda: self.store.list(expires_before=naive),
            lambda: self.store.list(unused_since=naive),
            lambda: self.clock.set(naive),
            lambda: tokenstore.ManualClock(naive),
        ):
            with self.assertRaisesRegex(ValueError, "time zone"):
                call()

    def test_what_is_out_of_range_is_refused(self) -> None:
        last = datetime(2527, 6, 23, 6, 20, 44, 414000, tzinfo=timezone.utc)
        for expiry in (
            {"expires": START},
            {"expires": START - timedelta(milliseconds=1)},
            {"expires": datetime(1, 1, 1, tzinfo=timezone.utc)},
            {"expires": datetime(9999, 12, 31, tzinfo=timezone.utc)},
            {"expires": last + timedelta(milliseconds=1)},
            {"lifetime": timedelta(0)},
            {"lifetime": -timedelta(days=1)},
            {"lifetime": timedelta.max},
            {"lifetime": timedelta.min},
            {"expires": last, "lifetime": timedelta(1)},
        ):
            with self.subTest(expiry), self.assertRaises(tokenstore.InvalidArgument):
                self.expiry_of(**expiry)
        self.assertEqual(self.expiry_of(expires=last), last)
        utc = timezone.utc
        for first in (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=23))), datetime(1, 1, 1, tzinfo=utc)):
            # A part of the first one's day lies in the year 0.
            self.assertEqual(list(self.store.list(expires_before=first)), [])
            self.assertEqual(list(self.store.list(unused_since=first)), [])
        end = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=utc)
        self.assertEqual(len(list(self.store.list(unused_since=end))), 1)
        late = end.replace(tzinfo=timezone(timedelta(hours=-1)))
        for call in (
            lambda: self.store.list(expires_before=late),
            lambda: self.store.list(unused_since=late),
            lambda: self.store.list_page(expires_before=late),
        ):
            with self.assertRaises(tokenstore.InvalidArgument):
                call()
        for wrong in (0, 1.5, "2027-01-01", START.date()):
            with self.subTest(wrong), self.assertRaises(TypeError):
                self.expiry_of(expires=wrong)
            with self.subTest(wrong), self.assertRaises(TypeError):
                self.expiry_of(lifetime=wrong)

    def test_the_clock_shows_what_it_was_set_to(self) -> None:
        self.assertEqual(self.clock.now(), START)
        self.clock.advance(timedelta(days=1, milliseconds=1))
        self.assertEqual(self.clock.now(), START + timedelta(days=1, milliseconds=1))
        for at in (datetime.min, datetime.max.replace(microsecond=999_000)):
            self.clock.set(at.replace(tzinfo=timezone.utc))
            self.assertEqual(self.clock.now(), at.replace(tzinfo=timezone.utc))
        with self.assertRaises(tokenstore.InvalidArgument):
            self.clock.advance(-timedelta(1))

    def test_a_token_is_valid_before_its_expiry_and_not_at_it(self) -> None:
        created = self.store.create_token(self.server, "acme", lifetime=timedelta(seconds=1))
        asks = self.store.query(type=self.server)
        self.clock.advance(timedelta(milliseconds=999))
        self.assertTrue(self.store.verify(created.value, asks))
        self.clock.advance(timedelta(milliseconds=1))
        self.assertIs(self.store.verify(created.value, asks).status, tokenstore.Status.EXPIRED)

    def test_a_clock_outlives_nobody_and_is_needed_by_nobody(self) -> None:
        store = tokenstore.Store.in_memory(clock=tokenstore.ManualClock(START))
        created = store.create_token(store.declare("server", "srv"), "acme")
        self.assertEqual(store.get(created.id).created, START)
        store.close()


if __name__ == "__main__":
    unittest.main()
