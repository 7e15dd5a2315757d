"""The columns of a drive's table: which there are, how they are stored, and back.

Columns carry the rows of the scene's blocks by name (``ego_speed``, ``actor_vx``, ...); those of road users and of the
planner are lists. What the ego, its road and its route are is stored as float64. Of other road users, flags are stored
as bytes, kinds and ids as integers and all other numbers as float32: what is lost is 0.03 mm at 500 m from the map's
origin, and 1e-6 of a velocity. The hashes of the states are made before that. The planner's float64 numbers are stored
as float32 where nothing is lost by it: a network computes in float32.

In files of format 2 a column whose value never changes is kept once, in the metadata (``constants``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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

_ACTOR_TYPES: dict[ActorRow, npt.DTypeLike] = {
    ActorRow.VALID: np.uint8,
    ActorRow.VISIBLE: np.uint8,
    ActorRow.KIND: np.int16,
    ActorRow.ID: np.int64,
}

Numbers = npt.NDArray[Any]


def scene_arrays(scenes: SceneBatch) -> Iterator[tuple[Sequence[str], Numbers]]:
    """Yield names and numbers, ``(names, T)`` or ``(names, T, width)``, of all columns of ``scenes``."""
    yield ("time_s",), scenes.time_s[None]
    yield COUNTERS, np.stack([getattr(scenes, name) for name in COUNTERS])
    blocks = (scenes.ego.block, scenes.road.block, scenes.route.block, scenes.events.block)
    for (group, rows), block in zip(SCALAR_GROUPS, blocks, strict=True):
        yield [f"{group}_{row.name.lower()}" for row in rows], block
    floats = [row for row in ActorRow if row not in _ACTOR_TYPES]
    yield [f"actor_{row.name.lower()}" for row in floats], scenes.actors.block[floats].astype(np.float32)
    for row, kind in _ACTOR_TYPES.items():
        yield (f"actor_{row.name.lower()}",), scenes.actors.block[row].astype(kind)[None]
    yield ("route_points",), scenes.route.points.reshape(1, scenes.batch_size, -1)


def scenes_of(source: ColumnSource, slots: int, points: int) -> SceneBatch:
    """Return the scenes that the columns hold; raises ValueError or KeyError where they are bad."""
    ticks = source.ticks
    if ticks == 0:
        raise ValueError("it has no ticks")
    blocks = {
        group: np.stack([source.numbers(f"{group}_{row.name.lower()}") for row in rows])
        for group, rows in SCALAR_GROUPS
    }
    actors = np.empty((len(ActorRow), ticks, slots))
    for row in ActorRow:
        actors[row] = source.lists(f"actor_{row.name.lower()}", slots)
    counters = {name: source.whole(name) for name in COUNTERS}
    return SceneBatch(
        time_s=source.numbers("time_s"),
        **counters,
        ego=EgoState(blocks["ego"]),
        actors=ActorStates(actors),
        road=RoadState(blocks["road"]),
        route=RouteState(blocks["route"], source.lists("route_points", points * 3).reshape(ticks, points, 3)),
        events=Events(blocks["event"]),
    )


def narrowed(numbers: Numbers) -> Numbers:
    """Return float64 numbers as float32 where that loses nothing."""
    small = numbers.astype(np.float32)
    return small if np.array_equal(small, numbers) else numbers


def arrow_column(numbers: Numbers) -> pa.Array:
    """Return ``(T,)`` numbers as an Arrow column, ``(T, width)`` as one of lists of fixed size."""
    if numbers.ndim == 1:
        return pa.array(np.ascontiguousarray(numbers))
    flat = pa.array(np.ascontiguousarray(numbers).reshape(-1))
    # Not ``from_arrays``, which does not know how many lists of no numbers there are.
    return pa.Array.from_buffers(pa.list_(flat.type, numbers.shape[1]), len(numbers), [None], children=[flat])


class ColumnSource:
    """The columns of a table, those kept once among them, as fresh numpy arrays of checked shapes."""

    def __init__(self, table: pa.Table, constants: dict[str, Any] | None = None) -> None:
        self._table = table
        self._constants = constants or {}
        self.ticks: int = table.num_rows

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


def _plain_number(name: str, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"column {name} holds no plain numbers")
    return value
