"""Our reader of OpenDRIVE 1.4: XML text to the dataclasses of ``elements.py``.

It reads what driving needs and nothing else. Whatever is wrong with a file is said in one
``OpenDriveError`` line that names the element.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar
from xml.etree.ElementTree import Element

import numpy as np

from envs.roads.attributes import child, integer, number, text
from envs.roads.elements import (
    Connection,
    Controller,
    Junction,
    Lane,
    LaneSection,
    OpenDrive,
    OpenDriveError,
    Road,
    RoadLink,
    RoadMark,
    RoadType,
    SpeedRecord,
)
from envs.roads.opendrive_objects import read_crosswalks, read_stop_lines
from envs.roads.opendrive_plan import MAX_ROAD_M, read_plan_view
from envs.roads.opendrive_signals import (
    check_signals,
    read_controller,
    read_junction_controllers,
    read_priorities,
    read_signal_references,
    read_signals,
    signals_face_traffic,
)
from envs.scene import FloatArray

MAX_MAP_M = 2_000_000.0
"""Largest sum of road lengths (m)."""

_SPEED_UNITS = {"": 1.0, "m/s": 1.0, "km/h": 1.0 / 3.6, "mph": 0.44704}
_NO_LIMIT = ("no limit", "undefined")
_CONTACTS = ("start", "end")

Item = TypeVar("Item", Road, Junction, Controller)


def read_opendrive(path: Path | str) -> OpenDrive:
    """Read the file at ``path``; its stem becomes the map's name."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OpenDriveError(f"cannot read the map {path}: {error.strerror or error}") from None
    return parse_opendrive(content, path.stem)


def parse_opendrive(content: bytes | str, name: str) -> OpenDrive:
    """Return the map in the XML text ``content``; every problem is an ``OpenDriveError`` of one line."""
    try:
        root = _root(content)
        facing = signals_face_traffic(root)
        with np.errstate(all="ignore"):
            roads = _unique("road", [_road(item, facing) for item in root.findall("road")])
        junctions = _unique("junction", map(_junction, root.findall("junction")))
        controllers = _unique("controller", map(read_controller, root.findall("controller")))
        _check_whole(roads, junctions)
        check_signals(roads, junctions, controllers)
    except OpenDriveError as error:
        raise OpenDriveError(f"map {name}: {error}") from None
    return OpenDrive(name, roads, junctions, controllers, root.findtext("header/geoReference", "").strip())


def _root(content: bytes | str) -> Element:
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise OpenDriveError(f"not well-formed XML: {error}") from None
    for element in root.iter():
        element.tag = str(element.tag).rpartition("}")[2]
    if root.tag != "OpenDRIVE":
        raise OpenDriveError(f"the root element is <{root.tag}>, expected <OpenDRIVE>")
    return root


def _check_whole(roads: dict[str, Road], junctions: dict[str, Junction]) -> None:
    if not roads:
        raise OpenDriveError("no <road> element")
    total = sum(road.length for road in roads.values())
    if total > MAX_MAP_M:
        raise OpenDriveError(f"roads of {total:.6g} m together, at most {MAX_MAP_M:.6g} m are read")
    for road in roads.values():
        for side, link in (("predecessor", road.predecessor), ("successor", road.successor)):
            if link and link.element_id not in (junctions if link.is_junction else roads):
                kind = "junction" if link.is_junction else "road"
                raise OpenDriveError(f"road {road.id}: {side} names {kind} {link.element_id!r}, which is not there")
    for junction in junctions.values():
        for connection in junction.connections:
            for road_id in (connection.incoming_road, connection.connecting_road):
                if road_id not in roads:
                    raise OpenDriveError(f"junction {junction.id}: a connection names road {road_id!r}, not there")


def _road(element: Element, facing: bool) -> Road:
    road_id = text(element, "id", "road")
    where = f"road {road_id}"
    length = number(element, "length", where)
    if not 0.0 < length <= MAX_ROAD_M:
        raise OpenDriveError(f"{where}: length is {length:g} m, allowed is more than 0 and at most {MAX_ROAD_M:g} m")
    if element.get("rule", "RHT") != "RHT":
        raise OpenDriveError(f"{where}: rule is {element.get('rule')!r}, only right-hand traffic (RHT) is supported")
    lanes = child(element, "lanes", where)
    geometries = read_plan_view(child(element, "planView", where), length, where)
    return Road(
        id=road_id,
        name=element.get("name", ""),
        length=length,
        junction=element.get("junction", "-1"),
        predecessor=_road_link(element.find("link/predecessor"), where),
        successor=_road_link(element.find("link/successor"), where),
        types=_road_types(element, where),
        geometries=geometries,
        lane_offsets=_cubics(lanes.findall("laneOffset"), "s", where),
        sections=_sections(lanes, length, where),
        crosswalks=read_crosswalks(element, geometries, where),
        signals=read_signals(element, where, facing),
        signal_references=read_signal_references(element, where, facing),
        stop_lines=read_stop_lines(element, where),
        elevation=_cubics(element.findall("elevationProfile/elevation"), "s", where),
    )


def _road_link(element: Element | None, where: str) -> RoadLink | None:
    if element is None:
        return None
    kind = element.get("elementType", "road")
    if kind not in ("road", "junction"):
        raise OpenDriveError(f"{where}: link to an element of type {kind!r}, allowed are road and junction")
    contact = element.get("contactPoint", "")
    if kind == "road" and contact not in _CONTACTS:
        raise OpenDriveError(f"{where}: link with contactPoint {contact!r}, allowed are start and end")
    return RoadLink(kind == "junction", text(element, "elementId", f"{where}: {element.tag}"), contact)


def _road_types(element: Element, where: str) -> tuple[RoadType, ...]:
    types = []
    for item in element.findall("type"):
        speed = item.find("speed")
        limit = None if speed is None else _speed(speed, f"{where}: type")
        types.append(RoadType(number(item, "s", f"{where}: type", 0.0), item.get("type", "unknown"), limit))
    return tuple(sorted(types, key=lambda record: record.s))


def _speed(element: Element, where: str) -> float | None:
    """Return the limit in m/s; None where the file leaves it open."""
    if element.get("max", "") in _NO_LIMIT:
        return None
    unit = element.get("unit", "")
    if unit not in _SPEED_UNITS:
        raise OpenDriveError(f"{where}: speed unit {unit!r}, allowed are m/s, km/h and mph")
    limit = number(element, "max", f"{where}: speed") * _SPEED_UNITS[unit]
    if not 0.0 <= limit <= 150.0:
        raise OpenDriveError(f"{where}: speed limit of {limit:g} m/s, allowed is 0 to 150 m/s")
    return limit if limit > 0.0 else None


def _cubics(elements: Iterable[Element], key: str, where: str) -> FloatArray:
    """Return ``(n, 5)``: start (m), a, b, c, d, sorted by start."""
    rows = [[number(item, name, f"{where}: {item.tag}") for name in (key, "a", "b", "c", "d")] for item in elements]
    return np.array(sorted(rows), dtype=np.float64).reshape(-1, 5)


def _sections(lanes: Element, road_length: float, where: str) -> tuple[LaneSection, ...]:
    elements = lanes.findall("laneSection")
    starts = [number(item, "s", f"{where}: laneSection") for item in elements]
    if not elements:
        raise OpenDriveError(f"{where}: no <laneSection>")
    if starts != sorted(set(starts)) or abs(starts[0]) > 1e-3 or starts[-1] >= road_length:
        listed = ", ".join(f"{s:g}" for s in starts[:6])
        raise OpenDriveError(f"{where}: lane sections start at {listed}; expected 0 first, ascending, below its length")
    ends = [*starts[1:], road_length]
    return tuple(
        LaneSection(start, end, _lanes(item, f"{where}: laneSection at s={start:g}"))
        for item, start, end in zip(elements, starts, ends, strict=True)
    )


def _lanes(section: Element, where: str) -> dict[int, Lane]:
    found = {}
    for side, allowed in (("left", range(1, 1000)), ("center", range(1)), ("right", range(-999, 0))):
        for element in section.findall(f"{side}/lane"):
            lane = _lane(element, where)
            if lane.id not in allowed or lane.id in found:
                raise OpenDriveError(f"{where}: lane {lane.id} is twice there or on the wrong side (<{side}>)")
            found[lane.id] = lane
    for sign in (1, -1):
        ids = sorted(abs(lane) for lane in found if lane * sign > 0)
        if ids != list(range(1, len(ids) + 1)):
            raise OpenDriveError(f"{where}: lane ids {[sign * lane for lane in ids]} leave a gap")
    return found


def _lane(element: Element, section: str) -> Lane:
    lane_id = integer(element, "id", f"{section}: lane")
    where = f"{section}: lane {lane_id}"
    speeds = [
        SpeedRecord(number(item, "sOffset", f"{where}: speed", 0.0), _speed(item, where))
        for item in element.findall("speed")
    ]
    return Lane(
        id=lane_id,
        kind=element.get("type", "none"),
        widths=_cubics(element.findall("width"), "sOffset", where),
        borders=_cubics(element.findall("border"), "sOffset", where),
        marks=tuple(sorted((_mark(item, where) for item in element.findall("roadMark")), key=lambda m: m.s_offset)),
        speeds=tuple(speeds),
        predecessor=_lane_link(element.find("link/predecessor"), where),
        successor=_lane_link(element.find("link/successor"), where),
    )


def _mark(element: Element, where: str) -> RoadMark:
    s_offset = number(element, "sOffset", f"{where}: roadMark", 0.0)
    color = element.get("color", "standard")
    change = element.get("laneChange", "")
    return RoadMark(s_offset, element.get("type", "none"), "white" if color == "standard" else color, change)


def _lane_link(element: Element | None, where: str) -> int | None:
    return None if element is None else integer(element, "id", f"{where}: {element.tag}")


def _junction(element: Element) -> Junction:
    junction_id = text(element, "id", "junction")
    where = f"junction {junction_id}"
    return Junction(
        id=junction_id,
        connections=tuple(_connection(item, f"{where}: connection") for item in element.findall("connection")),
        controllers=read_junction_controllers(element, where),
        priorities=read_priorities(element, where),
    )


def _connection(element: Element, where: str) -> Connection:
    contact = element.get("contactPoint", "")
    if contact not in _CONTACTS:
        raise OpenDriveError(f"{where}: contactPoint is {contact!r}, allowed are start and end")
    links = [(integer(link, "from", where), integer(link, "to", where)) for link in element.findall("laneLink")]
    return Connection(
        text(element, "incomingRoad", where), text(element, "connectingRoad", where), contact, tuple(links)
    )


def _unique(kind: str, items: Iterable[Item]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item in items:
        if item.id in found:
            raise OpenDriveError(f"{kind} {item.id} is there twice")
        found[item.id] = item
    return found
