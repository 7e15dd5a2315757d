"""Pedestrians among traffic in the embedded worlds: who waits for whom, what the ego sees, and exact replay.

The car drives east in the street's lane -1 (y = -1.75); the crosswalk's strips lie from x = 148 to 152. The car is
4.6 m long: its front is 2.3 m before its centre. Pedestrians cross from the south: kerb y = -5.7, lane from y = -3.5.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.controls import time_to_green, time_to_red
from envs.scenarios.maps import MapLibrary
from envs.scene import ActorKind, ActorRow, FloatArray, SceneBatch, SignalState
from envs.traffic.agents import AgentMode, AgentRow, WaitCause
from envs.traffic.lights import light, plan_offset
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, place_pedestrians
from tests.envs.embedded.crowds import (
    at_kerb,
    case,
    driver,
    kerbs,
    pedestrian,
    people_row,
    start,
    street,
    town,
    town_case,
)
from tests.envs.traffic.worlds import actor_corners, agent_rows, hold, overlap_area

CAR_HALF_M = 2.3


def east() -> int:
    return street().graph("crosswalk_street").find(1, -1)


def car(front: float, speed: float, desired: float | None = None) -> FloatArray:
    return driver(east(), front - CAR_HALF_M, speed, desired)


def drive(simulator: EmbeddedSimulator, seconds: float) -> list[FloatArray]:
    """Hold the ego for so long; return (x of the car's front, its speed, y of the pedestrian) of every step."""
    track = []
    for _ in range(round(10 * seconds)):
        scene = hold(simulator)
        front, speed = scene.actors.x[0, 0] + CAR_HALF_M, scene.actors.speed[0, 0]
        track.append(np.array([front, speed, scene.actors.y[0, -1]]))
        assert overlap_area(actor_corners(scene, 0, 0), actor_corners(scene, 0, scene.actor_slots - 1)) == 0.0
    return track


def test_a_pedestrian_crosses_before_a_waiting_car_which_then_goes_on() -> None:
    simulator = start(street(), case(street(), [car(100.0, 10.0)], [at_kerb(street())]))
    causes, track = set(), []
    for _ in range(40):
        track += drive(simulator, 1.0)
        causes.add(int(agent_rows(simulator, AgentRow.CAUSE)[0, 0]))
    fronts, speeds, walked = np.array(track).T
    over = int(np.flatnonzero(fronts > 148.0)[0])
    assert WaitCause.CROSSWALK in causes
    assert speeds.min() < 1.0
    assert walked[over] > 0.25  # off the car's lane, body and all
    assert fronts[-1] > 250.0 and speeds[-1] == pytest.approx(10.0, abs=0.3)


def test_a_car_stops_a_metre_before_a_strip_that_stays_taken() -> None:
    south, north = kerbs(street().walk_graph("crosswalk_street"), 0)
    stands = pedestrian(150.0, -2.0, 0.5 * np.pi, 1e-9, (south, north), PedestrianPhase.CROSSES, 0)
    simulator = start(street(), case(street(), [car(100.0, 10.0)], [stands]))
    track = np.array(drive(simulator, 40.0))
    assert track[-1, 1] < 0.05
    assert track[-1, 0] == pytest.approx(147.0, abs=0.2)
    assert agent_rows(simulator, AgentRow.CAUSE)[0, 0] == WaitCause.CROSSWALK


@pytest.mark.parametrize(
    ("front", "speed"),
    [
        (149.0, 5.0),  # on the strip
        (136.0, 10.0),  # 12 m: 50 / 12 = 4.2 m/s2
    ],
)
def test_a_car_that_can_no_longer_stop_drives_on_and_the_pedestrian_waits(front: float, speed: float) -> None:
    simulator = start(street(), case(street(), [car(front, speed)], [at_kerb(street())]))
    track = np.array(drive(simulator, 1.0))
    assert track[:, 1] == pytest.approx(speed)
    assert track[:, 2] == pytest.approx(-5.7)
    track = np.array(drive(simulator, 15.0))
    assert track[-1, 2] > 5.0


def test_a_car_that_has_given_way_in_vain_goes_on() -> None:
    """Another vehicle stands on the far strip, so that the pedestrian cannot go."""
    graph = street().graph("crosswalk_street")
    west = graph.find(1, 1)
    stands = driver(west, float(graph.length[west]) - 150.0, 0.0, mode=AgentMode.STATIC)
    simulator = start(street(), case(street(), [car(100.0, 10.0), stands], [at_kerb(street())]))
    track = np.array(drive(simulator, 60.0))
    assert track[:, 1].min() < 0.1
    assert track[-1, 0] > 200.0
    assert track[:, 2] == pytest.approx(-5.7, abs=0.3)


def test_a_car_stops_for_one_who_stands_in_its_lane_far_from_any_crosswalk() -> None:
    simulator = start(street(), case(street(), [car(50.0, 10.0)], [pedestrian(110.0, -1.0)]))
    track = np.array(drive(simulator, 30.0))
    assert track[-1, 1] < 0.05
    assert 110.0 - 0.25 - 3.5 < track[-1, 0] < 110.0 - 0.25
    assert agent_rows(simulator, AgentRow.CAUSED_BY)[0, 0] == 1.0


def test_one_who_stands_on_the_pavement_slows_nobody() -> None:
    simulator = start(street(), case(street(), [car(50.0, 10.0)], [pedestrian(110.0, -6.7)]))
    track = np.array(drive(simulator, 8.0))
    assert track[:, 1] == pytest.approx(10.0, abs=1e-3)


def test_whoever_stands_too_near_to_a_passing_car_steps_aside() -> None:
    """The car's side is at y = -2.7: 0.6 m off it is -3.3. At -3.25 the car drives by (reach 1.45 m from -1.75)."""
    simulator = start(street(), case(street(), [car(50.0, 5.0)], [pedestrian(70.0, -3.25)]))
    track = np.array(drive(simulator, 8.0))
    assert track[:, 1] == pytest.approx(5.0, abs=1e-3)
    assert track[-1, 2] == pytest.approx(-3.3)


def town_at_green(least_s: float) -> tuple[int, int]:
    """Return (lane, seed): the lane leads into the town's centre over crosswalk 13, green for ``least_s`` at least."""
    graph, walk = town().graph("town"), town().walk_graph("town")
    lane = int(walk.crossing_lane[walk.crossing_start[13] + 1])
    roads = EmbeddedSimulator(1, town())._roads
    way = int(graph.successors[lane, 0])
    assert graph.controls.group[way] == 0
    for seed in range(50):
        offset = plan_offset(roads, 0, seed)
        if light(roads, way, 0.0, seed) == SignalState.GREEN and time_to_red(roads.programs, 0, 0.0, offset) > least_s:
            return lane, seed
    raise AssertionError("no such seed")


def test_a_car_with_green_does_not_mind_one_who_waits_at_red() -> None:
    lane, seed = town_at_green(10.0)
    approaching = driver(lane, 26.0, 10.0)
    assert town().graph("town").length[lane] == pytest.approx(76.0, abs=0.1)
    waits = [at_kerb(town(), 13, end) for end in (0, 1)]
    with_people = start(town(), case(town(), [approaching], waits, seed))
    alone = start(town(), case(town(), [approaching], (), seed))
    for _ in range(55):
        crowded, empty = hold(with_people), hold(alone)
        assert np.array_equal(crowded.actors.block[ActorRow.X :, 0, 0], empty.actors.block[ActorRow.X :, 0, 0])
        assert (people_row(with_people, PedestrianRow.PHASE) == PedestrianPhase.WAITS).all()
    assert int(agent_rows(alone, AgentRow.LANE)[0, 0]) != lane


def test_they_cross_once_the_cars_have_red() -> None:
    _, seed = town_at_green(0.0)
    simulator = start(town(), case(town(), [], [at_kerb(town(), 13)], seed))
    roads = simulator._roads
    offset, crossed = plan_offset(roads, 0, seed), []
    for step in range(600):
        before = people_row(simulator, PedestrianRow.PHASE)[0, 0]
        hold(simulator)
        if before == PedestrianPhase.WAITS and people_row(simulator, PedestrianRow.PHASE)[0, 0] != before:
            crossed.append(time_to_green(roads.programs, 0, 0.1 * step, offset))
    # The first step of red, of which there are 17 s; the crosswalk is 7 m long.
    assert crossed[0] == pytest.approx(17.0, abs=0.11)
    assert all(left > 7.0 / 1.4 for left in crossed)


def test_the_ego_that_runs_into_a_pedestrian_has_a_collision_with_its_slot() -> None:
    far = driver(east(), 300.0, 0.0, mode=AgentMode.STATIC)
    simulator = start(
        street(), case(street(), [far], [pedestrian(130.0, -1.75)], ego=(east(), 100.0, 10.0)), with_ego=True
    )
    scene = simulator.scene
    assert scene.actors.kind[0].tolist() == [ActorKind.CAR, ActorKind.PEDESTRIAN]
    assert len(set(scene.actors.id[0].tolist())) == 2
    for _ in range(60):
        scene = simulator.step(np.array([[0.3, 0.0, 0.0]]))
        if scene.events.collision[0]:
            break
    assert scene.events.collision_actor[0] == 1
    assert scene.ego.x[0] + 0.5 * scene.ego.length[0] == pytest.approx(129.75, abs=0.5)


def test_a_pedestrian_behind_a_bus_is_invisible() -> None:
    bus = driver(east(), 130.0, 0.0, mode=AgentMode.STATIC)
    people = [pedestrian(145.0, -1.75), pedestrian(145.0, -8.0)]
    ego = (east(), 100.0, 0.0)
    hidden = start(street(), case(street(), [bus], people, kinds=[ActorKind.BUS], ego=ego), with_ego=True).scene
    assert hidden.actors.visible[0].tolist() == [True, False, True]
    free = start(street(), case(street(), [], people, ego=ego), with_ego=True).scene
    assert free.actors.visible[0].tolist() == [True, True]


def test_pedestrians_are_shown_where_they_walk() -> None:
    simulator = start(town(), town_case(3, 4, 8))
    for _ in range(100):
        scene = hold(simulator)
    assert scene.actor_slots == 12
    walkers = slice(4, 12)
    assert (scene.actors.kind[0, walkers] == ActorKind.PEDESTRIAN).all()
    for row, shown in ((PedestrianRow.X, scene.actors.x), (PedestrianRow.Y, scene.actors.y)):
        assert np.array_equal(people_row(simulator, row)[0], shown[0, walkers])
    speed = np.hypot(scene.actors.vx, scene.actors.vy)[0, walkers]
    assert speed == pytest.approx(scene.actors.speed[0, walkers])
    assert (scene.actors.length[0, walkers] == 0.5).all()


def assert_same(first: SceneBatch, second: SceneBatch) -> None:
    assert np.array_equal(first.actors.block, second.actors.block)
    assert np.array_equal(first.ego.block, second.ego.block)


def test_the_same_seed_gives_the_same_world_alone_and_among_others() -> None:
    cases = [town_case(seed, 8, 10) for seed in (1, 2)]
    both, alone = start(town(), *cases), start(town(), cases[1])
    for _ in range(400):
        many, one = hold(both), hold(alone)
        assert np.array_equal(many.actors.block[:, 1], one.actors.block[:, 0])
    assert not np.array_equal(many.actors.block[:, 0], many.actors.block[:, 1])


def test_a_restored_state_and_a_copied_row_go_on_alike() -> None:
    simulator = start(town(), *(town_case(seed, 8, 10) for seed in (4, 5)))
    for _ in range(150):
        hold(simulator)
    state = simulator.state()
    copy = start(town(), town_case(9, 8, 10))
    copy.load_rows(simulator, [1])
    first = [hold(simulator).copy() for _ in range(150)]
    simulator.set_state(state)
    for k in range(150):
        assert_same(hold(simulator), first[k])
        assert np.array_equal(hold(copy).actors.block[:, 0], first[k].actors.block[:, 1])


def test_maps_of_an_atlas_keep_their_own_sidewalks() -> None:
    maps = MapLibrary(["multi_lane_0", "town", "street_0"])
    config = EmbeddedConfig(actors=8, pedestrians=10)
    atlas, single = EmbeddedSimulator(1, maps, config), EmbeddedSimulator(1, town(), config)
    scenario = town_case(6, 8, 10)
    for simulator in (atlas, single):
        simulator.reset([scenario])
    assert maps.walk_graph("multi_lane_0").node_count == 0
    for _ in range(300):
        assert_same(hold(atlas), hold(single))


def test_too_many_pedestrians_and_none_at_all() -> None:
    crowded = case(street(), [], [pedestrian(110.0, -6.7)])
    with pytest.raises(ValueError, match=r"1 pedestrians, the simulator 0 slots .*raise EmbeddedConfig\.pedestrians"):
        EmbeddedSimulator(1, street()).reset([crowded])
    empty = place_pedestrians(street().walk_graph("crosswalk_street"), 0, np.random.default_rng(0))
    simulator = EmbeddedSimulator(1, street(), EmbeddedConfig(pedestrians=3))
    scene = simulator.reset([replace(crowded, pedestrians=empty)])
    assert not scene.actors.valid.any()
    assert not hold(simulator).actors.block.any()


def test_ten_minutes_of_the_town() -> None:
    """No vehicle (30) touches a pedestrian (20), and whoever stands for a minute says why."""
    simulator = start(town(), town_case(0, 30, 20))
    agents, people = simulator._agents[:, 0], simulator._crowd.arrays.people[:, 0]
    still, begun = np.zeros(30), 0
    for _ in range(6000):
        crossing = people[PedestrianRow.PHASE] == PedestrianPhase.CROSSES
        scene = hold(simulator)
        begun += int(((people[PedestrianRow.PHASE] == PedestrianPhase.CROSSES) & ~crossing).sum())
        x, y = scene.actors.x[0], scene.actors.y[0]
        for i, p in np.argwhere(np.hypot(x[:30, None] - x[30:], y[:30, None] - y[30:]) < 6.5).tolist():
            assert overlap_area(actor_corners(scene, 0, i), actor_corners(scene, 0, 30 + p)) == 0.0, (i, p)
        still = np.where(scene.actors.speed[0, :30] < 0.1, still + 0.1, 0.0)
        assert (agents[AgentRow.CAUSE, still > 60.0] != WaitCause.NONE).all()
    assert begun > 40
    assert agents[AgentRow.ODOMETER].min() > 500.0
