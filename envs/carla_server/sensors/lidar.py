"""LiDAR and semantic LiDAR: rays against the boxes of bodies and a level ground at the height of the parent's wheels.

Message: horizontal angle (f32, rad), number of channels and of the points of each channel (u32), then the points in the
sensor's frame, channel by channel: x, y, z, intensity (f32), or x, y, z, cosine of incidence (f32), actor, tag (u32).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import tau

import numpy as np
import numpy.typing as npt

from envs.carla_frame import mirrored, rotation_matrix
from envs.carla_server.actors import Actor
from envs.carla_server.sensors.attributes import clipped
from envs.carla_server.sensors.rays import Boxes, boxes_of, first_hit
from envs.carla_server.wire import SensorType, Tag
from envs.carla_server.world import World
from envs.compiled import njit
from envs.scene import BoolArray, FloatArray, IntArray

MOST_CHANNELS, MOST_POINTS = 256, 2_000_000
"""Channels, and points of one frame, to which a sensor's attributes are cut."""

_POINT = np.dtype([("x", "<f4"), ("y", "<f4"), ("z", "<f4"), ("value", "<f4")])
_SEMANTIC_POINT = np.dtype([*[(name, "<f4") for name in ("x", "y", "z", "cosine")], ("id", "<u4"), ("tag", "<u4")])


class Lidar:
    """A rotating LiDAR: in each frame it sweeps the angle that its rotation frequency gives."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.semantic = actor.type_id.endswith("semantic")
        self.kind = SensorType.SEMANTIC_LIDAR if self.semantic else SensorType.LIDAR
        self.channels = int(clipped(actor, "channels", 32.0, 1.0, MOST_CHANNELS))
        self.range_m = clipped(actor, "range", 10.0, 0.1, 1000.0)
        self.rate = clipped(actor, "points_per_second", 56000.0, 1.0, 1e8)
        self.frequency = clipped(actor, "rotation_frequency", 10.0, 0.0, 1e4)
        upper, lower = clipped(actor, "upper_fov", 10.0, -90.0, 90.0), clipped(actor, "lower_fov", -30.0, -90.0, 90.0)
        self.elevation = np.radians(np.linspace(upper, lower, self.channels))
        self.field = np.radians(clipped(actor, "horizontal_fov", 360.0, 1.0, 360.0))
        self.attenuation = clipped(actor, "atmosphere_attenuation_rate", 0.004, 0.0, 10.0)
        self.drop_rate = clipped(actor, "dropoff_general_rate", 0.45, 0.0, 1.0)
        self.drop_limit = clipped(actor, "dropoff_intensity_limit", 0.8, 0.0, 1.0)
        self.drop_at_zero = clipped(actor, "dropoff_zero_intensity", 0.4, 0.0, 1.0)
        self.noise_m = clipped(actor, "noise_stddev", 0.0, 0.0, 100.0)
        self._rng = np.random.default_rng(int(clipped(actor, "noise_seed", 0.0, 0.0, 2.0**31)))
        self.angle = 0.0

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield the points of this frame."""
        azimuth = self._sweep(world.step_s)
        directions = self._directions(azimuth)
        boxes, pose = boxes_of(world, self.actor.parent), world.table.pose(self.actor)
        frame = rotation_matrix(pose[3:])
        ways = directions @ frame.T
        hit, distance, cosine = np.empty(len(ways), np.int64), np.empty(len(ways)), np.empty(len(ways))
        ground = world.table.motion[world.table.by_id[self.actor.parent].row, 2] if self.actor.parent else 0.0
        cast(boxes.centre, boxes.yaw, boxes.half_sizes, pose[:3], ways, ground, self.range_m, hit, distance, cosine)
        seen = hit > -2
        if not self.semantic:
            seen &= self._returned(distance)
            distance = distance + self.noise_m * self._rng.standard_normal(len(distance)) if self.noise_m else distance
        counts = seen.reshape(self.channels, -1).sum(axis=1).astype("<u4")
        points = mirrored(directions[seen] * distance[seen, None])
        head = np.float32(self.angle).tobytes() + np.uint32(self.channels).tobytes() + counts.tobytes()
        yield head + self._points(points, distance[seen], cosine[seen], hit[seen], boxes).tobytes()

    def _returned(self, distance: FloatArray) -> BoolArray:
        """Return whether a ray's light is seen: a share is lost anyhow, and of faint light the more the fainter it is.

        The probability falls linearly from ``dropoff_zero_intensity`` at none to 0 at ``dropoff_intensity_limit``.
        """
        light = np.exp(-self.attenuation * distance)
        faint = self.drop_at_zero * np.maximum(1.0 - light / max(self.drop_limit, 1e-9), 0.0)
        chance = self._rng.random((2, len(distance)))
        seen: BoolArray = (chance[0] >= self.drop_rate) & (chance[1] >= faint)
        return seen

    def _sweep(self, step_s: float) -> FloatArray:
        """Return the azimuths (rad, to the right of x) of this frame, and turn on."""
        count = int(min(max(self.rate * step_s / self.channels, 1.0), MOST_POINTS / self.channels))
        turned = tau * min(self.frequency * step_s, 1.0) * self.field / tau
        azimuth = self.angle + turned * np.arange(count) / count - 0.5 * self.field
        self.angle = (self.angle + turned) % self.field
        wrapped: FloatArray = (azimuth + 0.5 * self.field) % self.field - 0.5 * self.field
        return wrapped

    def _directions(self, azimuth: FloatArray) -> FloatArray:
        """Return unit vectors ``(channels * n, 3)`` in the sensor's frame, ours; it turns clockwise seen from above."""
        up, side = np.meshgrid(self.elevation, -azimuth, indexing="ij")
        parts = [np.cos(up) * np.cos(side), np.cos(up) * np.sin(side), np.sin(up)]
        return np.stack(parts, axis=-1).reshape(-1, 3)

    def _points(
        self, points: FloatArray, distance: FloatArray, cosine: FloatArray, hit: IntArray, boxes: Boxes
    ) -> npt.NDArray[np.void]:
        rows = np.zeros(len(points), dtype=_SEMANTIC_POINT if self.semantic else _POINT)
        rows["x"], rows["y"], rows["z"] = points.T
        if not self.semantic:
            rows["value"] = np.exp(-self.attenuation * distance)
            return rows
        rows["cosine"] = cosine
        rows["id"] = np.where(hit >= 0, np.append(boxes.ids, 0)[hit], 0)
        rows["tag"] = np.where(hit >= 0, np.append(boxes.tags, 0)[hit], int(Tag.ROADS))
        return rows


@njit
def cast(
    centre: FloatArray, yaw: FloatArray, half: FloatArray, origin: FloatArray, ways: FloatArray, ground: float,
    reach: float, hit: IntArray, distance: FloatArray, cosine: FloatArray,
) -> None:  # fmt: skip
    """Cast rays: ``hit`` (n,) the box, -1 the ground, -2 nothing; ``distance`` (m) and ``cosine`` of the incidence."""
    for n in range(len(ways)):
        box, at = first_hit(centre, yaw, half, origin, ways[n], reach)
        hit[n], distance[n], cosine[n] = (box, at, 1.0) if box >= 0 else (-2, reach, 0.0)
        down = -ways[n, 2]
        if down > 1e-9:
            below = (origin[2] - ground) / down
            if 0.0 < below < at:
                hit[n], distance[n], cosine[n] = -1, below, down
