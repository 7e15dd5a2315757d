"""Stop lines as drawn: where traffic stops, once for each group, and in the colour of the moment."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from envs.rendering.renderer import SIGNAL_COLOURS, SceneRenderer
from envs.roads.controls import GateKind, ProgramColumn, clock_offset, signal_state
from envs.roads.drawing import RoadDrawing
from envs.scenarios.maps import MapLibrary
from envs.scene import SceneBatch, SignalState


@lru_cache(maxsize=1)
def town() -> MapLibrary:
    return MapLibrary(("town",))


def test_every_gate_has_its_line_across_the_lane_before() -> None:
    graph, gates = town().graph("town"), town().drawing("town").gates
    kinds = {GateKind(int(kind)).name.lower() for kind in graph.controls.gate if kind != GateKind.OPEN}
    assert {gate.kind for gate in gates} == kinds == {"signal", "stop", "yield"}
    for gate in gates:
        assert np.linalg.norm(gate.points[0] - gate.points[1]) == pytest.approx(0.92 * 3.5, abs=0.1)
        assert (len(gate.program) == len(ProgramColumn)) is (gate.kind == "signal")


def test_maps_without_junctions_have_none() -> None:
    assert MapLibrary(("street_0",)).drawing("street_0").gates == ()


def test_lists_and_back() -> None:
    drawing = town().drawing("town")
    again = RoadDrawing.from_lists(drawing.to_lists(digits=6))
    assert len(again.gates) == len(drawing.gates)
    for mine, theirs in zip(drawing.gates, again.gates, strict=True):
        assert (mine.kind, mine.plan) == (theirs.kind, theirs.plan)
        assert np.allclose(mine.points, theirs.points, atol=1e-6) and np.allclose(mine.program, theirs.program)


def test_a_drive_without_gates_can_still_be_read() -> None:
    lists = town().drawing("town").to_lists()
    del lists["gates"]
    assert RoadDrawing.from_lists(lists).gates == ()


def test_a_line_has_the_colour_of_its_signal() -> None:
    drawing = town().drawing("town")
    gate = next(gate for gate in drawing.gates if gate.kind == "signal")
    renderer, scene = SceneRenderer(drawing), SceneBatch.empty(1, 1)
    scene.seed[0] = 9
    middle = gate.points.mean(axis=0)
    scene.ego.x[0], scene.ego.y[0] = middle - [12.0, 0.0]
    seen = set()
    for time_s in np.arange(0.0, gate.program[ProgramColumn.CYCLE], 2.0):
        scene.time_s[0] = time_s
        offset = clock_offset(9, gate.plan, float(gate.program[ProgramColumn.CYCLE]))
        state = SignalState(signal_state(gate.program[None], 0, float(time_s), offset))
        frame = renderer.render(scene)
        scale = frame.shape[1] / renderer.metres
        x, y = frame.shape[1] / 3.0 + 12.0 * scale, frame.shape[0] / 2.0
        assert tuple(int(c) for c in frame[round(y), round(x)]) == SIGNAL_COLOURS[state]
        seen.add(state)
    assert seen == set(SIGNAL_COLOURS)
