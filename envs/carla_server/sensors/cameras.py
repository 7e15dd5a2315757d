"""Cameras: RGB, depth, semantic and instance segmentation of boxes on a level, painted ground below a sky.

One ray a pixel; a camera does not see the box that it is in. Message: width, height (u32), field of view (f32,
degrees), then BGRA bytes. Depth is the distance along the optical axis as CARLA encodes it: R + 256 G + 65536 B in
units of 1000 m / (2^24 - 1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from math import cos, sin, tan

import numpy as np
import numpy.typing as npt

from envs.carla_frame import rotation_matrix
from envs.carla_server.actors import Actor
from envs.carla_server.sensors.rays import Boxes, box_entry, boxes_of
from envs.carla_server.sensors.scenery import Grid, Scenery
from envs.carla_server.wire import SensorType, Tag
from envs.carla_server.world import World
from envs.compiled import njit
from envs.scene import FloatArray, IntArray

Pixels = npt.NDArray[np.uint8]
_HEADER = struct.Struct("<IIf")
LARGEST_SIDE = 4096
FARTHEST_M = 1000.0
"""Depth beyond which nothing is seen (m)."""

NEAR_M = 0.05
_RGB, _DEPTH, _SEMANTIC, _INSTANCE = 0, 1, 2, 3
_MODES = {
    "sensor.camera.rgb": (_RGB, SensorType.RGB),
    "sensor.camera.depth": (_DEPTH, SensorType.DEPTH),
    "sensor.camera.semantic_segmentation": (_SEMANTIC, SensorType.SEMANTIC_CAMERA),
    "sensor.camera.instance_segmentation": (_INSTANCE, SensorType.INSTANCE_CAMERA),
}
_SKY, _TERRAIN = int(Tag.SKY), int(Tag.TERRAIN)
_TERRAIN_RGB = (92, 128, 74)
_PAINT = {
    Tag.ROADS: (72, 72, 76), Tag.ROAD_LINES: (222, 222, 214), Tag.SIDEWALKS: (148, 144, 138),
    Tag.GROUND: (116, 120, 96), Tag.TERRAIN: _TERRAIN_RGB,
}  # fmt: skip
_BODY_RGB = {Tag.PEDESTRIANS: (196, 140, 90), Tag.STATIC: (214, 120, 30)}
_CAR_RGB = (60, 90, 170)


class Camera:
    """A pinhole camera."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.mode, self.kind = _MODES[actor.type_id]
        self.width, self.height = _side(actor, "image_size_x", 800), _side(actor, "image_size_y", 600)
        self.field_deg = _field(actor)
        self.pixels: Pixels = np.zeros((self.height, self.width, 4), dtype=np.uint8)
        self._scenery: Scenery | None = None

    def messages(self, world: World, port: int) -> Iterable[bytes]:
        """Yield the picture of this frame."""
        if self._scenery is None:
            self._scenery = world.town.scenery()
        boxes, pose = boxes_of(world), world.table.pose(self.actor)
        focal = 0.5 * self.width / tan(np.radians(0.5 * self.field_deg))
        frame = rotation_matrix(pose[3:])
        ground = float(world.table.motion[world.table.by_id[self.actor.parent].row, 2]) if self.actor.parent else 0.0
        windows = windows_of(boxes, pose[:3], frame, focal, self.width, self.height)
        draw(
            self.pixels, self.mode, pose[:3], frame, focal, boxes.centre, boxes.yaw, boxes.half_sizes, windows,
            boxes.tags, boxes.ids, _colours(world, boxes), self._scenery.tags, self._scenery.corner,
            self._scenery.cell_m, ground, _PALETTE,
        )  # fmt: skip
        yield _HEADER.pack(self.width, self.height, self.field_deg) + self.pixels.tobytes()


def windows_of(
    boxes: Boxes, origin: FloatArray, frame: FloatArray, focal: float, width: int, height: int
) -> IntArray:
    """Return ``(n, 4)``: first and last column, first and last row that each box can be seen in; empty: behind."""
    corners = np.array([[i, j, k] for i in (-1.0, 1.0) for j in (-1.0, 1.0) for k in (-1.0, 1.0)])
    windows = np.zeros((len(boxes.yaw), 4), dtype=np.int64)
    for n, (yaw, centre, half) in enumerate(zip(boxes.yaw, boxes.centre, boxes.half_sizes, strict=True)):
        c, s = cos(yaw), sin(yaw)
        local = corners * half
        turned = np.stack([c * local[:, 0] - s * local[:, 1], s * local[:, 0] + c * local[:, 1], local[:, 2]], axis=1)
        seen = (centre + turned - origin) @ frame
        if (seen[:, 0] < NEAR_M).all():
            windows[n] = (1, 0, 1, 0)
        elif (seen[:, 0] < NEAR_M).any():
            windows[n] = (0, width - 1, 0, height - 1)
        else:
            u = 0.5 * width - focal * seen[:, 1] / seen[:, 0]
            v = 0.5 * height - focal * seen[:, 2] / seen[:, 0]
            windows[n] = (int(u.min()) - 1, int(u.max()) + 1, int(v.min()) - 1, int(v.max()) + 1)
    return windows


def _colours(world: World, boxes: Boxes) -> FloatArray:
    """Return the colours ``(n, 3)`` of boxes: what their attribute says, else that of their kind."""
    colours = np.empty((len(boxes.ids), 3))
    for n, (actor_id, tag) in enumerate(zip(boxes.ids.tolist(), boxes.tags.tolist(), strict=True)):
        written = world.table.by_id[actor_id].attribute("color").split(",")
        said = len(written) == 3 and all(part.strip().isdigit() for part in written)
        colours[n] = [min(int(part), 255) for part in written] if said else _BODY_RGB.get(tag, _CAR_RGB)
    return colours


def _palette() -> FloatArray:
    table = np.full((32, 3), _TERRAIN_RGB, dtype=np.float64)
    for tag, colour in _PAINT.items():
        table[tag] = colour
    return table


_PALETTE = _palette()


@njit
def draw(
    pixels: Pixels, mode: int, origin: FloatArray, frame: FloatArray, focal: float, centre: FloatArray, yaw: FloatArray,
    half: FloatArray, windows: IntArray, tags: IntArray, ids: IntArray, colours: FloatArray, scenery: Grid,
    corner: FloatArray, cell: float, ground: float, palette: FloatArray,
) -> None:  # fmt: skip
    """Draw all pixels ``(h, w, 4)``; ``frame`` (3, 3) has the camera's axes (forward, left, up) as columns."""
    height, width = pixels.shape[0], pixels.shape[1]
    for row in range(height):
        up = (0.5 * height - row - 0.5) / focal
        for column in range(width):
            left = (0.5 * width - column - 0.5) / focal
            dx = frame[0, 0] + left * frame[0, 1] + up * frame[0, 2]
            dy = frame[1, 0] + left * frame[1, 1] + up * frame[1, 2]
            dz = frame[2, 0] + left * frame[2, 1] + up * frame[2, 2]
            found, depth = -2, FARTHEST_M
            if dz < -1e-9 and 0.0 < (ground - origin[2]) / dz < depth:
                found, depth = -1, (ground - origin[2]) / dz
            for k in range(len(yaw)):
                if windows[k, 0] <= column <= windows[k, 1] and windows[k, 2] <= row <= windows[k, 3]:
                    at = box_entry(centre[k], yaw[k], half[k], origin[0], origin[1], origin[2], dx, dy, dz)
                    if NEAR_M <= at < depth:
                        found, depth = k, at
            x, y, z = origin[0] + depth * dx, origin[1] + depth * dy, origin[2] + depth * dz
            tag = _tag(found, tags, scenery, corner, cell, x, y)
            pixel = pixels[row, column]
            pixel[3] = 255
            if mode == _DEPTH:
                _write_depth(pixel, depth)
            elif mode == _RGB:
                _write_colour(pixel, found, tag, up, x, y, z, centre, yaw, half, colours, palette)
            else:
                actor = ids[found] if found >= 0 and mode == _INSTANCE else 0
                pixel[2], pixel[1], pixel[0] = tag, actor & 255, (actor >> 8) & 255


@njit
def _tag(found: int, tags: IntArray, scenery: Grid, corner: FloatArray, cell: float, x: float, y: float) -> int:
    if found >= 0:
        return int(tags[found])
    if found == -2:
        return _SKY
    column, row = int((x - corner[0]) // cell), int((y - corner[1]) // cell)
    if 0 <= row < scenery.shape[0] and 0 <= column < scenery.shape[1]:
        return int(scenery[row, column])
    return _TERRAIN


@njit
def _write_depth(pixel: Pixels, depth: float) -> None:
    value = int(min(depth / FARTHEST_M, 1.0) * 16777215.0)
    pixel[2], pixel[1], pixel[0] = value & 255, (value >> 8) & 255, (value >> 16) & 255


@njit
def _write_colour(
    pixel: Pixels, found: int, tag: int, up: float, x: float, y: float, z: float, centre: FloatArray, yaw: FloatArray,
    half: FloatArray, colours: FloatArray, palette: FloatArray,
) -> None:  # fmt: skip
    if found == -2:
        light = min(max(up, 0.0), 1.0)
        pixel[2], pixel[1], pixel[0] = int(190.0 - 100.0 * light), int(212.0 - 70.0 * light), int(235.0 - 30.0 * light)
        return
    if found == -1:
        for part in range(3):
            pixel[2 - part] = int(palette[tag, part])
        return
    shade = _shade(x, y, z, centre[found], yaw[found], half[found])
    for part in range(3):
        pixel[2 - part] = int(colours[found, part] * shade)


@njit
def _shade(x: float, y: float, z: float, centre: FloatArray, yaw: float, half: FloatArray) -> float:
    """Return how bright the face of a box is that a point lies on: the top most, then the ends, then the sides."""
    c, s = cos(yaw), sin(yaw)
    along = abs(c * (x - centre[0]) + s * (y - centre[1])) / half[0]
    aside = abs(c * (y - centre[1]) - s * (x - centre[0])) / half[1]
    over = (z - centre[2]) / half[2]
    if over > along and over > aside:
        return 1.0
    return 0.8 if along > aside else 0.6


def _side(actor: Actor, name: str, default: int) -> int:
    written = actor.attribute(name, str(default))
    return min(max(int(written), 1), LARGEST_SIDE) if written.isdigit() else default


def _field(actor: Actor) -> float:
    try:
        field = float(actor.attribute("fov", "90"))
    except ValueError:
        return 90.0
    return field if 1.0 <= field <= 170.0 else 90.0
