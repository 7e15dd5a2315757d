"""RoadDrawing: what a renderer or a viewer draws of a map, as plain polylines and polygons in metres."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.scene import BoolArray, FloatArray

AREA_KINDS = ("driving", "shoulder", "parking", "sidewalk", "biking", "median", "crosswalk", "other")
"""Kinds of ``Area``, bottom to top where they overlap: draw in this order."""

STROKE_KINDS = ("solid", "broken", "solid_solid", "solid_broken", "broken_solid", "broken_broken", "curb", "edge")
"""Kinds of ``Stroke``; ``edge`` is the border of the driving lanes where no mark is painted."""


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """A line to draw: ``kind`` from ``STROKE_KINDS``, ``color`` (white, yellow, ...), ``points`` ``(n, 2)`` (m)."""

    kind: str
    color: str
    points: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """A polygon to fill: ``kind`` from ``AREA_KINDS``, ``points`` ``(n, 2)`` its outline (m), not closed."""

    kind: str
    points: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class GateLine:
    """A stop line: ``kind`` (signal, stop, yield), ``points`` ``(2, 2)`` (m).

    ``program`` ``(4,)`` of a signal (``controls.ProgramColumn``, s) and the number of its ``plan``; else empty and -1.
    ``shown`` ``(n, 2)`` what a signal of a recording showed instead: from when (s), which ``SignalState``.
    """

    kind: str
    points: FloatArray
    program: FloatArray
    plan: int
    shown: FloatArray = field(default_factory=lambda: np.zeros((0, 2)))


@dataclass(frozen=True, slots=True, eq=False)
class RoadDrawing:
    """Areas (bottom to top), strokes (over them) and stop lines of a map."""

    areas: tuple[Area, ...]
    strokes: tuple[Stroke, ...]
    gates: tuple[GateLine, ...] = ()

    def bounds(self) -> tuple[float, float, float, float]:
        """Return (x_min, y_min, x_max, y_max) of everything, metres; zeros for an empty drawing."""
        if not self.areas and not self.strokes:
            return 0.0, 0.0, 0.0, 0.0
        outlines = [area.points for area in self.areas] + [stroke.points for stroke in self.strokes]
        points = np.concatenate(outlines)
        low, high = points.min(axis=0), points.max(axis=0)
        return float(low[0]), float(low[1]), float(high[0]), float(high[1])

    def to_lists(self, digits: int = 2) -> dict[str, list[dict[str, Any]]]:
        """Return lists, strings and numbers only (for JSON); coordinates rounded to ``digits``."""
        areas = [{"kind": item.kind, "points": np.round(item.points, digits).tolist()} for item in self.areas]
        strokes = [
            {"kind": item.kind, "color": item.color, "points": np.round(item.points, digits).tolist()}
            for item in self.strokes
        ]
        gates = [
            {"kind": item.kind, "points": np.round(item.points, digits).tolist(), "program": item.program.tolist(),
             "plan": item.plan, "shown": item.shown.tolist()}
            for item in self.gates
        ]  # fmt: skip
        return {"areas": areas, "strokes": strokes, "gates": gates}

    @classmethod
    def from_lists(cls, lists: dict[str, list[dict[str, Any]]]) -> RoadDrawing:
        """Inverse of ``to_lists``."""
        return cls(
            tuple(Area(item["kind"], _points(item["points"])) for item in lists["areas"]),
            tuple(Stroke(item["kind"], item["color"], _points(item["points"])) for item in lists["strokes"]),
            tuple(
                GateLine(item["kind"], _points(item["points"]), np.asarray(item["program"], float), int(item["plan"]),
                         _points(item.get("shown", ())))
                for item in lists.get("gates", ())
            ),
        )  # fmt: skip


def _points(points: Any) -> FloatArray:
    return np.asarray(points, dtype=np.float64).reshape(-1, 2)


def simplified(points: FloatArray, tolerance_m: float = 0.03) -> FloatArray:
    """Return the polyline ``(n, 2)`` with the points left out that lie within the tolerance (Douglas-Peucker)."""
    keep: BoolArray = np.zeros(len(points), dtype=np.bool_)
    keep[[0, -1]] = True
    open_spans = [(0, len(points) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        chord = points[last] - points[first]
        inner = points[first + 1 : last] - points[first]
        length = float(np.hypot(chord[0], chord[1]))
        if length > 1e-9:
            away = np.abs(inner[:, 0] * chord[1] - inner[:, 1] * chord[0]) / length
        else:
            away = np.hypot(inner[:, 0], inner[:, 1])
        worst = int(np.argmax(away))
        if away[worst] > tolerance_m:
            middle = first + 1 + worst
            keep[middle] = True
            open_spans += [(first, middle), (middle, last)]
    kept: FloatArray = points[keep]
    return kept
