"""Signal groups and their programs: OpenDRIVE's controllers, one after another within the cycle of their junction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.roads.controls import ProgramColumn
from envs.roads.elements import OpenDrive
from envs.roads.lane_graph import LaneGraph
from envs.scene import FloatArray, IntArray

GREEN_S, YELLOW_S, ALL_RED_S = 10.0, 3.0, 2.0
"""Duration of the phases (s): CARLA's defaults, whose controllers also take turns. OpenDRIVE 1.4 has no durations."""


@dataclass(frozen=True, slots=True, eq=False)
class SignalGroups:
    """``of_lane`` ``(L,)`` the group or -1; ``programs``, ``plan`` and ``signal_ids`` as in ``TrafficControls``."""

    of_lane: IntArray
    programs: FloatArray
    plan: IntArray
    signal_ids: tuple[tuple[str, ...], ...]


def plan_groups(opendrive: OpenDrive, graph: LaneGraph, lights: Mapping[int, str]) -> SignalGroups:
    """Return the groups of the heads ``lights`` (head id by lane), each with its time in the cycle of its plan.

    A group is a controller; a head without one is a group of its own. A plan is a junction; heads at no junction share
    one plan per road (numbered from above the junctions' numbers on). Groups of a plan take turns by the sequence that
    the junction gives their controller, else by the controller's own, else in the order of the file.
    """
    controller_of = {head: item.id for item in opendrive.controllers.values() for head in reversed(item.signal_ids)}
    lanes: dict[tuple[str, str], list[int]] = {}
    for lane, head in sorted(lights.items()):
        key = ("controller", controller_of[head]) if head in controller_of else ("head", head)
        lanes.setdefault(key, []).append(lane)
    order = _order(opendrive)
    keys = sorted(lanes, key=lambda key: order.get(key, (0, len(order))))
    plan = _plans(graph, [lanes[key][0] for key in keys])
    of_lane = np.full(graph.lane_count, -1, dtype=np.int64)
    for group, key in enumerate(keys):
        of_lane[lanes[key]] = group
    heads = tuple(
        opendrive.controllers[name].signal_ids if kind == "controller" else (name,) for kind, name in keys
    )
    return SignalGroups(of_lane, _programs(plan), plan, heads)


def _order(opendrive: OpenDrive) -> dict[tuple[str, str], tuple[int, int]]:
    """Return (sequence, position in the file) of each controller."""
    said = {
        item.controller_id: item.sequence
        for junction in opendrive.junctions.values()
        for item in junction.controllers
    }
    return {
        ("controller", item.id): (said.get(item.id, item.sequence), position)
        for position, item in enumerate(opendrive.controllers.values())
    }


def _plans(graph: LaneGraph, lanes: list[int]) -> IntArray:
    """Return the plan of the groups whose first lanes are given."""
    beyond = int(graph.junction.max(initial=-1)) + 1
    roads: dict[str, int] = {}
    plan = [
        int(graph.junction[lane]) if graph.junction[lane] >= 0
        else beyond + roads.setdefault(graph.road_ids[lane], len(roads))
        for lane in lanes
    ]  # fmt: skip
    return np.array(plan, dtype=np.int64)


def _programs(plan: IntArray) -> FloatArray:
    """Return ``(G, 4)``: the groups of a plan one after another, in the order given."""
    phase = GREEN_S + YELLOW_S + ALL_RED_S
    programs = np.zeros((len(plan), len(ProgramColumn)))
    for group, number in enumerate(plan.tolist()):
        begin = phase * np.count_nonzero(plan[:group] == number)
        programs[group, ProgramColumn.CYCLE] = phase * np.count_nonzero(plan == number)
        programs[group, ProgramColumn.GREEN_FROM] = begin
        programs[group, ProgramColumn.GREEN_UNTIL] = begin + GREEN_S
        programs[group, ProgramColumn.YELLOW_UNTIL] = begin + GREEN_S + YELLOW_S
    return programs
