"""Forks and a store that is not shared, and the end of a process: nothing of the parent's is let go, and nothing
crashes."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, List

import tokenstore
from tokenstore import NewToken, Store


def in_child(body: Callable[[], str]) -> str:
    """What `body` says in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = body()
        except BaseException as error:
            said = repr(error)
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        said = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return said if status == 0 else f"the child ended with {status}: {said}"


class Forks(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tokens.store")
        self.store = Store.create(self.path)
        self.addCleanup(self.store.close)
        self.server = self.store.declare("server", "srv")
        self.created = self.store.create_token(self.server, "acme")
        self.asks = self.store.query(type=self.server)

    def works(self) -> None:
        """The parent's store does, and nobody else has it."""
        self.assertTrue(self.store.verify(self.created.value, self.asks))
        self.store.create_token(self.server, "acme")
        with self.assertRaises(tokenstore.StoreLocked):
            Store.open(self.path)

    def test_every_call_in_a_child_raises_that_it_is_forked(self) -> None:
        store, server, asks, created = self.store, self.server, self.asks, self.created
        verdict = store.verify(created.value, asks)
        tokens, events = store.list(), store.events()
        store.create_token(server, "acme")
        next(tokens)
        calls: List[Callable[[], Any]] = [
            lambda: store.verify(created.value, asks),
            lambda: store.require(created.value, asks),
            lambda: store.verify_many([created.value], asks),
            lambda: store.owner(verdict),
            lambda: store.create_token(server, "acme"),
            lambda: store.create_many([NewToken(server, "acme")]),
            lambda: store.declare("server", "srv"),
            lambda: store.find_type("server"),
            lambda: store.revoke(created.id),
            lambda: store.revoke_value(created.value),
            lambda: store.consume(created.value, asks),
            lambda: store.redeem(created.value, asks),
            lambda: store.issue_pair(server, server, "acme", "c"),
            lambda: store.refresh(created.value, "c"),
            lambda: store.try_refresh(created.value, "c"),
            lambda: store.revoke_family(created.id),
            lambda: store.revoke_owner("acme"),
            lambda: store.rotate(created.id, timedelta(0)),
            lambda: store.prune(datetime(2026, 1, 1, tzinfo=timezone.utc), 1),
            lambda: store.get(created.id),
            lambda: store.list(),
            lambda: store.events(),
            lambda: next(tokens),
            lambda: next(events),
            lambda: store.stats(),
            lambda: store.flush(),
            lambda: store.change_key(b"k" * 32),
            lambda: store.close(),
            lambda: store.close(),
            lambda: store.verify(created.value, asks),
        ]

        def body() -> str:
            said = []
            for place, call in enumerate(calls):
                try:
                    said.append(f"{place}: {call()!r}")
                except tokenstore.ForkedStore:
                    pass
                except BaseException as error:
                    said.append(f"{place}: {error!r}")
            return " ".join(said) or "all are forked"

        self.assertEqual(in_child(body), "all are forked")
        self.works()
        self.assertEqual(len(list(tokens)), 1)

    def test_a_child_that_leaves_the_block_or_drops_the_store_lets_nothing_go(self) -> None:
        def leave() -> str:
            with self.store:
                pass
            return "left"

        def drop() -> str:
            import gc

            del self.store, self.created
            gc.collect()
            return "dropped"

        self.assertEqual(in_child(leave), "left")
        self.works()
        self.assertEqual(in_child(drop), "dropped")
        self.works()

    def test_a_child_has_stores_of_its_own(self) -> None:
        def body() -> str:
            try:
                Store.open(self.path)
            except tokenstore.StoreLocked:
                pass
            with Store.create(self.path + "2") as store:
                created = store.create_token(store.declare("server", "srv"), "acme")
                return str(bool(store.verify(created.value, type="server")))

        self.assertEqual(in_child(body), "True")
        self.works()
        self.store.close()
        self.assertEqual(in_child(lambda: repr(Store.open(self.path))), "<tokenstore.Store>")

    def test_a_fork_in_the_middle_of_other_threads_calls_is_no_trouble(self) -> None:
        ended = threading.Event()

        def use() -> None:
            while not ended.is_set():
                self.store.create_token(self.server, "acme")
                self.store.verify(self.created.value, self.asks)

        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):

                def body() -> str:
                    try:
                        self.store.close()
                    except tokenstore.ForkedStore:
                        return "forked"
                    return "closed"

                self.assertEqual(in_child(body), "forked")
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        self.works()

    def test_multiprocessing_by_fork_is_a_fork(self) -> None:
        context = multiprocessing.get_context("fork")
        answers = context.SimpleQueue()

        def body() -> None:
            try:
                answers.put(str(self.store.verify(self.created.value, self.asks)))
            except tokenstore.TokenstoreError as error:
                answers.put(error.name)

        child = context.Process(target=body)
        child.start()
        child.join(60)
        self.assertEqual((child.exitcode, answers.get()), (0, "FORKED"))
        self.works()

    def test_a_store_is_not_sent_to_another_process(self) -> None:
        import pickle

        for one in (self.store, self.asks, tokenstore.ManualClock(datetime(2026, 1, 1, tzinfo=timezone.utc))):
            with self.assertRaises(TypeError):
                pickle.dumps(one)


BEGIN = """
import sys, threading, tokenstore
store = tokenstore.Store.create(sys.argv[1])
server = store.declare("server", "srv")
created = store.create_token(server, "acme")
asks = store.query(type=server)
assert store.verify(created.value, asks)
"""


class Exits(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "tokens.store")

    def run_to_its_end(self, script: str) -> None:
        """Runs a script, which must end well and say nothing; what it made is there."""
        command = [sys.executable, "-X", "dev", "-c", BEGIN + script, self.path]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((ran.returncode, ran.stdout, ran.stderr), (0, "", ""))

    def test_a_process_that_closes_nothing_loses_nothing(self) -> None:
        self.run_to_its_end("")
        with Store.open(self.path) as store:
            (token,) = store.list()
            self.assertIsNotNone(token.last_used, "last uses are written at the end")

    def test_a_process_may_end_in_the_middle_of_everything(self) -> None:
        self.run_to_its_end(
            """
def verify():
    while True:
        try:
            store.verify(created.value, asks)
            store.create_token(server, "acme")
        except tokenstore.StoreClosed:
            return
for _ in range(4):
    threading.Thread(target=verify, daemon=True).start()
tokens, events = store.list(), store.events()
next(tokens), next(events)
import time
time.sleep(0.05)
"""
        )
        Store.open(self.path).close()

    def test_a_process_may_end_with_cycles_and_half_made_things(self) -> None:
        self.run_to_its_end(
            """
class Cycle:
    pass
one = Cycle()
one.me, one.store, one.tokens = one, store, store.list()
del store
try:
    tokenstore.Store()
except TypeError:
    pass
tokenstore.Store.__new__(tokenstore.Store)
"""
        )
        Store.open(self.path).close()

    def test_a_process_that_closes_in_an_exit_handler_is_no_trouble(self) -> None:
        self.run_to_its_end(
            "import atexit; atexit.register(store.close); atexit.register(store.verify, 'x', asks)"
        )
        Store.open(self.path).close()


if __name__ == "__main__":
    unittest.main()
