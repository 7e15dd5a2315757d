"""The bank against a naive one that scans every entry, over random lives of insertions and lookups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envs.scene import FloatArray, IntArray
from llm_hints.cache import CacheConfig, Eviction, SemanticCache
from llm_hints.features import FEATURE_SIZE

SAFE, DANGEROUS = 0.3, 0.8
BUCKETS = 3

POOL: FloatArray = np.repeat(np.eye(6, FEATURE_SIZE), 4, axis=0)
POOL += np.random.default_rng(0).normal(0.0, 0.18, POOL.shape)
POOL /= np.linalg.norm(POOL, axis=1, keepdims=True)
"""Six groups of four keys: those of a group are alike (cosines of about 0.5), others are not."""


@dataclass(frozen=True)
class Act:
    """An insertion of one or more entries, or a lookup of one or more keys."""

    insert: bool
    keys: tuple[int, ...]
    buckets: tuple[int, ...]
    dangerous: tuple[bool, ...]

    @property
    def key_rows(self) -> FloatArray:
        return POOL[list(self.keys)]

    @property
    def bucket_rows(self) -> IntArray:
        return np.array(self.buckets, dtype=np.int64)

    def state(self, number: int) -> FloatArray:
        """Return hints that can be told from those of any other act."""
        rows = np.zeros((len(self.keys), 13))
        rows[:, 0], rows[:, 1] = number, np.arange(len(self.keys))
        return rows

    @property
    def weights(self) -> FloatArray:
        safety = np.where(self.dangerous, DANGEROUS, SAFE)
        return np.stack([safety, (1 - safety) / 2, (1 - safety) / 2], axis=1)


@st.composite
def acts(draw: st.DrawFn) -> Act:
    count = draw(st.integers(1, 3))

    def several(of: st.SearchStrategy[int]) -> tuple[int, ...]:
        return tuple(draw(st.lists(of, min_size=count, max_size=count)))

    dangerous = several(st.integers(0, 1))
    return Act(
        draw(st.booleans()), several(st.integers(0, len(POOL) - 1)), several(st.integers(0, BUCKETS - 1)),
        tuple(bool(each) for each in dangerous),
    )  # fmt: skip


@st.composite
def configs(draw: st.DrawFn) -> CacheConfig:
    eviction: Eviction = draw(st.sampled_from(("lru", "risk_protected")))
    return CacheConfig(draw(st.integers(1, 8)), 0.35, draw(st.sampled_from((0.5, 0.995))), eviction)


@dataclass(eq=False)
class Entry:
    key: FloatArray
    bucket: int
    state: FloatArray
    weights: FloatArray
    used: int


@dataclass
class Naive:
    """What a bank is to do, one entry after the other, in plain Python."""

    config: CacheConfig
    entries: list[Entry] = field(default_factory=list)
    clock: int = 0

    def nearest(self, key: FloatArray, bucket: int, floor: float) -> tuple[Entry | None, float]:
        alike = [(float(e.key @ key), -n, e) for n, e in enumerate(self.entries) if e.bucket == bucket]
        similarity, _, entry = max(alike, default=(-2.0, 0, None), key=lambda found: found[:2])
        return (entry, similarity) if similarity >= floor else (None, -1.0)

    def look_up(self, key: FloatArray, bucket: int) -> tuple[Entry | None, float]:
        entry, similarity = self.nearest(key, bucket, self.config.threshold)
        if entry is not None:
            self.clock += 1
            entry.used = self.clock
        return entry, similarity

    def insert(self, key: FloatArray, bucket: int, state: FloatArray, weights: FloatArray) -> None:
        known, _ = self.nearest(key, bucket, self.config.merge_threshold)
        if known is None and len(self.entries) == self.config.capacity:
            self.entries.remove(self.least())
        self.clock += 1
        new = Entry(key, bucket, state, weights, self.clock)
        if known is None:
            self.entries.append(new)
        else:
            known.key, known.state, known.weights, known.used = key, state, weights, self.clock

    def least(self) -> Entry:
        candidates = self.entries
        if self.config.eviction == "risk_protected":
            dangerous = [e for e in self.entries if e.weights[0] >= self.config.protected_safety]
            many = len(dangerous) > self.config.protected_share * self.config.capacity
            candidates = dangerous if many else [e for e in self.entries if e.weights[0] < self.config.protected_safety]
        return min(candidates, key=lambda e: e.used)


def live(bank: SemanticCache, life: Sequence[Act], begin: int = 0) -> list[FloatArray]:
    """Return what the bank answers to the lookups of ``life``: hit, similarity, state and weights of each."""
    answers = []
    for number, act in enumerate(life, begin):
        if act.insert:
            bank.insert(act.key_rows, act.bucket_rows, act.state(number), act.weights)
        else:
            found = bank.lookup(act.key_rows, act.bucket_rows)
            answers.append(np.column_stack([found.hit, found.similarity, found.state, found.weights]))
    return answers


def live_naively(bank: Naive, life: Sequence[Act]) -> list[FloatArray]:
    answers = []
    for number, act in enumerate(life):
        rows = zip(act.key_rows, act.buckets, act.state(number), act.weights, strict=True)
        if act.insert:
            for row in rows:
                bank.insert(*row)
        else:
            nothing = Entry(np.zeros(0), 0, np.zeros(13), np.zeros(3), 0)
            found = [bank.look_up(key, bucket) for key, bucket, *_ in rows]
            held = [(entry is not None, similarity, entry or nothing) for entry, similarity in found]
            answers.append(np.array([[hit, similarity, *e.state, *e.weights] for hit, similarity, e in held]))
    return answers


LIVES = st.lists(acts(), min_size=1, max_size=40)


@given(configs(), LIVES)
def test_it_answers_as_a_bank_that_scans_everything(config: CacheConfig, life: list[Act]) -> None:
    """Hits come from their own bucket alone and at or above the threshold, because the naive ones do."""
    bank, naive = SemanticCache(config), Naive(config)
    for mine, theirs in zip(live(bank, life), live_naively(naive, life), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-12)
    assert len(bank) == len(naive.entries) <= config.capacity


def test_the_keys_of_these_lives_are_alike_and_none_is_at_a_threshold() -> None:
    """Or else the test above would be of nothing, or of rounding."""
    cosines = (POOL @ POOL.T)[np.triu_indices(len(POOL), 1)]
    assert (cosines > 0.35).sum() > 10 and (cosines > 0.5).sum() > 3 and (cosines < 0.35).sum() > 10
    assert min(np.abs(cosines - edge).min() for edge in (0.35, 0.5, 0.995)) > 1e-6


@given(configs(), LIVES)
def test_a_batch_is_one_after_the_other_and_life_repeats_itself(config: CacheConfig, life: list[Act]) -> None:
    whole, again, single = (SemanticCache(config) for _ in range(3))
    np.testing.assert_equal(live(whole, life), live(again, life))
    np.testing.assert_equal(whole.state(), again.state())
    for number, act in enumerate(life):
        state, weights = act.state(number), act.weights
        for row in range(len(act.keys)):
            one = slice(row, row + 1)
            if act.insert:
                single.insert(act.key_rows[one], act.bucket_rows[one], state[one], weights[one])
            else:
                single.lookup(act.key_rows[one], act.bucket_rows[one])
    np.testing.assert_equal(single.state(), whole.state())


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configs(), LIVES, LIVES)
def test_a_bank_that_was_saved_goes_on_as_if_it_had_not_been(
    tmp_path: Path, config: CacheConfig, before: list[Act], after: list[Act]
) -> None:
    bank = SemanticCache(config)
    live(bank, before)
    bank.save(tmp_path / "bank.npz")
    loaded = SemanticCache.load(tmp_path / "bank.npz", config)
    np.testing.assert_equal(live(loaded, after, len(before)), live(bank, after, len(before)))
    np.testing.assert_equal(loaded.state(), bank.state())


@given(st.integers(2, 8), LIVES)
def test_what_is_dangerous_stays_while_it_is_within_its_share(capacity: int, life: list[Act]) -> None:
    """Of dangerous entries as many as their share, each alone in its bucket, outlive any number of harmless ones."""
    config = CacheConfig(capacity, 0.35, 0.995, "risk_protected")
    bank = SemanticCache(config)
    kept = int(config.protected_share * capacity)
    buckets = BUCKETS + np.arange(kept)
    bank.insert(POOL[:kept], buckets, np.zeros((kept, 13)), np.tile([DANGEROUS, 0.1, 0.1], (kept, 1)))
    for number, act in enumerate(life):
        harmless = Act(act.insert, act.keys, act.buckets, (False,) * len(act.keys))
        live(bank, [harmless], number)
    assert bank.lookup(POOL[:kept], buckets).hit.all()
