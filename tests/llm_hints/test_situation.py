"""The discrete side of a scene: buckets, lines, times to contact, sectors, and what counts as an event."""

from __future__ import annotations

import numpy as np
import pytest

from envs.scene import ActorKind, ActorRow, EgoRow, RoadCategory, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.hint import Direction
from llm_hints.providers.rules import RulesProvider
from llm_hints.situation import BUCKETS, Line, Part, bucket_of, overtaken, situations
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import random_scene


def of(scene: SceneBatch) -> dict[Part, int]:
    """Return the situation of the first world by part."""
    return {part: int(situations(scene, np.arange(1))[0, part]) for part in Part}


@pytest.mark.parametrize(
    ("road", "line"),
    [
        ({}, Line.NONE),
        ({RoadRow.SIGNAL: SignalState.GREEN, RoadRow.STOP_LINE: StopLine.SIGNAL}, Line.FREE),
        ({RoadRow.SIGNAL: SignalState.YELLOW, RoadRow.STOP_LINE: StopLine.SIGNAL}, Line.YELLOW),
        ({RoadRow.SIGNAL: SignalState.RED, RoadRow.STOP_LINE: StopLine.SIGNAL}, Line.RED),
        ({RoadRow.STOP_LINE: StopLine.STOP_SIGN}, Line.STOP),
        ({RoadRow.STOP_LINE: StopLine.STOP_SIGN, RoadRow.STOOD: 1.0}, Line.FREE),
        ({RoadRow.STOP_LINE: StopLine.YIELD_SIGN}, Line.YIELD),
    ],
)
def test_the_line_ahead(road: dict[RoadRow, float], line: Line) -> None:
    """Urban road 2, low density 0: bucket (2 x 6 + line) x 3."""
    found = of(make_scene(1, road=road))
    assert found[Part.LINE] == line
    assert found[Part.BUCKET] == (2 * 6 + line) * 3


def test_sectors_and_density_are_of_whom_the_ego_sees_nearby() -> None:
    """Ahead, to the left, a cone behind; hidden and far ones are not there. Two road users are low density."""
    cone = make_actor(-10, 0, kind=ActorKind.STATIC)
    seen = [make_actor(20, 0), make_actor(0, 6), cone, make_actor(0, -6, visible=False), make_actor(60, 60)]
    found = of(make_scene(1, seen))
    assert found[Part.SECTORS] == 1 << Direction.FRONT | 1 << Direction.LEFT | 1 << Direction.REAR
    assert found[Part.BUCKET] % 3 == 0
    assert of(make_scene(1, [*seen, make_actor(30, 0)]))[Part.BUCKET] % 3 == 1


@pytest.mark.parametrize(("speed", "bucket"), [(20.0, 0), (8.0, 1), (4.0, 2), (3.0, 3), (0.0, 3)])
def test_the_time_to_contact_is_in_buckets(speed: float, bucket: int) -> None:
    """A standing car 20 m ahead, bodies of 4 m: 16 m to contact; 0.8 s, 2 s, 4 s, 5.3 s, never."""
    found = of(make_scene(1, [make_actor(20, 0)], ego={EgoRow.SPEED: speed}))
    assert found[Part.CONTACT] == bucket


def test_the_density_is_the_experts() -> None:
    scene, rows = random_scene(300, 9, np.random.default_rng(3)), np.arange(300)
    buckets = bucket_of(situations(scene, rows))
    hints = RulesProvider().ask(scene, rows).hints
    np.testing.assert_array_equal(buckets % 3, 2 * hints.state[:, 3])
    np.testing.assert_array_equal(buckets // 18, scene.road.category)
    assert set(buckets % 3) == {0, 1, 2} and buckets.min() >= 0 and buckets.max() < BUCKETS


def test_the_situation_sees_nothing_occluded_and_each_world_alone() -> None:
    scene = random_scene(100, 8, np.random.default_rng(4))
    before = situations(scene, np.arange(100))
    np.testing.assert_array_equal(before[::7], situations(scene, np.arange(0, 100, 7)))
    actors = scene.actors.block
    actors[ActorRow.X][actors[ActorRow.VISIBLE] < 0.5] = 10.0
    np.testing.assert_array_equal(situations(scene, np.arange(100)), before)


def test_what_counts_as_an_event() -> None:
    """By hand: (bucket, line, contact, sectors) before and after."""
    before = np.array([[0, 4, 3, 0b0101]] * 6)
    now = np.array(
        [
            [0, 4, 3, 0b0101],  # nothing
            [9, 4, 3, 0b0101],  # the density or the road alone
            [0, 1, 3, 0b0101],  # the light
            [0, 4, 2, 0b0101],  # contact is nearer
            [0, 4, 3, 0b0001],  # somebody has left
            [0, 4, 3, 0b0110],  # somebody has come into another sector
        ]
    )
    assert overtaken(before, now).tolist() == [False, False, True, True, False, True]


def test_the_road_of_the_bucket() -> None:
    buckets = {of(make_scene(1, road={RoadRow.CATEGORY: float(road)}))[Part.BUCKET] for road in RoadCategory}
    assert buckets == {0, 18, 36}
