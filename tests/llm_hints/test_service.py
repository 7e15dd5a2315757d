"""HintService in simulated time: who asks when, what holds meanwhile, counters, exact replay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, RoadCategory, SceneBatch
from llm_hints.cache import CacheConfig, SemanticCache
from llm_hints.counters import HintCounters
from llm_hints.hint import PRIOR_WEIGHTS, HintBatch, HintSource
from llm_hints.providers.base import HintAnswers, HintProviderError
from llm_hints.providers.faulty import FaultConfig, FaultyProvider
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.scripted import ScriptedProvider, ScriptExhaustedError
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.drives import drive, hint, serve, trace
from tests.llm_hints.scenes import random_scene

PRIOR, MODEL, CACHE, STALE = (int(source) for source in HintSource)


def test_a_world_asks_at_its_own_zero_and_then_every_period() -> None:
    service, provider = serve([hint(s) for s in (0.3, 0.4, 0.5)], period_s=0.5, window_s=0.5)
    assert trace(service, 1.4) == [(0.0, MODEL, 0.3), (0.5, MODEL, 0.4), (1.0, MODEL, 0.5)]
    assert service.counters == HintCounters(due=3, asked=3, answered=3)
    assert [round(time_s, 6) for time_s, _ in provider.asked] == [0.0, 0.5, 1.0]


def test_an_episode_that_begins_later_has_its_own_clock() -> None:
    """World 1 restarts when world 0 is at 0.7 s: it asks then, and 1 s later; world 0 keeps its own times."""
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(), batch_size=2)
    scene = make_scene(2)
    service.reset(None, scene)
    for step in range(1, 20):
        scene.time_s[:] += 0.1
        if step == 7:
            scene.time_s[1] = 0.0
            service.reset(np.array([False, True]), scene)
        service.poll(scene)
    asked = [(round(time_s, 6), row) for time_s, row in provider.asked]
    assert asked == [(0.0, 0), (0.0, 1), (0.0, 1), (1.0, 0), (1.0, 1)]


def test_an_answer_holds_after_its_latency_and_describes_when_it_was_asked() -> None:
    service, _ = serve([hint(0.3), hint(0.4)], latency_s=0.3)
    drawn = [(time_s, hints.copy()) for time_s, hints in drive(service, make_scene(1), 1.5)]
    sources = [int(hints.source[0]) for _, hints in drawn]
    assert sources == [PRIOR] * 3 + [MODEL] * 13
    weights = [float(hints.weights[0, 0]) for _, hints in drawn]
    assert weights == [PRIOR_WEIGHTS[0]] * 3 + [0.3] * 10 + [0.4] * 3
    assert drawn[15][1].issued_at_s[0] == pytest.approx(1.0)


def test_latency_of_the_service_adds_up_and_jitters_by_world() -> None:
    service, _ = serve([hint(0.3)] * 2, latency_s=0.2, latency_jitter_s=0.5)
    assert 0.2 <= trace(service, 0.9)[1][0] <= 0.8


def test_without_answers_the_last_valid_hint_decays_towards_the_prior() -> None:
    """Asked at 1 s in vain; from 2 s, the window's end, w = prior + exp(-t / 2) (0.9 - prior)."""
    service, _ = serve([hint(0.9)] + [None] * 20, cache=False, decay_s=2.0)
    drawn = {round(time_s, 1): hints.copy() for time_s, hints in drive(service, make_scene(1), 9.0)}
    assert drawn[1.9].source[0] == MODEL
    for time_s in (2.5, 4.0, 6.0):
        assert drawn[time_s].source[0] == STALE
        expected = 0.34 + np.exp(-(time_s - 2) / 2) * (0.9 - 0.34)
        assert drawn[time_s].weights[0, 0] == pytest.approx(expected)
        assert drawn[time_s].weights[0].sum() == pytest.approx(1)
        assert drawn[time_s].issued_at_s[0] == 0
    # Half of the trust is gone after 1.39 s: whoever was critical then is not named any more.
    assert drawn[3.3].hint(0).entities and not drawn[3.4].hint(0).entities
    assert drawn[6.0].hint(0).category is RoadCategory.URBAN
    # A twentieth is left after 5.99 s.
    assert drawn[7.9].source[0] == STALE and drawn[8.0].source[0] == PRIOR
    assert drawn[9.0].weights[0].tolist() == list(PRIOR_WEIGHTS) and not drawn[9.0].state.any()


def test_a_fresh_answer_ends_the_decay() -> None:
    """At 2.0 the window of the missing answer ends, and the next answer is there at once: nothing is stale."""
    service, _ = serve([hint(0.9), None, None, hint(0.5)], cache=False)
    drawn = trace(service, 3.5)
    assert drawn[-1] == (3.0, MODEL, 0.5) and drawn[2][0] == 2.1
    service, _ = serve([hint(0.9), None, hint(0.5)], cache=True)
    assert trace(service, 2.5) == [(0.0, MODEL, 0.9), (2.0, MODEL, 0.5)]
    assert service.counters == HintCounters(due=3, asked=3, answered=2, missing=1)


@pytest.mark.parametrize(("spoilt", "counter", "since"), [("no", "invalid", 1.0), (None, "missing", 2.0)])
def test_what_is_not_valid_is_replaced_by_the_cache(spoilt: str | None, counter: str, since: float) -> None:
    """A malformed answer is known at once, a missing one at the window's end."""
    service, _ = serve([hint(0.9), spoilt, spoilt])
    drawn = [(time_s, hints.copy()) for time_s, hints in drive(service, make_scene(1), 2.5)]
    first = next(time_s for time_s, hints in drawn if hints.source[0] == CACHE)
    assert first == since
    last = drawn[-1][1]
    assert last.hint(0) == hint(0.9) and last.issued_at_s[0] == pytest.approx(2.0)
    counts = service.counters
    assert getattr(counts, counter) == 2 and counts.hits >= 1 and counts.misses == counts.stale == 0


def test_a_dissimilar_condition_is_a_miss() -> None:
    service, _ = serve([hint(0.9), "no"], period_s=0.5, window_s=0.5)
    scene = make_scene(1, [make_actor(12, 0, kind=ActorKind.PEDESTRIAN)])
    for time_s, _ in drive(service, scene, 0.9):
        scene.actors.block[ActorRow.X] = 12.0 if time_s < 0.3 else 200.0
        scene.ego.block[EgoRow.SPEED] = 0.0 if time_s < 0.3 else 14.0
    assert service.hints.source[0] == STALE
    assert (service.counters.misses, service.counters.stale, service.counters.hits) == (1, 1, 0)


def test_a_late_answer_only_enters_the_cache() -> None:
    """Asked at 0, answered at 1.5 with a window of 1: nothing to show at 1.0, the cache knows it from 1.5 on."""
    service, provider = serve([hint(0.9), hint(0.8)], latency_s=1.5)
    assert trace(service, 2.9) == [(0.0, PRIOR, 0.34), (1.5, CACHE, 0.9)]
    assert [round(time_s, 6) for time_s, _ in provider.asked] == [0.0, 2.0]
    counts = service.counters
    # At 1.0 the window ends and the next is due while the question is open: that is one miss, not two.
    assert counts == HintCounters(due=3, asked=2, late=1, busy=1, calls=1, hits=1, misses=1, stale=1)


def test_the_late_rule_wait_holds_the_world() -> None:
    service, _ = serve([hint(0.9), hint(0.8)], latency_s=1.5, late="wait")
    assert trace(service, 1.5)[1:] == [(1.0, MODEL, 0.9)]
    assert service.counters.late == 0


def test_scm_calls_are_a_share_of_the_due_hints() -> None:
    assert HintCounters().scm_calls_percent == 0
    assert HintCounters(due=10, calls=2, hits=1, misses=1).scm_calls_percent == 20


def test_a_provider_that_cannot_answer_ends_nothing() -> None:
    class Down(RulesProvider):
        def ask(self, scene: SceneBatch, rows: Any) -> HintAnswers:
            raise HintProviderError("no connection")

    service = HintService(Down())
    assert trace(service, 2.5) == [(0.0, PRIOR, 0.34)]
    assert service.counters.missing == 3


def test_a_fault_in_the_program_is_not_hidden() -> None:
    service, _ = serve([])
    with pytest.raises(ScriptExhaustedError):
        service.reset(None, make_scene(1))


def test_danger_is_asked_about_at_once() -> None:
    """Somebody stands in the way from 0.35 s on: with the option the next step asks, without it the next second."""
    asked = {}
    for watch in (False, True):
        scene = make_scene(1, [make_actor(12, 9, kind=ActorKind.PEDESTRIAN)], ego={EgoRow.SPEED: 8.0})
        provider = ScriptedProvider(lambda scene, row: hint(0.5))
        service = HintService(provider, HintServiceConfig(ask_on_danger=watch))
        for time_s, _ in drive(service, scene, 1.1):
            scene.actors.block[ActorRow.Y] = 9.0 if time_s < 0.35 else 0.0
        asked[watch] = [round(time_s, 6) for time_s, _ in provider.asked]
    assert asked == {False: [0.0, 1.0], True: [0.0, 0.5, 1.0]}


def test_danger_that_comes_and_goes_is_asked_about_once_in_the_gap() -> None:
    scene = make_scene(1, [make_actor(12, 9)], ego={EgoRow.SPEED: 8.0})
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(ask_on_danger=True, danger_gap_s=0.4))
    for step, _ in enumerate(drive(service, scene, 0.9)):
        scene.actors.block[ActorRow.Y] = 9.0 if step % 2 else 0.0
    times = [time_s for time_s, _ in provider.asked]
    assert np.diff(times).min() > 0.4 - 1e-6 and len(times) == 3


def test_danger_that_begins_within_the_gap_is_asked_about_after_it() -> None:
    """Somebody stands in the way from 0.15 s on; nobody may be asked again before 0.5 s."""
    scene = make_scene(1, [make_actor(12, 9, kind=ActorKind.PEDESTRIAN)], ego={EgoRow.SPEED: 8.0})
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(ask_on_danger=True, danger_gap_s=0.5))
    for time_s, _ in drive(service, scene, 0.9):
        scene.actors.block[ActorRow.Y] = 9.0 if time_s < 0.15 else 0.0
    assert [round(time_s, 6) for time_s, _ in provider.asked] == [0.0, 0.5]


def messy(batch: int, cache: bool, seed: int = 0) -> HintService:
    """Return a service whose provider does everything wrong that it can."""
    faults = FaultConfig(wrong=0.1, malformed=0.2, late=0.2, missing=0.2, late_s=1.2)
    provider = FaultyProvider(RulesProvider(), faults, np.random.default_rng(seed))
    config = HintServiceConfig(latency_s=0.15, latency_jitter_s=0.5, cache=cache)
    bank = SemanticCache(CacheConfig(capacity=20))
    return HintService(provider, config, batch, np.random.default_rng(seed + 1), bank)


def moving(scene: SceneBatch, step: int) -> SceneBatch:
    """Return the scene after ``step`` steps of constant velocities, with one restart of every third world."""
    now = scene.copy()
    local = np.where(np.arange(scene.batch_size) % 3 == 0, step % 37, step)
    now.step[:], now.time_s[:] = local, 0.1 * local
    now.actors.block[ActorRow.X] += (now.actors.block[ActorRow.VX] - 8.0) * now.time_s[:, None]
    return now


def run(service: HintService, scenes: list[SceneBatch]) -> list[HintBatch]:
    """Poll all scenes, resetting the worlds whose step is 0."""
    kept = []
    for scene in scenes:
        if (scene.step == 0).any():
            service.reset(scene.step == 0, scene)
        kept.append(service.poll(scene).copy())
    return kept


def assert_equal(one: list[HintBatch], other: list[HintBatch]) -> None:
    for mine, theirs in zip(one, other, strict=True):
        for name in HintBatch.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))


def test_a_world_among_many_replays_alone_bit_for_bit() -> None:
    """With the cache off; a shared bank is what one world learns from another."""
    first = random_scene(12, 5, np.random.default_rng(8))
    scenes = [moving(first, step) for step in range(80)]
    together = run(messy(12, cache=False), scenes)
    assert {int(source) for hints in together for source in hints.source} == {PRIOR, MODEL, STALE}
    for b in range(12):
        row = np.array([b])
        alone = run(messy(1, cache=False), [scene.rows(row) for scene in scenes])
        assert_equal(alone, [hints.rows(row) for hints in together])


def without_wall_time(state: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in state.items() if name != "latencies"}


@pytest.mark.parametrize("cache", [False, True])
def test_resuming_from_a_state_is_exact(cache: bool) -> None:
    first = random_scene(12, 5, np.random.default_rng(9))
    scenes = [moving(first, step) for step in range(80)]
    whole = messy(12, cache)
    run(whole, scenes[:45])
    resumed = messy(12, cache, seed=99)
    resumed.set_state(whole.state())
    assert_equal(run(resumed, scenes[45:]), run(whole, scenes[45:]))
    assert resumed.counters == whole.counters
    if cache:
        assert whole.counters.hits > 0 and whole.cache is not None and whole.cache.counters.evicted > 0
        np.testing.assert_equal(without_wall_time(resumed.state()), without_wall_time(whole.state()))


def test_every_due_hint_is_accounted_for() -> None:
    service = messy(12, cache=True)
    first = random_scene(12, 5, np.random.default_rng(10))
    hints = run(service, [moving(first, step) for step in range(80)])
    counts = service.counters
    assert counts.hits + counts.misses > 0 and counts.stale == counts.misses
    closed = counts.answered + counts.invalid + counts.late + counts.missing
    assert 0 <= counts.asked - closed <= 12 + 12  # open at the end, or forgotten at a restart
    for batch in hints:
        np.testing.assert_allclose(batch.weights.sum(axis=1), 1, atol=1e-12)
        assert (np.abs(batch.state) <= 1).all() and (batch.weights >= 0).all()
    assert counts.invalid and counts.late and counts.missing and counts.busy


def test_a_bank_may_be_shared_or_come_from_before() -> None:
    bank = SemanticCache()
    trace(HintService(ScriptedProvider([hint(0.9)]), cache=bank), 0.5)
    service = HintService(ScriptedProvider(["no"]), cache=bank)
    assert trace(service, 0.5) == [(0.0, CACHE, 0.9)]


def test_a_state_of_another_batch_size_is_refused() -> None:
    with pytest.raises(ValueError, match="12 worlds came; this one has 1"):
        messy(1, cache=False).set_state(messy(12, cache=False).state())


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "real"},
        {"late": "never"},
        {"window_s": 2.0},
        {"period_s": 0.0},
        {"latency_s": -0.1},
        {"decay_s": 0.0},
        {"prior_weights": (0.5, 0.5, 0.5)},
    ],
)
def test_settings_that_contradict_each_other(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="came"):
        HintServiceConfig(**wrong)
