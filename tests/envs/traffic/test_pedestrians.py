"""Pedestrians who roam: invariants of long walks, chance, and company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.roads.lane_graph import concatenate
from envs.roads.opendrive import parse_opendrive
from envs.roads.walk_graph import WalkGraph, concatenate_walk_graphs
from envs.scene import FloatArray
from envs.traffic.agents import ObjectRow
from envs.traffic.chance import uniform
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow, place_pedestrians
from tests.envs.roads.conftest import MAPS
from tests.envs.traffic.walking import SOUTH_KERB, Pavement, pavement, populate, ramp, street, town

MINUTES = 20


def off_the_graph(walk: WalkGraph, points: FloatArray) -> FloatArray:
    """Return how far each point ``(n, 2)`` is from the nearest edge (m)."""
    a = walk.nodes[np.repeat(np.arange(walk.node_count), np.diff(walk.start))]
    along = walk.nodes[walk.neighbours] - a
    offset = points[:, None] - a
    fraction = np.clip((offset * along).sum(axis=2) / np.maximum((along**2).sum(axis=1), 1e-12), 0.0, 1.0)
    away = offset - fraction[..., None] * along
    distance: FloatArray = np.hypot(away[..., 0], away[..., 1]).min(axis=1)
    return distance


def positions(worlds: Pavement) -> FloatArray:
    """Return ``(B, P, 2)`` (m)."""
    return np.stack([worlds.row(PedestrianRow.X), worlds.row(PedestrianRow.Y)], axis=-1)


def foot_of_the_crosswalk(worlds: Pavement) -> tuple[int, int]:
    """Return the node where the street's southern sidewalk meets the crosswalk, and the node west of it."""
    nodes, start = worlds.graph_walk.nodes, worlds.graph_walk.start
    foot = int(np.flatnonzero((np.abs(nodes - [150.0, -6.7]) < 1e-6).all(axis=1))[0])
    around = worlds.graph_walk.neighbours[start[foot] : start[foot + 1]]
    return foot, int(around[np.argmin(nodes[around, 0])])


def roam(worlds: Pavement, minutes: int) -> FloatArray:
    """Walk on, look at the invariants every second, and return the positions of every second ``(T, B, P, 2)``."""
    places = [positions(worlds).copy()]
    crossed = 0
    for _ in range(60 * minutes):
        for _ in range(10):
            before = positions(worlds).copy()
            worlds.step()
            steps = np.hypot(*np.moveaxis(positions(worlds) - before, -1, 0))
            assert (steps <= 0.1 * worlds.row(PedestrianRow.DESIRED_SPEED) + 1e-9).all()
        crossed += int((worlds.row(PedestrianRow.PHASE) == PedestrianPhase.CROSSES).sum())
        places.append(positions(worlds).copy())
    assert crossed > 0
    walked = np.array(places)
    assert off_the_graph(worlds.graph_walk, walked[::5].reshape(-1, 2)).max() <= 0.6 + 1e-6
    a_minute_apart = np.hypot(*np.moveaxis(np.diff(walked, axis=0), -1, 0))
    in_a_minute = np.lib.stride_tricks.sliding_window_view(a_minute_apart, 60, axis=0).sum(axis=-1)
    assert in_a_minute.min() > 10.0
    return walked


def test_a_street_is_roamed_without_leaving_it_or_standing_still() -> None:
    worlds = street(worlds=2, people=30)
    populate(worlds, [1, 2])
    roam(worlds, MINUTES)


@pytest.mark.parametrize("people", [20, 40])
def test_a_town_is_roamed_without_leaving_it_or_standing_still(people: int) -> None:
    path = MAPS / "Town02.xodr"
    if not path.exists():
        pytest.skip("no Town02.xodr in ../shared/data/carla_maps")
    worlds = town(parse_opendrive(path.read_bytes(), "Town02"), 2, people)
    populate(worlds, [3, 4])
    walked = roam(worlds, MINUTES)
    spread = walked.reshape(-1, 2).max(axis=0) - walked.reshape(-1, 2).min(axis=0)
    assert (spread > 150.0).all()
    again = town(parse_opendrive(path.read_bytes(), "Town02"), 2, people)
    populate(again, [4, 3])
    again.run(60.0 * MINUTES)
    assert positions(again)[::-1].tobytes() == walked[-1].tobytes()
    assert np.abs(walked[-1, 0] - walked[-1, 1]).max() > 10.0


def test_a_world_walks_alike_alone_and_among_others() -> None:
    """Bit for bit, whatever its place in the batch; other seeds walk otherwise from the same start."""
    many, alone, other = street(3, 20), street(1, 20), street(1, 20)
    populate(many, [7, 8, 9])
    populate(alone, [8])
    populate(other, [8])
    other.seeds[0] = 10
    for worlds in (many, alone, other):
        worlds.run(300.0)
    assert many.people[:, 1].tobytes() == alone.people[:, 0].tobytes()
    assert np.abs(positions(other) - positions(alone)).max() > 10.0


def test_in_an_atlas_one_walks_as_on_the_map_alone() -> None:
    one, other = street(1, 10), ramp((155.0, -11.0), (158.0, -11.0), (158.0, 0.5), (155.0, 0.5))
    graph, lane_offsets = concatenate([other.graph, one.graph])
    walk, nodes, _ = concatenate_walk_graphs([other.graph_walk, one.graph_walk], lane_offsets)
    atlas = pavement(graph, walk, 1, 10)
    rngs = np.random.default_rng(1), np.random.default_rng(1)
    one.people[:, 0] = place_pedestrians(one.graph_walk, 10, rngs[0])
    atlas.people[:, 0] = place_pedestrians(walk, 10, rngs[1], (int(nodes[1]), int(nodes[2])))
    for worlds, roads in ((one, one.graph), (atlas, graph)):
        worlds.objects[ObjectRow.LANE, 0, 0] = roads.lane_count - 1
        worlds.objects[ObjectRow.S, 0, 0] = 150.0  # a car that stands on the crosswalk
        worlds.run(300.0)
    assert positions(one).tobytes() == positions(atlas).tobytes()
    assert one.occupied[0].tolist() == atlas.occupied[0, -2:].tolist()


def test_the_chance_to_cross_is_obeyed() -> None:
    """Of those who pass the crosswalk for the first time about so many take it."""
    for chance, low, high in ((0.0, 0, 0), (0.3, 75, 165), (1.0, 400, 400)):
        worlds = street(worlds=400, people=1)
        worlds.cross_chance = chance
        foot, before = foot_of_the_crosswalk(worlds)
        worlds.put(0, (before, foot), (149.0, -7.0), 0.0, 1.4, 0.3)
        worlds.people[:] = worlds.people[:, :1]
        worlds.run(3.0)
        assert low <= int((positions(worlds)[:, 0, 1] > -5.9).sum()) <= high


def test_each_in_a_world_chooses_for_himself() -> None:
    worlds = street(people=60)
    foot, before = foot_of_the_crosswalk(worlds)
    for i in range(60):
        worlds.put(i, (before, foot), (149.0, -7.0), 0.0, 1.4, 0.3)
    worlds.run(3.0)
    assert 10 < int((positions(worlds)[0, :, 1] > -5.9).sum()) < 50


def test_two_who_come_together_at_an_angle_do_not_hold_each_other() -> None:
    """Each stands ahead of the other as he looks: (0.1, -0.3) m apart, one heads east, the other 36 degrees north."""
    walkers = street(people=2)
    foot, before = foot_of_the_crosswalk(walkers)
    walkers.put(0, (before, foot), (148.0, -7.1), 0.0, 1.2, 0.4)
    walkers.put(1, (foot, int(np.flatnonzero(walkers.graph_walk.node_crosswalk == 0)[0])), (148.1, -7.4), 0.6, 1.2, 0.4)
    begun = positions(walkers)[0].copy()
    walkers.run(1.0)
    assert (np.hypot(*(positions(walkers)[0] - begun).T) > 0.8).all()


def test_one_behind_another_takes_his_pace() -> None:
    walkers = street(people=2)
    walkers.put(0, (0, 1), (3.0, -7.1), 0.0, 1.0, 0.4)
    walkers.put(1, (0, 1), (0.5, -7.1), 0.0, 1.6, 0.4)
    for _ in range(300):
        walkers.step()
        gap = positions(walkers)[0, 0, 0] - positions(walkers)[0, 1, 0]
        assert gap > 0.6
    assert gap < 1.0 and walkers.row(PedestrianRow.SPEED)[0].tolist() == [1.0, 1.0]


def test_two_who_meet_pass_each_other() -> None:
    walkers = street(people=2)
    walkers.put(0, (0, 1), (3.0, -7.0), 0.0, 1.2, 0.3)
    walkers.put(1, (2, 1), (15.0, -6.4), -np.pi, 1.2, 0.3)
    for _ in range(100):
        walkers.step()
        assert np.hypot(*(positions(walkers)[0, 0] - positions(walkers)[0, 1])) >= 0.6 - 1e-9
    assert walkers.row(PedestrianRow.SPEED)[0].tolist() == [1.2, 1.2]


def test_a_queue_forms_at_a_kerb_that_is_held() -> None:
    walkers = street(people=2)
    walkers.walk_seconds[:] = 0.0
    walkers.at_kerb(0)
    walkers.at_kerb(1)
    walkers.people[PedestrianRow.Y, 0, 1] -= 0.95
    walkers.run(5.0)
    first, second = positions(walkers)[0, :, 1]
    assert first == SOUTH_KERB and 0.7 < first - second < 0.95


def test_at_the_end_of_the_way_one_turns_back() -> None:
    walkers = street()
    end = int(np.argmax(np.where(walkers.graph_walk.nodes[:, 1] < 0, walkers.graph_walk.nodes[:, 0], -1.0)))
    before = int(walkers.graph_walk.neighbours[walkers.graph_walk.start[end]])
    walkers.put(0, (before, end), (299.5, -7.1), 0.0, 1.0, 0.4)
    walkers.run(10.0)
    assert positions(walkers)[0, 0] == pytest.approx([290.5, -6.3], abs=0.1)
    assert walkers.row(PedestrianRow.SPEED)[0, 0] == 1.0


def test_where_a_crosswalk_leads_nowhere_one_walks_back() -> None:
    road = ramp((155.0, -11.0), (158.0, -11.0), (158.0, 0.5), (155.0, 0.5))
    road.put(0, (0, 1), (156.0, -5.0), 0.5 * np.pi, 1.4, 0.4)
    road.people[PedestrianRow.PHASE, 0, 0], road.people[PedestrianRow.CROSSWALK, 0, 0] = PedestrianPhase.CROSSES, 0
    heights = []
    for _ in range(600):
        road.step()
        heights.append(road.row(PedestrianRow.Y)[0, 0])
        assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.CROSSES
    assert min(heights[300:]) < -10.0 and max(heights[300:]) > 0.0


def test_whoever_waits_too_long_turns_back() -> None:
    road = street()
    road.walk_seconds[0, 0] = 0.0
    road.at_kerb()
    road.run(119.0)
    assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.WAITS
    road.cross_chance = 0.0
    road.run(20.0)
    assert road.row(PedestrianRow.PHASE)[0, 0] == PedestrianPhase.WALKS
    assert road.row(PedestrianRow.Y)[0, 0] < SOUTH_KERB


def test_pedestrians_begin_on_the_sidewalks() -> None:
    walk = street().graph_walk
    people = place_pedestrians(walk, 500, np.random.default_rng(0))
    points = people[[PedestrianRow.X, PedestrianRow.Y]].T
    away = off_the_graph(walk, points)
    assert (away >= 0.3 - 1e-9).all() and (away <= 0.6 + 1e-9).all()
    assert (np.abs(np.abs(points[:, 1]) - 6.7) <= 0.6 + 1e-9).all()
    assert points[:, 0].min() < 15.0 and points[:, 0].max() > 285.0
    speeds = people[PedestrianRow.DESIRED_SPEED]
    assert speeds.min() >= 1.0 and speeds.max() <= 1.6


def test_a_map_without_sidewalks_takes_no_pedestrians() -> None:
    walk = street().graph_walk
    assert place_pedestrians(walk, 0, np.random.default_rng(0), (0, 0)).shape == (len(PedestrianRow), 0)
    with pytest.raises(ValueError, match="has no sidewalk; ask for 0"):
        place_pedestrians(walk, 3, np.random.default_rng(0), (0, 0))


@given(st.integers(0, 2**63 - 1), st.integers(0, 1000), st.integers(0, 2**40))
@settings(deadline=None, max_examples=50)
def test_numbers_lie_in_the_unit_interval(seed: int, who: int, counter: int) -> None:
    assert 0.0 <= uniform(seed, who, counter) < 1.0
    assert uniform(seed, who, counter) == uniform(seed, who, counter)


def test_numbers_are_uniform_along_each_argument() -> None:
    """Kolmogorov-Smirnov at 0.1 %: the greatest distance of 4000 uniform numbers is below 1.95 / sqrt(4000)."""
    for numbers in (
        [uniform(1, 2, n) for n in range(4000)],
        [uniform(1, n, 2) for n in range(4000)],
        [uniform(n, 1, 2) for n in range(4000)],
    ):
        ordered = np.sort(numbers)
        assert np.abs(ordered - (np.arange(4000) + 0.5) / 4000).max() < 1.95 / np.sqrt(4000)
