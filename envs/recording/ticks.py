"""What a batch recorder copies: a tick as a row of three raw arrays, of whole numbers, numbers and the observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording.schema import TRACE_WIDTHS, checked_more
from envs.scene import ROUTE_POINTS, ActorRow, BoolArray, EgoRow, EventRow, IntArray, RoadRow, RouteRow, SceneBatch

Arrays = dict[str, npt.NDArray[Any]]
Shape = tuple[int, ...]

WHOLE = ("step", "cell", "seed", "hint_source")
"""Whole numbers of a tick, in their order in the array ``whole``."""

PLANNER = ("weights", "values", "distribution", "more_weights", "more_values")
"""Numbers that only some planners have."""

DONE = ("action", "control", "reward_terms", "more_reward_terms")
"""What led to a scene, and so is nothing in a drive's first."""


@dataclass(frozen=True, slots=True)
class TickLayout:
    """Sizes of a tick: ``actors`` A, ``observation`` n, and which of ``PLANNER`` there are.

    ``more``: names of the critics beside the three.
    """

    actors: int
    observation: int
    planner: tuple[str, ...] = ()
    more: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse sizes that are none."""
        sizes = (self.actors, self.observation)
        if not all(isinstance(size, int) for size in sizes) or min(sizes) < 0:
            raise ValueError(f"a tick of {self.actors} actors, {self.observation} numbers")
        if not set(self.planner) <= set(PLANNER):
            raise ValueError(f"arrays {sorted(self.planner)} of a planner; there are {', '.join(PLANNER)}")
        checked_more(self.more)

    def numbers(self) -> dict[str, Shape]:
        """Return the shape of everything in the array ``numbers``, in its order there."""
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

    def fields(self) -> Mapping[str, tuple[Shape, str]]:
        """Return shape and type of each array of a tick."""
        return _fields_of(self)

    @property
    def bytes(self) -> int:
        """Bytes of a tick."""
        return sum(int(np.prod(shape)) * np.dtype(kind).itemsize for shape, kind in self.fields().values())


@lru_cache(maxsize=8)
def _fields_of(layout: TickLayout) -> Mapping[str, tuple[Shape, str]]:
    width = sum(int(np.prod(shape)) for shape in layout.numbers().values())
    return MappingProxyType(
        {
            "whole": ((len(WHOLE),), "<i8"),
            "numbers": ((width,), "<f8"),
            "observation": ((layout.observation,), "<f4"),
        }
    )


@lru_cache(maxsize=8)
def places_of(layout: TickLayout) -> Mapping[str, slice]:
    """Return where each of ``layout.numbers()`` lies in a row."""
    shapes = layout.numbers()
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes.values()]).tolist()
    return {name: slice(begin, end) for name, begin, end in zip(shapes, [0, *ends], ends, strict=False)}


class Moment:
    """Room for one tick of each of ``worlds`` worlds: put together here, and from here to where their drives lie."""

    def __init__(self, layout: TickLayout, worlds: int) -> None:
        self.arrays: Arrays = {
            name: np.zeros((worlds, *shape), kind) for name, (shape, kind) in layout.fields().items()
        }
        self._views = self._named_views(layout, worlds)

    def _named_views(self, layout: TickLayout, worlds: int) -> Arrays:
        """Return ``(worlds, ...)`` of everything in a tick by its own name."""
        numbers, shapes = self.arrays["numbers"], layout.numbers()
        views = {
            name: numbers[:, place].reshape(worlds, *shapes[name], copy=False)
            for name, place in places_of(layout).items()
        }
        views |= {name: self.arrays["whole"][:, place] for place, name in enumerate(WHOLE)}
        return views | {"observation": self.arrays["observation"]}

    def copy(
        self, worlds: IntArray, scene: SceneBatch, numbers: Mapping[str, npt.NDArray[Any]], first: BoolArray
    ) -> Arrays:
        """Copy a tick of each of ``worlds`` (n,), in order, of ``scene`` (B); return it as arrays ``(n, ...)``.

        ``numbers`` are ``(n, ...)`` by name; nothing was done to arrive in those ticks that are a drive's ``first``.
        """
        count = len(worlds)
        everyone = count == scene.batch_size
        for name, array in scene_parts(scene):
            self._views[name][:count] = array if everyone else array[worlds]
        for name, array in numbers.items():
            self._views[name][:count] = array
        if first.any():
            for name in DONE:
                if name in self._views:
                    self._views[name][:count][first] = 0.0
        return {name: array[:count] for name, array in self.arrays.items()}


def scene_parts(scene: SceneBatch) -> tuple[tuple[str, npt.NDArray[Any]], ...]:
    """Return the arrays of a scene, worlds first, by their names in a tick."""
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
