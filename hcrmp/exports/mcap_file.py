"""A drive as an MCAP file for Foxglove: the scene in 3D, every number as a series, and the events as a log.

Messages are JSON, which Foxglove reads as it reads protobuf, with no package beside ``mcap``. Times are simulated
seconds from 0.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from envs.recording import DriveLog
from envs.recording.whole_file import whole_file
from envs.scene import ActorKind, ActorRow, SignalState
from hcrmp.errors import UserError
from hcrmp.exports import foxglove, schemas
from hcrmp.exports.moments import moments
from hcrmp.exports.series import Columns, ego_columns, planner_columns

INSTALL = 'to=mcap needs the package mcap: pip install "hcrmp[export]"'

Told = tuple[str, float, dict[str, Any]]
"""A message: its topic, when (s), and what it says."""

Said = list[tuple[str, dict[str, Any]]]
"""The messages of one tick: topic, and what it says."""

_SERIES = {
    "/ego/motion": ("ego_", "ego_"), "/road": ("road_", "road_"), "/route": ("route_", "route_"),
    "/ego/control": ("control_", "control_"), "/planner/action": ("action_", "action_"),
    "/planner/rewards": ("reward_terms_", "reward_terms_"), "/planner/weights": ("weights_", "weights_"),
    "/planner/values": ("values_", "values_"), "/risk": ("ttc_s", ""),
}  # fmt: skip
"""Topics of plain numbers: the columns that begin with the first, without the second."""

_SCENES = ("/scene/road", "/scene/stop_lines", "/scene/bodies", "/scene/props", "/scene/route")


def write_mcap(drive: DriveLog, path: Path) -> list[Path]:
    """Write the drive, whole or not at all; raise ``UserError`` where the package is missing."""
    try:
        from mcap.writer import Writer
    except ImportError:
        raise UserError(INSTALL) from None
    series = _series(drive)
    with whole_file(path) as part, part.open("wb") as file:
        writer = Writer(file)
        writer.start(profile="", library="hcrmp")
        channels = {topic: _channel(writer, topic, schema) for topic, schema in _schemas(series).items()}
        for topic, time_s, message in _messages(drive, series):
            now = round(time_s * 1e9)
            data = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
            writer.add_message(channel_id=channels[topic], log_time=now, data=data, publish_time=now)
        writer.add_metadata("drive", _told(drive))
        finish: Callable[[], None] = writer.finish
        finish()
    return [path]


def _channel(writer: Any, topic: str, schema: schemas.Schema) -> int:
    data = json.dumps(schema).encode()
    schema_id = writer.register_schema(name=schema["title"], encoding="jsonschema", data=data)
    return int(writer.register_channel(topic=topic, message_encoding="json", schema_id=schema_id))


def _series(drive: DriveLog) -> dict[str, Columns]:
    """Return the columns of each topic of numbers that the drive has."""
    columns = ego_columns(drive) | planner_columns(drive)
    found = {
        topic: {name.removeprefix(cut): values for name, values in columns.items() if name.startswith(begin)}
        for topic, (begin, cut) in _SERIES.items()
    }
    return {topic: named for topic, named in found.items() if named}


def _schemas(series: dict[str, Columns]) -> dict[str, schemas.Schema]:
    found = {topic: schemas.SCENE_UPDATE for topic in _SCENES}
    found |= {"/tf": schemas.FRAME_TRANSFORM, "/events": schemas.LOG}
    found |= {topic: schemas.numbers(f"hcrmp{topic.replace('/', '.')}", named) for topic, named in series.items()}
    asked = schemas.words("hcrmp.planner.asked", ("asked_at_s",), ("prompt", "answer", "source"))
    hint = schemas.words("hcrmp.planner.hint", ("age_s",), ("text", "source"))
    return found | {"/planner/hint": hint, "/planner/asked": asked}


def _messages(drive: DriveLog, series: dict[str, Columns]) -> Iterator[Told]:
    """Yield all messages in the order of time."""
    yield "/scene/road", float(drive.scenes.time_s[0]), foxglove.road(drive.drawing)
    parts = zip(_bodies(drive), _props(drive), _stop_lines(drive), _numbers(drive, series), _words(drive), strict=True)
    for tick, (now, part) in enumerate(zip(drive.scenes.time_s.tolist(), parts, strict=True)):
        yield "/tf", now, foxglove.transform(drive, tick)
        yield "/scene/route", now, foxglove.route(drive, tick)
        for topic, message in (pair for messages in part for pair in messages):
            yield topic, now, message


def _bodies(drive: DriveLog) -> Iterator[Said]:
    """Yield the boxes of the ego and of those who may move, at every tick."""
    actors, before = drive.scenes.actors, set[int]()
    moving = actors.valid & (actors.kind != ActorKind.STATIC)
    for tick, now in enumerate(drive.scenes.time_s.tolist()):
        slots = np.flatnonzero(moving[tick])
        here = set(actors.id[tick, slots].tolist())
        entities = [foxglove.ego(drive, tick), *foxglove.others(drive, tick, slots)]
        yield [("/scene/bodies", foxglove.scene_update(now, entities, sorted(before - here)))]
        before = here


def _props(drive: DriveLog) -> Iterator[Said]:
    """Yield the boxes of what stands about, whenever one is new, gone or moved."""
    actors, before = drive.scenes.actors, np.zeros((4, 0))
    standing = actors.valid & (actors.kind == ActorKind.STATIC)
    known: set[int] = set()
    for tick, now in enumerate(drive.scenes.time_s.tolist()):
        slots = np.flatnonzero(standing[tick])
        shown = np.round(actors.block[[ActorRow.ID, ActorRow.X, ActorRow.Y, ActorRow.YAW], tick][:, slots], 2)
        if np.array_equal(shown, before):
            yield []
            continue
        here = set(actors.id[tick, slots].tolist())
        entities = foxglove.others(drive, tick, slots)
        yield [("/scene/props", foxglove.scene_update(now, entities, sorted(known - here)))]
        before, known = shown, here


def _stop_lines(drive: DriveLog) -> Iterator[Said]:
    """Yield the stop lines whenever a signal changes."""
    gates, seed, before = drive.drawing.gates, int(drive.scenes.seed[0]), list[SignalState]()
    for now in drive.scenes.time_s.tolist():
        states = foxglove.shown_by(gates, now, seed)
        yield [] if states == before else [("/scene/stop_lines", foxglove.stop_lines(gates, states, now))]
        before = states


def _numbers(drive: DriveLog, series: dict[str, Columns]) -> Iterator[Said]:
    """Yield every topic of numbers at every tick; what is not known there is left out."""
    rows = {
        topic: zip(*(values.astype(np.float64).tolist() for values in columns.values()), strict=True)
        for topic, columns in series.items()
    }
    for _ in range(len(drive)):
        now = {topic: dict(zip(series[topic], next(row), strict=True)) for topic, row in rows.items()}
        yield [(topic, {name: value for name, value in told.items() if isfinite(value)}) for topic, told in now.items()]


def _words(drive: DriveLog) -> Iterator[Said]:
    """Yield the hint at every tick that has one, what a language model was asked and said, and what happened."""
    trace, said = drive.trace, dict[int, Said]()
    for tick, level, text in moments(drive):
        line = foxglove.log(float(drive.scenes.time_s[tick]), level, text)
        said.setdefault(tick, []).append(("/events", line))
    for told in drive.hints:
        said.setdefault(drive.tick_at(told.asked_at_s), []).append(("/planner/asked", asdict(told)))
    for tick in range(len(drive)):
        words = {"text": trace.hint_text[tick], "source": trace.hint_source[tick]}
        hint = [("/planner/hint", words | {"age_s": float(trace.hint_age_s[tick])})] if any(words.values()) else []
        yield [*hint, *said.get(tick, [])]


def _told(drive: DriveLog) -> dict[str, str]:
    meta = drive.meta
    plain = {
        name: str(getattr(meta, name)) for name in ("scenario", "density", "seed", "planner", "map_name", "outcome")
    }
    return plain | {"simulator": meta.simulator, "commit": meta.commit} | dict(meta.extra)
