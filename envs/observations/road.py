"""The road at the ego (the paper's road features: junction, at light, speed limit, light state)."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.scaling import clip_unit, nearness
from envs.scene import EgoRow, FloatArray, IntArray, RoadCategory, RoadRow, SceneBatch, SignalState, StopLine

AT_LIGHT_M = 25.0
"""The ego is "at a light" when a signal's stop line is nearer than this (m)."""


class RoadBlock(ObservationBlock):
    """Category, lanes, place in the lane, edges, junction, signal and signs.

    ``stop_sign_to_obey`` holds until the ego has stood before the line: without it nobody could tell when to go on.
    """

    name = "road"
    names = (
        "is_highway",
        "is_rural",
        "is_urban",
        "lanes_left/3",
        "lanes_right/3",
        "left_is_oncoming",
        "lane_width-3.5/1m",
        "lane_offset/2m",
        "sin_lane_heading_error*2",
        "curvature*50m",
        "speed_limit/30mps",
        "lane_end_nearness/100m",
        "edge_left/10m",
        "edge_right/10m",
        "edge_left_nearness/2m",
        "edge_right_nearness/2m",
        "in_junction",
        "junction_nearness/50m",
        "at_light",
        "light_none",
        "light_green",
        "light_yellow",
        "light_red",
        "stop_line_nearness/50m",
        "stop_sign_to_obey",
        "yield_sign",
    )
    shape = (len(names),)

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``."""
        _write(scene.road.block, scene.ego.block, rows, out, start)


@njit
def _write(road: FloatArray, ego: FloatArray, rows: IntArray, out: Float32Array, start: int) -> None:
    for b in rows:
        row = out[b, start:]
        _write_lane(road, b, row)
        # The last two metres before the body's side leaves the surface need more resolution than the wide scale has.
        half_width = 0.5 * ego[EgoRow.WIDTH, b]
        row[14] = nearness(road[RoadRow.EDGE_LEFT, b] - half_width, 2.0)
        row[15] = nearness(road[RoadRow.EDGE_RIGHT, b] - half_width, 2.0)
        _write_junction(road, b, row)


@njit
def _write_lane(road: FloatArray, b: int, row: Float32Array) -> None:
    category = int(road[RoadRow.CATEGORY, b])
    row[0] = 1.0 if category == RoadCategory.HIGHWAY else 0.0
    row[1] = 1.0 if category == RoadCategory.RURAL else 0.0
    row[2] = 1.0 if category == RoadCategory.URBAN else 0.0
    row[3] = clip_unit(road[RoadRow.LANES_LEFT, b] / 3.0)
    row[4] = clip_unit(road[RoadRow.LANES_RIGHT, b] / 3.0)
    row[5] = clip_unit(road[RoadRow.LEFT_IS_ONCOMING, b])
    row[6] = clip_unit(road[RoadRow.LANE_WIDTH, b] - 3.5)
    row[7] = clip_unit(road[RoadRow.LANE_OFFSET, b] / 2.0)
    row[8] = clip_unit(2.0 * math.sin(road[RoadRow.HEADING_ERROR, b]))
    row[9] = clip_unit(road[RoadRow.CURVATURE, b] * 50.0)
    row[10] = clip_unit(road[RoadRow.SPEED_LIMIT, b] / 30.0)
    row[11] = nearness(road[RoadRow.DISTANCE_TO_LANE_END, b], 100.0)
    row[12] = clip_unit(road[RoadRow.EDGE_LEFT, b] / 10.0)
    row[13] = clip_unit(road[RoadRow.EDGE_RIGHT, b] / 10.0)


@njit
def _write_junction(road: FloatArray, b: int, row: Float32Array) -> None:
    signal = int(road[RoadRow.SIGNAL, b])
    stop_line = road[RoadRow.DISTANCE_TO_STOP_LINE, b]
    row[16] = clip_unit(road[RoadRow.IN_JUNCTION, b])
    row[17] = nearness(road[RoadRow.DISTANCE_TO_JUNCTION, b], 50.0)
    row[18] = 1.0 if signal != SignalState.NONE and stop_line < AT_LIGHT_M else 0.0
    row[19] = 1.0 if signal == SignalState.NONE else 0.0
    row[20] = 1.0 if signal == SignalState.GREEN else 0.0
    row[21] = 1.0 if signal == SignalState.YELLOW else 0.0
    row[22] = 1.0 if signal == SignalState.RED else 0.0
    row[23] = nearness(stop_line, 50.0)
    kind = int(road[RoadRow.STOP_LINE, b])
    row[24] = 1.0 if kind == StopLine.STOP_SIGN and road[RoadRow.STOOD, b] < 0.5 else 0.0
    row[25] = 1.0 if kind == StopLine.YIELD_SIGN else 0.0
