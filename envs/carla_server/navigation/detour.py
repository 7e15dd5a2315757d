"""A navigation mesh as the bytes that the client loads: a set of one tile, in the layout of Recast's library Detour.

Facts: the set ("MSET", version 1: header, then each tile with its reference and size) from LibCarla's
``nav/Navigation.cpp``; the tile ("DNAV", version 7: header, vertices, polygons, links, detail meshes, ...) and the
numbers of its polygons from Detour's ``DetourNavMesh.h`` and ``DetourNavMeshBuilder.cpp``. Detour's axes are CARLA's x,
z (up) and y; a polygon that is counter-clockwise in our frame has the orientation that it expects. There is no
bounding volume tree: Detour then looks at all polygons, of which our maps have few.
"""

from __future__ import annotations

import struct

import numpy as np

from envs.carla_frame import mirrored
from envs.carla_server.navigation.corridors import NavigationMesh
from envs.carla_server.navigation.ways import AGENT_RADIUS_M, NavArea

SET_MAGIC, SET_VERSION = int.from_bytes(b"TESM", "little"), 1
TILE_MAGIC, TILE_VERSION = int.from_bytes(b"VAND", "little"), 7
MOST_POLYGONS, MOST_VERTICES = 2**15 - 1, 2**16 - 2
"""What the 16-bit numbers of a tile can name."""

FLAGS = {NavArea.SIDEWALK: 0x02, NavArea.CROSSWALK: 0x04, NavArea.ROAD: 0x08}
"""Flags of a polygon by its area, which the client's filters ask for."""

_SET = struct.Struct("<iii3fffii")
_TILE = struct.Struct("<Ii")
_HEADER = struct.Struct("<iiiiiI9i3f3f3ff")
_CORNERS = 6
_POLYGON = struct.Struct("<I6H6HHBB")
_DETAIL = struct.Struct("<IIBBxx")
_LINK_SIZE = 12
_POLYGON_BITS = 15
_MARGIN_M = 10.0
_AGENT_HEIGHT_M, _AGENT_CLIMB_M = 1.8, 0.4
_FIRST_EDGE, _MIDDLE_EDGE, _LAST_EDGE = 1, 4, 16


class MeshTooLargeError(ValueError):
    """A mesh has more polygons or vertices than one tile can hold."""


def mesh_bytes(mesh: NavigationMesh) -> bytes:
    """Return the bytes of a mesh, none for an empty one; ``MeshTooLargeError`` for one that no tile can hold."""
    if not mesh.polygons:
        return b""
    if len(mesh.polygons) > MOST_POLYGONS or len(mesh.vertices) > MOST_VERTICES:
        raise MeshTooLargeError(
            f"a navigation mesh of {len(mesh.polygons)} polygons and {len(mesh.vertices)} vertices is too large: "
            f"at most {MOST_POLYGONS} and {MOST_VERTICES}"
        )
    places = mirrored(np.array(mesh.vertices).reshape(-1, 3))[:, [0, 2, 1]]
    low, high = places.min(axis=0) - _MARGIN_M, places.max(axis=0) + _MARGIN_M
    tile = _tile(mesh, places.astype("<f4").tobytes(), low.tolist(), high.tolist())
    head = _SET.pack(
        SET_MAGIC, SET_VERSION, 1, *low.tolist(), float(high[0] - low[0]), float(high[2] - low[2]), 1, 2**_POLYGON_BITS
    )
    # The reference of the first tile at its first use: the number of uses above the bits of a polygon.
    return head + _TILE.pack(1 << _POLYGON_BITS, len(tile)) + tile


def _tile(mesh: NavigationMesh, vertices: bytes, low: list[float], high: list[float]) -> bytes:
    nearby = neighbours(mesh)
    links = sum(len(polygon) for polygon in mesh.polygons)
    triangles = [_triangles(len(polygon)) for polygon in mesh.polygons]
    head = _HEADER.pack(
        TILE_MAGIC, TILE_VERSION, 0, 0, 0, 0,
        len(mesh.polygons), len(mesh.vertices), links, len(mesh.polygons), 0, sum(map(len, triangles)), 0, 0,
        len(mesh.polygons),
        _AGENT_HEIGHT_M, AGENT_RADIUS_M, _AGENT_CLIMB_M, *low, *high, 1.0,
    )  # fmt: skip
    polygons = b"".join(
        _POLYGON.pack(
            0xFFFFFFFF, *_filled(polygon), *_filled(near), FLAGS[area], len(polygon), int(area)
        )
        for polygon, near, area in zip(mesh.polygons, nearby, mesh.areas, strict=True)
    )
    details, first = [], 0
    for parts in triangles:
        details.append(_DETAIL.pack(0, first, 0, len(parts)))
        first += len(parts)
    flat = b"".join(bytes(part) for parts in triangles for part in parts)
    return head + vertices + polygons + bytes(links * _LINK_SIZE) + b"".join(details) + flat


def neighbours(mesh: NavigationMesh) -> list[list[int]]:
    """Return, for every edge of every polygon, the number of the polygon beyond it plus one, or 0."""
    owner = {
        edge: number
        for number, polygon in enumerate(mesh.polygons, start=1)
        for edge in zip(polygon, polygon[1:] + polygon[:1], strict=True)
    }
    return [
        [owner.get((b, a), 0) for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True)]
        for polygon in mesh.polygons
    ]


def _triangles(corners: int) -> list[tuple[int, int, int, int]]:
    """Return the fan of a convex polygon; the fourth number tells which edges are the polygon's own."""
    last = corners - 1
    return [
        (0, k - 1, k, _MIDDLE_EDGE | (_FIRST_EDGE if k == 2 else 0) | (_LAST_EDGE if k == last else 0))
        for k in range(2, corners)
    ]


def _filled(numbers: tuple[int, ...] | list[int]) -> list[int]:
    return [*numbers, *[0] * (_CORNERS - len(numbers))]
