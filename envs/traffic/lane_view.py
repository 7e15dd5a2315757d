"""The bodies of a world as they read in one lane: made once for each lane in a decision, shared by all its drivers."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.scene import FloatArray, IntArray
from envs.traffic.agents import ObjectRow
from envs.traffic.network import RoadArrays

NOWHERE_M = 1e9
"""Arc length at which a body stands that is on no related lane (m)."""

WALKER_FORESIGHT = 1.5
"""Seconds ahead for which a driver extrapolates a walker's way across (ours)."""

VEHICLE_FORESIGHT = 0.6
"""Seconds ahead for which a driver extrapolates a vehicle's sideways motion (ours)."""

LANES_PER_AGENT = 3
"""Views that one agent may ask for: of its own lane and of the two beside it."""


class ViewRow(IntEnum):
    """Rows of the views' block ``(len(ViewRow), V, A + 1)``: a body of the objects' block in the view's lane.

    ``ALONG`` arc length of its centre (m; ``NOWHERE_M`` where it is on no lane that is related), ``ACROSS`` offset
    from the lane's centre (m, positive left), ``SPEED`` along the lane (m/s), ``DRIFT`` how far sideways it will have
    moved after the foresight (m), ``SIGN`` 1 where its own lane runs the same way, else -1.
    """

    ALONG = 0
    ACROSS = 1
    SPEED = 2
    DRIFT = 3
    SIGN = 4


def make_views(agents: int) -> tuple[FloatArray, IntArray]:
    """Return the scratch for one world of so many agents: ``views`` and ``viewed``, its lanes and a -1 behind them."""
    count = LANES_PER_AGENT * agents
    return np.zeros((len(ViewRow), count, agents + 1)), np.full(count + 1, -1, dtype=np.int64)


@njit
def view_of(views: FloatArray, viewed: IntArray, objects: FloatArray, roads: RoadArrays, b: int, lane: int) -> int:
    """Return which view is that of ``lane``, made where nobody has asked for it since ``viewed[0]`` was set to -1."""
    k = 0
    while viewed[k] >= 0:
        if viewed[k] == lane:
            return k
        k += 1
    viewed[k], viewed[k + 1] = lane, -1
    slot, table = roads.slot, roads.table
    for j in range(objects.shape[2]):
        other = int(objects[ObjectRow.LANE, b, j])
        begin, ratio, shift, sign = 0.0, 1.0, 0.0, 1.0
        if other != lane:
            row = slot[lane, other] if other >= 0 else -1
            if row >= 0:
                begin, ratio, shift, sign = table[row, 0], table[row, 1], table[row, 2], table[row, 3]
            else:
                begin, ratio, shift, sign = NOWHERE_M, 0.0, 0.0, -1.0
        foresight = WALKER_FORESIGHT if objects[ObjectRow.WALKS, b, j] > 0.5 else VEHICLE_FORESIGHT
        views[ViewRow.ALONG, k, j] = begin + ratio * objects[ObjectRow.S, b, j]
        views[ViewRow.ACROSS, k, j] = shift + sign * objects[ObjectRow.D, b, j]
        views[ViewRow.SPEED, k, j] = sign * objects[ObjectRow.SPEED, b, j]
        views[ViewRow.DRIFT, k, j] = sign * objects[ObjectRow.LATERAL_SPEED, b, j] * foresight
        views[ViewRow.SIGN, k, j] = sign
    return k
