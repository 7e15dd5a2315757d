"""The log of running episodes against what is found in the recorded drives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.drivers.naive import FullThrottleDriver, KeepLaneDriver
from envs.driving_env import DrivingConfig
from envs.factory import make_vector_env
from envs.metrics.infraction_log import InfractionLog
from envs.metrics.infractions import infractions_of
from envs.scene import EventRow, SceneBatch
from tests.envs.builders import make_scene
from tests.envs.metrics.test_on_the_simulator import in_time

WORLDS = 12


def test_it_finds_what_is_found_in_the_recorded_drives() -> None:
    env = make_vector_env(WORLDS, "route", "high", config=DrivingConfig(ends_at="collision"))
    env.reset(seed=2)
    log, kinds = InfractionLog(WORLDS), set[str]()
    log.start(np.arange(WORLDS), env.scene)
    drives: list[list[SceneBatch]] = [[env.scene.rows([b])] for b in range(WORLDS)]
    for _ in range(500):
        actions = FullThrottleDriver().act(env.scene)
        actions[::3] = KeepLaneDriver().act(env.scene)[::3]
        made = env.advance(actions)
        log.update(env.scene)
        for b in range(WORLDS):
            drives[b].append(env.scene.rows([b]))
        ended = np.flatnonzero(made.ended)
        for b in ended.tolist():
            found, told = log.of(b), infractions_of(in_time(drives[b]))
            assert [replace(one, share=0.5 if one.share else None) for one in found] == [
                replace(one, share=0.5 if one.share else None) for one in told
            ]
            # Sums of the same metres, added in another order.
            assert [one.share or 0.0 for one in found] == pytest.approx([one.share or 0.0 for one in told])
            kinds |= {one.kind for one in found}
        if len(ended):
            env.restart(made.ended)
            log.start(ended, env.scene)
            for b in ended.tolist():
                drives[b] = [env.scene.rows([b])]
    assert {"red_light", "collision_vehicle", "route_deviation", "outside_route_lanes"} <= kinds


def test_an_event_that_lasts_is_noted_once_and_a_new_episode_begins_with_none() -> None:
    log, scene = InfractionLog(2), make_scene(2, time_s=3.0)
    scene.events.block[EventRow.WRONG_WAY, 1] = 1.0
    log.update(scene)
    log.update(scene)
    assert [(one.kind, one.time_s) for one in log.of(1)] == [("wrong_way", 3.0)] and log.of(0) == ()
    log.start(np.array([1]), scene)
    assert log.of(1) == ()
