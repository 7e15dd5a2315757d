"""A DriveLog as small plain JSON for the replay page: whole numbers, differences instead of values, each text once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import PurePath

import numpy as np

from envs.recording import DriveLog
from envs.rendering.road import painted_lines
from envs.risk import TTC_HORIZON_S
from envs.roads.drawing import simplified
from envs.scene import ActorKind, FloatArray, SceneBatch, SignalState
from hcrmp.run_folder import MADE_BY, RUN
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.critical import Critical, critical
from hcrmp.viewer.gates import encode_gates
from hcrmp.viewer.packing import (
    ANGLE_QUANTUM_RAD,
    LENGTH_QUANTUM_M,
    REWARD_QUANTUM,
    SHARE_QUANTUM,
    SPEED_QUANTUM_MPS,
    TIME_QUANTUM_S,
    Plain,
    by_name,
    run_starts,
    series,
)
from hcrmp.viewer.told import ACTION_NAMES, told_of
from hcrmp.viewer.told_encode import encode_told

SIGNAL_RANGE_M = 199.0
"""``RoadState`` says 200 m where there is no stop line."""

ROAD_MARGIN_M = 150.0
"""Road farther than this from the drive's bounding box is left out of the page (metres)."""

ROAD_TOLERANCE_M = 0.02
"""Points of the road that lie on a straight line within this are left out (metres)."""


def encode_drive(drive: DriveLog) -> Plain:
    """Return one drive as plain JSON data; ``road`` stands apart so that drives can share it."""
    risk, told = critical(drive.scenes), told_of(drive)
    return {
        "meta": _meta(drive),
        "time": series(drive.scenes.time_s, TIME_QUANTUM_S),
        "ego": _ego(drive.scenes),
        "route": _route(drive.scenes),
        "signal": _signal(drive.scenes),
        "gates": encode_gates(drive),
        "actors": list(_tracks(drive.scenes)),
        "hints": _hints(drive),
        "told": encode_told(told),
        "trace": _trace(drive),
        "ttc": series(risk.ttc_s, TIME_QUANTUM_S),
        "ttcHorizon": TTC_HORIZON_S,
        "critical": _critical(drive.scenes, risk),
        "bookmarks": bookmarks(drive, risk),
    }


def encode_road(drive: DriveLog) -> Plain:
    """Return the part of the road that the drive comes near, as areas and strokes of few points."""
    path = np.column_stack([drive.scenes.ego.x, drive.scenes.ego.y])
    low, high = path.min(axis=0) - ROAD_MARGIN_M, path.max(axis=0) + ROAD_MARGIN_M
    areas = [
        {"kind": area.kind} | _points(area.points) for area in drive.drawing.areas if _meets(area.points, low, high)
    ]
    strokes = [
        {"kind": pattern, "color": stroke.color} | _points(points)
        for stroke in drive.drawing.strokes
        for pattern, points in painted_lines(stroke)
        if _meets(points, low, high)
    ]
    return {"areas": areas, "strokes": strokes}


def _points(points: FloatArray) -> Plain:
    few = simplified(np.asarray(points, dtype=np.float64)[:, :2], ROAD_TOLERANCE_M)
    return {"x": series(few[:, 0], LENGTH_QUANTUM_M), "y": series(few[:, 1], LENGTH_QUANTUM_M)}


def _meets(points: FloatArray, low: FloatArray, high: FloatArray) -> bool:
    flat = np.asarray(points)[:, :2]
    return len(flat) >= 2 and bool(np.all(flat.min(axis=0) <= high) and np.all(flat.max(axis=0) >= low))


def _meta(drive: DriveLog) -> Plain:
    meta = drive.meta
    return {
        "scenario": meta.scenario,
        "density": meta.density,
        "seed": meta.seed,
        "planner": meta.planner,
        # Of a map that was read from a file only its name: a page that is passed on tells no folders.
        "map": PurePath(meta.map_name).stem,
        "simulator": meta.simulator,
        "commit": meta.commit,
        "outcome": meta.outcome,
        "extra": {name: words for name, words in meta.extra.items() if name not in (MADE_BY, RUN)},
        "ticks": len(drive),
        "routeLength": round(float(np.nan_to_num(drive.scenes.route.length_m[0])), 1),
    }


def _ego(scenes: SceneBatch) -> Plain:
    ego = scenes.ego
    yaw = np.unwrap(ego.yaw)
    return {
        "x": series(ego.x, LENGTH_QUANTUM_M),
        "y": series(ego.y, LENGTH_QUANTUM_M),
        "yaw": series(yaw, ANGLE_QUANTUM_RAD),
        "view": series(np.unwrap(yaw - scenes.route.heading_error), ANGLE_QUANTUM_RAD),
        "speed": series(ego.speed, SPEED_QUANTUM_MPS),
        "limit": series(scenes.road.speed_limit, SPEED_QUANTUM_MPS),
        "acceleration": series(ego.acceleration, SPEED_QUANTUM_MPS),
        "lateral": series(ego.lateral_acceleration, SPEED_QUANTUM_MPS),
        "throttle": series(ego.throttle, SHARE_QUANTUM),
        "brake": series(ego.brake, SHARE_QUANTUM),
        "steer": series(ego.steer, SHARE_QUANTUM),
        "progress": series(_progress_m(scenes), LENGTH_QUANTUM_M),
        "length": round(float(ego.length[0]), 2),
        "width": round(float(ego.width[0]), 2),
    }


def _progress_m(scenes: SceneBatch) -> FloatArray:
    """Return the way along the route ``(T,)`` (m), or the way driven where there is no route."""
    if scenes.route.length_m.any():
        return scenes.route.progress_m
    steps_m = np.hypot(np.diff(scenes.ego.x), np.diff(scenes.ego.y))
    return np.concatenate([[0.0], np.cumsum(steps_m)])


def _route(scenes: SceneBatch) -> list[Plain]:
    """Return the route points ahead: one pair of series for each point; a drive without a route has none."""
    points = scenes.route.points
    if not scenes.route.length_m.any():
        return []
    return [
        {"x": series(points[:, n, 0], LENGTH_QUANTUM_M), "y": series(points[:, n, 1], LENGTH_QUANTUM_M)}
        for n in range(points.shape[1])
    ]


def _signal(scenes: SceneBatch) -> Plain:
    """Return what holds the ego: the state of its signal as runs, and the way to the stop line."""
    states = scenes.road.signal
    starts = run_starts(states)
    return {
        "start": starts.tolist(),
        "state": [SignalState(int(state)).name.lower() for state in states[starts]],
        "ahead": series(np.where(states > 0, np.minimum(scenes.road.distance_to_stop_line, SIGNAL_RANGE_M), 0.0), 0.1),
    }


def _critical(scenes: SceneBatch, risk: Critical) -> Plain:
    """Return who is critical as runs: the number of a road user, or -1."""
    ticks = np.arange(scenes.batch_size)
    numbers = np.where(risk.slot >= 0, scenes.actors.id[ticks, risk.slot], -1) if scenes.actor_slots else risk.slot
    starts = run_starts(numbers)
    return {"start": starts.tolist(), "id": numbers[starts].tolist()}


def _tracks(scenes: SceneBatch) -> Iterable[Plain]:
    """Yield every road user: each unbroken time that one body spends in one slot."""
    for slot in range(scenes.actor_slots):
        valid, numbers = scenes.actors.valid[:, slot], scenes.actors.id[:, slot]
        ticks = np.flatnonzero(valid)
        for _, run in groupby(enumerate(ticks.tolist()), key=lambda pair: (pair[1] - pair[0], int(numbers[pair[1]]))):
            members = [tick for _, tick in run]
            yield _track(scenes, slot, members[0], members[-1] + 1)


def _track(scenes: SceneBatch, slot: int, start: int, end: int) -> Plain:
    actors = scenes.actors
    when = slice(start, end)
    return {
        "id": int(actors.id[start, slot]),
        "kind": ActorKind(int(actors.kind[start, slot])).name.lower(),
        "length": round(float(actors.length[start, slot]), 2),
        "width": round(float(actors.width[start, slot]), 2),
        "start": start,
        "x": series(actors.x[when, slot], LENGTH_QUANTUM_M),
        "y": series(actors.y[when, slot], LENGTH_QUANTUM_M),
        "yaw": series(np.unwrap(actors.yaw[when, slot]), ANGLE_QUANTUM_RAD),
        "speed": series(actors.speed[when, slot], SPEED_QUANTUM_MPS),
        "seen": series(actors.visible[when, slot], 1.0),
    }


def _hints(drive: DriveLog) -> Plain:
    """Return the hints as runs (first tick, text, source): a hint lasts many ticks."""
    pairs = list(zip(drive.trace.hint_text, drive.trace.hint_source, strict=True))
    starts = [tick for tick, pair in enumerate(pairs) if tick == 0 or pair != pairs[tick - 1]]
    return {
        "start": starts,
        "text": [pairs[tick][0] for tick in starts],
        "source": [pairs[tick][1] for tick in starts],
        "age": series(drive.trace.hint_age_s, TIME_QUANTUM_S),
    }


def _trace(drive: DriveLog) -> Plain:
    trace = drive.trace

    def of_all(values: FloatArray | None, more: FloatArray | None) -> Plain | None:
        others = {} if more is None else by_name(more, SHARE_QUANTUM, trace.more_critics)
        return None if values is None else by_name(values, SHARE_QUANTUM) | others

    more = trace.more_reward_terms
    more_rewards = {} if more is None else by_name(more, REWARD_QUANTUM, trace.more_critics)
    return {
        "rewards": by_name(trace.reward_terms, REWARD_QUANTUM) | more_rewards,
        # Shown where it was chosen: in the scene before the one that it led to.
        "taken": by_name(np.concatenate([trace.action[1:], trace.action[-1:]]), SHARE_QUANTUM, ACTION_NAMES),
        "weights": of_all(trace.weights, trace.more_weights),
        "values": of_all(trace.values, trace.more_values),
    }
