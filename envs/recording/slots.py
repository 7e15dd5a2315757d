"""What a batch recorder copies: a *slot* holds one moment of B worlds, whole blocks at a time, as raw arrays.

A slot is either a step (every world that is being recorded has a tick in it) or the start of episodes (only the worlds
whose episodes begin have one): ``phase`` says which worlds have a tick in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.schema import TRACE_WIDTHS
from envs.scene import ROUTE_POINTS, ActorRow, BoolArray, EgoRow, EventRow, IntArray, RoadRow, RouteRow, SceneBatch

Arrays = dict[str, npt.NDArray[Any]]

FIELD_FIRST = ("ego", "actors", "road", "route", "events")
"""Arrays whose worlds are the second axis, as in the blocks of a scene; those of all others are the first."""

PLANNER = ("weights", "values", "distribution")
"""Arrays that only some planners have."""


class Phase(IntEnum):
    """What a world has in a slot."""

    NOTHING = 0
    TICK = 1
    FIRST = 2


@dataclass(frozen=True, slots=True)
class SlotLayout:
    """Sizes of a slot: ``worlds`` B, ``actors`` A, ``observation`` n, and which of ``PLANNER`` there are."""

    worlds: int
    actors: int
    observation: int
    planner: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes that are none."""
        sizes = (self.worlds, self.actors, self.observation)
        if not all(isinstance(size, int) for size in sizes) or min(sizes) < 0 or self.worlds < 1:
            raise ValueError(f"a slot of {self.worlds} worlds, {self.actors} actors, {self.observation} numbers")
        if not set(self.planner) <= set(PLANNER):
            raise ValueError(f"arrays {sorted(self.planner)} of a planner; there are {', '.join(PLANNER)}")

    def fields(self) -> dict[str, tuple[tuple[int, ...], str]]:
        """Return shape and type of each array of a slot."""
        worlds, float64, int64 = self.worlds, "<f8", "<i8"
        scene = {
            **{name: ((worlds,), int64) for name in ("step", "cell", "seed")},
            "time_s": ((worlds,), float64),
            "ego": ((len(EgoRow), worlds), float64),
            "actors": ((len(ActorRow), worlds, self.actors), float64),
            "road": ((len(RoadRow), worlds), float64),
            "route": ((len(RouteRow), worlds), float64),
            "points": ((worlds, ROUTE_POINTS, 3), float64),
            "events": ((len(EventRow), worlds), float64),
        }
        given = [name for name in TRACE_WIDTHS if name not in PLANNER or name in self.planner]
        return {
            "phase": ((worlds,), "|i1"),
            **scene,
            **{name: ((worlds, TRACE_WIDTHS[name]), float64) for name in given},
            "observation": ((worlds, self.observation), "<f4"),
            "hint_source": ((worlds,), "|i1"),
            "hint_issued_at_s": ((worlds,), float64),
        }

    @property
    def bytes(self) -> int:
        """Bytes of a slot."""
        return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in self.fields().values())


class SlotBuffer:
    """Room for ``capacity`` slots."""

    def __init__(self, layout: SlotLayout, capacity: int) -> None:
        self.arrays: Arrays = {
            name: np.empty((capacity, *shape), kind) for name, (shape, kind) in layout.fields().items()
        }
        self.capacity = capacity
        self.used = 0

    @property
    def full(self) -> bool:
        """Whether there is no room left."""
        return self.used >= self.capacity

    def add_step(self, phase: npt.NDArray[Any], scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Copy a step of all worlds."""
        slot = self.used
        self.arrays["phase"][slot] = phase
        for name, array in (*scene_parts(scene), *numbers.items()):
            self.arrays[name][slot] = array
        self.used += 1

    def add_starts(self, rows: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Copy the first ticks of the worlds ``rows``; nothing of the others counts."""
        slot = self.used
        self.arrays["phase"][slot] = Phase.NOTHING
        self.arrays["phase"][slot, rows] = Phase.FIRST
        for name, array in (*scene_parts(scene), *numbers.items()):
            target = self.arrays[name][slot]
            if name in FIELD_FIRST:
                target[:, rows] = array[:, rows]
            else:
                target[rows] = array[rows]
        for name in ("action", "control", "reward_terms"):
            self.arrays[name][slot, rows] = 0.0
        self.used += 1

    def amend(self, slot: int, worlds: BoolArray, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Replace numbers of the worlds ``(B,)`` in a slot."""
        for name, array in numbers.items():
            self.arrays[name][slot][worlds] = array[worlds]

    def filled(self) -> Arrays:
        """Return views of the used slots."""
        return {name: array[: self.used] for name, array in self.arrays.items()}


def scene_parts(scene: SceneBatch) -> tuple[tuple[str, npt.NDArray[Any]], ...]:
    """Return the arrays of a scene by their names in a slot."""
    return (
        ("time_s", scene.time_s),
        ("step", scene.step),
        ("cell", scene.cell),
        ("seed", scene.seed),
        ("ego", scene.ego.block),
        ("actors", scene.actors.block),
        ("road", scene.road.block),
        ("route", scene.route.block),
        ("points", scene.route.points),
        ("events", scene.events.block),
    )
