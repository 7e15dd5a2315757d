"""Vehicles all over a map, drawn at once: where each stands, what it is, how it is driven."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.compiled import njit
from envs.roads.projection import pose_at
from envs.roads.route_plan import RouteFinder
from envs.scenarios.scenario import BODY_SIZES_M, Driver, Range
from envs.scene import ActorKind, BoolArray, FloatArray, IntArray
from envs.traffic.agents import AgentMode, AgentRow

FREE_AHEAD_M = 3.0
"""Distance that vehicles start from the ends of their lanes and from one another, bumper to bumper (m)."""

EGO_ROOM_M = 24.0
"""Length that is kept free around the ego's start (m)."""

PLACES_FOR_EACH = 100
"""Places that are tried for each vehicle, on average, before a map is called too full."""

STARTS_UP_TO = 5.0
"""Speed at the start at most (m/s, ours)."""

UNBOUND_MPS = 60.0
"""Desired speed of drivers whom the lanes' advised speed alone binds (m/s)."""

_DRAWN_FROM = (
    (AgentRow.HEADWAY, "headway"),
    (AgentRow.MIN_GAP, "min_gap"),
    (AgentRow.MAX_ACCELERATION, "max_acceleration"),
    (AgentRow.COMFORT_BRAKE, "comfort_brake"),
    (AgentRow.HARDEST_BRAKE, "hardest_brake"),
    (AgentRow.POLITENESS, "politeness"),
    (AgentRow.CHANGE_THRESHOLD, "change_threshold"),
)


def draw_bodies(count: int, kinds: Sequence[ActorKind], cyclists: int, rng: np.random.Generator) -> FloatArray:
    """Return the bodies ``(5, count)`` of vehicles (rows as ``ConcreteScenario.bodies``), one of ``kinds`` each.

    The last ``cyclists`` of them are bicycles.
    """
    drawn = [kinds[k] for k in rng.integers(len(kinds), size=count).tolist()]
    drawn[count - cyclists :] = [ActorKind.CYCLIST] * cyclists
    sizes = [(int(kind), *BODY_SIZES_M[kind], 0.0, i + 1) for i, kind in enumerate(drawn)]
    columns: FloatArray = np.array(sizes, dtype=np.float64).reshape(count, 5).T.copy()
    return columns


def place_vehicles(
    finder: RouteFinder, lengths: FloatArray, ego_lane: int, ego_s: float, rng: np.random.Generator
) -> tuple[IntArray, FloatArray] | None:
    """Return lanes and arc lengths ``(n,)`` for bodies of ``lengths`` ``(n,)`` (m), or None where there is no room.

    Evenly over the lanes on which routes may begin, apart from one another and from the ego.
    """
    graph, count = finder.graph, len(lengths)
    lanes, places = np.full(count, -1, dtype=np.int64), np.zeros(count)
    taken = np.zeros((count + 1, 3))
    x, y, _ = pose_at(graph.samples, graph.start, graph.step, ego_lane, ego_s, 0.0)
    taken[0] = x, y, EGO_ROOM_M
    placed, tried, block = 0, 0, 2 * count
    while placed < count and tried < PLACES_FOR_EACH * count:
        drawn_lanes, drawn_s = finder.draw_places(block, rng)
        placed = _fill(graph.samples, graph.start, graph.step, graph.length, drawn_lanes, drawn_s, lengths, placed,
                       taken, lanes, places)  # fmt: skip
        tried, block = tried + block, 10 * count
    return (lanes, places) if placed == count else None


@njit
def _fill(
    samples: FloatArray,
    start: IntArray,
    step: FloatArray,
    lane_lengths: FloatArray,
    drawn_lanes: IntArray,
    drawn_s: FloatArray,
    lengths: FloatArray,
    placed: int,
    taken: FloatArray,
    lanes: IntArray,
    places: FloatArray,
) -> int:
    """Give the next vehicles the drawn places that are free; return how many vehicles then have one."""
    for k in range(drawn_lanes.shape[0]):
        if placed == lengths.shape[0]:
            break
        lane, s, half = drawn_lanes[k], drawn_s[k], 0.5 * lengths[placed]
        if s + half + FREE_AHEAD_M > lane_lengths[lane] or s < half:
            continue
        x, y, _ = pose_at(samples, start, step, lane, s, 0.0)
        free = True
        for i in range(placed + 1):
            apart = half + 0.5 * taken[i, 2] + FREE_AHEAD_M
            dx, dy = x - taken[i, 0], y - taken[i, 1]
            free = free and dx * dx + dy * dy > apart * apart
        if free:
            lanes[placed], places[placed] = lane, s
            placed += 1
            taken[placed, 0], taken[placed, 1], taken[placed, 2] = x, y, lengths[placed - 1]
    return placed


def draw_drivers(
    lanes: IntArray, places: FloatArray, driver: Driver, speed_factor: Range, rng: np.random.Generator
) -> FloatArray:
    """Return the agents ``(len(AgentRow), n)`` at these places: their drivers, at first at up to ``STARTS_UP_TO``."""
    count = len(lanes)
    agents = np.zeros((len(AgentRow), count))
    agents[AgentRow.MODE], agents[AgentRow.LANE], agents[AgentRow.S] = int(AgentMode.VEHICLE), lanes, places
    agents[AgentRow.SPEED] = STARTS_UP_TO * rng.random(count)
    agents[AgentRow.DESIRED_SPEED] = UNBOUND_MPS
    agents[AgentRow.SPEED_FACTOR] = _uniform(speed_factor, count, rng)
    for row, name in _DRAWN_FROM:
        agents[row] = _uniform(getattr(driver, name), count, rng)
    agents[AgentRow.MAY_CHANGE] = float(driver.changes_lane)
    agents[AgentRow.COOLDOWN] = 0.5 * rng.random(count)
    yields: BoolArray = rng.random(count) < driver.yield_probability
    agents[AgentRow.YIELDS] = yields
    agents[AgentRow.NUMBER] = rng.integers(2**31, size=count)
    agents[AgentRow.CAUSED_BY] = -1.0
    return agents


def _uniform(interval: Range, count: int, rng: np.random.Generator) -> FloatArray:
    return interval.low + (interval.high - interval.low) * rng.random(count)
