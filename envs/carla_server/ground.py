"""The ground below an actor: the nearest lane, its height and speed limit, found on a grid of the lanes' samples."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin
from typing import NamedTuple

import numpy as np

from envs.compiled import njit
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.scene import FloatArray, IntArray

CELL_M = 8.0
OTHER_LEVEL_M = 3.0
"""A lane that is farther away in height than this is another level (m)."""
_PENALTY = 1e5


class GridArrays(NamedTuple):
    """The grid for kernels.

    ``corner`` (2,) of the grid (m); ``shape`` (2,) cells along x and y; ``first`` (cells + 1,) rows of ``items``, which
    are rows of ``samples`` (P, 7); ``height`` (P,) (m); ``lane_of`` (P,); ``slope`` (P,) rise per metre along the lane.
    """

    corner: FloatArray
    shape: IntArray
    first: IntArray
    items: IntArray
    samples: FloatArray
    height: FloatArray
    lane_of: IntArray
    slope: FloatArray


@dataclass(frozen=True, slots=True)
class Ground:
    """The grid of a map's driving lanes."""

    arrays: GridArrays
    speed_limit: FloatArray

    @classmethod
    def of(cls, graph: LaneGraph) -> Ground:
        """Return the grid of a lane graph."""
        places = graph.samples[:, :2]
        corner = places.min(axis=0) - CELL_M
        cells = np.floor((places - corner) / CELL_M).astype(np.int64)
        shape = cells.max(axis=0) + 2
        flat = cells[:, 0] * shape[1] + cells[:, 1]
        items = np.argsort(flat, kind="stable")
        first = np.searchsorted(flat[items], np.arange(shape[0] * shape[1] + 1))
        lane_of = np.repeat(np.arange(graph.lane_count), np.diff(graph.start))
        arrays = GridArrays(
            corner, shape, first.astype(np.int64), items, graph.samples, graph.height, lane_of, _slopes(graph)
        )
        return cls(arrays, graph.speed_limit)

    def height_at(self, x: float, y: float, z: float) -> float:
        """Return the height of the road nearest to a point (m); ``z`` itself where there is none near."""
        sample = nearest_sample(self.arrays, x, y, 0.0, False, z)
        return z if sample < 0 else height_near(self.arrays, sample, x, y)


def _slopes(graph: LaneGraph) -> FloatArray:
    slope = np.zeros(len(graph.height))
    for lane in range(graph.lane_count):
        first, last = graph.start[lane], graph.start[lane + 1]
        if last - first > 1:
            slope[first:last] = np.gradient(graph.height[first:last], graph.step[lane])
    return slope


@njit
def nearest_sample(grid: GridArrays, x: float, y: float, heading: float, oriented: bool, z: float) -> int:
    """Return the row of the nearest sample within about a cell (-1: none).

    ``oriented``: of a lane that runs within 90 degrees of ``heading`` (rad) if there is one. ``z`` tells levels apart.
    """
    column, line = int((x - grid.corner[0]) // CELL_M), int((y - grid.corner[1]) // CELL_M)
    c, s = cos(heading), sin(heading)
    best, found = 1e18, -1
    for i in range(max(column - 1, 0), min(column + 2, grid.shape[0])):
        for j in range(max(line - 1, 0), min(line + 2, grid.shape[1])):
            cell = i * grid.shape[1] + j
            for k in range(grid.first[cell], grid.first[cell + 1]):
                sample = grid.items[k]
                dx, dy = grid.samples[sample, SampleColumn.X] - x, grid.samples[sample, SampleColumn.Y] - y
                cost = dx * dx + dy * dy
                if oriented:
                    way = grid.samples[sample, SampleColumn.HEADING]
                    if cos(way) * c + sin(way) * s < 0.0:
                        cost += _PENALTY
                if abs(grid.height[sample] - z) > OTHER_LEVEL_M:
                    cost += 2.0 * _PENALTY
                if cost < best:
                    best, found = cost, sample
    return found


@njit
def height_near(grid: GridArrays, sample: int, x: float, y: float) -> float:
    """Return the height of the road at a point beside a sample (m)."""
    way = grid.samples[sample, SampleColumn.HEADING]
    dx, dy = x - grid.samples[sample, SampleColumn.X], y - grid.samples[sample, SampleColumn.Y]
    along = dx * cos(way) + dy * sin(way)
    return float(grid.height[sample] + grid.slope[sample] * min(max(along, -2.0), 2.0))
