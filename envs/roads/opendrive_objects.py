"""Reading of road objects: crosswalks and stop lines."""

from __future__ import annotations

import math
from xml.etree.ElementTree import Element

import numpy as np

from envs.roads.attributes import number
from envs.roads.cross_section import MAX_COORDINATE_M
from envs.roads.elements import Crosswalk, Geometry, OpenDriveError, StopLine
from envs.roads.geometry import evaluate_line
from envs.scene import FloatArray

_STOP_LINES = ("stopline", "stop line", "stop_line")
"""Beginnings of the (lower-case) names of stop lines: CARLA's towns write ``StopLine`` and no usable type."""


def read_crosswalks(road: Element, geometries: tuple[Geometry, ...], where: str) -> tuple[Crosswalk, ...]:
    """Return the crosswalks of a road; objects without an outline of three corners are left out."""
    found = []
    for element in road.findall("objects/object"):
        if element.get("type") != "crosswalk":
            continue
        inside = f"{where}: crosswalk"
        local, on_road = _corners(element, inside, "Local", "uv"), _corners(element, inside, "Road", "st")
        if len(local) >= 3:
            found.append(_crosswalk(_from_local(geometries, _pose(element, inside), local), inside))
        elif len(on_road) >= 3:
            found.append(_crosswalk(_from_road(geometries, on_road), inside))
    return tuple(found)


def _crosswalk(outline: FloatArray, where: str) -> Crosswalk:
    if not np.all(np.abs(outline) < MAX_COORDINATE_M):
        raise OpenDriveError(f"{where}: leaves the range of {MAX_COORDINATE_M:g} m")
    return Crosswalk(outline)


def read_stop_lines(road: Element, where: str) -> tuple[StopLine, ...]:
    """Return the painted stop lines of a road: objects of that name, or OpenDRIVE 1.6's ``signalLines``."""
    found = []
    for element in road.findall("objects/object"):
        named = element.get("name", "").lower().startswith(_STOP_LINES)
        if named or (element.get("type"), element.get("subtype")) == ("roadMark", "signalLines"):
            found.append(_stop_line(element, f"{where}: stop line"))
    return tuple(found)


def _stop_line(element: Element, where: str) -> StopLine:
    s, t, turn = _pose(element, where)
    corners = _corners(element, where, "Local", "uv")
    if len(corners) < 2:
        u, v = (0.5 * number(element, key, where, 0.0) for key in ("length", "width"))
        corners = np.array([[u, v], [u, -v], [-u, v], [-u, -v]])
    lateral = t + corners[:, 0] * math.sin(turn) + corners[:, 1] * math.cos(turn)
    return StopLine(s, float(lateral.min()), float(lateral.max()))


def _pose(element: Element, where: str) -> tuple[float, float, float]:
    """Return s, t (m) and the heading against the road's (rad) of an object."""
    return number(element, "s", where), number(element, "t", where), number(element, "hdg", where, 0.0)


def _corners(element: Element, where: str, frame: str, keys: str) -> FloatArray:
    rows = [[number(corner, key, where) for key in keys] for corner in element.iter(f"corner{frame}")]
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _from_local(geometries: tuple[Geometry, ...], pose: tuple[float, float, float], local: FloatArray) -> FloatArray:
    s, t, turn = pose
    line = evaluate_line(geometries, np.array([s]))
    heading = float(line.heading[0])
    origin = np.array([line.x[0] - t * math.sin(heading), line.y[0] + t * math.cos(heading)])
    cos, sin = math.cos(heading + turn), math.sin(heading + turn)
    outline: FloatArray = origin + local @ np.array([[cos, sin], [-sin, cos]])
    return outline


def _from_road(geometries: tuple[Geometry, ...], corners: FloatArray) -> FloatArray:
    s, t = corners.T
    line = evaluate_line(geometries, s)
    return np.stack([line.x - t * np.sin(line.heading), line.y + t * np.cos(line.heading)], axis=1)
