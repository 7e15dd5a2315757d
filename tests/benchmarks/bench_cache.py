"""The semantic cache at 10,000 entries: one lookup, one insertion; beside a scan of every entry in numpy.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_cache`` prints a table in Markdown. The keys are those of random
scenes (three lanes, up to eight road users). "one bucket" puts all entries into one, which is the worst case: every
entry is compared. Medians and 99 % of single calls; the two kinds of search take turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from envs.scene import FloatArray, IntArray
from llm_hints.cache import CacheConfig, SemanticCache
from llm_hints.features import scene_keys
from llm_hints.situation import bucket_of, situations
from tests.benchmarks.machine import machine
from tests.llm_hints.scenes import random_scene

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_cache"
ACTORS = 8


def scenes(count: int, seed: int) -> tuple[FloatArray, IntArray]:
    """Return keys and buckets of ``count`` random scenes."""
    scene, rows = random_scene(count, ACTORS, np.random.default_rng(seed)), np.arange(count)
    return scene_keys(scene, rows), bucket_of(situations(scene, rows))


def filled(entries: int, one_bucket: bool, seed: int = 0) -> SemanticCache:
    """Return a full bank of ``entries``, none of which is alike enough to another to replace it."""
    bank = SemanticCache(CacheConfig(capacity=entries, merge_threshold=1.0))
    while len(bank) < entries:
        keys, buckets = scenes(entries - len(bank), seed)
        buckets = np.zeros_like(buckets) if one_bucket else buckets
        bank.insert(keys, buckets, np.zeros((len(keys), 13)), np.full((len(keys), 3), 1 / 3))
        seed += 1
    return bank


def microseconds(calls: list[Callable[[int], object]], repeats: int) -> FloatArray:
    """Return the wall times ``(repeats, n)`` of the n ``calls``, which take turns, each given the round's number."""
    times = np.zeros((repeats, len(calls)))
    for number in range(repeats):
        for column, call in enumerate(calls):
            begin = time.perf_counter()
            call(number)
            times[number, column] = time.perf_counter() - begin
    return 1e6 * times[repeats // 10 :]


def measure(entries: int, one_bucket: bool, repeats: int) -> tuple[FloatArray, float]:
    """Return the times of lookup, full scan and insertion, and the share of the lookups that hit."""
    bank, full = filled(entries, one_bucket), filled(entries, one_bucket)
    keys, buckets = scenes(2000, 10_000)
    buckets = np.zeros_like(buckets) if one_bucket else buckets
    naive, nothing, weights = scenes(entries, 0)[0], np.zeros((1, 13)), np.full((1, 3), 1 / 3)

    def one(number: int) -> slice:
        return slice(number % len(keys), number % len(keys) + 1)

    times = microseconds(
        [
            lambda number: bank.lookup(keys[one(number)], buckets[one(number)]),
            lambda number: (naive @ keys[number % len(keys)]).argmax(),
            lambda number: full.insert(keys[one(number)], buckets[one(number)], nothing, weights),
        ],
        repeats,
    )
    counters = bank.counters
    return times, counters.hits / (counters.hits + counters.misses)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--repeats", type=int, default=5000)
    arguments = parser.parse_args()
    print(f"`{COMMAND}`\n\n{machine()}")
    print(f"{arguments.repeats} calls each, microseconds: median (99 %)\n")
    print("| bank | lookup | of these hit | scan in numpy | insertion into a full bank |")
    print("|---|---|---|---|---|")
    for entries in arguments.entries:
        for one_bucket in (False, True):
            times, hits = measure(entries, one_bucket, arguments.repeats)
            told = [f"{np.median(column):.1f} ({np.quantile(column, 0.99):.0f})" for column in times.T]
            name = f"{entries:,} entries, {'one bucket' if one_bucket else 'buckets as they come'}"
            print(f"| {name} | {told[0]} | {100 * hits:.0f} % | {told[1]} | {told[2]} |")


if __name__ == "__main__":
    main()
