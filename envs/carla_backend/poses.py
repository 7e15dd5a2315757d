"""Between poses of the scene and CARLA's transforms, for bodies whose box is not centred on the actor's origin."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import carla

from envs.carla_frame import y_mirrored, yaw_from_carla, yaw_to_carla


@dataclass(frozen=True, slots=True)
class Box:
    """A body's box: its centre in the actor's own frame (ours: x ahead, y left, m) and its half sizes (m).

    ``foot_m`` how far below the actor's origin the body ends (m): 0 for vehicles, half the height for walkers.
    """

    x: float
    y: float
    half_length: float
    half_width: float
    foot_m: float

    @classmethod
    def of(cls, bounding_box: Any) -> Box:
        """Return CARLA's bounding box in our frame."""
        location, extent = bounding_box.location, bounding_box.extent
        return cls(location.x, y_mirrored(location.y), extent.x, extent.y, extent.z - location.z)

    def transform(self, x: float, y: float, yaw: float, ground_m: float, slope: float = 0.0) -> Any:
        """Return the actor's transform that puts the box's centre at ``x, y`` (m) with heading ``yaw`` (rad).

        ``slope`` by which the ground rises ahead (m per m): CARLA's pitch is positive with the nose up.
        """
        cosine, sine = math.cos(yaw), math.sin(yaw)
        ox, oy = x - cosine * self.x + sine * self.y, y - sine * self.x - cosine * self.y
        location = carla.Location(ox, y_mirrored(oy), ground_m + self.foot_m)
        pitch = math.degrees(math.atan(slope))
        return carla.Transform(location, carla.Rotation(pitch, yaw_to_carla(yaw), 0.0))

    def pose(self, transform: Any) -> tuple[float, float, float]:
        """Return x, y (m) of the box's centre and the heading (rad, not wrapped) of an actor at ``transform``."""
        yaw = yaw_from_carla(transform.rotation.yaw)
        cosine, sine = math.cos(yaw), math.sin(yaw)
        x, y = transform.location.x, y_mirrored(transform.location.y)
        return x + cosine * self.x - sine * self.y, y + sine * self.x + cosine * self.y, yaw
