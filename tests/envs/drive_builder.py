"""A hand-made drive for the tests of recording, rendering and replay: an overtaking on a straight two-lane street.

The ego drives at 8 m/s up to a parked truck, a pedestrian hidden by it steps out, the ego brakes for it and then
reaches the goal. Everything is a closed form of the tick, so a test can say what must be where.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from envs.recording import DriveLog, DriveMeta, DriveRecorder, HintTold, Tick
from envs.roads.drawing import Area, RoadDrawing, Stroke
from envs.scene import ActorKind, ActorRow, EgoRow, EventRow, RoadRow, RouteRow, SceneBatch, SignalState

LENGTH_M = 260.0
LANE_M = 3.5
PERIOD_S = 0.1
SLOTS = 5
TRUCK, CAR, ONCOMING, PEDESTRIAN, UNUSED = range(SLOTS)


def street() -> RoadDrawing:
    """Return a straight street along x: two lanes, a parking strip on the right, sidewalks on both sides."""
    xs = np.arange(-40.0, LENGTH_M + 41.0, 5.0)

    def line(y: float) -> np.ndarray:
        return np.column_stack([xs, np.full_like(xs, y)])

    def strip(low: float, high: float) -> np.ndarray:
        return np.concatenate([line(low), line(high)[::-1]])

    return RoadDrawing(
        areas=(
            Area("sidewalk", strip(-6.5, -4.2)),
            Area("sidewalk", strip(5.3, 7.5)),
            Area("parking", strip(-4.2, -1.75)),
            Area("driving", strip(-1.75, 5.25)),
        ),
        strokes=(
            Stroke("broken", "yellow", line(1.75)),
            Stroke("solid", "white", line(-1.75)),
            Stroke("edge", "white", line(5.25)),
            Stroke("edge", "white", line(-4.2)),
        ),
    )


def ego_speed(tick: int) -> float:
    """Return 8 m/s, a dip to 2 m/s around tick 90 and 8 m/s again."""
    return 8.0 - 6.0 * math.exp(-(((tick - 90) / 22.0) ** 2))


def make_scene(tick: int, x: float, ticks: int) -> SceneBatch:
    """Return the scene (B = 1) of a tick with the ego's centre at ``x``."""
    scene = SceneBatch.empty(1, SLOTS)
    scene.time_s[0], scene.step[0], scene.seed[0] = tick * PERIOD_S, tick, 41
    y = 3.2 * math.exp(-(((x - 75.0) / 14.0) ** 2))
    slope = y * -2.0 * (x - 75.0) / 14.0**2
    ego = scene.ego.block[:, 0]
    ego[[EgoRow.X, EgoRow.Y, EgoRow.YAW, EgoRow.SPEED]] = x, y, math.atan(slope), ego_speed(tick)
    change = (ego_speed(tick + 1) - ego_speed(tick)) / PERIOD_S
    ego[[EgoRow.ACCELERATION, EgoRow.LENGTH, EgoRow.WIDTH]] = change, 4.9, 1.9
    ego[[EgoRow.STEER, EgoRow.THROTTLE, EgoRow.BRAKE]] = slope, max(0.0, 0.2 + change / 4), max(0.0, -change / 8)
    _put(scene, TRUCK, ActorKind.TRUCK, 1, (76.0, -3.0, 0.0), 0.0, (8.5, 2.4), True)
    _put(scene, CAR, ActorKind.CAR, 2, (30.0 + 7.5 * tick * PERIOD_S, 0.0, 0.0), 7.5, (4.5, 1.8), True)
    if tick >= 20:
        start = 240.0 - 9.0 * (tick - 20) * PERIOD_S
        _put(scene, ONCOMING, ActorKind.CYCLIST, 3, (start, 3.5, math.pi), 9.0, (1.8, 0.6), start > x)
    walked = 1.4 * max(0.0, tick - 70) * PERIOD_S
    out = -4.6 + min(walked, 11.0)
    walking = 1.4 if 0.0 < walked < 11.0 else 0.0
    _put(scene, PEDESTRIAN, ActorKind.PEDESTRIAN, 7, (84.0, out, math.pi / 2), walking, (0.6, 0.6), out > -1.6)
    _surroundings(scene, x, y, math.atan(slope))
    scene.events.block[EventRow.COLLISION_ACTOR, 0] = -1
    scene.events.block[EventRow.GOAL_REACHED, 0] = float(tick == ticks - 1)
    return scene


def _put(
    scene: SceneBatch,
    slot: int,
    kind: ActorKind,
    number: int,
    pose: tuple[float, float, float],
    speed: float,
    size: tuple[float, float],
    visible: bool,
) -> None:
    actor = scene.actors.block[:, 0, slot]
    actor[[ActorRow.VALID, ActorRow.VISIBLE, ActorRow.KIND, ActorRow.ID]] = (
        1.0,
        float(visible),
        float(int(kind)),
        number,
    )
    actor[[ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.SPEED]] = *pose, speed
    actor[[ActorRow.VX, ActorRow.VY]] = speed * math.cos(pose[2]), speed * math.sin(pose[2])
    actor[[ActorRow.LENGTH, ActorRow.WIDTH]] = size


def _surroundings(scene: SceneBatch, x: float, y: float, yaw: float) -> None:
    road = scene.road.block[:, 0]
    road[[RoadRow.CATEGORY, RoadRow.LANES_LEFT, RoadRow.LANE_WIDTH, RoadRow.SPEED_LIMIT]] = 2.0, 1.0, LANE_M, 8.33
    road[[RoadRow.LANE_OFFSET, RoadRow.HEADING_ERROR, RoadRow.LEFT_IS_ONCOMING]] = y, yaw, 1.0
    road[RoadRow.SIGNAL] = float(int(SignalState.NONE))
    route = scene.route.block[:, 0]
    route[[RouteRow.PROGRESS, RouteRow.LENGTH, RouteRow.TIME_LIMIT]] = x, LENGTH_M, 60.0
    route[[RouteRow.LATERAL_OFFSET, RouteRow.HEADING_ERROR]] = y, yaw
    ahead = x + 8.0 * np.arange(1, scene.route.points.shape[1] + 1)
    scene.route.points[0, :, 0] = np.minimum(ahead, LENGTH_M)


def make_tick(tick: int) -> Tick:
    """Return what an imagined planner did: its hint changes when the pedestrian shows, at tick 92, and at 130."""
    danger = 92 <= tick < 130
    weights = (0.8, 0.1, 0.1) if danger else (0.25, 0.6, 0.15)
    text = (
        "Urban road, medium traffic. Pedestrian in front, truck front-right: safety first."
        if danger
        else "Urban road, low traffic. Car in front: keep the pace."
    )
    return Tick(
        action=(0.2, 0.01),
        control=(0.2, 0.0, 0.01),
        reward_terms=(-0.08 if danger else 0.0, 0.02 * ego_speed(tick) / 8.0, -0.01),
        hint_state=np.linspace(0.0, 1.0, 13),
        weights=weights,
        values=(-0.5, 2.0, -0.2),
        hint_text=text,
        hint_source="rules",
        hint_age_s=(tick % 10) * PERIOD_S,
    )


def make_recorder(ticks: int = 200) -> DriveRecorder:
    """Return a recorder that has seen ``ticks`` ticks."""
    meta = DriveMeta(
        scenario="occluded_pedestrian",
        density="medium",
        seed=41,
        planner="hcrmp",
        map_name="street",
        decision_period_s=PERIOD_S,
        commit="abc1234",
        extra={"note": "</script><b>not markup</b>"},
    )
    recorder = DriveRecorder(meta, street())
    x = 0.0
    for tick in range(ticks):
        recorder.append(make_scene(tick, x, ticks), 0, make_tick(tick))
        x += ego_speed(tick) * PERIOD_S
    return recorder


def make_drive(ticks: int = 200) -> DriveLog:
    """Return the whole drive, ended by success."""
    return make_recorder(ticks).finish("success")


def full_drive() -> DriveLog:
    """Return a short drive that has everything that a drive can have."""
    drive = make_drive(6)
    trace = replace(
        drive.trace,
        observation=np.linspace(0, 1, 6 * 4, dtype=np.float32).reshape(6, 4),
        distribution=np.full((6, 4), 1.5),
        hint_index=np.array([-1, 0, 0, 0, 1, 1]),
    )
    hints = (HintTold(0.1, "What is ahead?", "{}"), HintTold(0.4, "And now?", "a truck", "late"))
    meta = replace(drive.meta, configuration={"config": {"seed": 1}, "ends_at": "violation"})
    return replace(drive, trace=trace, hints=hints, meta=meta)


def more_drive() -> DriveLog:
    """Return ``full_drive()`` with two critics beside the three."""
    drive = full_drive()
    numbers = np.arange(12.0).reshape(6, 2) / 7.0
    more = replace(
        drive.trace,
        more_critics=("pace", "distance"),
        more_reward_terms=-numbers,
        more_weights=numbers / 12.0,
        more_values=numbers,
    )
    return replace(drive, trace=more)
