"""What the gates count while traffic drives: overlaps, standing without a cause, stop lines crossed on red."""

from __future__ import annotations

import numpy as np

from envs.compiled import njit
from envs.embedded.collision import boxes_overlap
from envs.scene import ActorRow, FloatArray, IntArray, SignalState
from envs.traffic.agents import AgentMode, AgentRow, PassPhase
from envs.traffic.brain import decide, move_agents, sense_objects
from envs.traffic.levels import lane_height, on_other_level
from envs.traffic.lights import light
from envs.traffic.network import RoadArrays
from envs.traffic.paths import PATH_LANES
from envs.traffic.roaming import roam
from envs.traffic.scratch import TrafficArrays
from tests.gates.causes import has_cause
from tests.gates.records import Count, Watch, note
from tests.gates.watch_people import watch_crossings, watch_people

PERIOD_S = 0.1
"""Time between two looks (s)."""

LONGEST_STAND_S = 60.0
"""Time that a vehicle may stand without a cause (s)."""

LONG_STAND_S = 300.0
"""Time from which a stand is told whatever its cause (s): two that wait for each other can each have one."""

MOVED_M = 1.0
"""Who has got no further than this stands (m)."""

STANDING_MPS = 0.1
"""Who is slower has stopped at the line or behind it (m/s)."""

_OUT = float(int(PassPhase.OUT))
_RED, _GREEN, _VEHICLE = int(SignalState.RED), int(SignalState.GREEN), int(AgentMode.VEHICLE)
_OVERLAPS, _CAUSELESS, _RED_RUNS = int(Count.OVERLAPS), int(Count.CAUSELESS), int(Count.RED_RUNS)
_LONG = int(Count.LONG)


@njit
def drive(
    watch: Watch, agents: FloatArray, actors: FloatArray, traffic: TrafficArrays, roads: RoadArrays,
    rules: RoadArrays, seeds: IntArray, first: int, ticks: int,
) -> None:  # fmt: skip
    """Let all worlds drive for ``ticks`` after tick ``first`` by ``roads``, and look by ``rules``."""
    for b in range(agents.shape[1]):
        for k in range(first, first + ticks):
            now = k * PERIOD_S
            sense_objects(traffic.objects, agents, actors, roads, b)
            decide(agents, traffic, roads, now, seeds[b], b, PERIOD_S)
            roam(traffic, agents, actors, roads, seeds, now, b, PERIOD_S)
            move_agents(agents, actors, traffic.paths, roads, b, PERIOD_S)
            look(watch, agents, actors, traffic, rules, now, seeds[b], b)


@njit
def look(
    watch: Watch, agents: FloatArray, actors: FloatArray, traffic: TrafficArrays, rules: RoadArrays, now: float,
    seed: int, b: int,
) -> None:  # fmt: skip
    """Look at world ``b`` after the tick that began at ``now`` (s)."""
    for i in range(agents.shape[2]):
        _watch_lines(watch, agents, actors, traffic.paths, rules, now, seed, b, i)
        _watch_standing(watch, agents, now, b, i)
        _watch_overtaking(watch, agents, b, i)
        _watch_overlaps(watch, agents, actors, rules, now, b, i)
        watch_people(watch, agents, actors, traffic.crowd, rules, now, b, i)
    watch_crossings(watch, traffic.crowd.people, b)


@njit
def _present(agents: FloatArray, paths: IntArray, b: int, i: int) -> int:
    """Return the place of the vehicle's lane on its path, which begins with the lane before the last move."""
    for k in range(PATH_LANES):
        if paths[b, i, k] == int(agents[AgentRow.LANE, b, i]):
            return k
    return 0


@njit
def _to_line(
    agents: FloatArray, actors: FloatArray, paths: IntArray, rules: RoadArrays, lane: int, b: int, i: int
) -> float:
    """Return how far the front of vehicle ``i`` is before the stop line of ``lane`` (m); inf where not on its path."""
    begin = -agents[AgentRow.S, b, i]
    for k in range(_present(agents, paths, b, i), PATH_LANES):
        here = int(paths[b, i, k])
        if here < 0:
            break
        if here == lane:
            return float(begin - 0.5 * actors[ActorRow.LENGTH, b, i] - rules.stop_gap[lane])
        begin += rules.length[here]
    return np.inf


@njit
def _watch_lines(
    watch: Watch, agents: FloatArray, actors: FloatArray, paths: IntArray, rules: RoadArrays, now: float, seed: int,
    b: int, i: int,
) -> None:  # fmt: skip
    """Count the lines that are crossed, and those of them on red behind which the vehicle goes on into the junction.

    The state counts that was shown when the driver decided on this tick.
    """
    if int(agents[AgentRow.MODE, b, i]) != _VEHICLE:
        return
    lane = int(watch.line[b, i])
    if lane >= 0 and watch.to_line[b, i] > 0.0:
        if _to_line(agents, actors, paths, rules, lane, b, i) <= 0.0:
            watch.counts[Count.LINES, b] += 1.0
            if light(rules, lane, now, seed) == _RED:
                watch.passing[b, i] = lane
    _watch_passing(watch, agents, actors, paths, rules, now, seed, b, i)
    watch.line[b, i] = -1
    for k in range(_present(agents, paths, b, i), PATH_LANES):
        ahead = int(paths[b, i, k])
        if ahead < 0:
            return
        if rules.group[ahead] >= 0:
            distance = _to_line(agents, actors, paths, rules, ahead, b, i)
            if distance > 0.0:
                watch.line[b, i], watch.to_line[b, i] = ahead, distance
                return


@njit
def _watch_passing(
    watch: Watch, agents: FloatArray, actors: FloatArray, paths: IntArray, rules: RoadArrays, now: float, seed: int,
    b: int, i: int,
) -> None:  # fmt: skip
    lane = int(watch.passing[b, i])
    if lane < 0:
        return
    if agents[AgentRow.SPEED, b, i] < STANDING_MPS or light(rules, lane, now, seed) == _GREEN:
        watch.passing[b, i] = -1
    elif _to_line(agents, actors, paths, rules, lane, b, i) + rules.stop_gap[lane] <= 0.0:
        note(watch, _RED_RUNS, now, b, i, lane)
        watch.passing[b, i] = -1


@njit
def _watch_standing(watch: Watch, agents: FloatArray, now: float, b: int, i: int) -> None:
    """Count who has stood too long without a cause since it last got further; while there is a cause time stops."""
    if int(agents[AgentRow.MODE, b, i]) != _VEHICLE:
        return
    if agents[AgentRow.ODOMETER, b, i] - watch.anchor[b, i] > MOVED_M:
        watch.anchor[b, i], watch.uncaused[b, i] = agents[AgentRow.ODOMETER, b, i], 0.0
        watch.stood[b, i] = 0.0
        return
    watch.stood[b, i] += PERIOD_S
    if watch.stood[b, i] - PERIOD_S <= LONG_STAND_S < watch.stood[b, i]:
        note(watch, _LONG, now, b, i, int(agents[AgentRow.CAUSED_BY, b, i]))
    if not has_cause(agents, b, i):
        before = watch.uncaused[b, i]
        watch.uncaused[b, i] += PERIOD_S
        if before <= LONGEST_STAND_S < watch.uncaused[b, i]:
            note(watch, _CAUSELESS, now, b, i, int(agents[AgentRow.CAUSED_BY, b, i]))


@njit
def _watch_overtaking(watch: Watch, agents: FloatArray, b: int, i: int) -> None:
    phase = agents[AgentRow.PASSING, b, i]
    if phase == _OUT and watch.phase[b, i] != _OUT:
        watch.counts[Count.PASSES, b] += 1.0
    watch.phase[b, i] = phase


@njit
def _watch_overlaps(
    watch: Watch, agents: FloatArray, actors: FloatArray, rules: RoadArrays, now: float, b: int, i: int
) -> None:
    level = lane_height(rules, int(agents[AgentRow.LANE, b, i]), agents[AgentRow.S, b, i])
    for j in range(i):
        reach = 0.5 * (actors[ActorRow.LENGTH, b, i] + actors[ActorRow.LENGTH, b, j]) + 3.0
        near = abs(actors[ActorRow.X, b, i] - actors[ActorRow.X, b, j]) < reach
        near &= abs(actors[ActorRow.Y, b, i] - actors[ActorRow.Y, b, j]) < reach
        # Who is on a bridge touches nobody below it.
        other = lane_height(rules, int(agents[AgentRow.LANE, b, j]), agents[AgentRow.S, b, j])
        if near and not on_other_level(level, other) and bodies_overlap(actors, b, i, j):
            watch.counts[Count.OVERLAP_TICKS, b] += 1.0
            if watch.touching[b, i, j] == 0:
                note(watch, _OVERLAPS, now, b, i, j)
            watch.touching[b, i, j] = 1
        else:
            watch.touching[b, i, j] = 0


@njit
def bodies_overlap(actors: FloatArray, b: int, i: int, j: int) -> bool:
    """Return whether the oriented boxes of two bodies of world ``b`` overlap."""
    return bool(
        boxes_overlap(
            actors[ActorRow.X, b, i], actors[ActorRow.Y, b, i], actors[ActorRow.YAW, b, i],
            0.5 * actors[ActorRow.LENGTH, b, i], 0.5 * actors[ActorRow.WIDTH, b, i],
            actors[ActorRow.X, b, j], actors[ActorRow.Y, b, j], actors[ActorRow.YAW, b, j],
            0.5 * actors[ActorRow.LENGTH, b, j], 0.5 * actors[ActorRow.WIDTH, b, j],
        )
    )  # fmt: skip
