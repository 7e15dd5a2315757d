"""Contacts are waited for where bodies may have touched, and nowhere else."""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue

import pytest

pytest.importorskip("carla")

from envs.carla_backend.sensors import Sensor
from envs.carla_backend.simulator import _touches
from tests.envs.builders import make_actor, make_scene


@pytest.mark.parametrize(("gap_m", "touches"), [(-0.5, True), (0.2, True), (1.0, False), (50.0, False)])
def test_who_is_close_may_have_been_touched(gap_m: float, touches: bool) -> None:
    scene = make_scene(1, [make_actor(0.0, 0.0), make_actor(0.0, 30.0)])
    scene.actors.x[0, 0] = 0.5 * (scene.ego.length[0] + scene.actors.length[0, 0]) + gap_m
    assert _touches(scene) == touches
    assert not _touches(make_scene(1))


def test_a_late_word_is_heard_and_none_is_not_waited_for_long() -> None:
    sensor: Sensor[int] = object.__new__(Sensor)
    sensor._heard = SimpleQueue()
    assert sensor.take_within(0.0) == [] and sensor.take_within(0.01) == []
    threading.Timer(0.1, sensor._heard.put, [7]).start()
    begun = time.monotonic()
    assert sensor.take_within(20.0) == [7] and time.monotonic() - begun < 15.0
    sensor._heard.put(1)
    sensor._heard.put(2)
    assert sensor.take_within(20.0) == [1, 2]
