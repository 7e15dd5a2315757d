"""Where drivers are told of a light or a sign: stretches of lane before the entries that these hold.

CARLA calls them trigger volumes: a vehicle inside one is "at" its light. The Traffic Manager brakes with full force
inside, so a stretch is as long as a firm braking needs from the lane's speed limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.carla_server.town import TownMap
from envs.compiled import njit
from envs.roads.controls import GateKind
from envs.roads.projection import pose_at, wrap_angle
from envs.scene import FloatArray

FIRM_BRAKE_MPS2 = 5.5
"""Deceleration of a firm braking (m/s2), below what the vehicles reach."""

OVERSPEED = 1.15
"""A vehicle this much faster than its limit still stops (share; ours): the Traffic Manager overshoots on fast roads."""

FRONT_M = 2.5
"""From a vehicle's middle, which is looked at, to its front (m; ours, of a car)."""

SHORTEST_M, LONGEST_M = 4.0, 45.0


@dataclass(frozen=True, slots=True)
class Zone:
    """A box on one lane: centre ``x, y, z`` (m), ``yaw`` of driving (rad), half sizes (m); ``head`` "" for a sign."""

    head: str
    x: float
    y: float
    z: float
    yaw: float
    half_length: float
    half_width: float

    def end(self, length_m: float) -> Zone:
        """Return the last metres of the zone, up to its line."""
        half = min(0.5 * length_m, self.half_length)
        forward = self.half_length - half
        x, y = self.x + forward * float(np.cos(self.yaw)), self.y + forward * float(np.sin(self.yaw))
        return Zone(self.head, x, y, self.z, self.yaw, half, self.half_width)

    def row(self, light: int) -> list[float]:
        """Return the zone for kernels; ``light`` the number of its light, or -1."""
        return [self.x, self.y, self.z, self.yaw, self.half_length, self.half_width, float(light)]


@njit
def stopping_m(speed_mps: float) -> float:
    """Return how far before a line the middle of a vehicle has to be to stop firmly (m)."""
    return speed_mps * speed_mps / (2.0 * FIRM_BRAKE_MPS2) + FRONT_M


def zones_of(town: TownMap) -> list[Zone]:
    """Return the zones of all entries that a light, a stop sign or a yield sign holds."""
    graph, controls = town.graph, town.graph.controls
    found: dict[tuple[int, str], Zone] = {}
    for lane in np.flatnonzero(controls.gate != GateKind.OPEN).tolist():
        head = town.signal_of_lane.get(lane, "")
        for before in graph.predecessors[lane].tolist():
            if before >= 0 and (before, head) not in found:
                found[before, head] = _zone(town, before, head, float(controls.stop_gap[lane]))
    return list(found.values())


def _zone(town: TownMap, lane: int, head: str, gap: float) -> Zone:
    graph = town.graph
    length = float(graph.length[lane])
    end = max(length - gap, 0.5)
    reach = stopping_m(OVERSPEED * float(graph.speed_limit[lane]))
    begin = max(end - min(max(reach, SHORTEST_M), LONGEST_M), 0.0)
    middle = 0.5 * (begin + end)
    x, y, heading = pose_at(graph.samples, graph.start, graph.step, lane, middle, 0.0)
    sample = int(graph.start[lane]) + round(middle / float(graph.step[lane]))
    width = float(graph.samples[sample, 4])
    return Zone(head, x, y, float(graph.height[sample]), heading, 0.5 * (end - begin), 0.5 * width)


def enclosing(zones: list[Zone]) -> Zone:
    """Return the box, turned as the first zone, that holds the zones of one head."""
    first = zones[0]
    c, s = np.cos(first.yaw), np.sin(first.yaw)
    corners: list[FloatArray] = []
    for zone in zones:
        turn = float(wrap_angle(zone.yaw - first.yaw))
        centre = np.array([c * (zone.x - first.x) + s * (zone.y - first.y),
                           c * (zone.y - first.y) - s * (zone.x - first.x)])  # fmt: skip
        reach = np.array([
            abs(np.cos(turn)) * zone.half_length + abs(np.sin(turn)) * zone.half_width,
            abs(np.sin(turn)) * zone.half_length + abs(np.cos(turn)) * zone.half_width,
        ])  # fmt: skip
        corners += [centre - reach, centre + reach]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    along, aside = 0.5 * (low + high)
    length, width = 0.5 * (high - low)
    x, y = first.x + c * along - s * aside, first.y + s * along + c * aside
    return Zone(first.head, float(x), float(y), first.z, first.yaw, float(length), float(width))
