"""What a batch recorder copies: a *slot* holds one moment of B worlds as a few raw arrays, world after world.

A slot is either a moment of decision (every world that is being recorded has a tick in it) or the end of episodes (only
the worlds whose episodes end have one): ``phase`` says which worlds have a tick in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.schema import TRACE_WIDTHS, checked_more
from envs.scene import ROUTE_POINTS, ActorRow, EgoRow, EventRow, IntArray, RoadRow, RouteRow, SceneBatch

Arrays = dict[str, npt.NDArray[Any]]
Shape = tuple[int, ...]

WHOLE = ("step", "cell", "seed", "hint_source")
"""Whole numbers of a tick, in their order in the array ``whole``."""

PLANNER = ("weights", "values", "distribution", "more_weights", "more_values")
"""Numbers that only some planners have."""


DONE = ("action", "control", "reward_terms", "more_reward_terms")
"""What led to a scene, and so is nothing in an episode's first."""


class Phase(IntEnum):
    """What a world has in a slot."""

    NOTHING = 0
    TICK = 1
    FIRST = 2


@dataclass(frozen=True, slots=True)
class SlotLayout:
    """Sizes of a slot: ``worlds`` B, ``actors`` A, ``observation`` n, and which of ``PLANNER`` there are.

    ``more``: names of the critics beside the three.
    """

    worlds: int
    actors: int
    observation: int
    planner: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes that are none."""
        sizes = (self.worlds, self.actors, self.observation)
        if not all(isinstance(size, int) for size in sizes) or min(sizes) < 0 or self.worlds < 1:
            raise ValueError(f"a slot of {self.worlds} worlds, {self.actors} actors, {self.observation} numbers")
        if not set(self.planner) <= set(PLANNER):
            raise ValueError(f"arrays {sorted(self.planner)} of a planner; there are {', '.join(PLANNER)}")
        checked_more(self.more)

    def numbers(self) -> dict[str, Shape]:
        """Return the shape, for one world, of everything in the array ``numbers``, in its order there.

        What the state's hash goes over comes first, in the hash's order.
        """
        given = [name for name in TRACE_WIDTHS if name not in PLANNER or name in self.planner]
        more = [name for name in ("more_weights", "more_values") if name in self.planner]
        return {
            "time_s": (),
            "ego": (len(EgoRow),),
            "actors": (len(ActorRow), self.actors),
            "road": (len(RoadRow),),
            "route": (len(RouteRow),),
            "points": (ROUTE_POINTS, 3),
            "events": (len(EventRow),),
            **{name: (TRACE_WIDTHS[name],) for name in given},
            "hint_issued_at_s": (),
            **({name: (len(self.more),) for name in ("more_reward_terms", *more)} if self.more else {}),
        }

    def places(self) -> dict[str, slice]:
        """Return where each of ``numbers`` lies in a world's row."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.numbers().values()]).tolist()
        return {name: slice(begin, end) for name, begin, end in zip(self.numbers(), [0, *ends], ends, strict=False)}

    def fields(self) -> dict[str, tuple[Shape, str]]:
        """Return shape and type of each array of a slot."""
        width = sum(int(np.prod(shape)) for shape in self.numbers().values())
        return {
            "phase": ((self.worlds,), "|i1"),
            "whole": ((self.worlds, len(WHOLE)), "<i8"),
            "numbers": ((self.worlds, width), "<f8"),
            "observation": ((self.worlds, self.observation), "<f4"),
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
        self._views = self._named_views(layout)

    def _named_views(self, layout: SlotLayout) -> Arrays:
        """Return ``(capacity, B, ...)`` of everything in a slot by its own name."""
        numbers, lead = self.arrays["numbers"], (self.capacity, layout.worlds)
        places, shapes = layout.places(), layout.numbers()
        views = {name: numbers[:, :, place].reshape(*lead, *shapes[name], copy=False) for name, place in places.items()}
        views |= {name: self.arrays["whole"][:, :, place] for place, name in enumerate(WHOLE)}
        return views | {"observation": self.arrays["observation"]}

    @property
    def full(self) -> bool:
        """Whether there is no room left."""
        return self.used >= self.capacity

    def add(self, phase: npt.NDArray[Any], scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Copy the tick of every world."""
        self.arrays["phase"][self.used] = phase
        for name, array in (*scene_parts(scene), *numbers.items()):
            self._views[name][self.used] = array
        first = phase == Phase.FIRST
        if first.any():
            for name in DONE:
                if name in self._views:
                    self._views[name][self.used][first] = 0.0
        self.used += 1

    def add_rows(self, rows: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]]) -> None:
        """Copy the ticks of the worlds ``rows`` (n) of ``scene`` (B); ``numbers`` are ``(n, ...)``."""
        slot = self.used
        self.arrays["phase"][slot] = Phase.NOTHING
        self.arrays["phase"][slot, rows] = Phase.TICK
        for name, array in scene_parts(scene):
            self._views[name][slot, rows] = array[rows]
        for name, array in numbers.items():
            self._views[name][slot, rows] = array
        self.used += 1

    def filled(self) -> Arrays:
        """Return views of the used slots."""
        return {name: array[: self.used] for name, array in self.arrays.items()}


def scene_parts(scene: SceneBatch) -> tuple[tuple[str, npt.NDArray[Any]], ...]:
    """Return the arrays of a scene, worlds first, by their names in a slot."""
    return (
        ("time_s", scene.time_s),
        ("step", scene.step),
        ("cell", scene.cell),
        ("seed", scene.seed),
        ("ego", scene.ego.block.T),
        ("actors", scene.actors.block.swapaxes(0, 1)),
        ("road", scene.road.block.T),
        ("route", scene.route.block.T),
        ("points", scene.route.points),
        ("events", scene.events.block.T),
    )
