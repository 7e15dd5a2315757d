"""Rows of the block that holds what belongs to a world: its clock and the ego's place on the map."""

from __future__ import annotations

from enum import IntEnum


class WorldRow(IntEnum):
    """Rows of the worlds' block ``(len(WorldRow), B)``: clock, the ego's place in the lane graph, its route.

    ``ANGLE`` heading of the ego against its lane (rad), beyond a right angle in an oncoming lane. ``GATE`` place on the
    route, + 1, of the next way into a junction (0: none), ``LINE_DISTANCE`` of the front to its stop line (m),
    ``STOOD`` whether the ego has stood before it.
    """

    TIME = 0
    LANE = 1
    S = 2
    D = 3
    ROUTE_INDEX = 4
    ROUTE_S = 5
    ROUTE_COUNT = 6
    START_S = 7
    WRONG_WAY_TIME = 8
    WRONG_WAY_LIMIT = 9
    ANGLE = 10
    GATE = 11
    LINE_DISTANCE = 12
    STOOD = 13
