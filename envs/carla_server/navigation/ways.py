"""The ways of walkers as a net of lines: strips, crosswalks between them and, for jaywalkers, ties over the road."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from scipy.spatial import cKDTree

from envs.carla_server.navigation.strips import Strip, walking_strips
from envs.roads.cross_section import SectionFrame
from envs.roads.crossings import walking_axis
from envs.roads.elements import OpenDrive, OpenDriveError
from envs.roads.junction_crosswalks import LENGTH_M, SETBACK_M, SHORTEST_ROAD_M, junction_crosswalks
from envs.roads.lane_graph import LaneGraph
from envs.roads.walk_graph import LINK_REACH_M, section_frames
from envs.roads.walk_net import WalkNet, clear_of_lanes
from envs.scene import FloatArray, IntArray

AGENT_RADIUS_M = 0.3
"""Radius of the client's agents (m): their middles keep this far from a strip's borders."""

NARROWEST_HALF_M, WIDEST_HALF_M = 0.2, 1.5
"""Half width of the ways (m)."""

TIE_EVERY_M, TIE_HALF_M, TIE_CLEAR_M = 25.0, 1.0, 8.0
"""Distance of the ties over the road, their half width, and how far from crosswalks they stay (m, ours)."""

NEAR_NODE_M = 1.5
"""A strip's node this near to one where ways meet is left out (m): short pieces would make narrow ways."""


class NavArea(IntEnum):
    """Areas of the mesh, as LibCarla's ``nav/Navigation.h`` numbers them."""

    SIDEWALK = 1
    CROSSWALK = 2
    ROAD = 3


@dataclass(frozen=True, slots=True, eq=False)
class WalkWays:
    """Nodes: ``points`` ``(n, 2)``, ``half_width``, ``height`` ``(n,)``; ``edges`` ``(m, 2)``, ``area`` ``(m,)``."""

    points: FloatArray
    half_width: FloatArray
    height: FloatArray
    edges: IntArray
    area: IntArray


def walk_ways(opendrive: OpenDrive, graph: LaneGraph) -> WalkWays:
    """Return the ways of a map, if there are any; a crosswalk whose outline is none is left out."""
    frames = section_frames(opendrive)
    strips = walking_strips(frames, graph)
    if not strips:
        none = np.zeros(0, dtype=np.int64)
        return WalkWays(np.zeros((0, 2)), np.zeros(0), np.zeros(0), none.reshape(0, 2), none)
    net = WalkNet()
    for strip in strips:
        net.add_line(strip.line())
    net.join_dead_ends()
    crossings = list(_crosswalks(opendrive, graph, frames, strips))
    kerbs = np.array([end for ends, _ in crossings for end in ends]).reshape(-1, 2)
    walks = len(crossings)
    crossings += [(ends, 2.0 * TIE_HALF_M) for ends in _ties(strips, kerbs)]
    half_of: dict[int, float] = {}
    for index, (ends, width) in enumerate(crossings):
        for kerb in net.add_crosswalk(ends, index):
            net.link_to_sidewalk(kerb, graph, LINK_REACH_M)
            half_of[kerb] = max(0.5 * width - AGENT_RADIUS_M, NARROWEST_HALF_M)
    _leave_out_near_nodes(net)
    return _ways(net, half_of, np.concatenate([strip.samples() for strip in strips]), walks)


def _ways(net: WalkNet, half_of: dict[int, float], samples: FloatArray, walks: int) -> WalkWays:
    points = np.array(net.points)
    nearest = cKDTree(samples[:, :2]).query(points)[1]
    half = np.clip(samples[nearest, 2] - AGENT_RADIUS_M, NARROWEST_HALF_M, WIDEST_HALF_M)
    for kerb, own in half_of.items():
        half[kerb] = min(own, WIDEST_HALF_M)
    kinds = np.array(list(net.edges.values()), dtype=np.int64)
    area = np.where(kinds < 0, NavArea.SIDEWALK, np.where(kinds < walks, NavArea.CROSSWALK, NavArea.ROAD))
    edges = np.array(list(net.edges), dtype=np.int64).reshape(-1, 2)
    return WalkWays(points, half, samples[nearest, 3], edges, area)


def _crosswalks(
    opendrive: OpenDrive, graph: LaneGraph, frames: Sequence[SectionFrame], strips: Sequence[Strip]
) -> Iterator[tuple[FloatArray, float]]:
    """Yield (ends ``(2, 2)``, width) of the crosswalks: painted ones, or before junctions, or where roads end."""
    painted = [crosswalk for road in opendrive.roads.values() for crosswalk in road.crosswalks]
    crosswalks = painted or junction_crosswalks(opendrive, frames)
    for crosswalk in crosswalks:
        try:
            ends, width = walking_axis(crosswalk.outline, graph)
        except OpenDriveError:
            continue
        yield clear_of_lanes(ends, graph), width
    if not crosswalks:
        yield from ((ends, LENGTH_M) for pair in _pairs(strips) for ends in _at_ends(*pair))


def _pairs(strips: Sequence[Strip]) -> Iterator[tuple[Strip, Strip]]:
    """Yield the strips (left, right) of the sections outside junctions that have one on either hand."""
    sides: dict[tuple[str, float], dict[int, Strip]] = {}
    for strip in strips:
        if strip.road.junction == "-1":
            sides.setdefault((strip.road.id, strip.section_s), {}).setdefault(strip.side, strip)
    yield from ((found[1], found[-1]) for found in sides.values() if len(found) == 2)


def _ties(strips: Sequence[Strip], kerbs: FloatArray) -> Iterator[FloatArray]:
    """Yield the ends ``(2, 2)`` of ties over the road, every ``TIE_EVERY_M``, away from crosswalks."""
    for left, right in _pairs(strips):
        first, last = float(left.s[0]) + 0.5 * TIE_EVERY_M, float(left.s[-1]) - 0.5 * TIE_EVERY_M
        for s in np.arange(first, last + 1e-9, TIE_EVERY_M).tolist():
            ends = _across(left, right, s)
            if not len(kerbs) or np.hypot(*(kerbs[:, None] - ends).T).min() >= TIE_CLEAR_M:
                yield ends


def _at_ends(left: Strip, right: Strip) -> Iterator[FloatArray]:
    first, last = float(left.s[0]), float(left.s[-1])
    if last - first >= SHORTEST_ROAD_M:
        yield _across(left, right, first + SETBACK_M)
        yield _across(left, right, last - SETBACK_M)


def _across(left: Strip, right: Strip, s: float) -> FloatArray:
    """Return the kerb points ``(2, 2)`` at ``s`` (m), right one first."""
    sides = ((strip.kerb, int(np.argmin(np.abs(strip.s - s)))) for strip in (right, left))
    return np.stack([kerb[row] for kerb, row in sides])


def _leave_out_near_nodes(net: WalkNet) -> None:
    """Take out nodes inside a strip that lie within ``NEAR_NODE_M`` of one where ways meet."""
    around: dict[int, set[int]] = {}
    for a, b in net.edges:
        around.setdefault(a, set()).add(b)
        around.setdefault(b, set()).add(a)
    for a, b in list(net.edges):
        for meeting, between in ((a, b), (b, a)):
            inside = len(around[between]) == 2 and len(around[meeting]) > 2 and meeting in around[between]
            if inside and math.dist(net.points[meeting], net.points[between]) < NEAR_NODE_M:
                _leave_out(net, around, meeting, between)


def _leave_out(net: WalkNet, around: dict[int, set[int]], meeting: int, between: int) -> None:
    (beyond,) = around[between] - {meeting}
    edges = [(min(pair), max(pair)) for pair in ((meeting, between), (between, beyond))]
    if beyond in around[meeting] or len({net.edges[edge] for edge in edges}) != 1:
        return
    kind = [net.edges.pop(edge) for edge in edges][0]
    net.edges[min(meeting, beyond), max(meeting, beyond)] = kind
    around[meeting] = (around[meeting] - {between}) | {beyond}
    around[beyond] = (around[beyond] - {between}) | {meeting}
    around[between] = set()
