"""Which lane follows which: OpenDRIVE's lane links, road links and junction connections as pairs of lanes.

Every statement of the file joins two lane *ends*. It is read in both directions, so that a link which only one of the
two lanes mentions counts; a join of two ends that traffic both enters (or both leaves) is no way and is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from envs.roads.elements import Connection, Lane, OpenDrive, Road, RoadLink
from envs.roads.road_rules import is_driving

LaneKey = tuple[str, int, int]
"""Road id, index of the section, lane id."""

_End = tuple[LaneKey, str]


def lane_successions(opendrive: OpenDrive) -> set[tuple[LaneKey, LaneKey]]:
    """Return all pairs (lane, a lane that follows it) of driving lanes."""
    pairs = set()
    for first, second in _joins(opendrive):
        if not (_drives(opendrive, first[0]) and _drives(opendrive, second[0])):
            continue
        if _is_exit(first) and not _is_exit(second):
            pairs.add((first[0], second[0]))
        elif _is_exit(second) and not _is_exit(first):
            pairs.add((second[0], first[0]))
    return pairs


def _drives(opendrive: OpenDrive, key: LaneKey) -> bool:
    road, section, lane_id = key
    lane = opendrive.roads[road].sections[section].lanes.get(lane_id)
    return lane is not None and lane_id != 0 and is_driving(lane)


def _is_exit(end: _End) -> bool:
    """Say whether traffic leaves the lane here: right lanes (negative ids) run with s."""
    return (end[1] == "end") == (end[0][2] < 0)


def _joins(opendrive: OpenDrive) -> Iterator[tuple[_End, _End]]:
    for road in opendrive.roads.values():
        for index in range(len(road.sections) - 1):
            yield from _section_joins(road, index)
        yield from _road_joins(opendrive, road, road.predecessor, "start")
        yield from _road_joins(opendrive, road, road.successor, "end")
    for junction in opendrive.junctions.values():
        for connection in junction.connections:
            yield from _connection_joins(opendrive, connection)


def _section_joins(road: Road, index: int) -> Iterator[tuple[_End, _End]]:
    """Join section ``index`` with the next one of the same road."""
    for lane in road.sections[index].lanes.values():
        if lane.successor is not None:
            yield ((road.id, index, lane.id), "end"), ((road.id, index + 1, lane.successor), "start")
    for lane in road.sections[index + 1].lanes.values():
        if lane.predecessor is not None:
            yield ((road.id, index, lane.predecessor), "end"), ((road.id, index + 1, lane.id), "start")


def _road_joins(opendrive: OpenDrive, road: Road, link: RoadLink | None, end: str) -> Iterator[tuple[_End, _End]]:
    if link is None or link.is_junction:
        return
    own, other = _outer_section(road, end), _outer_section(opendrive.roads[link.element_id], link.contact)
    for lane in road.sections[own].lanes.values():
        target = _linked(lane, end)
        if target is not None:
            yield ((road.id, own, lane.id), end), ((link.element_id, other, target), link.contact)


def _linked(lane: Lane, end: str) -> int | None:
    return lane.predecessor if end == "start" else lane.successor


def _outer_section(road: Road, end: str) -> int:
    return 0 if end == "start" else len(road.sections) - 1


def _connection_joins(opendrive: OpenDrive, connection: Connection) -> Iterator[tuple[_End, _End]]:
    incoming = opendrive.roads[connection.incoming_road]
    connecting = opendrive.roads[connection.connecting_road]
    contact = _outer_section(connecting, connection.contact)
    for lane_from, lane_to in connection.lane_links:
        # The incoming lane is driven towards the junction, which tells the end even where both ends are at it.
        end = "end" if lane_from < 0 else "start"
        start = (incoming.id, _outer_section(incoming, end), lane_from)
        yield (start, end), ((connecting.id, contact, lane_to), connection.contact)
