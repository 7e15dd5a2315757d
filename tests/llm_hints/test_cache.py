"""The semantic cache: keys, lookups, both evictions, files."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, IntArray
from llm_hints.cache import CacheConfig, CacheCounters, CacheFileError, SemanticCache
from llm_hints.features import FEATURE_SIZE, NEAR, RISK, URGENT, WALKER, actor_features, scene_keys, write_keys
from llm_hints.providers.rules import RulesProvider
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import mirrored, random_scene, rotated


def keys(count: int) -> FloatArray:
    """Return ``count`` keys at right angles to each other."""
    return np.eye(FEATURE_SIZE)[:count]


def one_bucket(count: int) -> IntArray:
    """Return the bucket of ``count`` keys, the same for all."""
    return np.full(count, 7)


def entries(safety: list[float]) -> tuple[FloatArray, FloatArray]:
    """Return state and weights of entries whose first state number is their index."""
    state = np.zeros((len(safety), 13))
    state[:, 0] = np.arange(len(safety))
    rest = (1 - np.array(safety)) / 2
    return state, np.stack([safety, rest, rest], axis=1)


def filled(config: CacheConfig, safety: list[float]) -> SemanticCache:
    """Return a bank that got one entry after the other."""
    bank = SemanticCache(config)
    state, weights = entries(safety)
    for row in range(len(safety)):
        bank.insert(keys(row + 1)[row:], one_bucket(1), state[row : row + 1], weights[row : row + 1])
    return bank


def remembered(bank: SemanticCache, count: int) -> list[int]:
    """Return which of the first ``count`` entries are still there."""
    return [row for row in range(count) if bank.lookup(keys(row + 1)[row:], one_bucket(1)).hit[0]]


def test_features_by_hand() -> None:
    """A car 20 m ahead on collision course in (20 - 4) / 8 = 2 s, a hidden one, a walker 10 m to the left."""
    walker = make_actor(0, 10, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5)
    scene = make_scene(1, [make_actor(20, 0), make_actor(5, 5, visible=False), walker], ego={EgoRow.SPEED: 8.0})
    out = np.zeros(FEATURE_SIZE)
    actor_features(scene.ego.block, scene.actors.block, scene.road.block, 0, out)
    expected = np.zeros(FEATURE_SIZE)
    expected[11] = 2 / 8
    expected[NEAR], expected[NEAR + 2] = 0.6, 0.8
    expected[URGENT] = (6 - 2) / 5
    expected[WALKER + 2] = 0.8
    np.testing.assert_allclose(out, expected)


def test_what_only_the_expert_sees_is_in_the_key() -> None:
    """A walker 5 m ahead and 3 m aside who enters the path of a standing ego, and one who leaves it.

    Both are as near, and neither is on a collision course: only the risk tells them apart.
    """
    enters, leaves = (
        make_scene(1, [make_actor(5, 3, yaw=yaw, speed=1.5, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5)])
        for yaw in (-np.pi / 2, np.pi / 2)
    )
    risks = [RulesProvider().risk(scene).item() for scene in (enters, leaves)]
    assert risks[0] > 0.5 and risks[1] < 0.1
    one, other = scene_keys(enters, np.arange(1)), scene_keys(leaves, np.arange(1))
    assert (one @ other.T).item() < 0.95


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 199))
def test_a_hit_bounds_the_difference_in_risk(low: float, high: float, world: int) -> None:
    """Two keys that differ by d in the risk alone: with s its share of the squared length, 1 - s (1 - cos(pi d))."""
    scene = random_scene(200, 8, np.random.default_rng(2))
    rows, found = np.array([world]), np.empty((2, 1, FEATURE_SIZE))
    for key, risk in zip(found, (low, high), strict=True):
        write_keys(scene.ego.block, scene.actors.block, scene.road.block, rows, np.array([risk]), key)
    share = float((found[0, 0, RISK : RISK + 2] ** 2).sum())
    assert share > 0.3, "of the squared length of every key"
    np.testing.assert_allclose((found[0] @ found[1].T).item(), 1 - share * (1 - np.cos(np.pi * (low - high))))


def test_keys_are_units_and_see_nothing_occluded() -> None:
    scene = random_scene(100, 8, np.random.default_rng(0))
    rows = np.arange(100)
    before = scene_keys(scene, rows)
    np.testing.assert_allclose(np.linalg.norm(before, axis=1), 1)
    actors = scene.actors.block
    actors[ActorRow.X][actors[ActorRow.VISIBLE] < 0.5] += 3.0
    np.testing.assert_array_equal(scene_keys(scene, rows), before)
    np.testing.assert_allclose(scene_keys(rotated(scene, 1.0), rows), before, atol=1e-6)


def test_left_and_right_are_different_conditions() -> None:
    """What text embeddings cannot tell apart (cosine 0.998)."""
    scene = make_scene(1, [make_actor(8, 3.5, kind=ActorKind.PEDESTRIAN)], ego={EgoRow.SPEED: 8.0})
    one, other = scene_keys(scene, np.arange(1)), scene_keys(mirrored(scene), np.arange(1))
    assert (one @ other.T).item() < 0.8, "below every threshold"


def test_similar_keys_mean_similar_hints() -> None:
    """The chance that a pair with the same hint is more similar than a pair with different ones: at least 0.9."""
    scene = random_scene(400, 8, np.random.default_rng(1))
    rows = np.arange(400)
    found, hints = scene_keys(scene, rows), RulesProvider().ask(scene, rows).hints
    first, second = np.triu_indices(400, 1)
    same = np.abs(hints.weights[first, 0] - hints.weights[second, 0]) < 0.08
    same &= (hints.state[first, :7] == hints.state[second, :7]).all(axis=1)
    ranks = (found @ found.T)[first, second].argsort().argsort() + 1.0
    positive, negative = same.sum(), (~same).sum()
    auroc = (ranks[same].sum() - positive * (positive + 1) / 2) / (positive * negative)
    assert auroc > 0.9


def test_lookup_returns_the_nearest_above_the_threshold() -> None:
    bank = filled(CacheConfig(threshold=0.8), [0.2, 0.9])
    asked = np.array([[0.6, 0.8], [0.8, 0.6], [0.7, 0.714]]) @ keys(2)
    answers = bank.lookup(asked, one_bucket(3))
    assert answers.hit.tolist() == [True, True, False]
    assert answers.state[:, 0].tolist() == [1, 0, 0]
    np.testing.assert_allclose(answers.similarity, [0.8, 0.8, -1])
    assert bank.counters == CacheCounters(hits=2, misses=1, added=2)


def test_an_empty_bank_misses() -> None:
    answers = SemanticCache().lookup(keys(3), one_bucket(3))
    assert not answers.hit.any() and (answers.similarity == -1).all() and not answers.state.any()


def test_a_nearly_equal_key_replaces_its_entry() -> None:
    bank = filled(CacheConfig(), [0.2])
    state, weights = entries([0.7])
    bank.insert(keys(1), one_bucket(1), state + 5, weights)
    assert len(bank) == 1
    assert bank.lookup(keys(1), one_bucket(1)).weights[0, 0] == 0.7
    assert bank.counters.refreshed == 1


def test_lru_evicts_what_was_not_used_longest() -> None:
    bank = filled(CacheConfig(capacity=3), [0.2, 0.2, 0.2])
    bank.lookup(keys(1), one_bucket(1))  # entry 0 is in use
    state, weights = entries([0.2] * 4)
    bank.insert(keys(4)[3:], one_bucket(1), state[3:], weights[3:])
    assert remembered(bank, 4) == [0, 2, 3]
    assert bank.counters.evicted == 1


@pytest.mark.parametrize(("eviction", "left"), [("lru", [2, 3, 4]), ("risk_protected", [0, 3, 4])])
def test_the_rare_dangerous_entry(eviction: Any, left: list[int]) -> None:
    """Entry 0 is dangerous and old: plain LRU loses it, the protected bank keeps it."""
    bank = filled(CacheConfig(capacity=3, eviction=eviction), [0.8, 0.3, 0.3, 0.3, 0.3])
    assert remembered(bank, 5) == left


def test_protection_does_not_fill_the_bank() -> None:
    """Beyond the share of half, dangerous entries evict each other, so harmless ones find room."""
    bank = filled(CacheConfig(capacity=4, eviction="risk_protected"), [0.8] * 4 + [0.3] * 2)
    assert remembered(bank, 6) == [2, 3, 4, 5]
    only = filled(CacheConfig(capacity=3, eviction="risk_protected"), [0.8] * 5)
    assert remembered(only, 5) == [2, 3, 4]


def test_state_and_file_restore_the_bank_exactly(tmp_path: Path) -> None:
    config = CacheConfig(capacity=4, eviction="risk_protected")
    bank = filled(config, [0.8, 0.3, 0.3, 0.7, 0.3])
    bank.save(tmp_path / "bank.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["bank.npz"]
    restored = SemanticCache(config)
    restored.set_state(bank.state())
    state, weights = entries([0.1, 0.9])
    for other in (restored, SemanticCache.load(tmp_path / "bank.npz", config)):
        assert other.counters == bank.counters
        same = filled(config, [0.8, 0.3, 0.3, 0.7, 0.3])
        for each in (same, other):
            each.insert(keys(9)[7:], one_bucket(2), state, weights)
        np.testing.assert_equal(other.state(), same.state())


def test_files_that_are_no_bank(tmp_path: Path) -> None:
    bank = filled(CacheConfig(), [0.3])
    path = tmp_path / "bank.npz"
    bank.save(path)
    whole = path.read_bytes()
    with np.load(path) as file:
        content = dict(file)

    def refused(**changes: Any) -> str:
        np.savez(path, **{**content, **changes})
        with pytest.raises(CacheFileError) as caught:
            SemanticCache.load(path)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "no memory bank" in refused(format=np.array("other"))
    assert "version" in refused(version=np.array(99))
    assert "shape" in refused(weights=np.zeros((1, 2)))
    assert "numbers" in refused(weights=np.full((1, 3), "x"))
    assert "memory bank" in refused(keys=np.array([object()]))
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(CacheFileError, match="no memory bank"):
        SemanticCache.load(tmp_path / "one.npy")
    for damaged in (whole[: len(whole) // 2], b"", b"text"):
        path.write_bytes(damaged)
        with pytest.raises(CacheFileError, match="damaged"):
            SemanticCache.load(path)
    with pytest.raises(CacheFileError, match="no plain file"):
        SemanticCache.load(tmp_path)
    with pytest.raises(CacheFileError, match="no memory bank at"):
        SemanticCache.load(tmp_path / "missing.npz")


def member_of_zeros(size: int) -> bytes:
    """Return an array's file of ``size`` bytes of nothing, which a zip packs to a thousandth."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.zeros(size // 8))
    return stream.getvalue()


def header_of(shape: tuple[int, ...]) -> bytes:
    """Return an array's file that claims ``shape`` and holds nothing."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
    return stream.getvalue()


@pytest.mark.parametrize(
    ("keys_file", "told"),
    [(member_of_zeros(1 << 24), "zip bomb"), (header_of((1 << 50, 36)), "0 bytes are there")],
    ids=["bomb", "shape"],
)
def test_a_file_that_would_fill_the_memory_is_refused_unread(tmp_path: Path, keys_file: bytes, told: str) -> None:
    """What it unpacks to and what its arrays claim is looked at before a byte is allocated for it."""
    path = tmp_path / "bank.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("keys.npy", keys_file)
    tracemalloc.start()
    with pytest.raises(CacheFileError, match=told) as caught:
        SemanticCache.load(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert most < 1 << 20


def test_a_bank_of_more_entries_than_its_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity is 2"):
        SemanticCache(CacheConfig(capacity=2)).set_state(filled(CacheConfig(), [0.3] * 3).state())


@pytest.mark.parametrize(
    "wrong", [{"capacity": 0}, {"eviction": "fifo"}, {"threshold": 0.999}, {"protected_share": 1.0}]
)
def test_settings_with_which_it_cannot_work(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="came"):
        CacheConfig(**wrong)
