"""Rays against the boxes of the world's bodies and against the ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import numpy as np

from envs.carla_server.actors import BODIES
from envs.carla_server.world import World
from envs.compiled import njit
from envs.scene import FloatArray, IntArray

_TINY = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes in the world, ours: ``centre`` (n, 3), ``yaw`` (n,), ``half_sizes`` (n, 3), actor ``ids`` and ``tags``."""

    centre: FloatArray
    yaw: FloatArray
    half_sizes: FloatArray
    ids: IntArray
    tags: IntArray


def boxes_of(world: World, but: int = 0) -> Boxes:
    """Return the boxes of vehicles, walkers and props, without the actor ``but``."""
    actors = [actor for actor in world.table.order if actor.kind in BODIES and actor.id != but]
    rows = [actor.row for actor in actors]
    motion = world.table.motion
    centre = motion[rows, :3] + np.array([actor.centre for actor in actors]).reshape(-1, 3) * np.array([0.0, 0.0, 1.0])
    return Boxes(
        centre, motion[rows, 5].copy(), np.array([actor.extent for actor in actors]).reshape(-1, 3),
        np.array([actor.id for actor in actors], dtype=np.int64),
        np.array([actor.tags[0] if actor.tags else 0 for actor in actors], dtype=np.int64),
    )  # fmt: skip


@njit
def box_entry(
    centre: FloatArray, yaw: float, half: FloatArray, x: float, y: float, z: float, dx: float, dy: float, dz: float
) -> float:
    """Return how far along a ray (of direction d, in its lengths) it enters a box; -1 where it misses it.

    A ray that begins inside enters at 0.
    """
    c, s = cos(yaw), sin(yaw)
    px, py, pz = x - centre[0], y - centre[1], z - centre[2]
    enter, leave = 0.0, 1e18
    for axis in range(3):
        if axis == 0:
            place, way = c * px + s * py, c * dx + s * dy
        elif axis == 1:
            place, way = c * py - s * px, c * dy - s * dx
        else:
            place, way = pz, dz
        if abs(way) < _TINY:
            if abs(place) > half[axis]:
                return -1.0
            continue
        first, second = (-half[axis] - place) / way, (half[axis] - place) / way
        enter, leave = max(enter, min(first, second)), min(leave, max(first, second))
    return enter if enter <= leave else -1.0


@njit
def first_hit(
    centre: FloatArray, yaw: FloatArray, half: FloatArray, origin: FloatArray, way: FloatArray, reach: float
) -> tuple[int, float]:
    """Return (box, distance) of the first box that a ray meets within ``reach``; (-1, reach) where there is none."""
    found, nearest = -1, reach
    for k in range(len(yaw)):
        at = box_entry(centre[k], yaw[k], half[k], origin[0], origin[1], origin[2], way[0], way[1], way[2])
        if 0.0 <= at < nearest:
            found, nearest = k, at
    return found, nearest
