"""One store, many threads: what is revoked stays refused, and closing crashes nobody."""

import asyncio
import gc
import sys
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, List, Optional

import tokenstore
from tokenstore import NewToken, Store, _handle

THREADS = 8


def together(count: int, body: Callable[[int], None], meanwhile: Callable[[], None]) -> List[BaseException]:
    """Runs `body` in threads and `meanwhile` beside them, once all have begun; what they raised."""
    raised: List[BaseException] = []
    begun = threading.Barrier(count + 1)

    def run(number: int) -> None:
        begun.wait()
        try:
            body(number)
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    begun.wait()
    try:
        meanwhile()
    finally:
        for thread in threads:
            thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return raised


class Threads(unittest.TestCase):
    def setUp(self) -> None:
        # So that threads are changed between any two steps that they may be changed between.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        self.addCleanup(sys.setswitchinterval, interval)

    def test_no_verify_that_begins_after_a_revocation_accepts_it(self) -> None:
        with Store.in_memory() as store:
            asks = store.query(type=store.declare("server", "srv"))
            made = store.create_many([NewToken("server", "acme") for _ in range(200)])
            created = [one for one in made if isinstance(one, tokenstore.Created)]
            values = [one.value.reveal().encode() for one in created]
            revoked = [False] * len(values)
            ended = threading.Event()
            judged = [0] * THREADS

            def verify(number: int) -> None:
                while not ended.is_set():
                    for place, value in enumerate(values):
                        before = revoked[place]
                        if store.verify(value, asks):
                            assert not before, "a revoked value is accepted"
                        judged[number] += 1

            def revoke() -> None:
                for place, one in enumerate(created):
                    store.revoke(one.id)
                    revoked[place] = True
                ended.set()

            self.assertEqual(together(THREADS, verify, revoke), [])
            self.assertFalse(any(store.verify(value, asks) for value in values))
            self.assertGreater(sum(judged), len(values))

    def test_calls_that_a_close_overtakes_end_or_raise_that_it_is_closed(self) -> None:
        for round in range(25):
            store = Store.in_memory()
            server = store.declare("server", "srv")
            created = store.create_token(server, "acme")
            value = created.value.reveal().encode()
            asks = store.query(type=server)
            verdict = store.verify(value, asks)
            calls: List[Callable[[], Any]] = [
                lambda: store.verify(value, asks),
                lambda: store.verify_many([value] * 50, asks),
                lambda: store.owner(verdict),
                lambda: store.create_token(server, "acme"),
                lambda: store.get(created.id),
                lambda: [token.id for token in store.list()],
                lambda: [event.kind for event in store.events()],
                lambda: store.require(value, type="server"),
            ]

            def use(number: int) -> None:
                while True:
                    calls[number % len(calls)]()

            def close() -> None:
                time.sleep(round * 0.0005)
                store.close()

            raised = together(THREADS, use, close)
            self.assertEqual([type(error) for error in raised], [tokenstore.StoreClosed] * THREADS, raised)
            self.assertTrue(store.closed)

    def test_of_many_closes_one_closes_and_all_return(self) -> None:
        for _ in range(50):
            store = Store.in_memory()
            self.assertEqual(together(THREADS, lambda _: store.close(), store.close), [])

    def test_a_close_waits_for_the_last_call_and_says_what_closing_said(self) -> None:
        class Owner:
            _handle: Any

        closed = []

        def closing(address: int) -> Optional[tokenstore.TokenstoreError]:
            closed.append(address)
            return tokenstore.StoreIOError("the disk is gone", 5)

        owner = Owner()
        owner._handle = _handle.Handle(77, closing)
        in_call = owner._handle
        with self.assertRaises(tokenstore.StoreBusy):
            _handle.end(owner, wait_s=0.01)
        self.assertEqual(closed, [])
        del in_call
        self.assertEqual(closed, [77])
        _handle.end(owner)
        owner._handle = _handle.Handle(78, closing)
        with self.assertRaises(OSError) as raised:
            _handle.end(owner)
        self.assertEqual((raised.exception.errno, closed), (5, [77, 78]))

    def test_no_traceback_keeps_a_store_open(self) -> None:
        store = Store.in_memory()
        kept = []
        for call in (
            lambda: store.create_token(99, "acme"),
            lambda: store.list(owner=""),
            lambda: store.get(b"0" * 16),
            lambda: store.verify("x", type=1, project="p" * 65),
            lambda: store.owner(0, 1),  # type: ignore[call-arg]
            lambda: store.verify_many(["x"], tokenstore.Query(1, project="")),
            lambda: next(store.events(after=2**64 - 1)),
        ):
            try:
                call()
            except (tokenstore.TokenstoreError, TypeError, StopIteration) as error:
                kept.append(error)
        self.assertEqual(len(kept), 7)
        began = time.monotonic()
        store.close()
        self.assertLess(time.monotonic() - began, 5)

    def test_a_store_may_be_closed_while_garbage_is_collected(self) -> None:
        class Cycle:
            def __init__(self) -> None:
                self.me = self
                self.store = Store.in_memory()

            def __del__(self) -> None:
                self.store.close()

        for _ in range(20):
            Cycle()
        self.assertGreater(gc.collect(), 0)

    def test_a_pool_shares_one_store(self) -> None:
        with Store.in_memory() as store, ThreadPoolExecutor(THREADS) as pool:
            server = store.declare("server", "srv")
            made = list(pool.map(lambda n: store.create_token(server, f"o{n}", app_word=n), range(200)))
            asks = store.query(type=server)
            verdicts = list(pool.map(lambda one: store.verify(one.value, asks), made))
            self.assertEqual([verdict.app_word for verdict in verdicts], list(range(200)))
            self.assertEqual({one.id for one in made}, {token.id for token in store.list()})

    def test_a_list_is_one_threads_at_a_time(self) -> None:
        with Store.in_memory() as store:
            server = store.declare("server", "srv")
            store.create_many([NewToken(server, "acme") for _ in range(500)])
            tokens = store.list()
            seen: List[Any] = []
            lock = threading.Lock()

            def read(_: int) -> None:
                while True:
                    with lock:
                        token = next(tokens, None)
                    if token is None:
                        return
                    seen.append(token.id)

            self.assertEqual(together(4, read, lambda: None), [])
            self.assertEqual(len(set(seen)), 500)


class Asyncio(unittest.TestCase):
    def test_an_event_loop_verifies_itself_and_writes_in_threads(self) -> None:
        async def serve() -> int:
            with Store.in_memory() as store:
                server = store.declare("server", "srv")
                asks = store.query(type=server)
                made = await asyncio.gather(
                    *(asyncio.to_thread(store.create_token, server, f"o{n}") for n in range(50))
                )
                allowed = sum(store.verify(one.value, asks).allowed for one in made)
                await asyncio.gather(*(asyncio.to_thread(store.revoke, one.id) for one in made))
                return allowed - sum(store.verify(one.value, asks).allowed for one in made)

        self.assertEqual(asyncio.run(serve()), 50)


if __name__ == "__main__":
    unittest.main()
