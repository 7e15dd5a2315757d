"""The server's own window: a view from behind and above the ego, for whoever watches."""

from __future__ import annotations

import math
from typing import Any

import carla

from envs.carla_backend.session import CarlaSession
from envs.carla_frame import y_mirrored, yaw_to_carla
from envs.scene import EgoRow, FloatArray

BEHIND_M, ABOVE_M, PITCH_DEG = 9.0, 5.0, -20.0


class Spectator:
    """The spectator of the session's present world."""

    def __init__(self, session: CarlaSession) -> None:
        self._actor_id = int(session.world.get_spectator().id)

    def behind(self, ego: FloatArray, ground_m: float) -> Any:
        """Return the command that puts it behind ``ego`` (rows,), looking where the ego heads."""
        yaw = float(ego[EgoRow.YAW])
        x, y = float(ego[EgoRow.X]) - BEHIND_M * math.cos(yaw), float(ego[EgoRow.Y]) - BEHIND_M * math.sin(yaw)
        place = carla.Location(x, y_mirrored(y), ground_m + ABOVE_M)
        rotation = carla.Rotation(PITCH_DEG, yaw_to_carla(yaw), 0.0)
        return carla.command.ApplyTransform(self._actor_id, carla.Transform(place, rotation))
