"""Before a junction the ego counts as another vehicle would: whoever has to give way waits for it to come through."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedSimulator
from envs.roads.conflicts import ConflictKind, find_conflicts
from envs.roads.controls import GateKind
from envs.traffic.agents import AgentRow, WaitCause
from tests.envs.embedded.crowds import case, driver, start, town
from tests.envs.traffic.worlds import agent_rows

BEFORE_M = 16.0
"""Distance from the driver's centre to its junction (m)."""


@lru_cache(maxsize=1)
def minor_and_major() -> tuple[int, int]:
    """Return two crossing ways of a junction with yield signs: the first gives way to the second.

    Of all such pairs, that which takes the first longest to clear and the second shortest to reach.
    """
    graph = town().graph("town")
    conflicts = find_conflicts(graph)
    found: list[tuple[float, int, int]] = []
    for way in np.flatnonzero(graph.controls.gate == int(GateKind.YIELD)).tolist():
        for z in range(conflicts.start[way], conflicts.start[way + 1]):
            other = int(conflicts.lane[z])
            is_major = graph.controls.gate[other] == int(GateKind.OPEN) and conflicts.priority[z] == -1
            long_before = min(graph.length[graph.predecessors[[way, other], 0]]) > 50.0
            if conflicts.kind[z] == ConflictKind.CROSSING and is_major and long_before:
                found.append((float(conflicts.own_to[z] - conflicts.other_from[z]), way, other))
    return max(found)[1:]


def world(ego_lane: int, ego_s: float, ego_speed: float) -> EmbeddedSimulator:
    """Return a driver on its way into the minor way, and an ego whose route leads through the major one."""
    graph = town().graph("town")
    minor, major = minor_and_major()
    before = int(graph.predecessors[minor, 0])
    arm, exit_lane = int(graph.predecessors[major, 0]), int(graph.successors[major, 0])
    route = [arm, major, exit_lane] if ego_lane == arm else [ego_lane, exit_lane]
    column = driver(before, float(graph.length[before]) - BEFORE_M, 6.0, 12.0)
    column[AgentRow.SPEED_FACTOR] = 1.0
    for number in range(50):
        column[AgentRow.NUMBER] = number
        scenario = case(town(), [column], ego=(ego_lane, ego_s, ego_speed))
        simulator = start(town(), replace(scenario, route=np.array(route)), with_ego=True)
        simulator.step(np.zeros((1, 3)))
        if minor in simulator._paths[0, 0]:
            return simulator
    raise AssertionError("no number leads through the minor way")


def causes(simulator: EmbeddedSimulator, steps: int, throttle: float = 0.25) -> set[WaitCause]:
    """Return what the driver has waited for; the ego keeps about its speed."""
    found = set()
    for _ in range(steps):
        simulator.step(np.array([[throttle, 0.0, 0.0]]))
        found.add(WaitCause(int(agent_rows(simulator, AgentRow.CAUSE)[0, 0])))
    return found


@pytest.mark.parametrize(("before_m", "waits"), [(16.0, True), (1e9, False)])
def test_an_ego_that_comes_with_priority_is_let_through(before_m: float, waits: bool) -> None:
    graph = town().graph("town")
    _, major = minor_and_major()
    arm = int(graph.predecessors[major, 0])
    simulator = world(arm, max(float(graph.length[arm]) - before_m, 2.0), 8.0 if waits else 0.0)
    seen = causes(simulator, 25, 0.25 if waits else 0.0)
    assert (WaitCause.PRIORITY in seen or WaitCause.EGO in seen) is waits


def test_an_ego_that_stands_at_its_line_with_priority_is_not_waited_for_for_ever() -> None:
    graph = town().graph("town")
    _, major = minor_and_major()
    arm = int(graph.predecessors[major, 0])
    simulator = world(arm, float(graph.length[arm]) - 5.0, 0.0)
    assert WaitCause.PRIORITY in causes(simulator, 50, 0.0)
    for _ in range(300):
        simulator.step(np.array([[0.0, 1.0, 0.0]]))
    assert agent_rows(simulator, AgentRow.ODOMETER)[0, 0] > BEFORE_M + 20.0


def test_an_ego_that_drives_through_the_junction_holds_its_way() -> None:
    _, major = minor_and_major()
    simulator = world(major, 0.5, 4.0)
    assert WaitCause.EGO in causes(simulator, 15)
