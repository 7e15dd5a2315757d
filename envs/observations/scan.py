"""A 2-D range scan of the visible road users, with closing speed: the stand-in for the paper's cameras.

Ray ``i`` points ``2 pi i / rays - pi`` from the ego's heading, counter-clockwise: ray 0 to the rear, ray
``rays / 2`` ahead. Its two channels are ``1 - range / range_m`` (0: nothing in range) and the closing speed of the
body that it meets, along the ray, positive when it comes nearer. A body narrower than the gap between two rays
still shows in the ray nearest to its centre, so that a pedestrian never slips through. ``ScanNoise`` makes a worse
sensor of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from envs.compiled import njit
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.relative import box_distance, relative_position, relative_velocity, seen
from envs.observations.scaling import clip_unit
from envs.observations.scan_noise import ScanNoise, spoil
from envs.scene import ActorRow, EgoRow, FloatArray, IntArray, SceneBatch

SCAN_CHANNELS = ("nearness", "closing/20mps")
CLOSING_SCALE_MPS = 20.0


class ScanBlock(ObservationBlock):
    """``frames x rays x 2`` numbers, the oldest frame first; frames are ``stride`` decisions apart.

    A world that has just been started sees its first frame in all of them.
    """

    name = "scan"

    def __init__(self, rays: int, range_m: float, frames: int, stride: int, batch_size: int, noise: ScanNoise) -> None:
        self.shape = (frames, rays, len(SCAN_CHANNELS))
        self.names = tuple(
            f"frame{j}_ray{i}_{channel}" for j in range(frames) for i in range(rays) for channel in SCAN_CHANNELS
        )
        self._range_m, self._stride = range_m, stride
        angles = 2.0 * np.pi * np.arange(rays) / rays - np.pi
        self._directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._history = np.zeros((batch_size, (frames - 1) * stride + 1, rays, len(SCAN_CHANNELS)), np.float32)
        self._head = 0
        self._noisy, self._noise = noise.is_on, noise.array()
        self._seeds = np.zeros(batch_size, np.int64)

    def begin(self, rows: IntArray, seeds: IntArray) -> None:
        """Remember the episodes' seeds, which decide what is mismeasured."""
        self._seeds[rows] = seeds

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``. Only rows that are not fresh move the history on."""
        if not fresh:
            self._head = (self._head + 1) % self._history.shape[1]
        _write(
            scene.ego.block,
            scene.actors.block,
            rows,
            self._directions,
            self._range_m,
            self._history,
            self._head,
            self._stride,
            fresh,
            self._noisy,
            self._noise,
            self._seeds,
            scene.step,
            out,
            start,
        )

    def state(self) -> dict[str, Any]:
        """Return the remembered frames, and the episodes' seeds."""
        return {"history": self._history.copy(), "head": np.array(self._head), "seeds": self._seeds.copy()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore the remembered frames."""
        self._history[:] = state["history"]
        self._head = int(state["head"])
        if "seeds" in state:  # not of a checkpoint that is older than the noise
            self._seeds[:] = state["seeds"]


@njit
def _write(
    ego: FloatArray,
    actors: FloatArray,
    rows: IntArray,
    directions: FloatArray,
    range_m: float,
    history: Float32Array,
    head: int,
    stride: int,
    fresh: bool,
    noisy: bool,
    noise: FloatArray,
    seeds: IntArray,
    steps: IntArray,
    out: Float32Array,
    start: int,
) -> None:
    kept, rays = history.shape[1], history.shape[2]
    frames = (kept - 1) // stride + 1
    for b in rows:
        frame = history[b, head]
        _scan(ego, actors, b, directions, range_m, frame)
        if noisy:
            spoil(frame, seeds[b], steps[b], noise, range_m, CLOSING_SCALE_MPS)
        if fresh:
            _fill(history, b, frame)
        column = start
        for j in range(frames):
            source = history[b, (head - (frames - 1 - j) * stride) % kept]
            for i in range(rays):
                out[b, column], out[b, column + 1] = source[i, 0], source[i, 1]
                column += 2


@njit
def _fill(history: Float32Array, b: int, frame: Float32Array) -> None:
    """Let world ``b`` have seen ``frame`` ``(rays, 2)`` all the time."""
    for kept in range(history.shape[1]):
        for ray in range(history.shape[2]):
            history[b, kept, ray, 0], history[b, kept, ray, 1] = frame[ray, 0], frame[ray, 1]


@njit
def _scan(
    ego: FloatArray, actors: FloatArray, b: int, directions: FloatArray, range_m: float, frame: Float32Array
) -> None:
    """Fill ``frame`` ``(rays, 2)`` for world ``b``."""
    frame[:] = 0.0
    yaw = ego[EgoRow.YAW, b]
    cos_yaw, sin_yaw = math.cos(yaw), math.sin(yaw)
    for a in range(actors.shape[2]):
        if not seen(actors, b, a):
            continue
        x, y = relative_position(ego, actors, b, a, cos_yaw, sin_yaw)
        length, width = actors[ActorRow.LENGTH, b, a], actors[ActorRow.WIDTH, b, a]
        reach = range_m + 0.5 * (length + width)
        if x * x + y * y > reach * reach:
            continue
        heading = actors[ActorRow.YAW, b, a] - yaw
        cos_heading, sin_heading = math.cos(heading), math.sin(heading)
        nearest = box_distance(x, y, cos_heading, sin_heading, length, width)
        if nearest < range_m:
            vx, vy = relative_velocity(ego, actors, b, a, cos_yaw, sin_yaw)
            _mark_body(x, y, vx, vy, cos_heading, sin_heading, length, width, nearest, directions, range_m, frame)


@njit
def _mark_body(
    x: float,
    y: float,
    vx: float,
    vy: float,
    cos_heading: float,
    sin_heading: float,
    length: float,
    width: float,
    nearest: float,
    directions: FloatArray,
    range_m: float,
    frame: Float32Array,
) -> None:
    """Mark one body in every ray that meets it, or in the ray nearest to its centre where none does."""
    rays = directions.shape[0]
    spacing = 2.0 * math.pi / rays
    if nearest <= 0.0:
        first, last = 0, rays - 1
    else:
        right, left = _angles(x, y, cos_heading, sin_heading, length, width)
        first = math.ceil((right + math.pi) / spacing)
        last = math.floor((left + math.pi) / spacing)
    if last < first:
        middle = int(round((math.atan2(y, x) + math.pi) / spacing)) % rays
        _mark_ray(frame, middle, nearest, vx, vy, directions, range_m)
        return
    for i in range(first, last + 1):
        ray = i % rays
        distance = _ray_distance(x, y, directions[ray, 0], directions[ray, 1], cos_heading, sin_heading, length, width)
        _mark_ray(frame, ray, max(distance, nearest), vx, vy, directions, range_m)


@njit
def _mark_ray(
    frame: Float32Array, ray: int, distance: float, vx: float, vy: float, directions: FloatArray, range_m: float
) -> None:
    """Let ``ray`` see a body at ``distance`` (m) unless it sees a nearer one."""
    near = 1.0 - distance / range_m
    if near > frame[ray, 0]:
        frame[ray, 0] = near
        frame[ray, 1] = clip_unit(-(vx * directions[ray, 0] + vy * directions[ray, 1]) / CLOSING_SCALE_MPS)


@njit
def _angles(
    x: float, y: float, cos_heading: float, sin_heading: float, length: float, width: float
) -> tuple[float, float]:
    """Return the angles (rad) of a box's right and left corners as seen from the origin outside it; left >= right."""
    along_x, along_y = 0.5 * length * cos_heading, 0.5 * length * sin_heading
    across_x, across_y = -0.5 * width * sin_heading, 0.5 * width * cos_heading
    right_x, right_y = x + along_x + across_x, y + along_y + across_y
    left_x, left_y = right_x, right_y
    for corner in range(1, 4):
        i = -1.0 if corner == 1 or corner == 2 else 1.0
        j = -1.0 if corner >= 2 else 1.0
        corner_x, corner_y = x + i * along_x + j * across_x, y + i * along_y + j * across_y
        # A box seen from outside spans less than pi, so the sign of the cross product orders its corners.
        if right_x * corner_y - right_y * corner_x < 0.0:
            right_x, right_y = corner_x, corner_y
        if left_x * corner_y - left_y * corner_x > 0.0:
            left_x, left_y = corner_x, corner_y
    right = math.atan2(right_y, right_x)
    span = math.atan2(right_x * left_y - right_y * left_x, right_x * left_x + right_y * left_y)
    return right, right + span


@njit
def _ray_distance(
    x: float,
    y: float,
    ray_x: float,
    ray_y: float,
    cos_heading: float,
    sin_heading: float,
    length: float,
    width: float,
) -> float:
    """Return where a ray from the origin enters a box (m); 0 from inside (slab method in the box's frame)."""
    from_x, from_y = -(cos_heading * x + sin_heading * y), -(cos_heading * y - sin_heading * x)
    along, across = cos_heading * ray_x + sin_heading * ray_y, cos_heading * ray_y - sin_heading * ray_x
    enter = 0.0
    if abs(along) > 1e-12:
        enter = max(enter, (-math.copysign(0.5 * length, along) - from_x) / along)
    if abs(across) > 1e-12:
        enter = max(enter, (-math.copysign(0.5 * width, across) - from_y) / across)
    return enter
