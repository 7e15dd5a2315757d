"""The ego as the drivers of the traffic see it: a body anywhere on the plane, and what it seems to be about to do."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from envs.scene import FloatArray


class EgoBodyRow(IntEnum):
    """Rows of the ego's block ``(len(EgoBodyRow), B)``.

    ``PRESENT`` (0: there is no ego); ``X``, ``Y`` of its centre (m), ``YAW`` (rad), ``HALF_LENGTH``, ``HALF_WIDTH``
    (m); ``SPEED`` along its yaw (m/s); ``ASTRAY`` whether it does anything but drive ahead along its lane.
    ``INSIDE`` the way through a junction that it is on (-1: none) and ``INSIDE_S`` how far (m); ``WAY`` the next way of
    its route (-1: none near), ``TO_LINE`` the distance of its front to that way's stop line (m), ``MAY_GO`` whether the
    signal there lets it; ``HEIGHT`` of its lane (m, 0 on a flat map).
    """

    PRESENT = 0
    X = 1
    Y = 2
    YAW = 3
    HALF_LENGTH = 4
    HALF_WIDTH = 5
    SPEED = 6
    ASTRAY = 7
    INSIDE = 8
    INSIDE_S = 9
    WAY = 10
    TO_LINE = 11
    MAY_GO = 12
    HEIGHT = 13


def no_ego(worlds: int) -> FloatArray:
    """Return the block of worlds in which there is no ego."""
    return np.zeros((len(EgoBodyRow), worlds))
