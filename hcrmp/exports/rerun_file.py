"""A drive as a Rerun recording (``.rrd``): the scene in 3D, every number as a series, and the events as a log."""

from __future__ import annotations

from collections.abc import Sequence
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
from hcrmp.exports.rerun_layout import layout
from hcrmp.exports.series import ego_columns, planner_columns

INSTALL = 'to=rerun needs the package rerun-sdk: pip install "hcrmp[rerun]"'
TIMELINE = "sim_time"
EGO = "world/ego"
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
        names = _series(rerun, stream, drive)
        ego = drive.scenes.ego
        stream.send_blueprint(layout(rerun, names, (float(ego.x[0]), float(ego.y[0])), f"/{EGO}"))
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


def _series(rerun: Any, stream: Any, drive: DriveLog) -> list[str]:
    """Write every number; return the names of the series."""
    when = [rerun.TimeColumn(TIMELINE, duration=drive.scenes.time_s)]
    columns = (ego_columns(drive) | planner_columns(drive)).items()
    numbers = {name: values for name, values in columns if values.dtype.kind in "if" and name != "time_s"}
    for name, values in numbers.items():
        stream.send_columns(f"series/{name}", when, rerun.Scalars.columns(scalars=values.astype(np.float64)))
    return list(numbers)


def _bodies(rerun: Any, stream: Any, drive: DriveLog, tick: int) -> None:
    scenes = drive.scenes
    ego, actors = scenes.ego, scenes.actors
    there = np.flatnonzero(actors.valid[tick])
    kinds = [ActorKind(kind) for kind in actors.kind[tick, there].tolist()]
    names = [f"{kind.name.lower()} {actor}" for kind, actor in zip(kinds, actors.id[tick, there].tolist(), strict=True)]
    stream.log(EGO, _boxes(rerun, ego, np.array([tick]), [ActorKind.CAR], ["ego"], [EGO_COLOUR]))
    colours = [COLOURS[kind] for kind in kinds]
    stream.log("world/others", _boxes(rerun, actors, (tick, there), kinds, names, colours))
    begin = [[ego.x[tick], ego.y[tick]]]
    points = np.vstack([begin, scenes.route.points[tick, :, :2]])
    ahead = [np.pad(points, ((0, 0), (0, 1)), constant_values=0.05)] if scenes.route.points[tick].any() else []
    stream.log("world/route", rerun.LineStrips3D(ahead, colors=[ROUTE_COLOUR] * len(ahead), radii=0.15))


def _boxes(
    rerun: Any, bodies: Any, which: Any, kinds: Sequence[ActorKind], names: Sequence[str], colours: Sequence[Any]
) -> Any:
    """Return the boxes of ``which`` of the ego's or the actors' states."""
    yaw = bodies.yaw[which]
    height, none = np.array([HEIGHTS_M[kind] for kind in kinds], dtype=np.float64), np.zeros_like(yaw)
    return rerun.Boxes3D(
        centers=np.column_stack([bodies.x[which], bodies.y[which], 0.5 * height]),
        half_sizes=0.5 * np.column_stack([bodies.length[which], bodies.width[which], height]),
        quaternions=np.column_stack([none, none, np.sin(0.5 * yaw), np.cos(0.5 * yaw)]),
        colors=colours,
        labels=names,
        show_labels=False,
    )


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
