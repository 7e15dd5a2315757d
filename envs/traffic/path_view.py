"""The bodies that concern one driver: those on and beside the lanes of its path, in the path's own coordinates."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.roads.conflicts import ConflictKind
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import ObjectRow
from envs.traffic.network import RoadArrays
from envs.traffic.relations import REACH_M

WALKER_FORESIGHT = 1.5
"""Seconds ahead for which a driver extrapolates a walker's way across (ours)."""

VEHICLE_FORESIGHT = 0.6
"""Seconds ahead for which a driver extrapolates a vehicle's sideways motion (ours)."""

class ViewRow(IntEnum):
    """Rows of a view ``(len(ViewRow), A + 1)``, one column a body.

    ``INDEX`` of the body among the objects; ``ALONG`` arc length of its centre from the start of the path's first lane
    (m), ``ACROSS`` offset from the path (m, positive left), ``SPEED`` along it (m/s), ``DRIFT`` how far sideways it
    will have moved after the foresight (m), ``SIGN`` 1 where its own lane runs the same way, else -1; ``LANE`` of it.
    """

    INDEX = 0
    ALONG = 1
    ACROSS = 2
    SPEED = 3
    DRIFT = 4
    SIGN = 5
    LANE = 6


def make_view(agents: int) -> FloatArray:
    """Return the scratch for the view of one driver among so many agents and the ego."""
    return np.zeros((len(ViewRow), agents + 1))


@njit
def sort_into_lanes(objects: FloatArray, heads: IntArray, links: IntArray, b: int) -> None:
    """List the bodies of world ``b`` by lane: ``heads`` ``(L,)`` the first of each or -1, ``links`` ``(A + 1,)``."""
    for j in range(objects.shape[2] - 1, -1, -1):
        lane = int(objects[ObjectRow.LANE, b, j])
        if lane >= 0:
            links[j] = heads[lane]
            heads[lane] = j


@njit
def clear_lanes(objects: FloatArray, heads: IntArray, b: int) -> None:
    """Empty the lists of world ``b``, for the next world's use."""
    for j in range(objects.shape[2]):
        lane = int(objects[ObjectRow.LANE, b, j])
        if lane >= 0:
            heads[lane] = -1


@njit
def view_ahead(
    view: FloatArray,
    objects: FloatArray,
    heads: IntArray,
    links: IntArray,
    path: IntArray,
    roads: RoadArrays,
    s: float,
    b: int,
) -> int:
    """Write into ``view`` who is on or beside the lanes of ``path``, within reach of ``s``; return how many."""
    count, begin = 0, 0.0
    for k in range(path.shape[0]):
        lane = path[k]
        if lane < 0 or begin > s + REACH_M:
            break
        count = _view_lane(view, count, objects, heads, links, roads, lane, begin, s, b)
        if roads.conflict_start[lane + 1] > roads.conflict_start[lane]:
            count = _view_parting(view, count, objects, heads, links, roads, lane, begin, b)
        begin += roads.length[lane]
    return count


@njit
def _view_parting(
    view: FloatArray,
    count: int,
    objects: FloatArray,
    heads: IntArray,
    links: IntArray,
    roads: RoadArrays,
    lane: int,
    begin: float,
    b: int,
) -> int:
    """Append who drives on a lane that parts from ``lane`` at its entry, and whose tail is not clear of it yet."""
    for z in range(roads.conflict_start[lane], roads.conflict_start[lane + 1]):
        if roads.conflict_kind[z] != ConflictKind.DIVERGING:
            continue
        j = heads[roads.conflict_lane[z]]
        while j >= 0 and count < view.shape[1]:
            if objects[ObjectRow.S, b, j] - objects[ObjectRow.HALF_LENGTH, b, j] < roads.conflict_other[z, 1]:
                view[ViewRow.INDEX, count] = j
                view[ViewRow.ALONG, count] = begin + objects[ObjectRow.S, b, j]
                view[ViewRow.SPEED, count] = objects[ObjectRow.SPEED, b, j]
                view[ViewRow.ACROSS, count], view[ViewRow.DRIFT, count], view[ViewRow.SIGN, count] = 0.0, 0.0, 1.0
                view[ViewRow.LANE, count] = roads.conflict_lane[z]
                count += 1
            j = links[j]
    return count


@njit
def view_behind(
    view: FloatArray,
    count: int,
    objects: FloatArray,
    heads: IntArray,
    links: IntArray,
    roads: RoadArrays,
    lane: int,
    s: float,
    b: int,
) -> int:
    """Append to ``view`` who is on or beside the lanes that lead to the path's first; return how many."""
    for k in range(roads.predecessors.shape[1]):
        before = roads.predecessors[lane, k]
        if before < 0:
            break
        start = -roads.length[before]
        count = _view_lane(view, count, objects, heads, links, roads, before, start, s, b)
        for n in range(roads.predecessors.shape[1]):
            further = roads.predecessors[before, n]
            if further < 0 or start < -REACH_M:
                break
            count = _view_lane(view, count, objects, heads, links, roads, further, start - roads.length[further], s, b)
    return count


@njit
def _view_lane(
    view: FloatArray,
    count: int,
    objects: FloatArray,
    heads: IntArray,
    links: IntArray,
    roads: RoadArrays,
    lane: int,
    begin: float,
    s: float,
    b: int,
) -> int:
    for w in range(roads.beside.shape[1]):
        other = roads.beside[lane, w]
        if other < 0:
            break
        j = heads[other]
        while j >= 0 and count < view.shape[1]:
            along = roads.affine[lane, w, 0] + begin + roads.affine[lane, w, 1] * objects[ObjectRow.S, b, j]
            if abs(along - s) < REACH_M:
                _view_body(view, count, objects, roads, lane, w, along, b, j)
                count += 1
            j = links[j]
    return count


@njit
def _view_body(
    view: FloatArray, n: int, objects: FloatArray, roads: RoadArrays, lane: int, w: int, along: float, b: int, j: int
) -> None:
    sign = roads.affine[lane, w, 3]
    foresight = WALKER_FORESIGHT if objects[ObjectRow.WALKS, b, j] > 0.5 else VEHICLE_FORESIGHT
    view[ViewRow.INDEX, n] = j
    view[ViewRow.ALONG, n] = along
    view[ViewRow.ACROSS, n] = roads.affine[lane, w, 2] + sign * objects[ObjectRow.D, b, j]
    view[ViewRow.SPEED, n] = sign * objects[ObjectRow.SPEED, b, j]
    view[ViewRow.DRIFT, n] = sign * objects[ObjectRow.LATERAL_SPEED, b, j] * foresight
    view[ViewRow.SIGN, n] = sign
    view[ViewRow.LANE, n] = roads.beside[lane, w]
