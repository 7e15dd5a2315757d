"""The ego before a junction of the generated town: what it is told, and what counts as running it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.embedded.vehicle import VehicleRow
from envs.embedded.world import PARTED_M
from envs.embedded.world_rows import WorldRow
from envs.roads.controls import GateKind, clock_offset, signal_state
from envs.roads.projection import pose_at
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import route, sample_route
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import SceneBatch, SignalState, StopLine
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentRow, ScriptRow

BEFORE_M = 30.0


@lru_cache(maxsize=1)
def town() -> MapLibrary:
    return MapLibrary(("town",))


def approach(kind: GateKind, seed: int = 0, speed: float = 8.0, before_m: float = BEFORE_M) -> EmbeddedSimulator:
    """Return a world with the ego ``before_m`` metres before a way whose entry has such a gate."""
    graph = town().graph("town")
    gates = [lane for lane in np.flatnonzero(graph.controls.gate == int(kind)) if graph.length[lane] > 5.0]
    way = next(lane for lane in gates if graph.length[graph.predecessors[lane, 0]] > before_m + 10.0)
    lane = int(graph.predecessors[way, 0])
    case = ConcreteScenario(
        name="test", density="low", cell=0, seed=seed, map_name="town",
        ego_lane=lane, ego_s=float(graph.length[lane]) - before_m, ego_speed=speed,
        route=np.array([lane, way, graph.successors[way, 0]], dtype=np.int64),
        goal_m=1e4, time_limit_s=1e4, wrong_way_limit_s=1e4,
        agents=np.zeros((len(AgentRow), 0)), bodies=np.zeros((5, 0)),
        scripts=np.zeros((0, SCRIPTS_PER_AGENT, len(ScriptRow))),
    )  # fmt: skip
    world = EmbeddedSimulator(1, town(), EmbeddedConfig(actors=1))
    world.reset([case])
    return world


def drive(world: EmbeddedSimulator, throttle: float, brake: float) -> SceneBatch:
    return world.step(np.array([[throttle, brake, 0.0]]))


def state_of_the_light(world: EmbeddedSimulator, seed: int) -> int:
    graph = town().graph("town")
    group = int(graph.controls.group[world._routes[0, 1]])
    offset = clock_offset(seed, int(graph.controls.plan[group]), float(graph.controls.programs[group, 0]))
    return signal_state(graph.controls.programs, group, float(world.scene.time_s[0]), offset)


def test_the_distances_count_from_the_front() -> None:
    scene = approach(GateKind.SIGNAL).scene
    gap = town().graph("town").controls.stop_gap
    half = 0.5 * scene.ego.length[0]
    assert scene.road.distance_to_junction[0] == pytest.approx(BEFORE_M - half, abs=1e-6)
    assert scene.road.distance_to_stop_line[0] <= BEFORE_M - half - gap.min() + 1e-6
    assert scene.road.distance_to_stop_line[0] > BEFORE_M - half - 10.0


@pytest.mark.parametrize("seed", range(12))
def test_the_signal_is_that_of_the_program_and_only_red_can_be_run(seed: int) -> None:
    world = approach(GateKind.SIGNAL, seed)
    while world.scene.road.distance_to_stop_line[0] > 0.0 and world.scene.road.distance_to_junction[0] < 100.0:
        assert world.scene.road.signal[0] == state_of_the_light(world, seed)
        lit = int(world.scene.road.signal[0])
        scene = drive(world, 0.3, 0.0)
        if scene.events.red_light[0]:
            break
    assert bool(scene.events.red_light[0]) == (lit == SignalState.RED)


def test_both_outcomes_occur_among_the_seeds() -> None:
    lit = {int(approach(GateKind.SIGNAL, seed).scene.road.signal[0]) for seed in range(12)}
    assert {int(SignalState.RED), int(SignalState.GREEN)} <= lit


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        (GateKind.SIGNAL, StopLine.SIGNAL),
        (GateKind.STOP, StopLine.STOP_SIGN),
        (GateKind.YIELD, StopLine.YIELD_SIGN),
        (GateKind.OPEN, StopLine.NONE),
    ],
)
def test_the_scene_says_what_holds_the_ego_at_the_line(gate: GateKind, line: StopLine) -> None:
    assert approach(gate).scene.road.stop_line.tolist() == [int(line)]


def test_who_stops_at_red_runs_nothing() -> None:
    seed = next(s for s in range(50) if approach(GateKind.SIGNAL, s).scene.road.signal[0] == SignalState.RED)
    world = approach(GateKind.SIGNAL, seed)
    for _ in range(60):
        assert not drive(world, 0.0, 1.0).events.red_light[0]


@pytest.mark.parametrize("stands", [True, False])
def test_a_stop_sign_asks_for_standing(stands: bool) -> None:
    world = approach(GateKind.STOP, speed=3.0, before_m=14.0)
    ran, obeyed = False, False
    for _ in range(300):
        near = world.scene.road.distance_to_stop_line[0] < 3.0
        moving = world.scene.ego.speed[0] > 0.1
        stood = bool(world.scene.road.stood[0])
        obeyed = obeyed or stood
        brakes = stands and near and moving and not stood
        scene = drive(world, 0.0 if brakes else 0.35, 1.0 if brakes else 0.0)
        ran = ran or bool(scene.events.stop_sign[0])
        if scene.road.distance_to_junction[0] > 50.0:
            break
    assert scene.road.distance_to_junction[0] > 50.0, "it never came through"
    assert ran is not stands and obeyed is stands
    assert not world.scene.road.stood[0], "it counts for the next line too"


def test_an_ego_that_turns_is_on_the_way_that_it_takes() -> None:
    """Ways begin on top of one another, so that the first guess may be wrong; then the road's edge is another's."""
    maps = town()
    graph = maps.graph("town")
    before = next(
        lane for lane in range(graph.lane_count)
        if sum(way >= 0 and graph.junction[way] >= 0 for way in graph.successors[lane]) == 3
    )  # fmt: skip
    for way in graph.successors[before][:3].tolist():
        simulator = EmbeddedSimulator(1, maps, EmbeddedConfig(actors=1))
        case = replace(sample_route(replace(route("low"), vehicles=1, pedestrians=0), 0, 0, maps),
                       ego_lane=before, ego_s=float(graph.length[before]) - 1.0, ego_speed=0.0,
                       route=np.array([before, way]), route_spans=None, goal_m=1e3)  # fmt: skip
        simulator.reset([case])
        for s in np.arange(0.5, graph.length[way] - 0.5, 0.5).tolist():
            pose = pose_at(graph.samples, graph.start, graph.step, way, s, 0.0)
            simulator._vehicle[[VehicleRow.X, VehicleRow.Y, VehicleRow.YAW], 0] = pose
            scene = simulator.step(np.zeros((1, 3)))
            assert not scene.events.off_road[0] and abs(scene.road.lane_offset[0]) < PARTED_M + 1e-6
        assert int(simulator._worlds[WorldRow.LANE, 0]) == way
