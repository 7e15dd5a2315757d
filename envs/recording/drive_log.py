"""DriveLog: one recorded drive (an episode of one world) as one Parquet file.

A drive is a ``SceneBatch`` whose batch axis is *time*: every pure function of a scene (time to collision,
reward, observation) also works on a whole recorded drive in one call. Beside it stand the planner's
numbers, tick by tick.

The file is self-contained: the road's drawing and everything that says what the drive is (``DriveMeta``)
travel in the schema's metadata as JSON. Columns carry the rows of the scene's blocks by name (``ego_speed``,
``actor_vx``, ...) as float64, so that a drive is read back bit for bit.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from envs.errors import EnvsError
from envs.roads.drawing import RoadDrawing
from envs.scene import (
    ActorRow,
    ActorStates,
    EgoRow,
    EgoState,
    EventRow,
    Events,
    FloatArray,
    RoadRow,
    RoadState,
    RouteRow,
    RouteState,
    SceneBatch,
)

FORMAT_MAJOR = 1
"""Raised when an older reader would misunderstand the file; such a file is refused."""

FORMAT_MINOR = 2
"""Raised when columns or metadata are only added."""

_ADDED_SINCE = {"road_stop_line": 1, "road_stood": 1, "event_lane_invasion": 2}
"""Columns that format 1.0 had not, by the minor version that added them; an older drive reads 0 in them."""

REWARD_NAMES = ("safety", "efficiency", "comfort")
"""Order of reward terms, critic weights and values in every array of three."""

_META_KEY = b"hcrmp.drive"
_SCALAR_GROUPS: tuple[tuple[str, type[IntEnum]], ...] = (
    ("ego", EgoRow),
    ("road", RoadRow),
    ("route", RouteRow),
    ("event", EventRow),
)
TRACE_WIDTHS = {"action": 2, "control": 3, "reward_terms": 3, "hint_state": 13, "weights": 3, "values": 3}
_OPTIONAL_TRACES = ("hint_state", "weights", "values")


class DriveLogError(EnvsError, ValueError):
    """A drive cannot be read or written; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class DriveMeta:
    """What a drive is.

    ``scenario``, ``density`` name the cell; ``seed`` of the episode; ``planner`` that drove; ``map_name`` of the road;
    ``simulator`` that carried it; ``decision_period_s`` simulated seconds between ticks; ``commit`` of the code
    ("" unknown); ``outcome`` as termination named it ("running": cut short); ``extra`` free words by name.
    """

    scenario: str
    density: str = ""
    seed: int = 0
    planner: str = ""
    map_name: str = ""
    simulator: str = "embedded"
    decision_period_s: float = 0.1
    commit: str = ""
    outcome: str = "running"
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """What the planner did and got in the step that ended in the recorded scene.

    ``action`` (2,) in [-1, 1]; ``control`` (3,) throttle, brake, steer; ``reward_terms`` (3,) earned by arriving in
    the scene; the three are zero in an episode's first scene. ``hint_state`` (13,), ``weights`` (3,) and ``values``
    (3,) are those that hold in the scene: given at every tick of a drive or at none. ``hint_age_s`` simulated seconds.
    Arrays of three are in the order of ``REWARD_NAMES``.
    """

    action: npt.ArrayLike = (0.0, 0.0)
    control: npt.ArrayLike = (0.0, 0.0, 0.0)
    reward_terms: npt.ArrayLike = (0.0, 0.0, 0.0)
    hint_state: npt.ArrayLike | None = None
    weights: npt.ArrayLike | None = None
    values: npt.ArrayLike | None = None
    hint_text: str = ""
    hint_source: str = ""
    hint_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PlannerTrace:
    """The ticks of a drive over time T: arrays of ``Tick`` as ``(T, width)``, ages ``(T,)``, words as tuples of T."""

    action: FloatArray
    control: FloatArray
    reward_terms: FloatArray
    hint_state: FloatArray | None
    weights: FloatArray | None
    values: FloatArray | None
    hint_text: tuple[str, ...]
    hint_source: tuple[str, ...]
    hint_age_s: FloatArray


@dataclass(frozen=True, slots=True)
class DriveLog:
    """One drive: ``scenes`` (its batch axis is time, T ticks), the planner's ``trace``, the road's ``drawing``."""

    meta: DriveMeta
    drawing: RoadDrawing
    scenes: SceneBatch
    trace: PlannerTrace

    def __len__(self) -> int:
        """Return the number of ticks T."""
        return self.scenes.batch_size

    @property
    def duration_s(self) -> float:
        """Simulated seconds from the first to the last tick."""
        return float(self.scenes.time_s[-1] - self.scenes.time_s[0])

    def scene(self, tick: int) -> SceneBatch:
        """Return the scene of one tick (B = 1); negative ticks count from the end."""
        if not -len(self) <= tick < len(self):
            raise IndexError(f"tick {tick} is outside the drive: it has ticks 0 to {len(self) - 1}")
        return self.scenes.rows([tick % len(self)])

    def tick_at(self, time_s: float) -> int:
        """Return the tick nearest to a simulated time; times outside the drive give its first or last tick."""
        return int(np.argmin(np.abs(self.scenes.time_s - time_s)))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the drive; the file appears whole or not at all. Folders on the way are made."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=target.name, suffix=".part", dir=target.parent)
        os.close(handle)
        try:
            pq.write_table(_to_table(self), temporary, compression="zstd")
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return target

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> DriveLog:
        """Read a drive.

        Raises:
            DriveLogError: in one line, when the file is missing, truncated, no drive, or of a newer format.
        """
        source = Path(path)
        if not source.is_file():
            raise DriveLogError(f"there is no drive at {source}: give the .parquet file of a recorded drive")
        payload = _read_payload(source)
        try:
            table = pq.read_table(source)
            return _from_table(table, payload)
        except (pa.ArrowException, OSError) as error:
            raise DriveLogError(_unreadable(source)) from error
        except (KeyError, TypeError, ValueError) as error:
            raise DriveLogError(f"{source} is a damaged drive ({_one_line(error)}): record it again") from error


def _to_table(log: DriveLog) -> pa.Table:
    """Return the Arrow table of a drive, its metadata included."""
    columns = _scene_columns(log.scenes) | _trace_columns(log.trace)
    payload = {
        "format": [FORMAT_MAJOR, FORMAT_MINOR],
        "meta": asdict(log.meta) | {"extra": dict(log.meta.extra)},
        "actor_slots": log.scenes.actor_slots,
        "route_points": log.scenes.route.points.shape[1],
        "drawing": log.drawing.to_lists(digits=3),
    }
    return pa.table(columns).replace_schema_metadata({_META_KEY: json.dumps(payload, allow_nan=False).encode()})


def _scene_columns(scenes: SceneBatch) -> dict[str, pa.Array]:
    columns = {name: pa.array(getattr(scenes, name)) for name in ("time_s", "step", "cell", "seed")}
    blocks = {
        "ego": scenes.ego.block,
        "road": scenes.road.block,
        "route": scenes.route.block,
        "event": scenes.events.block,
    }
    for group, rows in _SCALAR_GROUPS:
        for row in rows:
            columns[f"{group}_{row.name.lower()}"] = pa.array(blocks[group][row])
    for actor_row in ActorRow:
        columns[f"actor_{actor_row.name.lower()}"] = _list_column(scenes.actors.block[actor_row])
    columns["route_points"] = _list_column(scenes.route.points.reshape(scenes.batch_size, -1))
    return columns


def _trace_columns(trace: PlannerTrace) -> dict[str, pa.Array]:
    columns = {name: _list_column(values) for name in TRACE_WIDTHS if (values := getattr(trace, name)) is not None}
    columns["hint_text"] = pa.array(trace.hint_text, pa.string())
    columns["hint_source"] = pa.array(trace.hint_source, pa.string())
    columns["hint_age_s"] = pa.array(trace.hint_age_s)
    return columns


def _list_column(values: FloatArray) -> pa.Array:
    """Return ``(T, width)`` numbers as an Arrow list column."""
    ticks, width = values.shape
    offsets = np.arange(ticks + 1, dtype=np.int32) * width
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(np.ascontiguousarray(values).ravel()))


def _read_payload(source: Path) -> dict[str, Any]:
    """Return the drive's metadata; refuse what is no drive or too new before any column is touched."""
    try:
        metadata = pq.read_schema(source).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise DriveLogError(_unreadable(source)) from error
    if _META_KEY not in metadata:
        raise DriveLogError(f"{source} is a Parquet file but no recorded drive: give a drive written by DriveRecorder")
    try:
        payload: dict[str, Any] = json.loads(metadata[_META_KEY])
        major, minor = payload["format"]
    except (KeyError, TypeError, ValueError) as error:
        raise DriveLogError(f"{source} is a damaged drive (its metadata): record it again") from error
    if major != FORMAT_MAJOR:
        advice = "upgrade hcrmp to read it" if major > FORMAT_MAJOR else "record it again"
        raise DriveLogError(f"{source} has drive format {major}.{minor}; this version reads {FORMAT_MAJOR}.x: {advice}")
    return payload


def _from_table(table: pa.Table, payload: Mapping[str, Any]) -> DriveLog:
    known = {item.name for item in fields(DriveMeta)}
    return DriveLog(
        meta=DriveMeta(**{name: value for name, value in payload["meta"].items() if name in known}),
        drawing=RoadDrawing.from_lists(payload["drawing"]),
        scenes=_read_scenes(
            _completed(table, int(payload["format"][1])), int(payload["actor_slots"]), int(payload["route_points"])
        ),
        trace=_read_trace(table),
    )


def _completed(table: pa.Table, minor: int) -> pa.Table:
    """Return the table with the columns that its format had not yet."""
    for name, since in _ADDED_SINCE.items():
        if minor < since:
            table = table.append_column(name, pa.array(np.zeros(table.num_rows)))
    return table


def _read_scenes(table: pa.Table, slots: int, points: int) -> SceneBatch:
    ticks = table.num_rows
    if ticks == 0:
        raise ValueError("it has no ticks")
    blocks = {
        group: np.stack([_numbers(table, f"{group}_{row.name.lower()}", ticks) for row in rows])
        for group, rows in _SCALAR_GROUPS
    }
    actors = np.stack([_lists(table, f"actor_{row.name.lower()}", slots) for row in ActorRow])
    counters = {name: _numbers(table, name, ticks).astype(np.int64) for name in ("step", "cell", "seed")}
    return SceneBatch(
        time_s=_numbers(table, "time_s", ticks),
        **counters,
        ego=EgoState(blocks["ego"]),
        actors=ActorStates(actors),
        road=RoadState(blocks["road"]),
        route=RouteState(blocks["route"], _lists(table, "route_points", points * 3).reshape(ticks, points, 3)),
        events=Events(blocks["event"]),
    )


def _read_trace(table: pa.Table) -> PlannerTrace:
    names = [name for name in TRACE_WIDTHS if name not in _OPTIONAL_TRACES or name in table.column_names]
    arrays: dict[str, Any] = dict.fromkeys(_OPTIONAL_TRACES)
    arrays |= {name: _lists(table, name, TRACE_WIDTHS[name]) for name in names}
    return PlannerTrace(
        **arrays,
        hint_text=tuple(_column(table, "hint_text").to_pylist()),
        hint_source=tuple(_column(table, "hint_source").to_pylist()),
        hint_age_s=_numbers(table, "hint_age_s", table.num_rows),
    )


def _column(table: pa.Table, name: str) -> Any:
    if name not in table.column_names:
        raise KeyError(f"column {name} is missing")
    return table.column(name).combine_chunks()


def _numbers(table: pa.Table, name: str, ticks: int) -> npt.NDArray[Any]:
    """Return a scalar column as a fresh array, integers as they are."""
    numbers: npt.NDArray[Any] = np.array(_column(table, name).to_numpy(zero_copy_only=False))
    if numbers.shape != (ticks,) or numbers.dtype.kind not in "if":
        raise ValueError(f"column {name} holds no plain numbers")
    return numbers


def _lists(table: pa.Table, name: str, width: int) -> FloatArray:
    """Return a list column as ``(T, width)``."""
    values = _column(table, name).flatten().to_numpy(zero_copy_only=False)
    if values.size != table.num_rows * width:
        raise ValueError(f"column {name} holds {values.size} numbers, expected {table.num_rows} x {width}")
    return np.array(values, dtype=np.float64).reshape(table.num_rows, width)


def _unreadable(source: Path) -> str:
    return f"{source} is no complete Parquet file (truncated, or another kind of file): record the drive again"


def _one_line(error: Exception) -> str:
    return " ".join(str(error.args[0] if error.args else error).split())


def _umask() -> int:
    """Return the process's file mode mask (it can only be read by setting it)."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
