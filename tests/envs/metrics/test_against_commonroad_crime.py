"""A development oracle: the same scenes in commonroad-crime (pip install commonroad-crime; skipped without it).

Theirs are rounded to two digits, and their headway and conflict times are counted in ticks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
import pytest

from envs.metrics.boxes import ego_boxes, minimal_distance
from envs.metrics.encroachment import occupation, post_encroachment_time
from envs.metrics.exposure import time_exposed, time_integrated
from envs.metrics.following import deceleration_to_avoid_crash, lane_time_to_collision, leader, time_headway
from envs.scene import EgoRow, SceneBatch
from tests.envs.builders import make_actor, make_scene

pytest.importorskip("commonroad_crime", reason="needs commonroad-crime")
pytestmark = pytest.mark.filterwarnings("ignore")

EGO, OTHER = 10, 11
TICKS, PERIOD_S = 60, 0.1
SIZE = np.array([4.0, 2.0])
LEAN = 1e-4
"""Heading of their lane (rad): a lane of exactly 0 is taken for "out of the projection" by ALongReq."""

Car = tuple[float, float, float, float]
"""x, y, yaw, speed at first, then constant."""

FOLLOWING: list[tuple[float, float, float]] = [
    (15.0, 30.0, 5.0),
    (25.0, 45.0, 10.0),
    (12.0, 60.0, 11.0),
    (8.0, 20.0, 9.0),
]


@pytest.mark.parametrize(("ego_speed", "x", "speed"), FOLLOWING)
def test_following(ego_speed: float, x: float, speed: float) -> None:
    scene = drive((0.0, 0.0, 0.0, ego_speed), (x, 0.0, 0.0, speed)).rows([0])
    ahead = leader(scene)
    theirs = configuration((0.0, 0.0, 0.0, ego_speed), (x, 0.0, 0.0, speed))
    assert value(theirs, "distance.hw", "HW") == pytest.approx(ahead.gap[0], abs=0.01)
    ttc = lane_time_to_collision(ahead.gap, ahead.ego_speed, ahead.speed)[0]
    assert value(theirs, "time.ttc", "TTC") == pytest.approx(ttc, abs=0.01)
    if ego_speed > speed:  # theirs also asks for braking where the gap opens
        drac = deceleration_to_avoid_crash(ahead.gap, ahead.ego_speed, ahead.speed)[0]
        assert -value(theirs, "acceleration.a_long_req", "ALongReq") == pytest.approx(drac, abs=0.01)
    headway = time_headway(ahead.gap, ahead.ego_speed)[0]
    assert headway - 1e-6 <= value(theirs, "time.thw", "THW") <= headway + PERIOD_S + 0.005


@pytest.mark.parametrize(("ego_speed", "x", "speed"), FOLLOWING[:3])
def test_exposure(ego_speed: float, x: float, speed: float) -> None:
    """Their trajectory lists leave the last tick out; both look at ticks before the cars meet."""
    cars = (0.0, 0.0, 0.0, ego_speed), (x, 0.0, 0.0, speed)
    ticks = min(TICKS - 1, int((x - 4.0) / (ego_speed - speed) / PERIOD_S))
    ahead = leader(drive(*cars).rows(slice(0, ticks)))
    ttc = lane_time_to_collision(ahead.gap, ahead.ego_speed, ahead.speed)
    theirs = configuration(*cars, ticks=ticks + 1)
    assert value(theirs, "time.tet", "TET") == pytest.approx(time_exposed(ttc, 2.0, PERIOD_S), abs=PERIOD_S + 1e-6)
    assert value(theirs, "time.tit", "TIT") == pytest.approx(time_integrated(ttc, 2.0, PERIOD_S), abs=0.015)


@pytest.mark.parametrize("other", [(20.0, 7.0, -1.9, 5.0), (30.0, -12.0, 1.2, 3.0), (50.0, 4.0, math.pi, 9.0)])
def test_the_closest_encounter(other: Car) -> None:
    ego = (0.0, 0.0, 0.0, 6.0)
    scenes = drive(ego, other).rows(slice(0, TICKS - 1))
    theirs = value(configuration(ego, other), "distance.dce", "DCE")
    assert minimal_distance(scenes).min() == pytest.approx(theirs, abs=0.0051)


@pytest.mark.parametrize("start", [-24.0, -30.0, -38.0])
def test_crossing_a_conflict_area(start: float) -> None:
    """They take the tick before the entry and the tick after the exit: their PET is up to two ticks shorter."""
    ego, other = (-14.0, 0.0, 0.0, 10.0), (0.0, start, math.pi / 2, 10.0)
    area = np.array([[-2.0, -2.0], [2.0, -2.0], [2.0, 2.0], [-2.0, 2.0]])
    scenes = drive(ego, other)
    own, others = ego_boxes(scenes)[:, :3], poses(scenes)
    times = scenes.time_s
    theirs = ticks_inside(configuration(ego, other), area)
    for path, (enter, leave) in zip((own, others), theirs, strict=True):
        our_enter, our_leave = occupation(path, SIZE, area, times)
        assert 0.0 <= our_enter - PERIOD_S * enter <= PERIOD_S + 1e-6
        assert 0.0 <= PERIOD_S * leave - our_leave <= PERIOD_S + 1e-6
    pet = float(post_encroachment_time(own, SIZE, others, SIZE, area, times))
    assert pet - 2.0 * PERIOD_S - 1e-6 <= PERIOD_S * (theirs[1][0] - theirs[0][1]) <= pet + 1e-6


def drive(ego: Car, other: Car) -> SceneBatch:
    """Return the two cars over time (the batch axis)."""
    scenes = make_scene(TICKS, [make_actor(other[0], other[1], yaw=other[2], speed=other[3])])
    times = PERIOD_S * np.arange(TICKS)
    scenes.time_s[:] = times
    scenes.ego.block[EgoRow.X], scenes.ego.block[EgoRow.Y] = track(ego, times)
    scenes.ego.block[EgoRow.YAW], scenes.ego.block[EgoRow.SPEED] = ego[2], ego[3]
    scenes.actors.x[:, 0], scenes.actors.y[:, 0] = track(other, times)
    return scenes


def poses(scenes: SceneBatch) -> np.ndarray:
    actors = scenes.actors
    return np.stack([actors.x[:, 0], actors.y[:, 0], actors.yaw[:, 0]], axis=-1)


def track(car: Car, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, yaw, speed = car
    return x + speed * math.cos(yaw) * times, y + speed * math.sin(yaw) * times


def configuration(ego: Car, other: Car, ticks: int = TICKS) -> Any:
    """Return their configuration of a straight lane with the two cars."""
    lanelet = import_module("commonroad.scenario.lanelet")
    scenario = import_module("commonroad.scenario.scenario")
    world = scenario.Scenario(PERIOD_S, scenario.ScenarioID())
    x = np.linspace(-60.0, 400.0, 93)
    left, middle, right = (np.stack([x, LEAN * x + offset], axis=1) for offset in (1.75, 0.0, -1.75))
    world.add_objects(lanelet.LaneletNetwork.create_from_lanelet_list([lanelet.Lanelet(left, middle, right, 1)]))
    world.add_objects([obstacle(EGO, ego, ticks), obstacle(OTHER, other, ticks)])
    world.assign_obstacles_to_lanelets()
    theirs = import_module("commonroad_crime.data_structure.configuration").CriMeConfiguration()
    theirs.update(ego_id=EGO, sce=world)
    return theirs


def obstacle(number: int, car: Car, ticks: int) -> Any:
    states = import_module("commonroad.scenario.state")
    obstacles = import_module("commonroad.scenario.obstacle")
    predictions = import_module("commonroad.prediction.prediction")
    shape = import_module("commonroad.geometry.shape").Rectangle(*SIZE.tolist())
    xs, ys = track(car, PERIOD_S * np.arange(ticks))
    moving = {"velocity": car[3], "orientation": car[2]}
    later = [
        states.KSState(time_step=t, position=np.array([xs[t], ys[t]]), steering_angle=0.0, **moving)
        for t in range(1, ticks)
    ]
    rest = {"yaw_rate": 0.0, "slip_angle": 0.0, "acceleration": 0.0}
    first = states.InitialState(time_step=0, position=np.array([xs[0], ys[0]]), **moving, **rest)
    trajectory = import_module("commonroad.scenario.trajectory").Trajectory(1, later)
    prediction = predictions.TrajectoryPrediction(trajectory, shape)
    return obstacles.DynamicObstacle(number, obstacles.ObstacleType.CAR, shape, first, prediction)


def value(theirs: Any, module: str, name: str) -> float:
    """Return their measure of the two cars at the first tick."""
    measure = getattr(import_module(f"commonroad_crime.measure.{module}"), name)
    return float(measure(theirs).compute(OTHER, 0, verbose=False))


def ticks_inside(theirs: Any, area: np.ndarray) -> Sequence[tuple[float, float]]:
    """Return (enter, exit) of the ego and of the other, in ticks, as their PET takes them."""
    measure = import_module("commonroad_crime.measure.time.et").ET(theirs)
    polygon = import_module("shapely.geometry").Polygon(area)
    cars = measure.ego_vehicle, measure.sce.obstacle_by_id(OTHER)
    return [measure.get_ca_time_info(car, 0, polygon)[1:] for car in cars]
