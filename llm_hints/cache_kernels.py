"""The compiled half of the semantic cache: exact search within a bucket, insertion, eviction.

The bank is a group of arrays with one row per entry: ``keys`` ``(n, 40)`` of length 1, ``buckets`` ``(n,)``. A search
reads twelve features of each entry and adds the most that the other 28 could: by the Cauchy-Schwarz inequality their
part is at most the product of their lengths. Few entries need the whole product, and none that could win is left
out. ``heads`` ``(12, n)`` and ``rests`` ``(n,)`` hold those features and that length, float32 and side by side for the
processor; a bound is raised by more than their rounding, and what it lets through is compared in float64.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from envs.compiled import njit
from envs.scene import BoolArray, FloatArray, IntArray
from llm_hints.features import FEATURE_SIZE
from llm_hints.hint import CRITICS

HEADS = (38, 39, 3, 12, 20, 16, 11, 28, 7, 19, 32, 15)
"""The features that leave fewest entries to compare, chosen one by one on keys of trainings and of random scenes:
the risk, speed, nearness ahead, urgency ahead, nearness behind, number of road users, walkers ahead, ...
The risk came later, in front and in place of the last two (``bench_cache``: 46 us a lookup with it, 51 without)."""

Float32Array = npt.NDArray[np.float32]

BLOCK = 256
"""Entries that are bounded at a time; ``work`` (256) is their scratch."""

_HEADS = np.array(HEADS, dtype=np.int64)
_RESTS = np.setdiff1d(np.arange(FEATURE_SIZE), _HEADS)
_SLACK = np.float32(4e-6)
_SAFETY = CRITICS.index("safety")


class Count(IntEnum):
    """Places of the counters, in the order of ``CacheCounters``."""

    HITS = 0
    MISSES = 1
    ADDED = 2
    REFRESHED = 3
    EVICTED = 4


@njit
def rest_length(key: FloatArray) -> float:
    """Return the length of the part of ``key`` that is not in its heads."""
    square = 0.0
    for r in range(len(_RESTS)):
        square += key[_RESTS[r]] * key[_RESTS[r]]
    return math.sqrt(square)


@njit
def dot(one: FloatArray, other: FloatArray) -> float:
    """Return the product of two keys, in four sums that the processor need not wait for."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    for f in range(0, FEATURE_SIZE, 4):
        a += one[f] * other[f]
        b += one[f + 1] * other[f + 1]
        c += one[f + 2] * other[f + 2]
        d += one[f + 3] * other[f + 3]
    return (a + b) + (c + d)


@njit
def nearest(
    keys: FloatArray,
    heads: Float32Array,
    rests: Float32Array,
    buckets: IntArray,
    size: int,
    key: FloatArray,
    bucket: int,
    floor: float,
    work: Float32Array,
) -> tuple[int, float]:
    """Return the entry of ``bucket`` most similar to ``key`` and its cosine; -1 where none reaches ``floor``."""
    rest = np.float32(rest_length(key))
    found, best = -1, floor
    for start in range(0, size, BLOCK):
        count = min(BLOCK, size - start)
        lengths = rests[start : start + count]
        for j in range(count):
            work[j] = rest * lengths[j] + _SLACK
        for h in range(len(_HEADS)):
            weight = np.float32(key[_HEADS[h]])
            head = heads[h, start : start + count]
            for j in range(count):
                work[j] += head[j] * weight
        here = buckets[start : start + count]
        for j in range(count):
            if work[j] < best or here[j] != bucket:
                continue
            similarity = dot(keys[start + j], key)
            if similarity > best or (found < 0 and similarity >= best):
                found, best = start + j, similarity
    return found, best


@njit
def copy_row(source: FloatArray, row: int, target: FloatArray, place: int) -> None:
    """Write ``source[row]`` to ``target[place]``."""
    for column in range(source.shape[1]):
        target[place, column] = source[row, column]


@njit
def look_up(
    keys: FloatArray,
    heads: Float32Array,
    rests: Float32Array,
    buckets: IntArray,
    state: FloatArray,
    weights: FloatArray,
    last_used: IntArray,
    size: int,
    clock: int,
    asked: FloatArray,
    asked_buckets: IntArray,
    threshold: float,
    hit: BoolArray,
    similarity: FloatArray,
    found_state: FloatArray,
    found_weights: FloatArray,
    counts: IntArray,
    work: Float32Array,
) -> int:
    """Write the answers to ``asked`` ``(n, 40)`` where there are any, mark the entries used, return the clock.

    Out: ``hit`` (n), ``similarity`` (n), ``found_state`` ``(n, 13)``, ``found_weights`` ``(n, 3)``.
    """
    for i in range(len(asked)):
        place, cosine = nearest(keys, heads, rests, buckets, size, asked[i], asked_buckets[i], threshold, work)
        hit[i] = place >= 0
        if place < 0:
            similarity[i] = -1.0
            counts[Count.MISSES] += 1
            continue
        similarity[i] = cosine
        copy_row(state, place, found_state, i)
        copy_row(weights, place, found_weights, i)
        clock += 1
        last_used[place] = clock
        counts[Count.HITS] += 1
    return clock


@njit
def evicted(
    last_used: IntArray, weights: FloatArray, protect: bool, protected_safety: float, most_protected: float
) -> int:
    """Return the entry of a full bank that makes room.

    The least recently used one; with ``protect`` the least recently used of the harmless, unless more than
    ``most_protected`` are dangerous: then of these.
    """
    dangerous = 0
    if protect:
        for place in range(len(last_used)):
            dangerous += 1 if weights[place, _SAFETY] >= protected_safety else 0
    too_many = dangerous > most_protected
    oldest = -1
    for place in range(len(last_used)):
        if protect and (weights[place, _SAFETY] >= protected_safety) != too_many:
            continue
        if oldest < 0 or last_used[place] < last_used[oldest]:
            oldest = place
    return oldest


@njit
def insert(
    keys: FloatArray,
    heads: Float32Array,
    rests: Float32Array,
    buckets: IntArray,
    state: FloatArray,
    weights: FloatArray,
    last_used: IntArray,
    size: int,
    clock: int,
    new_keys: FloatArray,
    new_buckets: IntArray,
    new_state: FloatArray,
    new_weights: FloatArray,
    merge_threshold: float,
    protect: bool,
    protected_safety: float,
    most_protected: float,
    counts: IntArray,
    work: Float32Array,
) -> tuple[int, int]:
    """Put n entries in, one after the other; return the size and the clock."""
    for i in range(len(new_keys)):
        place, _ = nearest(keys, heads, rests, buckets, size, new_keys[i], new_buckets[i], merge_threshold, work)
        if place >= 0:
            counts[Count.REFRESHED] += 1
        else:
            counts[Count.ADDED] += 1
            if size < len(keys):
                place = size
                size += 1
            else:
                counts[Count.EVICTED] += 1
                place = evicted(last_used, weights, protect, protected_safety, most_protected)
        copy_row(new_keys, i, keys, place)
        for h in range(len(_HEADS)):
            heads[h, place] = new_keys[i, _HEADS[h]]
        rests[place] = rest_length(new_keys[i])
        buckets[place] = new_buckets[i]
        copy_row(new_state, i, state, place)
        copy_row(new_weights, i, weights, place)
        clock += 1
        last_used[place] = clock
    return size, clock
