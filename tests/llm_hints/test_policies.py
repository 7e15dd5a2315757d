"""Cache first, and what makes a hint due before its period is over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.counters import HintCounters
from llm_hints.hint import HintSource
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.scripted import ScriptedProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.drives import drive, hint, serve, trace
from tests.llm_hints.scenes import random_scene

MODEL, CACHE, STALE = (int(source) for source in (HintSource.MODEL, HintSource.CACHE, HintSource.STALE))
SIGNAL = {RoadRow.STOP_LINE: StopLine.SIGNAL, RoadRow.SIGNAL: SignalState.GREEN, RoadRow.DISTANCE_TO_STOP_LINE: 30.0}


def test_what_the_cache_knows_is_not_asked_about() -> None:
    """One question at 0; the unchanged scene is served from the bank each second, with the hint of that moment."""
    service, provider = serve([hint(0.7)], policy="cache_first")
    drawn = [(time_s, hints.copy()) for time_s, hints in drive(service, make_scene(1), 3.0)]
    assert len(provider.asked) == 1
    assert [int(hints.source[0]) for _, hints in drawn[::10]] == [MODEL, CACHE, CACHE, CACHE]
    assert drawn[30][1].issued_at_s[0] == pytest.approx(3.0)
    assert service.counters == HintCounters(due=4, asked=1, answered=1, calls=4, hits=3, misses=1)
    assert service.counters.scm_calls_percent == 100 and service.counters.cache_share_percent == 75


def test_fallback_asks_each_time() -> None:
    service, provider = serve([hint(0.7)] * 4)
    trace(service, 3.0)
    assert len(provider.asked) == 4
    assert service.counters.cache_share_percent == service.counters.scm_calls_percent == 0


def test_what_it_does_not_know_is_asked_once_and_looked_up_once() -> None:
    """Malformed answers: a miss, a question, stale; the same scene is not looked up a second time at that moment."""
    service, _ = serve(["no", "no"], policy="cache_first")
    trace(service, 1.5)
    assert service.counters == HintCounters(due=2, asked=2, invalid=2, calls=2, misses=2, stale=2)


def test_a_world_that_the_cache_serves_does_not_wait_for_its_question() -> None:
    """Asked at 0 with 1.5 s of latency; at 1.0 another world's entry has made the scene known; 1.5 is late."""
    provider = ScriptedProvider(lambda scene, row: hint(0.7), 1.5)
    service = HintService(provider, HintServiceConfig(policy="cache_first"))
    scene = make_scene(1)
    for time_s, _ in drive(service, scene, 2.5):
        if time_s == 0.5:
            donor = HintService(
                ScriptedProvider([hint(0.2)]), HintServiceConfig(), cache=service.cache
            )
            donor.reset(None, make_scene(1))
        if time_s == 1.2:
            assert service.hints.source[0] == CACHE and service.hints.weights[0, 0] == 0.2
    assert service.counters == HintCounters(due=3, asked=1, late=1, calls=3, hits=2, misses=1)
    # The late answer replaced the entry, and the next due time found it.
    assert service.hints.weights[0, 0] == 0.7


def turn_red(scene: SceneBatch, time_s: float, at_s: float) -> None:
    scene.road.block[RoadRow.SIGNAL] = SignalState.RED if time_s >= at_s - 0.05 else SignalState.GREEN


@pytest.mark.parametrize(
    ("config", "asked"),
    [
        ({"on_event": "ignore"}, [0.0, 1.0, 2.0]),
        ({"on_event": "ask"}, [0.0, 0.5, 1.0, 1.5, 2.0]),
        # The red light is in another bucket, so it is asked about when it is met first, and served when it comes back.
        ({"on_event": "ignore", "policy": "cache_first"}, [0.0, 1.0]),
        ({"on_event": "lookup", "policy": "cache_first"}, [0.0, 0.5]),
        ({"on_event": "ask", "policy": "cache_first"}, [0.0, 0.5, 1.5]),
    ],
)
def test_a_light_that_changes_overtakes_the_hint(config: dict[str, Any], asked: list[float]) -> None:
    """Green until 0.45 s, red until 1.45 s, green again."""
    provider = ScriptedProvider(lambda scene, row: hint(0.8 if scene.road.signal[row] == SignalState.RED else 0.3))
    service = HintService(provider, HintServiceConfig(**config))
    scene = make_scene(1, road=SIGNAL)
    for time_s, _ in drive(service, scene, 2.4):
        scene.road.block[RoadRow.SIGNAL] = SignalState.RED if 0.35 < time_s < 1.35 else SignalState.GREEN
    assert [round(time_s, 6) for time_s, _ in provider.asked] == asked


def test_a_hint_of_green_is_never_served_at_red() -> None:
    """All else equal, and alike enough for a hit but for the bucket."""
    service, provider = serve([hint(0.3), "no"], policy="fallback")
    scene = make_scene(1, road=SIGNAL)
    for time_s, hints in drive(service, scene, 1.2):
        turn_red(scene, time_s + 0.1, 0.5)
        if time_s >= 1.0:
            assert hints.source[0] == STALE
    assert service.counters.misses == 1 and len(provider.asked) == 2


def test_events_are_asked_about_once_in_the_gap() -> None:
    """Somebody jumps in and out of the sector ahead at every step; the gap is 0.3 s."""
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(on_event="ask", danger_gap_s=0.3))
    scene = make_scene(1, [make_actor(30, 0)])
    for step, _ in enumerate(drive(service, scene, 0.9)):
        scene.actors.block[ActorRow.X] = 30.0 if step % 2 else -30.0
    times = [time_s for time_s, _ in provider.asked]
    assert np.diff(times) == pytest.approx([0.3] * 3)
    assert service.counters.events == 3


def test_an_event_while_a_question_is_open_is_asked_about_when_it_is_answered() -> None:
    """Asked at 0, answered at 0.5; the light turns at 0.2: the answer is of another scene, and a new one is due."""
    provider = ScriptedProvider(lambda scene, row: hint(0.5), 0.5)
    service = HintService(provider, HintServiceConfig(on_event="ask"))
    scene = make_scene(1, road=SIGNAL)
    for time_s, _ in drive(service, scene, 0.9):
        turn_red(scene, time_s + 0.1, 0.2)
    assert [round(time_s, 6) for time_s, _ in provider.asked] == [0.0, 0.6]


def test_danger_asks_whatever_the_cache_knows() -> None:
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(ask_on_danger=True, policy="cache_first"))
    scene = make_scene(1, [make_actor(12, 9, kind=ActorKind.PEDESTRIAN)], ego={EgoRow.SPEED: 8.0})
    for time_s, _ in drive(service, scene, 2.4):
        scene.actors.block[ActorRow.Y] = 0.0 if 0.35 < time_s < 0.75 or time_s > 1.35 else 9.0
    # At 1.0 the safe scene is known; at 1.5 the dangerous one is as well, and asked about all the same.
    assert [round(time_s, 6) for time_s, _ in provider.asked] == [0.0, 0.5, 1.5]


def test_an_early_hint_leaves_the_grid_of_periods_as_it_is() -> None:
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(on_event="ask"))
    scene = make_scene(1, road=SIGNAL)
    for time_s, _ in drive(service, scene, 2.1):
        turn_red(scene, time_s + 0.1, 0.7)
    assert [round(time_s, 6) for time_s, _ in provider.asked] == [0.0, 0.7, 1.0, 2.0]


def test_the_first_hint_of_an_episode_is_no_event() -> None:
    provider = ScriptedProvider(lambda scene, row: hint(0.5))
    service = HintService(provider, HintServiceConfig(on_event="ask"), batch_size=2)
    scene = make_scene(2, road=SIGNAL)
    service.reset(None, scene)
    scene.time_s[:] = [0.5, 0.0]
    scene.road.block[RoadRow.SIGNAL, 1] = SignalState.RED
    service.reset(np.array([False, True]), scene)
    assert service.counters.events == 0
    assert provider.asked == [(0.0, 0), (0.0, 1), (0.0, 1)]


def test_switched_off_it_is_as_if_it_were_not_there() -> None:
    """By default every world holds, bit for bit, the provider's answer to its scene of the last full second."""
    scene, rows, rules = random_scene(16, 5, np.random.default_rng(2)), np.arange(16), RulesProvider()
    service = HintService(RulesProvider(), HintServiceConfig(), 16)
    expected = rules.ask(scene, rows).hints
    for step, (_, hints) in enumerate(drive(service, scene, 5.0)):
        if step % 10 == 0:
            expected = rules.ask(scene, rows).hints
        np.testing.assert_array_equal(hints.state, expected.state)
        np.testing.assert_array_equal(hints.weights, expected.weights)
        np.testing.assert_array_equal(hints.issued_at_s, expected.issued_at_s)
        assert (hints.source == MODEL).all()
        scene.actors.block[ActorRow.X] += scene.actors.block[ActorRow.VX] * 0.1
    assert service.counters == HintCounters(due=96, asked=96, answered=96)


def test_counters_of_an_episode_and_of_the_service() -> None:
    service, _ = serve([hint(0.7)] * 3, policy="cache_first")
    scene = make_scene(1)
    trace(service, 2.0, scene)
    assert service.episode_counters(0) == service.counters == HintCounters(
        due=3, asked=1, answered=1, calls=3, hits=2, misses=1
    )
    before = service.counters
    trace(service, 1.0, scene)
    assert service.episode_counters(0) == service.counters.since(before) == HintCounters(due=2, calls=2, hits=2)
    assert service.counters.since(before).told()["cache_share_percent"] == 100


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": "cache_last"},
        {"on_event": "tell"},
        {"policy": "cache_first", "cache": False},
        {"on_event": "lookup"},
    ],
)
def test_policies_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="came"):
        HintServiceConfig(**wrong)
