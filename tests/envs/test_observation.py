"""Observation blocks: numbers worked out by hand, and what must never be seen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.errors import InvalidConfigError, UnknownChoiceError
from envs.observation import ObservationConfig, Observer
from envs.observations.agents import AGENT_FEATURES, PLACES
from envs.scene import ActorKind, ActorRow, EgoRow, RoadCategory, RoadRow, RouteRow, SceneBatch, SignalState, StopLine
from tests.envs.builders import make_actor, make_scene

ONE_FRAME = ObservationConfig(frames=1)
AGENTS = ObservationConfig(perception="agents")
AHEAD = 36  # of 72 rays


def encode(observer: Observer, scene: SceneBatch) -> np.ndarray[Any, np.dtype[np.float32]]:
    return observer.encode(scene, np.zeros((scene.batch_size, 2)))


def features(scene: SceneBatch, config: ObservationConfig = ONE_FRAME) -> dict[str, float]:
    observer = Observer(config, scene.batch_size)
    values = encode(observer, scene)[0]
    return dict(zip(observer.layout.features, values.tolist(), strict=True))


def check(found: Mapping[str, float], expected: Mapping[str, float]) -> None:
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def scan(scene: SceneBatch, config: ObservationConfig = ONE_FRAME) -> np.ndarray[Any, Any]:
    observer = Observer(config, scene.batch_size)
    frames = encode(observer, scene)[0, observer.layout.slices["scan"]].reshape(observer.layout.shapes["scan"])
    return np.asarray(frames[-1])


def test_ego_features() -> None:
    ego = {EgoRow.SPEED: 12.0, EgoRow.LATERAL_SPEED: -0.5, EgoRow.ACCELERATION: 2.0, EgoRow.YAW_RATE: 0.1}
    ego |= {EgoRow.LATERAL_ACCELERATION: -1.0, EgoRow.JERK: 90.0, EgoRow.STEER: 0.2, EgoRow.BRAKE: 0.7}
    check(
        features(make_scene(ego=ego)),
        {
            "speed/30mps": 0.4,
            "speed_over_limit/10mps": -0.3,
            "lateral_speed/2mps": -0.25,
            "acceleration/5mps2": 0.4,
            "lateral_acceleration/5mps2": -0.2,
            "yaw_rate/0.5radps": 0.2,
            "jerk/20mps3": 1.0,
            "steer": 0.2,
            "throttle": 0.0,
            "brake": 0.7,
        },
    )


def test_the_last_command_is_observed_as_it_was_given() -> None:
    observer = Observer(ONE_FRAME, 2)
    values = observer.encode(make_scene(2), np.array([[0.1, -0.2], [-0.4, 0.25]]))
    columns = [observer.layout.features.index(name) for name in ("command_longitudinal", "command_steer")]
    np.testing.assert_allclose(values[:, columns], [[0.1, -0.2], [-0.4, 0.25]], atol=1e-6)


def test_road_features() -> None:
    road = {
        RoadRow.CATEGORY: float(int(RoadCategory.RURAL)),
        RoadRow.LANES_LEFT: 1.0,
        RoadRow.LANES_RIGHT: 2.0,
        RoadRow.LEFT_IS_ONCOMING: 1.0,
        RoadRow.LANE_WIDTH: 3.75,
        RoadRow.LANE_OFFSET: -0.5,
        RoadRow.HEADING_ERROR: 0.1,
        RoadRow.CURVATURE: -0.01,
        RoadRow.SPEED_LIMIT: 24.0,
        RoadRow.DISTANCE_TO_LANE_END: 25.0,
        RoadRow.EDGE_LEFT: 5.0,
        RoadRow.EDGE_RIGHT: 1.5,
        RoadRow.DISTANCE_TO_JUNCTION: 20.0,
        RoadRow.SIGNAL: float(int(SignalState.YELLOW)),
        RoadRow.DISTANCE_TO_STOP_LINE: 10.0,
    }
    expected = {
        **dict.fromkeys(("is_highway", "is_urban", "light_none", "light_green", "light_red", "in_junction"), 0.0),
        **dict.fromkeys(("is_rural", "left_is_oncoming", "at_light", "light_yellow"), 1.0),
        "lanes_left/3": 1 / 3,
        "lanes_right/3": 2 / 3,
        "lane_width-3.5/1m": 0.25,
        "lane_offset/2m": -0.25,
        "sin_lane_heading_error*2": 2 * math.sin(0.1),
        "curvature*50m": -0.5,
        "speed_limit/30mps": 0.8,
        "lane_end_nearness/100m": 0.75,
        "edge_left/10m": 0.5,
        "edge_right/10m": 0.15,
        "edge_left_nearness/2m": 0.0,
        "edge_right_nearness/2m": 0.75,  # the side is 0.5 m from the edge
        "junction_nearness/50m": 0.6,
        "stop_line_nearness/50m": 0.8,
        **dict.fromkeys(("stop_sign_to_obey", "yield_sign"), 0.0),
    }
    check(features(make_scene(road=road)), expected)


@pytest.mark.parametrize(
    ("line", "stood", "obey", "yields"),
    [
        (StopLine.STOP_SIGN, 0.0, 1.0, 0.0),
        (StopLine.STOP_SIGN, 1.0, 0.0, 0.0),
        (StopLine.YIELD_SIGN, 0.0, 0.0, 1.0),
        (StopLine.SIGNAL, 0.0, 0.0, 0.0),
    ],
)
def test_signs_are_told_apart_until_one_has_stood(line: StopLine, stood: float, obey: float, yields: float) -> None:
    road = {RoadRow.STOP_LINE: float(line), RoadRow.STOOD: stood, RoadRow.DISTANCE_TO_STOP_LINE: 10.0}
    check(features(make_scene(road=road)), {"stop_sign_to_obey": obey, "yield_sign": yields})


def test_navigation_features_turn_with_the_ego() -> None:
    scene = make_scene(
        ego={EgoRow.X: 10.0, EgoRow.Y: 5.0, EgoRow.YAW: math.pi / 2, EgoRow.SPEED: 6.0},
        route={RouteRow.PROGRESS: 25.0, RouteRow.LATERAL_OFFSET: 1.0, RouteRow.HEADING_ERROR: -0.2},
        time_s=5.0,
    )
    scene.route.points[0, 0] = (10.0, 13.0, math.pi / 2)  # 8 m straight ahead
    scene.route.points[0, 1] = (6.0, 21.0, math.pi / 2 + 0.1)  # 16 m ahead, 4 m to the left
    check(
        features(scene),
        {
            "route_offset/4m": 0.25,
            "sin_route_heading_error*2": -2 * math.sin(0.2),
            "cos_route_heading_error": math.cos(0.2),
            "progress_fraction": 0.25,
            "remaining_distance/300m": 0.25,
            "remaining_time_fraction": 0.75,
            "required_speed/30mps": 5.0 / 30,  # 75 m in 15 s
            "required_speed_over_speed/15mps": -1.0 / 15,
            "point0_x/40m": 0.2,
            "point0_y/10m": 0.0,
            "point0_sin_heading*2": 0.0,
            "point1_x/40m": 0.4,
            "point1_y/10m": 0.4,
            "point1_sin_heading*2": 2 * math.sin(0.1),
        },
    )


def test_a_late_world_needs_the_highest_speed_and_nothing_overflows() -> None:
    found = features(make_scene(time_s=25.0))
    check(found, {"remaining_time_fraction": 0.0, "required_speed/30mps": 1.0})


def test_scan_ahead_and_behind() -> None:
    """The car's rear is 30 m ahead, so 1 - 30/60; we close at 12 - 4 m/s. The one behind has its front 12 m away."""
    actors = [make_actor(32.0, 0.0, speed=4.0), make_actor(-14.0, 0.0, speed=17.0)]
    rays = scan(make_scene(actors=actors, ego={EgoRow.SPEED: 12.0}))
    np.testing.assert_allclose(rays[AHEAD], [0.5, 8.0 / 20], atol=1e-6)
    np.testing.assert_allclose(rays[0], [0.8, 5.0 / 20], atol=1e-6)
    assert (rays[18] == 0.0).all()


def test_scan_geometry_beside() -> None:
    """A wall of 20 m along the ego's left side, 2 m away: the ray at angle a meets it at 2 / sin(a)."""
    rays = scan(make_scene(actors=[make_actor(0.0, 2.5, length=20.0, width=1.0, kind=ActorKind.STATIC)]))
    for degrees in (30, 45, 90, 120):
        ray = AHEAD + degrees // 5
        assert rays[ray, 0] == pytest.approx(1.0 - 2.0 / math.sin(math.radians(degrees)) / 60.0, abs=1e-6)
    assert (rays[: AHEAD + 1, 0] == 0.0).all()  # nothing on the right


def test_the_nearest_body_hides_what_is_behind_it() -> None:
    actors = [make_actor(40.0, 0.0, speed=20.0), make_actor(22.0, 0.0, speed=5.0)]
    for order in (actors, actors[::-1]):
        rays = scan(make_scene(actors=order, ego={EgoRow.SPEED: 5.0}))
        np.testing.assert_allclose(rays[AHEAD], [1.0 - 20.0 / 60.0, 0.0], atol=1e-6)


def test_the_scan_turns_with_the_ego() -> None:
    actors = [make_actor(32.0, 1.0, yaw=0.3, speed=4.0), make_actor(-3.0, -14.0, yaw=2.0, speed=17.0)]
    scene = make_scene(actors=actors, ego={EgoRow.SPEED: 12.0})
    turned = make_scene(ego={EgoRow.SPEED: 12.0, EgoRow.YAW: 1.2, EgoRow.X: 50.0, EgoRow.Y: 7.0}, actors=actors)
    c, s = math.cos(1.2), math.sin(1.2)
    block, source = turned.actors.block, scene.actors.block
    for x, y, offset in ((ActorRow.X, ActorRow.Y, (50.0, 7.0)), (ActorRow.VX, ActorRow.VY, (0.0, 0.0))):
        block[x] = offset[0] + c * source[x] - s * source[y]
        block[y] = offset[1] + s * source[x] + c * source[y]
    block[ActorRow.YAW] += 1.2
    np.testing.assert_allclose(scan(turned), scan(scene), atol=1e-6)


@settings(max_examples=200, deadline=None)
@given(st.floats(3.0, 55.0), st.floats(-math.pi, math.pi), st.floats(-math.pi, math.pi))
def test_a_pedestrian_never_slips_between_the_rays(distance: float, bearing: float, yaw: float) -> None:
    walker = make_actor(
        distance * math.cos(bearing),
        distance * math.sin(bearing),
        yaw=yaw,
        kind=ActorKind.PEDESTRIAN,
        length=0.5,
        width=0.5,
    )
    rays = scan(make_scene(actors=[walker]))
    hit = np.flatnonzero(rays[:, 0])
    assert len(hit) >= 1
    angles = 2 * np.pi * hit / 72 - np.pi
    away = np.abs((angles - bearing + np.pi) % (2 * np.pi) - np.pi)
    assert away.min() <= np.pi / 72 + 1e-6
    assert rays[hit, 0] == pytest.approx(1.0 - distance / 60.0, abs=0.4 / 60.0)


def test_stacked_frames_are_the_past_and_a_new_episode_has_none() -> None:
    config = ObservationConfig(frames=3, frame_stride=2)
    observer = Observer(config, 2)
    scene = make_scene(2, [make_actor(32.0, 0.0)])
    out = np.zeros((2, observer.layout.size), np.float32)
    observer.restart(scene, np.zeros((2, 2)), np.ones(2, bool), out)

    def ahead(values: np.ndarray[Any, Any], world: int) -> list[float]:
        frames = values[world, observer.layout.slices["scan"]].reshape(3, 72, 2)
        return [float(round((1.0 - value) * 60.0, 3)) for value in frames[:, AHEAD, 0]]

    assert ahead(out, 0) == [30.0, 30.0, 30.0]
    for step in range(1, 6):
        scene.actors.block[ActorRow.X] = 32.0 - step
        values = encode(observer, scene)
    assert ahead(values, 0) == ahead(values, 1) == [29.0, 27.0, 25.0]
    observer.restart(scene, np.zeros((2, 2)), np.array([False, True]), values)
    assert ahead(values, 0) == [29.0, 27.0, 25.0]
    assert ahead(values, 1) == [25.0, 25.0, 25.0]
    saved = observer.state()
    scene.actors.block[ActorRow.X] = 26.0
    expected = encode(observer, scene)
    assert ahead(expected, 0) == [28.0, 26.0, 24.0] and ahead(expected, 1) == [25.0, 25.0, 24.0]
    other = Observer(config, 2)
    other.set_state(saved)
    np.testing.assert_array_equal(encode(other, scene), expected)


def test_agent_features() -> None:
    """A lorry behind to the right, turned a little: gaps between the edges, everything fading with the distance."""
    truck = make_actor(-20.0, -6.0, yaw=0.1, speed=9.0, kind=ActorKind.TRUCK, length=8.0, width=2.4)
    found = features(
        make_scene(actors=[truck], ego={EgoRow.SPEED: 12.0, EgoRow.LENGTH: 4.8, EgoRow.WIDTH: 2.0}), AGENTS
    )
    along = 20.0 - 2.4 - 0.5 * (8.0 * math.cos(0.1) + 2.4 * math.sin(0.1))
    across = 6.0 - 1.0 - 0.5 * (8.0 * math.sin(0.1) + 2.4 * math.cos(0.1))
    near = 1.0 - math.hypot(along, across) / 60.0
    expected = {
        "nearness": near,
        "gap_along_15m_faded": near * (1.0 - along / 15.0),
        "gap_across_15m_faded": near * (1.0 - across / 15.0),
        "gap_across_3m_faded": 0.0,
        "vx/15mps_faded": near * (9.0 * math.cos(0.1) - 12.0) / 15.0,
        "vy/15mps_faded": near * 9.0 * math.sin(0.1) / 15.0,
        "sin_heading_faded": near * math.sin(0.1),
        "vulnerable_faded": 0.0,
    }
    check(found, {f"behind_right0_{name}": value for name, value in expected.items()})
    others = [name for name in agent_names() if not name.startswith("behind_right0")]
    assert others and all(found[name] == 0.0 for name in others)


def agent_names() -> list[str]:
    return [f"{place}{k}_{name}" for place in PLACES for k in range(2) for name in AGENT_FEATURES]


@pytest.mark.parametrize(
    ("place", "x", "y"),
    [
        ("ahead_left", 9.0, 3.5), ("ahead", 9.0, 0.8), ("ahead_right", 9.0, -3.5),
        ("left", 1.0, 3.5), ("overlapping", 1.0, 0.5), ("right", -1.0, -3.5),
        ("behind_left", -9.0, 3.5), ("behind", -9.0, -0.8), ("behind_right", -9.0, -3.5),
    ],
)  # fmt: skip
def test_a_road_user_has_the_slot_of_its_place(place: str, x: float, y: float) -> None:
    found = features(make_scene(actors=[make_actor(x, y)]), AGENTS)
    assert {name.split("0_")[0] for name in agent_names() if found[name] != 0.0} == {place}


def test_each_place_keeps_its_nearest() -> None:
    """A long bus whose centre is farther may still be the nearest body; the third and whoever is out of range are
    left out."""
    actors = [make_actor(x, 0.0, actor_id=i) for i, x in enumerate((50.0, -12.0, 30.0, 15.0, 80.0, -40.0))]
    actors.append(make_actor(16.0, 0.0, length=10.0, kind=ActorKind.BUS))
    ego = {EgoRow.LENGTH: 4.0}
    found = features(make_scene(actors=actors, ego=ego), AGENTS)

    def gap(slot: str) -> float:
        return 60.0 * (1.0 - found[f"{slot}_nearness"])

    length = actors[0][ActorRow.LENGTH]
    expected = [16.0 - 2.0 - 5.0, 15.0 - 2.0 - length / 2, 12.0 - 2.0 - length / 2, 40.0 - 2.0 - length / 2]
    np.testing.assert_allclose([gap(slot) for slot in ("ahead0", "ahead1", "behind0", "behind1")], expected, atol=1e-4)


def test_a_pedestrian_is_told_as_vulnerable() -> None:
    walker = make_actor(10.0, 6.0, kind=ActorKind.PEDESTRIAN, length=0.5, width=0.5)
    found = features(make_scene(actors=[walker]), AGENTS)
    assert found["ahead_left0_vulnerable_faded"] == found["ahead_left0_nearness"] > 0.5


def test_a_road_user_fades_in_at_the_range() -> None:
    """Crossing the range changes the observation by little: nobody appears with a jump."""

    def seen_at(x: float, y: float) -> list[float]:
        found = features(make_scene(actors=[make_actor(x, y, speed=9.0)], ego={EgoRow.LENGTH: 4.8}), AGENTS)
        return [found[name] for name in agent_names()]

    inside, outside = (np.array([seen_at(r, 0.0), seen_at(0.0, r), seen_at(-r, 1.0)]) for r in (60.5, 66.0))
    assert not outside.any() and inside.any(axis=1).all()
    assert np.abs(inside).max() < 0.1


@pytest.mark.parametrize("config", [ONE_FRAME, ObservationConfig(), AGENTS])
def test_nothing_occluded_or_unused_reaches_the_observation(config: ObservationConfig) -> None:
    """Whatever a hidden road user does, the observation does not change."""
    rng = np.random.default_rng(0)
    shown = [make_actor(x, y, speed=3.0) for x, y in rng.uniform(-50, 50, (5, 2))]
    plain = encode(Observer(config, 1), make_scene(actors=shown, slots=12))
    hidden = [make_actor(x, y, speed=9.0, visible=False) for x, y in rng.uniform(-9, 9, (6, 2))]
    scene = make_scene(actors=[*shown, *hidden], slots=12)
    np.testing.assert_array_equal(encode(Observer(config, 1), scene), plain)
    scene.actors.block[ActorRow.VALID, :, 5:] = 0.0
    scene.actors.block[ActorRow.VISIBLE, :, 5:] = 1.0
    np.testing.assert_array_equal(encode(Observer(config, 1), scene), plain)
    scene.actors.block[ActorRow.VALID, :, 5:] = 1.0
    assert not np.array_equal(encode(Observer(config, 1), scene), plain)


@pytest.mark.parametrize("config", [ObservationConfig(), AGENTS])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1.0, 30.0, 1e6]))
def test_every_number_is_finite_and_in_the_box(config: ObservationConfig, seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    scene = make_scene(2, slots=9)
    for group in (scene.ego, scene.road, scene.route):
        group.block[:] = rng.normal(0.0, scale, group.block.shape)
    scene.actors.block[:] = rng.normal(0.0, scale, scene.actors.block.shape)
    scene.actors.block[:2] = rng.random(scene.actors.block[:2].shape) < 0.8
    scene.actors.block[ActorRow.KIND] = rng.integers(0, len(ActorKind), scene.actors.block.shape[1:])
    scene.actors.block[ActorRow.LENGTH :] = np.abs(scene.actors.block[ActorRow.LENGTH :])
    scene.road.block[RoadRow.CATEGORY] = scene.road.block[RoadRow.SIGNAL] = 1.0
    scene.route.points[:] = rng.normal(0.0, scale, scene.route.points.shape)
    scene.time_s[:] = abs(rng.normal(0.0, scale))
    observer = Observer(config, 2)
    values = encode(observer, scene)
    assert values.dtype == np.float32 and np.isfinite(values).all()
    assert observer.space.contains(values[0]) and observer.space.contains(values[1])


@pytest.mark.parametrize("config", [ObservationConfig(), AGENTS])
def test_a_world_is_encoded_alike_alone_and_in_a_batch(config: ObservationConfig) -> None:
    scenes = make_scene(3, [make_actor(20.0, 3.0), make_actor(9.0, -1.0)])
    scenes.actors.block[ActorRow.X] += np.array([[0.0], [5.0], [-8.0]])
    scenes.ego.speed[:] = [3.0, 9.0, 12.0]
    together = encode(Observer(config, 3), scenes)
    for b in range(3):
        np.testing.assert_array_equal(encode(Observer(config, 1), scenes.rows([b]))[0], together[b])


def test_the_layout_names_every_number() -> None:
    observer = Observer(ObservationConfig(frames=2, rays=40), 1)
    layout = observer.layout
    assert list(layout.slices) == ["ego", "road", "navigation", "scan"]
    assert layout.shapes["scan"] == (2, 40, 2)
    assert layout.slices["scan"].stop == layout.size == len(set(layout.features)) == observer.space.shape[0]
    assert json.loads(json.dumps(layout.as_dict()))["features"] == list(layout.features)


def test_the_fingerprint_tells_layouts_apart() -> None:
    base = ObservationConfig()
    variants = [base, AGENTS, *(replace(base, **change) for change in _CHANGES)]
    prints = {Observer(config, 1).layout.fingerprint() for config in variants}
    assert len(prints) == len(variants)
    assert Observer(base, 1).layout.fingerprint() == Observer(replace(base, agents_per_place=3), 7).layout.fingerprint()


_CHANGES: list[dict[str, Any]] = [{"rays": 36}, {"frames": 1}, {"frame_stride": 1}, {"range_m": 50.0}]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"perception": "scann"}, UnknownChoiceError, "Did you mean 'scan'"),
        ({"rays": 4}, InvalidConfigError, "rays"),
        ({"frames": 0}, InvalidConfigError, "frames"),
        ({"range_m": 0.0}, InvalidConfigError, "range_m"),
    ],
)
def test_impossible_observations_are_refused(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ObservationConfig(**change)
