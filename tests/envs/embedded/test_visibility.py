"""Line of sight: what stands behind something is hidden, what stands free is seen, down to a far pedestrian."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.embedded.visibility import BINS, RANGE_M, look_around, side_planes
from envs.scene import ActorKind, ActorRow, EgoRow, SceneBatch
from tests.envs.builders import make_actor, make_scene
from tests.envs.traffic.worlds import corners

Actor = dict[ActorRow, float]


def seen(*actors: Actor, ego: dict[EgoRow, float] | None = None) -> list[bool]:
    scene = make_scene(1, [dict(actor) for actor in actors], ego=ego)
    return looked(scene)


def looked(scene: SceneBatch) -> list[bool]:
    levels = np.zeros(scene.actor_slots)
    look_around(scene.actors.block, scene.ego.block, levels, 0.0, np.zeros(BINS), np.zeros(BINS), 0)
    return [bool(flag) for flag in scene.actors.visible[0]]


def pedestrian(x: float, y: float) -> Actor:
    return make_actor(x, y, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5)


def truck(x: float, y: float, yaw: float = 0.0) -> Actor:
    return make_actor(x, y, yaw=yaw, kind=ActorKind.TRUCK, length=8.0, width=2.5)


@pytest.mark.parametrize(
    ("x", "y", "yaw", "direction", "expected"),
    [
        pytest.param(10.0, 0.0, 0.0, 0.0, 8.0, id="the rear, 2 m before the centre"),
        pytest.param(10.0, 0.0, 0.5 * math.pi, 0.0, 9.0, id="the flank of one that stands across"),
        pytest.param(0.0, -10.0, 0.0, -0.5 * math.pi, 9.0, id="the left flank"),
        pytest.param(10.0, 10.0, 0.0, 0.25 * math.pi, 9.0 * math.sqrt(2.0), id="rear, then flank"),
        # The line to (8.5, 3.5) is at y = 3.29 where x = 8.
        pytest.param(10.0, 4.0, 0.0, math.atan2(3.5, 8.5), math.hypot(8.0, 8.0 * 3.5 / 8.5), id="flank, then rear"),
    ],
)
def test_where_a_ray_enters(x: float, y: float, yaw: float, direction: float, expected: float) -> None:
    ax, ay, bx, by = side_planes(x, y, math.cos(yaw), math.sin(yaw), 2.0, 1.0)
    u, v = math.cos(direction), math.sin(direction)
    assert 1.0 / min(u * ax + v * ay, u * bx + v * by) == pytest.approx(expected, abs=1e-9)


def test_hidden_behind_a_truck() -> None:
    assert seen(truck(20.0, 0.0), pedestrian(30.0, 0.0)) == [True, False]
    # The order of the slots does not matter.
    assert seen(pedestrian(30.0, 0.0), truck(20.0, 0.0)) == [False, True]


@pytest.mark.parametrize(("y", "expected"), [(1.5, False), (2.0, False), (2.9, True), (-2.0, False), (-2.9, True)])
def test_seen_where_it_leaves_the_shadow(y: float, expected: bool) -> None:
    # The truck's rear corners at (16, +-1.25) cast a shadow whose edge at x = 30 is +-2.34; half a body is
    # 0.25 m, so at 2.0 its far corner is at 2.25, and at 2.9 all of it is free.
    assert seen(truck(20.0, 0.0), pedestrian(30.0, y)) == [True, expected]


@pytest.mark.parametrize("x", [20.0, 40.0, 60.0, 75.0, 100.0])
@given(y=st.floats(-3.0, 3.0))
def test_a_pedestrian_alone_is_always_seen(x: float, y: float) -> None:
    assert seen(pedestrian(x, y)) == [True]


@given(y=st.floats(-1.0, 1.0))
def test_a_far_pedestrian_between_two_rays_is_hidden_by_what_is_in_front(y: float) -> None:
    assert seen(pedestrian(80.0, y), truck(20.0, 0.0)) == [False, True]


def test_a_bus_beside_the_ego_does_not_hide_what_is_ahead() -> None:
    bus = make_actor(0.0, 3.5, kind=ActorKind.BUS, length=11.0, width=2.5)
    assert seen(bus, make_actor(30.0, 0.0), pedestrian(40.0, -3.0), make_actor(40.0, 3.5)) == [True, True, True, True]
    # What stands right behind the bus, on its far side, is hidden.
    assert seen(bus, pedestrian(0.0, 6.0)) == [True, False]


def test_a_box_around_the_ego_hides_everything_else() -> None:
    assert seen(make_actor(0.0, 0.0, length=10.0, width=6.0), make_actor(20.0, 0.0)) == [True, False]


def test_range_ends_at_the_nearest_point() -> None:
    assert seen(make_actor(RANGE_M + 1.0, 0.0)) == [True]
    assert seen(make_actor(RANGE_M + 2.5, 0.0)) == [False]


def test_an_empty_slot_is_not_seen() -> None:
    assert seen({}, make_actor(20.0, 0.0)) == [False, True]


def test_the_rear_is_seen_across_the_seam_of_angles() -> None:
    """Bodies behind the ego span the angle pi: nothing is lost or doubled there."""
    assert seen(truck(-20.0, 0.0), pedestrian(-30.0, 0.0), pedestrian(-30.0, 3.5)) == [True, False, True]
    assert seen(pedestrian(-20.0, 0.05), pedestrian(-20.0, -3.0)) == [True, True]


poses = st.tuples(st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(-3.1, 3.1))


@given(place=poses, blocker=poses, angle=st.floats(-3.0, 3.0))
def test_against_dense_sampling(place: tuple[float, ...], blocker: tuple[float, ...], angle: float) -> None:
    """A body with much free outline is seen, one with none is not; the ego's own heading does not matter."""
    target = make_actor(place[0], place[1], yaw=place[2], length=4.6, width=1.9)
    wall = make_actor(blocker[0], blocker[1], yaw=blocker[2], length=8.0, width=2.5)
    if math.hypot(place[0], place[1]) < 3.0:
        return
    free = _free_share(target, wall)
    visible = seen(target, wall, ego={EgoRow.YAW: angle})[0]
    # The outline is sampled each 12 cm: hidden for sure is what a wall 15 cm smaller all round would hide too.
    smaller = {**wall, ActorRow.LENGTH: wall[ActorRow.LENGTH] - 0.3, ActorRow.WIDTH: wall[ActorRow.WIDTH] - 0.3}
    if _free_share(target, smaller) == 0.0:
        assert not visible
    # A ray each half degree: a share of the outline that spans two of them cannot be missed.
    elif free * 1.9 > 2.0 * math.radians(0.5) * math.hypot(place[0], place[1]) + 0.5:
        assert visible


def _free_share(target: Actor, wall: Actor) -> float:
    """Return the share of points on the target's outline whose line to the origin misses the wall."""
    outline = _outline(target, 40)
    wall_box = corners(
        wall[ActorRow.X], wall[ActorRow.Y], wall[ActorRow.YAW], wall[ActorRow.LENGTH], wall[ActorRow.WIDTH]
    )
    lines = np.linspace(0.0, 1.0, 400)[None, :, None] * outline[:, None, :]
    return float(np.mean(~_inside(lines, wall_box).any(axis=1)))


def _outline(actor: Actor, points: int) -> np.ndarray:
    box = corners(
        actor[ActorRow.X], actor[ActorRow.Y], actor[ActorRow.YAW], actor[ActorRow.LENGTH], actor[ActorRow.WIDTH]
    )
    share = np.linspace(0.0, 1.0, points)[:, None]
    return np.concatenate([box[k] + share * (box[(k + 1) % 4] - box[k]) for k in range(4)])


def _inside(points: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Tell which of the points ``(..., 2)`` lie in the polygon ``box``."""
    inside = np.ones(points.shape[:-1], dtype=bool)
    for k in range(4):
        (ax, ay), (bx, by) = box[k], box[(k + 1) % 4]
        inside &= (bx - ax) * (points[..., 1] - ay) - (by - ay) * (points[..., 0] - ax) >= 0.0
    return inside
