"""A drive as a Rerun recording (``.rrd``): the scene in 3D, every number as a series, and the events as a log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from envs.recording import DriveLog
from envs.recording.whole_file import whole_file
from envs.scene import ActorKind
from hcrmp.errors import UserError
from hcrmp.exports.foxglove import (
    COLOURS,
    EGO_COLOUR,
    ERROR,
    HEIGHTS_M,
    MARK_COLOURS,
    ROAD_COLOUR,
    ROUTE_COLOUR,
    WARNING,
)
from hcrmp.exports.moments import moments
from hcrmp.exports.series import ego_columns, planner_columns

INSTALL = 'to=rerun needs the package rerun-sdk: pip install "hcrmp[rerun]"'
TIMELINE = "sim_time"
_LEVELS = {ERROR: "ERROR", WARNING: "WARN"}


def write_rerun(drive: DriveLog, path: Path) -> list[Path]:
    """Write the drive, whole or not at all; raise ``UserError`` where the package is missing."""
    try:
        import rerun
    except ImportError:
        raise UserError(INSTALL) from None
    with whole_file(path) as part:
        stream = rerun.RecordingStream("hcrmp", recording_id=f"{drive.meta.scenario}-{drive.meta.seed}")
        stream.save(part)
        _road(rerun, stream, drive)
        _series(rerun, stream, drive)
        for tick, now in enumerate(drive.scenes.time_s.tolist()):
            stream.set_time(TIMELINE, duration=now)
            _bodies(rerun, stream, drive, tick)
        _log(rerun, stream, drive)
        stream.flush()
        stream.disconnect()
    return [path]


def _road(rerun: Any, stream: Any, drive: DriveLog) -> None:
    areas, marks = drive.drawing.areas, drive.drawing.strokes
    outlines = [np.pad(np.vstack([area.points, area.points[:1]]), ((0, 0), (0, 1))) for area in areas]
    strips = [np.pad(mark.points, ((0, 0), (0, 1)), constant_values=0.02) for mark in marks]
    colours = [ROAD_COLOUR] * len(outlines) + [MARK_COLOURS.get(mark.color, ROAD_COLOUR) for mark in marks]
    stream.log("world/road", rerun.LineStrips3D([*outlines, *strips], colors=colours, radii=0.06), static=True)


def _series(rerun: Any, stream: Any, drive: DriveLog) -> None:
    when = [rerun.TimeColumn(TIMELINE, duration=drive.scenes.time_s)]
    for name, values in (ego_columns(drive) | planner_columns(drive)).items():
        if values.dtype.kind in "if" and name != "time_s":
            stream.send_columns(f"series/{name}", when, rerun.Scalars.columns(scalars=values.astype(np.float64)))


def _bodies(rerun: Any, stream: Any, drive: DriveLog, tick: int) -> None:
    scenes = drive.scenes
    ego, actors = scenes.ego, scenes.actors
    there = np.flatnonzero(actors.valid[tick])
    kinds = [ActorKind(kind) for kind in actors.kind[tick, there].tolist()]
    x, y = np.append(ego.x[tick], actors.x[tick, there]), np.append(ego.y[tick], actors.y[tick, there])
    yaw = np.append(ego.yaw[tick], actors.yaw[tick, there])
    height = np.array([HEIGHTS_M[ActorKind.CAR], *(HEIGHTS_M[kind] for kind in kinds)])
    length = np.append(ego.length[tick], actors.length[tick, there])
    width = np.append(ego.width[tick], actors.width[tick, there])
    none = np.zeros_like(yaw)
    labels = [
        f"{kind.name.lower()} {actor}" for kind, actor in zip(kinds, actors.id[tick, there].tolist(), strict=True)
    ]
    boxes = rerun.Boxes3D(
        centers=np.column_stack([x, y, 0.5 * height]),
        half_sizes=0.5 * np.column_stack([length, width, height]),
        quaternions=np.column_stack([none, none, np.sin(0.5 * yaw), np.cos(0.5 * yaw)]),
        colors=[EGO_COLOUR, *(COLOURS[kind] for kind in kinds)],
        labels=["ego", *labels],
        show_labels=False,
    )
    stream.log("world/bodies", boxes)
    points = np.vstack([[[x[0], y[0]]], scenes.route.points[tick, :, :2]])
    ahead = [np.pad(points, ((0, 0), (0, 1)), constant_values=0.05)] if scenes.route.points[tick].any() else []
    stream.log("world/route", rerun.LineStrips3D(ahead, colors=[ROUTE_COLOUR] * len(ahead), radii=0.15))


def _log(rerun: Any, stream: Any, drive: DriveLog) -> None:
    for tick, level, text in moments(drive):
        stream.set_time(TIMELINE, duration=float(drive.scenes.time_s[tick]))
        stream.log("events", rerun.TextLog(text, level=_LEVELS.get(level, "INFO")))
    for told in drive.hints:
        stream.set_time(TIMELINE, duration=told.asked_at_s)
        stream.log("planner/asked", rerun.TextLog(f"{told.prompt}\n\n{told.source}: {told.answer}", level="INFO"))
    before = ""
    for tick, text in enumerate(drive.trace.hint_text):
        if text != before:
            stream.set_time(TIMELINE, duration=float(drive.scenes.time_s[tick]))
            stream.log("planner/hint", rerun.TextLog(text or "none", level="INFO"))
            before = text
