"""What a verify costs from Python: `python3 python_verify.py --library LIB.so --bare BARE.so [--tokens N]`.

BARE.so is a library with one function, which does nothing and takes what `tokenstore_verify` takes:
`int32_t bare_verify(const void *, const uint8_t *, size_t, const void *, void *)`. The package is the one in this
tree. Prints one object of JSON: medians of rounds, of this thread's time on the processor, but beside a busy
thread, where it is the time that passes. Every answer that is timed is checked.
"""

import argparse
import ctypes
import gc
import json
import os
import platform
import random
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

ROUNDS = 9
CALLS = 50_000
# So many verifies are timed one by one beside the busy thread.
TIMED = 20_000


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--library", required=True, help="the shared library of tokenstore")
    parser.add_argument("--bare", required=True, help="the library with bare_verify")
    parser.add_argument("--tokens", type=int, default=100_000, help="how many tokens the store has")
    given = parser.parse_args()
    os.environ["TOKENSTORE_LIBRARY"] = given.library
    source = Path(__file__).resolve().parents[2] / "bindings" / "python" / "src"
    if source.is_dir():
        sys.path.insert(0, str(source))
    print(json.dumps(measure(given.bare, given.tokens), indent=2))


def measure(bare_path: str, tokens: int) -> Dict[str, Any]:
    """All figures."""
    import tokenstore
    from tokenstore import _ffi

    with tokenstore.Store.in_memory() as store:
        server = store.declare("server", "srv")
        values = make(tokenstore, store, server, tokens)
        asks = store.query(type=server)
        # As an index finds them: in no order.
        random.Random(1).shuffle(values)
        gc.collect()
        gc.disable()

        def single() -> float:
            verify, allowed = store.verify, 0
            began = time.thread_time_ns()
            for value in values[:CALLS]:
                if verify(value, asks):
                    allowed += 1
            took = time.thread_time_ns() - began
            check(allowed == len(values[:CALLS]))
            return took / allowed

        bare_call = bare_of(ctypes.PyDLL, bare_path, _ffi)
        handle, query, verdict_of = 1, asks._quick, tokenstore.Verdict

        def bare() -> float:
            refused = 0
            began = time.thread_time_ns()
            for value in values[:CALLS]:
                verdict = verdict_of()
                bare_call(handle, value, len(value), query, verdict)
                if not verdict:
                    refused += 1
            took = time.thread_time_ns() - began
            check(refused == len(values[:CALLS]))
            return took / refused

        def batch(size: int) -> Callable[[], float]:
            enough = values * (size // len(values) + 1)
            batches = [
                enough[at : at + size]
                for at in range(0, min(len(values), CALLS) // size * size or size, size)
            ]

            # Of each value what it is answered by itself.
            judged = store.verify_many(batches[0], asks)
            check(judged.statuses == [0] * size)
            check(list(judged) == [store.verify(value, asks) for value in batches[0]])

            def run() -> float:
                allowed = 0
                began = time.thread_time_ns()
                for one in batches:
                    allowed += store.verify_many(one, asks).allowed
                took = time.thread_time_ns() - began
                check(allowed == size * len(batches))
                return took / allowed

            return run

        def waiting(value: bytes) -> bool:
            verdict = tokenstore.Verdict()
            return _ffi.lib.verify(store._handle, value, len(value), asks._patient, verdict) == 0 and bool(
                verdict
            )

        rounds = alternate(
            {"single": single, "bare": bare, "batch_1000": batch(1_000), "batch_10000": batch(10_000)}
        )
        holding_us = beside_a_busy_thread(lambda value: bool(store.verify(value, asks)), values, TIMED)
        # Fewer: some of them take 5 ms.
        releasing_us = beside_a_busy_thread(waiting, values, TIMED // 4)
        gc.enable()
    return {
        "python": platform.python_version(),
        "tokens": tokens,
        "verify_ns": round(rounds["single"], 1),
        "bare_call_ns": round(rounds["bare"], 1),
        # To be at most 2.
        "verify_vs_bare_call": round(rounds["single"] / rounds["bare"], 2),
        "batch_ns": round(rounds["batch_10000"], 1),
        "batch_of_1000_ns": round(rounds["batch_1000"], 1),
        "batch_of_10000_ns": round(rounds["batch_10000"], 1),
        # Beside a busy thread; the 99th of a hundred is to be below 100 us.
        "busy_p50_us": holding_us["p50"],
        "busy_p99_us": holding_us["p99"],
        "busy_mean_us": holding_us["mean"],
        # The same if a verify let the interpreter's lock go.
        "busy_released_p50_us": releasing_us["p50"],
        "busy_released_p99_us": releasing_us["p99"],
        "busy_released_mean_us": releasing_us["mean"],
    }


def make(tokenstore: Any, store: Any, server: int, count: int) -> List[bytes]:
    """So many tokens, ten to an owner; their values."""
    values: List[bytes] = []
    while len(values) < count:
        begin, end = len(values), min(len(values) + 10_000, count)
        made = store.create_many([tokenstore.NewToken(server, f"owner-{n // 10}") for n in range(begin, end)])
        values.extend(one.value.reveal().encode() for one in made)
    return values


def bare_of(load: Any, path: str, ffi: Any) -> Any:
    """The function that does nothing, with the arguments of a verify."""
    function = load(path).bare_verify
    function.restype, function.argtypes = ffi.PROTOTYPES["verify"]
    return function


def alternate(measured: Dict[str, Callable[[], float]]) -> Dict[str, float]:
    """The median of each over some rounds, taken in turns, so that all see the same machine."""
    times: Dict[str, List[float]] = {name: [] for name in measured}
    for _ in range(ROUNDS):
        for name, run in measured.items():
            times[name].append(run())
    return {name: statistics.median(found) for name, found in times.items()}


def beside_a_busy_thread(
    verify: Callable[[bytes], bool], values: List[bytes], count: int
) -> Dict[str, float]:
    """How long single verifies take while another thread of Python computes all the time."""
    ended = threading.Event()

    def compute() -> None:
        number = 1
        while not ended.is_set():
            for _ in range(1_000):
                number = number * 31 % 1_000_003

    neighbour = threading.Thread(target=compute)
    neighbour.start()
    took: List[int] = []
    allowed = 0
    clock = time.perf_counter_ns
    try:
        for n in range(count):
            value = values[n % len(values)]
            began = clock()
            answer = verify(value)
            took.append(clock() - began)
            allowed += answer
    finally:
        ended.set()
        neighbour.join()
    check(allowed == count)
    took.sort()
    return {
        "p50": round(took[count // 2] / 1_000, 2),
        "p99": round(took[count * 99 // 100] / 1_000, 2),
        "mean": round(statistics.fmean(took) / 1_000, 2),
    }


def check(holds: bool) -> None:
    """A figure for wrong answers is no figure."""
    if not holds:
        raise SystemExit("an answer was wrong")


if __name__ == "__main__":
    main()
