"""Jaywalkers in the town's traffic: they cross away from crosswalks, only into gaps, and nobody drives into them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.projection import pose_at
from envs.roads.walk_graph import WalkGraph
from envs.scenarios.maps import MapLibrary
from envs.scenarios.route import route, sample_route
from envs.scene import BoolArray, FloatArray
from envs.traffic.agents import AgentRow, ObjectRow, WaitCause
from envs.traffic.jaywalk_places import FROM_CROSSWALK_M
from envs.traffic.walk_state import JAYWALK_CHANCE, PedestrianPhase, PedestrianRow, place_pedestrians
from tests.envs.embedded.crowds import case, driver, pedestrian, start, street
from tests.envs.traffic.worlds import agent_rows, hold
from tests.gates.population import GENERATED, KINDS, Worlds, load_map, load_walk, populate
from tests.gates.records import Count, Watch, new_watch
from tests.gates.watch import PERIOD_S, drive

MINUTES, VEHICLES, PEDESTRIANS = 5, 30, 20
STATE = 12
"""Rows of the pedestrians' state that a world without jaywalkers uses."""


@lru_cache(maxsize=1)
def town_walk() -> WalkGraph:
    return load_walk(GENERATED, load_map(GENERATED))


def town(share: float, seeds: tuple[int, ...] = (0, 1)) -> Worlds:
    return populate(load_map(GENERATED), VEHICLES, seeds, KINDS, town_walk(), PEDESTRIANS, jaywalkers=share)


def run(worlds: Worlds, watch: Watch, first: int, ticks: int) -> None:
    bodies = (worlds.agents, worlds.actors, worlds.traffic)
    drive(watch, *bodies, worlds.roads, worlds.roads, worlds.seeds, first, ticks)


@dataclass(frozen=True)
class Begun:
    """A crossing that has begun: where (m), the vehicle that comes first and how long it takes to (s), what is wanted.

    ``way`` ``(2, 2)`` from kerb to kerb (m).
    """

    way: FloatArray
    first_s: float
    critical_s: float


def arrives_s(worlds: Worlds, b: int, way: FloatArray) -> float:
    """Return when the first vehicle's front would be on ``way`` if it kept its speed along its path (s).

    Measured on the plane along the path that the vehicle will take, from where it was when the pedestrian looked.
    """
    roads, objects, first = worlds.roads, worlds.traffic.objects, np.inf
    across = way[1] - way[0]
    for i in range(VEHICLES):
        speed = objects[ObjectRow.SPEED, b, i]
        if speed < 0.5:
            continue
        gone, s, k = 0.0, float(objects[ObjectRow.S, b, i] + objects[ObjectRow.HALF_LENGTH, b, i]), 0
        path = worlds.traffic.paths[b, i]
        while gone < 15.0 * speed and gone / speed < first:
            while k < len(path) and path[k] >= 0 and s > roads.length[path[k]]:
                s, k = s - roads.length[path[k]], k + 1
            if k == len(path) or path[k] < 0:
                break
            x, y, _ = pose_at(roads.samples, roads.start, roads.step, int(path[k]), s, 0.0)
            offset = np.array([x, y]) - way[0]
            share = np.clip(offset @ across / (across @ across), 0.0, 1.0)
            if np.hypot(*(offset - share * across)) < 0.5:
                first = gone / speed
            gone, s = gone + 0.25, s + 0.25
    return first


@lru_cache(maxsize=1)
def drive_town() -> tuple[Worlds, tuple[Begun, ...], FloatArray, int, int]:
    """Return the worlds after ``MINUTES``, the crossings begun, the counts of the gates, and what was seen of people.

    That is how many reached the other side, and how often one stood with its middle inside a lane.
    """
    worlds = town(0.5)
    crowd, begun, landed, stood = worlds.traffic.crowd, [], 0, 0
    watch = new_watch(2, VEHICLES, PEDESTRIANS)
    for k in range(round(60 * MINUTES / PERIOD_S)):
        before = crowd.people[PedestrianRow.PHASE].copy()
        run(worlds, watch, k, 1)
        now = crowd.people[PedestrianRow.PHASE]
        landed += int(((before == PedestrianPhase.JAYWALKS) & (now == PedestrianPhase.WALKS)).sum())
        for b, p in np.argwhere((now == PedestrianPhase.JAYWALKS) & (before != now)).tolist():
            way = crowd.jaywalk.ends[int(crowd.people[PedestrianRow.PLACE, b, p])].copy()
            length = float(np.hypot(*(way[1] - way[0])))
            critical = length / float(crowd.people[PedestrianRow.DESIRED_SPEED, b, p]) + 3.0
            begun.append(Begun(way, arrives_s(worlds, b, way), critical))
        stood += int(((now == PedestrianPhase.JAYWALKS) & (before == now) & _in_a_lane(worlds)).sum())
    return worlds, tuple(begun), watch.counts.sum(axis=1), landed, stood


def _in_a_lane(worlds: Worlds) -> BoolArray:
    """Return which pedestrians ``(B, P)`` stand in the middle half of a lane of their way across."""
    crowd = worlds.traffic.crowd
    places, people = crowd.jaywalk, crowd.people
    found = np.zeros(people.shape[1:], dtype=np.bool_)
    for b, p in np.argwhere(people[PedestrianRow.SPEED] == 0.0).tolist():
        place = int(people[PedestrianRow.PLACE, b, p])
        if place < 0:
            continue
        way = places.ends[place]
        offset = people[[PedestrianRow.X, PedestrianRow.Y], b, p] - way[0]
        done = float(offset @ (way[1] - way[0]) / np.hypot(*(way[1] - way[0])))
        for c in range(places.crossing_start[place], places.crossing_start[place + 1]):
            near, far = places.crossing_near[c], places.crossing_far[c]
            found[b, p] |= abs(done - 0.5 * (near + far)) < 0.25 * (far - near)
    return found


def test_they_cross_away_from_crosswalks_and_reach_the_other_side() -> None:
    _, begun, counts, landed, _ = drive_town()
    assert len(begun) == counts[Count.JAYWALKS] and len(begun) > 20
    assert landed >= len(begun) - 5
    ends = town_walk().crosswalk_ends
    for item in begun:
        middle = item.way.mean(axis=0)
        assert (np.hypot(*(ends.mean(axis=1) - middle).T) > FROM_CROSSWALK_M).all()
    assert counts[Count.CROSSINGS] > 20  # crosswalks are walked all the same


def test_nobody_starts_into_a_gap_that_is_shorter_than_the_critical_one() -> None:
    _, begun, *_ = drive_town()
    for item in begun:
        assert item.first_s >= item.critical_s, item
    # Some did come soon after: the gaps are not all endless.
    assert min(item.first_s for item in begun) < 15.0


def test_no_driver_touches_anybody_and_nobody_is_stuck() -> None:
    *_, counts, _, _ = drive_town()
    assert (counts[Count.RUN_OVER], counts[Count.OVERLAPS], counts[Count.CAUSELESS]) == (0, 0, 0)


def test_contacts_are_seen_where_jaywalkers_look_at_no_lane() -> None:
    """Drivers alone cannot spare everybody who steps out at any moment, so that the test above can fail."""
    careless = town(1.0, (2, 3))
    crowd = careless.traffic.crowd
    crowd.people[PedestrianRow.JAYWALKS] = 1.0
    blind = crowd.jaywalk._replace(approach_start=np.zeros_like(crowd.jaywalk.approach_start))
    careless = replace(careless, traffic=careless.traffic._replace(crowd=crowd._replace(jaywalk=blind)))
    watch = new_watch(2, VEHICLES, PEDESTRIANS)
    run(careless, watch, 0, round(60 * MINUTES / PERIOD_S))
    assert watch.counts[Count.RUN_OVER].sum() > 0


def test_nobody_stops_in_the_middle_of_a_lane() -> None:
    assert drive_town()[-1] == 0


def test_without_a_share_worlds_are_as_without_places() -> None:
    """The places alone change nothing, and the draw of who jaywalks nothing else."""
    plain, placed, jaywalking = town(0.0), town(0.5), town(0.5)
    assert np.array_equal(plain.traffic.crowd.people[:STATE], placed.traffic.crowd.people[:STATE])
    placed.traffic.crowd.people[PedestrianRow.JAYWALKS] = 0.0
    for worlds in (plain, placed, jaywalking):
        run(worlds, new_watch(2, VEHICLES, PEDESTRIANS), 0, 1800)
    assert np.array_equal(plain.actors, placed.actors) and np.array_equal(plain.agents, placed.agents)
    assert np.array_equal(plain.traffic.crowd.people, placed.traffic.crowd.people)
    assert not np.array_equal(plain.traffic.crowd.people[:STATE], jaywalking.traffic.crowd.people[:STATE])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_crowd_jaywalks(share: float) -> None:
    people = place_pedestrians(town_walk(), 2000, np.random.default_rng(0), jaywalkers=share)
    drawn = people[PedestrianRow.JAYWALKS]
    assert set(drawn.tolist()) <= {0.0, JAYWALK_CHANCE}
    assert (drawn > 0.0).mean() == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize(("phase", "stops"), [(PedestrianPhase.JAYWALKS, True), (PedestrianPhase.LOOKS, False)])
def test_a_driver_stops_for_who_is_on_the_street_and_not_for_who_stands_at_the_kerb(
    phase: PedestrianPhase, stops: bool
) -> None:
    """At x = 220 there is no crosswalk; the kerb of a jaywalker is 4.1 m from the middle of the street."""
    east = street().graph("crosswalk_street").find(1, -1)
    y = -1.75 if stops else -4.1
    somebody = pedestrian(220.0, y, 0.5 * np.pi, phase=phase)
    simulator = start(street(), case(street(), [driver(east, 160.0, 10.0)], [somebody]))
    slowest = 10.0
    for _ in range(300 if stops else 110):
        scene = hold(simulator)
        slowest = min(slowest, float(scene.actors.speed[0, 0]))
    if not stops:
        assert slowest > 9.5 and scene.actors.x[0, 0] > 230.0
        return
    assert slowest < 0.1 and agent_rows(simulator, AgentRow.CAUSE)[0, 0] == WaitCause.CROSSWALK
    assert 215.0 < scene.actors.x[0, 0] + 2.3 < 219.75  # its front, a body's half before the pedestrian


def test_a_scenario_asks_for_jaywalkers_and_its_worlds_have_them() -> None:
    maps = MapLibrary(["street_0", "town"])
    scenario = replace(route("low"), jaywalkers=1.0)
    cases = [sample_route(scenario, seed, 0, maps) for seed in (0, 1)]
    plain = sample_route(route("low"), 0, 0, maps)
    assert (cases[0].pedestrians[PedestrianRow.JAYWALKS] > 0.0).all()
    assert (plain.pedestrians[PedestrianRow.JAYWALKS] == 0.0).all()
    assert np.array_equal(plain.pedestrians[:STATE], cases[0].pedestrians[:STATE])
    slots = EmbeddedConfig(actors=scenario.vehicles, pedestrians=scenario.pedestrians)
    with pytest.raises(ValueError, match=r"route has jaywalkers, the simulator no places .*EmbeddedConfig\.jaywalkers"):
        EmbeddedSimulator(1, maps, slots).reset(cases[:1])
    atlas = EmbeddedSimulator(2, maps, replace(slots, jaywalkers=True))
    single = EmbeddedSimulator(2, MapLibrary(["town"]), replace(slots, jaywalkers=True))
    seen = 0
    for simulator in (atlas, single):
        simulator.reset(cases)
    for _ in range(900):
        hold(atlas), hold(single)
        seen += int((atlas.state()["people"][PedestrianRow.PHASE] == PedestrianPhase.JAYWALKS).sum())
    assert seen > 0
    assert np.array_equal(atlas.scene.actors.block, single.scene.actors.block)
