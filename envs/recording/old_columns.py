"""The columns of Parquet files of formats 1 and 2, as they are read.

Columns carry the rows of the scene's blocks by name (``ego_speed``, ``actor_vx``, ...); those of road users and of the
planner are lists. In format 2 road users' numbers are rounded to float32, the hashes of the states before that stand
in a column, and a column whose value never changes is kept once, in the metadata (``constants``).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from envs.recording.schema import OPTIONAL_TRACES, TRACE_WIDTHS, HashArray, PlannerTrace
from envs.scene import (
    ActorRow,
    ActorStates,
    EgoRow,
    EgoState,
    EventRow,
    Events,
    IntArray,
    RoadRow,
    RoadState,
    RouteRow,
    RouteState,
    SceneBatch,
)

SCALAR_GROUPS: tuple[tuple[str, type[IntEnum]], ...] = (
    ("ego", EgoRow),
    ("road", RoadRow),
    ("route", RouteRow),
    ("event", EventRow),
)
COUNTERS = ("step", "cell", "seed")
"""Integer columns of a scene."""

_ADDED_SINCE = {"road_stop_line": (1, 1), "road_stood": (1, 1), "event_lane_invasion": (1, 2)}
"""Columns that format 1.0 had not, by the version that added them; an older drive reads 0 in them."""

Numbers = npt.NDArray[Any]


class ColumnSource:
    """The columns of a table, as fresh numpy arrays of checked shapes; bad ones raise ValueError or KeyError.

    ``payload``: what the file's metadata say, ``constants`` among it.
    """

    def __init__(self, table: pa.Table, payload: Mapping[str, Any]) -> None:
        self._table = table
        self._constants = _constants(payload)
        self._slots, self._points = int(payload["actor_slots"]), int(payload["route_points"])
        self.ticks: int = table.num_rows
        if self.ticks == 0:
            raise ValueError("it has no ticks")

    def scenes(self) -> SceneBatch:
        """Return the scenes."""
        blocks = {
            group: np.stack([self.numbers(f"{group}_{row.name.lower()}") for row in rows])
            for group, rows in SCALAR_GROUPS
        }
        actors = np.empty((len(ActorRow), self.ticks, self._slots))
        for row in ActorRow:
            actors[row] = self.lists(f"actor_{row.name.lower()}", self._slots)
        points = self.lists("route_points", self._points * 3).reshape(self.ticks, self._points, 3)
        return SceneBatch(
            time_s=self.numbers("time_s"),
            **{name: self.whole(name) for name in COUNTERS},
            ego=EgoState(blocks["ego"]),
            actors=ActorStates(actors),
            road=RoadState(blocks["road"]),
            route=RouteState(blocks["route"], points),
            events=Events(blocks["event"]),
        )

    def trace(self, observed: int) -> PlannerTrace:
        """Return the planner's numbers; ``observed`` of them are an observation."""
        names = [name for name in TRACE_WIDTHS if name not in OPTIONAL_TRACES or name in self]
        arrays: dict[str, Any] = dict.fromkeys(OPTIONAL_TRACES)
        arrays |= {name: self.lists(name, TRACE_WIDTHS[name]) for name in names}
        if "observation" in self:
            arrays["observation"] = self.lists("observation", observed, np.float32)
        if "hint_index" in self:
            arrays["hint_index"] = self.whole("hint_index")
        return PlannerTrace(
            **arrays,
            hint_text=self.words("hint_text"),
            hint_source=self.words("hint_source"),
            hint_age_s=self.numbers("hint_age_s"),
        )

    def hashes(self, scenes: SceneBatch) -> HashArray | None:
        """Return the hashes that were stored; None where there were none yet."""
        if "state_hash" not in self:
            return None
        hashes = self.numbers("state_hash")
        if hashes.dtype != np.uint64:
            raise ValueError("column state_hash holds no hashes")
        return hashes

    def __contains__(self, name: str) -> bool:
        return name in self._constants or name in self._table.column_names

    def numbers(self, name: str) -> Numbers:
        """Return a scalar column ``(T,)``, integers as they are, other numbers as float64."""
        if name in self._constants:
            return np.full(self.ticks, _plain_number(name, self._constants[name]))
        values: Numbers = np.array(self._column(name).to_numpy(zero_copy_only=False))
        if values.shape != (self.ticks,) or values.dtype.kind not in "iuf":
            raise ValueError(f"column {name} holds no plain numbers")
        return values.astype(np.float64) if values.dtype.kind == "f" else values

    def whole(self, name: str) -> IntArray:
        """Return a column of T whole numbers."""
        values = self.numbers(name)
        if values.dtype.kind not in "iu":
            raise ValueError(f"column {name} holds no whole numbers")
        return values.astype(np.int64)

    def lists(self, name: str, width: int, dtype: npt.DTypeLike = np.float64) -> Numbers:
        """Return a list column ``(T, width)``."""
        if name in self._constants:
            row = np.array(self._constants[name], dtype=dtype)
            if row.shape != (width,):
                raise ValueError(f"column {name} holds {row.size} numbers a tick, expected {width}")
            return np.tile(row, (self.ticks, 1))
        column = self._column(name)
        if not (pa.types.is_list(column.type) or pa.types.is_fixed_size_list(column.type)):
            raise ValueError(f"column {name} holds no lists")
        values = column.flatten().to_numpy(zero_copy_only=False)
        if values.size != self.ticks * width:
            raise ValueError(f"column {name} holds {values.size} numbers, expected {self.ticks} x {width}")
        if values.dtype.kind not in "iuf":
            raise ValueError(f"column {name} holds no plain numbers")
        return np.array(values, dtype=dtype).reshape(self.ticks, width)

    def words(self, name: str) -> tuple[str, ...]:
        """Return a column of T texts."""
        if name in self._constants:
            return (str(self._constants[name]),) * self.ticks
        words: list[Any] = self._column(name).to_pylist()
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f"column {name} holds no texts")
        return tuple(words)

    def _column(self, name: str) -> Any:
        if name not in self._table.column_names:
            raise KeyError(f"column {name} is missing")
        return self._table.column(name).combine_chunks()


def _constants(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that are kept once, with 0 in those that an older format had not."""
    version = tuple(map(int, payload["format"]))
    missing = {name: 0.0 for name, since in _ADDED_SINCE.items() if version < since}
    return missing | dict(payload.get("constants", {}))


def _plain_number(name: str, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"column {name} holds no plain numbers")
    return value
