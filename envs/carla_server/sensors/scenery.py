"""A map seen from above as a grid of semantic tags: roads, road lines, sidewalks, and terrain elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from envs.carla_server.wire import Tag
from envs.compiled import njit
from envs.roads.drawing import RoadDrawing
from envs.scene import FloatArray

CELL_M = 0.2
"""Side of a cell (m); coarser for maps that would have more than ``MOST_CELLS``."""

MOST_CELLS = 40_000_000
LINE_M, DASH_M, GAP_M = 0.16, 3.0, 4.5
"""Width of lines, length of the dashes of broken ones and of the gaps between them (m; ours)."""

_TAGS = {"sidewalk": Tag.SIDEWALKS, "median": Tag.GROUND, "other": Tag.TERRAIN, "crosswalk": Tag.ROAD_LINES}
Grid = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scenery:
    """Tags ``(rows, columns)`` of the cells; the corner of the first one (m) and their side (m)."""

    tags: Grid
    corner: FloatArray
    cell_m: float

    @classmethod
    def of(cls, drawing: RoadDrawing) -> Scenery:
        """Return the grid of what is to be drawn of a map."""
        x_min, y_min, x_max, y_max = drawing.bounds()
        area = max((x_max - x_min) * (y_max - y_min), 1.0)
        cell = max(CELL_M, float(np.sqrt(area / MOST_CELLS)))
        tags = np.full((int((y_max - y_min) / cell) + 2, int((x_max - x_min) / cell) + 2), Tag.TERRAIN, dtype=np.uint8)
        scenery = cls(tags, np.array([x_min, y_min]), cell)
        for item in drawing.areas:
            scenery._fill(item.points, int(_TAGS.get(item.kind, Tag.ROADS)))
        for stroke in drawing.strokes:
            if stroke.kind not in ("curb", "edge"):
                scenery._draw(stroke.points, "broken" in stroke.kind)
        return scenery

    def _fill(self, outline: FloatArray, tag: int) -> None:
        points = (outline - self.corner) / self.cell_m
        fill_polygon(self.tags, points, tag, np.empty(len(points) + 1))

    def _draw(self, points: FloatArray, broken: bool) -> None:
        lengths = np.hypot(*np.diff(points, axis=0).T)
        along = np.concatenate([[0.0], np.cumsum(lengths)])
        s = np.arange(0.0, along[-1], 0.5 * self.cell_m)
        if broken:
            s = s[s % (DASH_M + GAP_M) < DASH_M]
        for aside in np.arange(-0.5 * LINE_M, 0.5 * LINE_M + 1e-9, 0.5 * LINE_M):
            x, y = np.interp(s, along, points[:, 0]), np.interp(s, along, points[:, 1])
            column = ((x + aside - self.corner[0]) / self.cell_m).astype(np.int64)
            row = ((y + aside - self.corner[1]) / self.cell_m).astype(np.int64)
            inside = (row >= 0) & (row < self.tags.shape[0]) & (column >= 0) & (column < self.tags.shape[1])
            self.tags[row[inside], column[inside]] = Tag.ROAD_LINES


@njit
def fill_polygon(tags: Grid, points: FloatArray, tag: int, crossings: FloatArray) -> None:
    """Set the cells whose centre is inside an outline ``points`` (n, 2) (in cells); scratch ``crossings`` (n + 1,)."""
    low, high = points[0, 1], points[0, 1]
    for k in range(len(points)):
        low, high = min(low, points[k, 1]), max(high, points[k, 1])
    for row in range(max(int(low), 0), min(int(high) + 1, tags.shape[0])):
        y, count = row + 0.5, 0
        for k in range(len(points)):
            x0, y0 = points[k - 1, 0], points[k - 1, 1]
            x1, y1 = points[k, 0], points[k, 1]
            if (y0 <= y) != (y1 <= y):
                crossings[count] = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
                count += 1
        for k in range(1, count):  # insertion sort: there are few
            value, place = crossings[k], k
            while place > 0 and crossings[place - 1] > value:
                crossings[place] = crossings[place - 1]
                place -= 1
            crossings[place] = value
        for k in range(0, count - 1, 2):
            first, last = int(np.ceil(crossings[k] - 0.5)), int(np.floor(crossings[k + 1] - 0.5))
            for column in range(max(first, 0), min(last + 1, tags.shape[1])):
                tags[row, column] = tag
