"""Actors that ride on others: sensors on vehicles, controllers on walkers."""

from __future__ import annotations

from math import atan2, cos, sin

import numpy as np

from envs.carla_frame import rotation_matrix, rotation_of_matrix
from envs.carla_server.actors import ActorTable
from envs.carla_server.records import MotionColumn
from envs.compiled import njit
from envs.scene import FloatArray, IntArray


class Attachments:
    """The attached actors: their rows, those of their parents and their poses in them, parents first."""

    def __init__(self) -> None:
        self.rows: IntArray = np.zeros((0, 2), dtype=np.int64)
        self.relative: FloatArray = np.zeros((0, 6))

    def find_rows(self, table: ActorTable) -> None:
        """Read again who is attached to whom; a parent comes before those attached to it."""
        attached = [actor for actor in table.order if actor.parent]
        rows = [(actor.row, table.by_id[actor.parent].row) for actor in attached]
        self.rows = np.array(rows, dtype=np.int64).reshape(-1, 2)
        self.relative = np.array([actor.relative for actor in attached]).reshape(-1, 6)

    def update(self, table: ActorTable) -> None:
        """Write where the attached actors are, now that their parents have moved."""
        if len(self.rows):
            follow(table.motion, self.rows, self.relative)

    @staticmethod
    def pose_in(parent: FloatArray, relative: FloatArray) -> FloatArray:
        """Return the pose ``(6,)`` in the world of one ``(6,)`` in a parent's frame."""
        frame = rotation_matrix(parent[3:])
        turned = rotation_of_matrix(frame @ rotation_matrix(relative[3:]))
        return np.concatenate([parent[:3] + frame @ relative[:3], turned])

    @staticmethod
    def relative_pose(parent: FloatArray, pose: FloatArray) -> FloatArray:
        """Return the pose ``(6,)`` in a parent's frame of one in the world: what ``pose_in`` undoes."""
        frame = rotation_matrix(parent[3:]).T
        turned = rotation_of_matrix(frame @ rotation_matrix(pose[3:]))
        return np.concatenate([frame @ (pose[:3] - parent[:3]), turned])


@njit
def follow(motion: FloatArray, rows: IntArray, relative: FloatArray) -> None:
    """Write pose, velocity and turn rate of attached actors; a parent's roll is small and its pitch is that of a road.

    ``rows`` (n, 2): row and parent's row; ``relative`` (n, 6). Exact for parents that are level; on a slope the
    attached actor's place follows the pitch and its own angles are added.
    """
    for k in range(len(rows)):
        row, parent = rows[k, 0], rows[k, 1]
        yaw, pitch = motion[parent, MotionColumn.YAW], motion[parent, MotionColumn.PITCH]
        x, y, z = relative[k, 0], relative[k, 1], relative[k, 2]
        ahead, up = cos(pitch) * x + sin(pitch) * z, cos(pitch) * z - sin(pitch) * x
        dx, dy = cos(yaw) * ahead - sin(yaw) * y, sin(yaw) * ahead + cos(yaw) * y
        motion[row, MotionColumn.X] = motion[parent, MotionColumn.X] + dx
        motion[row, MotionColumn.Y] = motion[parent, MotionColumn.Y] + dy
        motion[row, MotionColumn.Z] = motion[parent, MotionColumn.Z] + up
        motion[row, MotionColumn.ROLL] = relative[k, 3]
        motion[row, MotionColumn.PITCH] = relative[k, 4] + pitch * cos(relative[k, 5])
        turned = yaw + relative[k, 5]
        motion[row, MotionColumn.YAW] = atan2(sin(turned), cos(turned))
        rate = motion[parent, MotionColumn.WZ]
        motion[row, MotionColumn.VX] = motion[parent, MotionColumn.VX] - rate * dy
        motion[row, MotionColumn.VY] = motion[parent, MotionColumn.VY] + rate * dx
        motion[row, MotionColumn.WZ] = rate
        motion[row, MotionColumn.AX] = motion[parent, MotionColumn.AX] - rate * rate * dx
        motion[row, MotionColumn.AY] = motion[parent, MotionColumn.AY] - rate * rate * dy
