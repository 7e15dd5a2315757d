"""Reading of a road's plan view: the pieces of its reference line."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from envs.roads.attributes import number
from envs.roads.elements import (
    Arc,
    Geometry,
    Line,
    OpenDriveError,
    ParamPoly3,
    Poly3,
    Shape,
    Spiral,
)

MAX_ROAD_M = 100_000.0
"""Longest road that is read (m); a larger number is a typing error, and would cost unbounded memory."""


def read_plan_view(plan_view: Element, road_length: float, where: str) -> tuple[Geometry, ...]:
    """Return the pieces in the order of s; they must begin at 0 and end where the road does."""
    pieces = sorted((_geometry(item, where) for item in plan_view.findall("geometry")), key=lambda piece: piece.s)
    if not pieces:
        raise OpenDriveError(f"{where}: <planView> has no <geometry>")
    end = pieces[-1].s + pieces[-1].length
    if abs(end - road_length) > max(1.0, 0.01 * road_length):
        raise OpenDriveError(f"{where}: length is {road_length:g} m, but its plan view ends at {end:g} m")
    if abs(pieces[0].s) > 1.0:
        raise OpenDriveError(f"{where}: its plan view starts at {pieces[0].s:g} m, expected 0")
    return tuple(pieces)


def _geometry(element: Element, road: str) -> Geometry:
    s = number(element, "s", f"{road}: geometry")
    where = f"{road}: geometry at s={s:g}"
    length = number(element, "length", where)
    if not 0.0 < length <= MAX_ROAD_M:
        raise OpenDriveError(f"{where}: length is {length:g} m, allowed is more than 0 and at most {MAX_ROAD_M:g} m")
    x, y, heading = (number(element, key, where) for key in ("x", "y", "hdg"))
    return Geometry(s, x, y, heading, length, _shape(element, where))


def _shape(element: Element, where: str) -> Shape:
    shapes = [child for child in element if child.tag != "userData"]
    if not shapes:
        raise OpenDriveError(f"{where}: no shape; allowed are line, arc, spiral, poly3 and paramPoly3")
    shape = shapes[0]
    match shape.tag:
        case "line":
            return Line()
        case "arc":
            return Arc(number(shape, "curvature", where))
        case "spiral":
            return Spiral(number(shape, "curvStart", where), number(shape, "curvEnd", where))
        case "poly3":
            return Poly3(_coefficients(shape, "", where))
        case "paramPoly3":
            kind = shape.get("pRange", "normalized")
            if kind not in ("normalized", "arcLength"):
                raise OpenDriveError(f"{where}: pRange is {kind!r}, allowed are normalized and arcLength")
            return ParamPoly3(_coefficients(shape, "U", where), _coefficients(shape, "V", where), kind == "normalized")
    raise OpenDriveError(f"{where}: unknown shape <{shape.tag}>; allowed are line, arc, spiral, poly3 and paramPoly3")


def _coefficients(element: Element, suffix: str, where: str) -> tuple[float, float, float, float]:
    a, b, c, d = (number(element, letter + suffix, where) for letter in "abcd")
    return a, b, c, d
