"""The true answers, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.scene import ActorKind, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.hint import Direction
from llm_hints.reference import KINDS, Lateral, Longitudinal, Truth, answer_words, true_answers
from tests.llm_hints.scenes import random_scene
from tests.llm_hints.test_facts import ONE, put, road


def decided(scene: SceneBatch, column: Truth) -> int:
    return int(true_answers(scene, ONE).table[0, 0, column])


def test_a_free_road_is_driven_at_the_limit() -> None:
    assert decided(road(8.0), Truth.LONGITUDINAL) == Longitudinal.ACCELERATE
    assert decided(road(13.9), Truth.LONGITUDINAL) == Longitudinal.KEEP
    assert decided(road(18.0), Truth.LONGITUDINAL) == Longitudinal.BRAKE  # 2 (1 - (18/14)^4) = -3.5 m/s2


def test_the_acceleration_of_the_intelligent_driver_by_hand() -> None:
    """10 m/s, limit 14, 26 m behind 6 m/s: s* = 2 + 15 + 10 * 4 / (2 sqrt 5) = 25.94; 2 (1 - .2603 - .9957) = -.512."""
    scene = road()
    put(scene, 0, 30.0, 0.0, speed=6.0)
    answers = true_answers(scene, ONE)
    assert answers.table[0, 0, Truth.ACCELERATION] == pytest.approx(-0.512, abs=1e-3)
    assert answers.table[0, 0, Truth.LONGITUDINAL] == Longitudinal.DECELERATE
    assert answers.right("longitudinal", np.array([int(Longitudinal.KEEP)])).all(), "so near to a border both count"
    assert not answers.right("longitudinal", np.array([int(Longitudinal.ACCELERATE)])).any()


def test_a_red_light_is_stopped_at_and_waited_for() -> None:
    scene = road()
    scene.road.block[RoadRow.SIGNAL], scene.road.block[RoadRow.STOP_LINE] = SignalState.RED, StopLine.SIGNAL
    scene.road.block[RoadRow.DISTANCE_TO_STOP_LINE] = 25.0
    assert decided(scene, Truth.LONGITUDINAL) == Longitudinal.BRAKE
    waiting = road(0.0)
    waiting.road.block[:] = scene.road.block
    waiting.road.block[RoadRow.DISTANCE_TO_STOP_LINE] = 1.0
    assert decided(waiting, Truth.LONGITUDINAL) == Longitudinal.KEEP


def test_a_slow_leader_is_left_where_the_lane_beside_is_free() -> None:
    scene = road()
    put(scene, 0, 30.0, 0.0, speed=6.0)
    assert decided(scene, Truth.LATERAL) == Lateral.KEEP, "there is no other lane"
    scene.road.block[RoadRow.LANES_LEFT] = 1
    assert decided(scene, Truth.LATERAL) == Lateral.LEFT
    scene.road.block[RoadRow.LEFT_IS_ONCOMING] = 1
    assert decided(scene, Truth.LATERAL) == Lateral.KEEP
    scene.road.block[RoadRow.LANES_RIGHT] = 1
    assert decided(scene, Truth.LATERAL) == Lateral.RIGHT
    put(scene, 1, -3.0, -3.5, speed=10.0)
    assert decided(scene, Truth.LATERAL) == Lateral.KEEP, "somebody is beside"


def test_the_worst_of_two_is_the_hazard_and_one_nearly_as_bad_counts() -> None:
    scene = road()
    put(scene, 0, 14.0, 0.0, speed=0.0)
    put(scene, 1, 16.0, 0.0, speed=0.0, kind=ActorKind.TRUCK)
    answers = true_answers(scene, ONE)
    hazard = int(answers.table[0, 0, Truth.HAZARD])
    assert hazard == 8 * ActorKind.CAR + Direction.FRONT and answer_words("hazard", hazard) == "Car Front"
    assert answers.right("hazard", np.array([hazard])).all()
    truck = np.array([8 * ActorKind.TRUCK + Direction.FRONT])
    assert answers.right("hazard", truck).all() == (answers.risks[0, 1] >= 0.85 * answers.risks[0, 0])
    assert not answers.right("hazard", np.array([-1])).any()
    assert decided(road(), Truth.HAZARD) == -1 and answer_words("hazard", -1) == "nobody"


def test_the_answer_at_scale_one_always_counts() -> None:
    scene, rows = random_scene(300, 8, np.random.default_rng(4)), np.arange(300)
    answers = true_answers(scene, rows)
    for kind, column in KINDS.items():
        assert answers.right(kind, answers.table[:, 0, column].astype(np.int64)).all()
        unclear = (answers.table[:, :, column] != answers.table[:, :1, column]).any(axis=1).mean()
        assert unclear < 0.3, f"{kind}: the borders are too wide to test anything"
