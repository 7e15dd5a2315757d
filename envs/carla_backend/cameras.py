"""The ego's cameras on the server: one picture of each view for each decision."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np

from envs.cameras import VIEWS_YAW_DEG, CameraConfig, Images
from envs.carla_backend.sensors import Sensor
from envs.carla_backend.session import CarlaSession
from envs.carla_frame import yaw_to_carla


class Cameras:
    """RGB cameras on ``actor``."""

    def __init__(self, session: CarlaSession, actor: Any, config: CameraConfig) -> None:
        self._timeout_s = session.config.timeout_s
        self.sensors = [
            Sensor(
                session, actor, "sensor.camera.rgb", _picture_of, _place(config, view),
                image_size_x=config.width, image_size_y=config.height, fov=config.fov_deg,
            )
            for view in config.views
        ]  # fmt: skip

    def read(self, frame: int, images: Images) -> None:
        """Write the pictures of the server's ``frame`` into ``images`` ``(V, height, width, 3)``.

        Raises:
            CarlaError: a camera sends none in time.
        """
        for sensor, image in zip(self.sensors, images, strict=True):
            of, picture = sensor.wait(self._timeout_s)
            while of < frame:
                of, picture = sensor.wait(self._timeout_s)
            image[:] = picture


def _place(config: CameraConfig, view: str) -> Any:
    """Return where a view's camera is on the vehicle, whose origin is on the ground below its middle."""
    yaw = yaw_to_carla(np.radians(VIEWS_YAW_DEG[view]))
    return carla.Transform(carla.Location(config.ahead_m, 0.0, config.above_m), carla.Rotation(0.0, yaw, 0.0))


def _picture_of(image: Any) -> tuple[int, Images]:
    """Return the frame and the RGB picture ``(height, width, 3)`` of CARLA's BGRA image."""
    pixels = np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4)
    # Copied: the message's memory is the client's.
    return int(image.frame), pixels[:, :, 2::-1].copy()
