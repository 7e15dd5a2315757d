"""Clocks of signals that suit a scenario: drawn until the ego's light is as wanted when it arrives."""

from __future__ import annotations

import numpy as np

from envs.roads.controls import clock_offset, signal_state
from envs.roads.lane_graph import LaneGraph
from envs.scenarios.layout import Layout, ScenarioError
from envs.scene import SignalState

TRIES = 400
"""Draws of a seed before the light is called never green."""

BEFORE_S, AFTER_S = 3.0, 5.0
"""How long before and after the ego's arrival its light must be green (s, ours)."""


def seed_of_green(graph: LaneGraph, layout: Layout, rng: np.random.Generator) -> int:
    """Return a seed of a world whose signal is green when the ego would arrive at its junction.

    Raises:
        ScenarioError: the ego's route meets no signal, or its green is shorter than is asked for.
    """
    group = next((int(g) for g in graph.controls.group[layout.route] if g >= 0), -1)
    if group < 0:
        return int(rng.integers(2**31))
    arrival = layout.along["entry"] / layout.ego_speed
    programs, plan = graph.controls.programs, int(graph.controls.plan[group])
    for _ in range(TRIES):
        seed = int(rng.integers(2**31))
        offset = clock_offset(seed, plan, float(programs[group, 0]))
        times = (max(arrival - BEFORE_S, 0.0), arrival, arrival + AFTER_S)
        if all(signal_state(programs, group, time_s, offset) == SignalState.GREEN for time_s in times):
            return seed
    raise ScenarioError(f"map {graph.name}: signal group {group} is never green for {BEFORE_S + AFTER_S:g} s")
