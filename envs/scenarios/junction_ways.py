"""The ways through the junctions of a map, from the lane before to the lane behind, and where two of them meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from envs.roads.conflicts import ConflictKind, find_conflicts
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scenarios.scenario import Placement


@dataclass(frozen=True, slots=True)
class Way:
    """A way through a junction.

    ``approach``, ``inner`` and ``exit`` its lanes; ``approach_m`` and ``inner_m`` their lengths; ``turn`` change of
    heading (rad, positive left) and ``heading_in`` at the entry; ``gate`` a ``GateKind`` and ``group`` its signals.
    """

    approach: int
    inner: tuple[int, ...]
    exit: int
    approach_m: float
    inner_m: float
    turn: float
    heading_in: float
    gate: int
    group: int

    @property
    def lanes(self) -> tuple[int, ...]:
        """All lanes in the order of driving."""
        return (self.approach, *self.inner, self.exit)


class JunctionWays:
    """All ways through the junctions of ``graph``."""

    def __init__(self, graph: LaneGraph) -> None:
        self._graph, self._conflicts = graph, find_conflicts(graph)
        self._ways = list(_find_ways(graph))
        self._of_lane = {lane: way for way in self._ways for lane in way.inner}

    def of_length(self, approach_m: float) -> Iterator[Way]:
        """Yield the ways whose lane before the junction has at least a length (m)."""
        return (way for way in self._ways if way.approach_m >= approach_m)

    def meeting(self, own: Way, kind: ConflictKind) -> Iterator[tuple[Way, int]]:
        """Yield the ways that meet ``own`` in a kind of conflict, with the priority of ``own`` (-1: it yields)."""
        for z in self._rows(own):
            if self._conflicts.kind[z] == kind:
                yield self._of_lane[int(self._conflicts.lane[z])], int(self._conflicts.priority[z])

    def placement(self, map_name: str, ways: Mapping[str, Way]) -> Placement:
        """Return the placement of named ways, of which "ego" is the ego's."""
        own = ways["ego"]
        return Placement(
            map_name,
            {name: way.lanes for name, way in ways.items()},
            {"entry": own.approach_m, "exit": own.approach_m + own.inner_m},
            {name: self._meet(own, way) for name, way in ways.items() if name != "ego"},
        )

    def _meet(self, own: Way, other: Way) -> tuple[float, float]:
        """Return where two ways meet, as distances from the beginning of either (m): the middle of the conflict."""
        z = next(z for z in self._rows(own) if self._conflicts.lane[z] in other.inner)
        c = self._conflicts
        mine, theirs = 0.5 * (c.own_from[z] + c.own_to[z]), 0.5 * (c.other_from[z] + c.other_to[z])
        lane = next(lane for lane in own.inner if c.start[lane] <= z < c.start[lane + 1])
        return self._before(own, lane) + float(mine), self._before(other, int(c.lane[z])) + float(theirs)

    def _before(self, way: Way, lane: int) -> float:
        inside = way.inner[: way.inner.index(lane)]
        return way.approach_m + float(self._graph.length[list(inside)].sum())

    def _rows(self, way: Way) -> list[int]:
        start = self._conflicts.start
        return [z for lane in way.inner for z in range(start[lane], start[lane + 1])]


def _find_ways(graph: LaneGraph) -> Iterator[Way]:
    """Yield every way; a junction's lane that forks inside goes on with its first successor."""
    for lane in np.flatnonzero(graph.junction >= 0).tolist():
        approach = int(graph.predecessors[lane, 0])
        if approach < 0 or graph.junction[approach] >= 0:
            continue
        inner = [lane]
        following = int(graph.successors[lane, 0])
        while following >= 0 and graph.junction[following] == graph.junction[lane]:
            inner.append(following)
            following = int(graph.successors[following, 0])
        if following < 0:
            continue
        headings = np.unwrap(np.concatenate([graph.lane_samples(i)[:, SampleColumn.HEADING] for i in inner]))
        yield Way(
            approach=approach,
            inner=tuple(inner),
            exit=following,
            approach_m=float(graph.length[approach]),
            inner_m=float(graph.length[inner].sum()),
            turn=float(headings[-1] - headings[0]),
            heading_in=float(headings[0]),
            gate=int(graph.controls.gate[lane]),
            group=int(graph.controls.group[lane]),
        )
