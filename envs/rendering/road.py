"""The static part of a picture: a RoadDrawing as coloured polygons and lines, culled by distance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from envs.rendering.panel import Colour
from envs.roads.drawing import RoadDrawing, Stroke
from envs.scene import FloatArray

GROUND: Colour = (24, 28, 34)
MARK_WIDTH_M = 0.16
DOUBLE_MARK_GAP_M = 0.28
"""Distance between the middles of the two lines of a double mark (m; ours)."""

DASH_M, GAP_M = 4.0, 5.0
_AREA_COLOURS: dict[str, Colour] = {
    "driving": (56, 61, 69),
    "shoulder": (46, 51, 58),
    "parking": (66, 70, 80),
    "sidewalk": (88, 92, 99),
    "biking": (74, 62, 60),
    "median": (40, 52, 46),
    "crosswalk": (104, 109, 117),
    "other": (37, 42, 48),
}
_MARK_COLOURS: dict[str, Colour] = {"yellow": (234, 190, 76), "red": (220, 80, 70), "blue": (96, 150, 230)}
_WHITE: Colour = (214, 218, 224)
_EDGE_COLOUR: Colour = (128, 134, 143)


@dataclass(frozen=True, slots=True)
class RoadShape:
    """A line or polygon ready to draw: ``points`` (n, 2) m, ``low``/``high`` (2,) its bounds, ``width_m`` of a line."""

    points: FloatArray
    low: FloatArray
    high: FloatArray
    colour: Colour
    width_m: float = 0.0


def surfaces(drawing: RoadDrawing) -> list[RoadShape]:
    """Return the polygons of a road, bottom to top."""
    colours = ((area, _AREA_COLOURS.get(area.kind, _AREA_COLOURS["other"])) for area in drawing.areas)
    return [_shape(area.points, colour, 0.0) for area, colour in colours if len(area.points) >= 3]


def marks(drawing: RoadDrawing) -> list[RoadShape]:
    """Return the lines of a road; a broken line becomes its dashes once, here."""
    shapes: list[RoadShape] = []
    for stroke in drawing.strokes:
        for pattern, points in painted_lines(stroke):
            pieces = dashes(points, DASH_M, GAP_M) if pattern == "broken" else [points]
            colour = _EDGE_COLOUR if pattern == "edge" else _MARK_COLOURS.get(stroke.color, _WHITE)
            shapes += [_shape(piece, colour, MARK_WIDTH_M) for piece in pieces]
    return shapes


def painted_lines(stroke: Stroke) -> list[tuple[str, FloatArray]]:
    """Return the single lines of a stroke as (pattern, points): solid, broken or edge; a double mark is two lines."""
    if len(stroke.points) < 2:
        return []
    if stroke.kind in ("curb", "edge"):
        return [("edge", stroke.points)]
    # OpenDRIVE names the two lines of a double mark from the inside of the road to its outside; which of them is on
    # the left depends on the side of the road. A picture may show them swapped, the traffic rules never read this.
    patterns = ["broken" if word == "broken" else "solid" for word in stroke.kind.split("_")]
    if len(patterns) == 1:
        return [(patterns[0], stroke.points)]
    aside = 0.5 * DOUBLE_MARK_GAP_M * _normals(stroke.points)
    return [(patterns[0], stroke.points + aside), (patterns[1], stroke.points - aside)]


def dashes(points: FloatArray, dash_m: float, gap_m: float) -> Iterator[FloatArray]:
    """Cut a polyline ``(n, 2)`` into dashes of ``dash_m`` with gaps of ``gap_m``, metres of arc length."""
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    for start in np.arange(0.0, arc[-1], dash_m + gap_m):
        end = min(start + dash_m, arc[-1])
        stations = np.concatenate([[start], arc[(arc > start) & (arc < end)], [end]])
        yield np.column_stack([np.interp(stations, arc, points[:, 0]), np.interp(stations, arc, points[:, 1])])


def near(shapes: Sequence[RoadShape], centre: tuple[float, float], reach_m: float) -> Iterator[RoadShape]:
    """Yield the shapes whose bounding box meets the square of ``reach_m`` around ``centre`` (m)."""
    middle = np.asarray(centre)
    low, high = middle - reach_m, middle + reach_m
    for shape in shapes:
        if shape.low[0] <= high[0] and shape.low[1] <= high[1] and shape.high[0] >= low[0] and shape.high[1] >= low[1]:
            yield shape


def _shape(points: FloatArray, colour: Colour, width_m: float) -> RoadShape:
    return RoadShape(points, points.min(axis=0), points.max(axis=0), colour, width_m)


def _normals(points: FloatArray) -> FloatArray:
    """Return unit normals ``(n, 2)`` to the left of a polyline."""
    along = np.gradient(points, axis=0)
    lengths = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
    return np.column_stack([-along[:, 1], along[:, 0]]) / lengths[:, None]
