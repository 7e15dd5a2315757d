"""Radar: random rays in a cone against bodies and ground.

Message: per detection velocity (m/s along the ray, negative where it comes nearer), azimuth, altitude (rad) and depth
(m), f32 each.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from envs.carla_frame import rotation_matrix
from envs.carla_server.actors import Actor
from envs.carla_server.sensors.attributes import clipped
from envs.carla_server.sensors.lidar import cast
from envs.carla_server.sensors.rays import boxes_of
from envs.carla_server.wire import SensorType
from envs.carla_server.world import World
from envs.scene import FloatArray

MOST_POINTS = 100_000


class Radar:
    """A radar; its rays are drawn from its own ``noise_seed``, evenly over the cone."""

    kind = SensorType.RADAR

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.range_m = clipped(actor, "range", 100.0, 0.1, 1000.0)
        self.rate = clipped(actor, "points_per_second", 1500.0, 1.0, 1e7)
        fields = [clipped(actor, f"{name}_fov", 30.0, 0.1, 170.0) for name in ("horizontal", "vertical")]
        self.half_fields: FloatArray = 0.5 * np.radians(fields)
        self._rng = np.random.default_rng(int(clipped(actor, "noise_seed", 0.0, 0.0, 2.0**31)))

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield the detections of this frame."""
        count = int(min(max(self.rate * world.step_s, 1.0), MOST_POINTS))
        radius, turn = np.sqrt(self._rng.random(count)), 2.0 * np.pi * self._rng.random(count)
        azimuth, altitude = self.half_fields[:, None] * radius * np.stack([np.cos(turn), np.sin(turn)])
        # Azimuths count to the right in CARLA's sensor frame.
        side = -azimuth
        local = np.stack([
            np.cos(altitude) * np.cos(side), np.cos(altitude) * np.sin(side), np.sin(altitude),
        ], axis=-1)  # fmt: skip
        boxes, motion = boxes_of(world, self.actor.parent), world.table.motion
        ways = local @ rotation_matrix(motion[self.actor.row, 3:6]).T
        hit, depth, cosine = np.empty(count, np.int64), np.empty(count), np.empty(count)
        ground = motion[world.table.by_id[self.actor.parent].row, 2] if self.actor.parent else 0.0
        origin = motion[self.actor.row, :3]
        cast(boxes.centre, boxes.yaw, boxes.half_sizes, origin, ways, ground, self.range_m, hit, depth, cosine)
        velocity = np.zeros((count, 3))
        rows = np.array([world.table.by_id[int(actor)].row for actor in boxes.ids], dtype=np.int64)
        velocity[hit >= 0] = motion[rows[hit[hit >= 0]], 6:9]
        along = ((velocity - motion[self.actor.row, 6:9]) * ways).sum(axis=1)
        seen = hit > -2
        yield np.stack([along, azimuth, altitude, depth], axis=1)[seen].astype("<f4").tobytes()
