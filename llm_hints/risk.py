"""The expert's rules: how dangerous a scene is, who makes it so, and the hint that follows. All ours.

Each rule gives a risk in [0, 1] and is one compiled function; ``assess`` combines them. Only actors that are
valid *and* visible are looked at, so nothing occluded can reach a hint.

Per actor (the actor's risk is the largest of these):

=============== ==============================================================================================
contact         time until the boxes meet at present velocities, 0.3 m margin: 1 at 1.5 s, 0 at 5 s, in full from
                3 m/s of relative speed; a pass within 1 m counts half of that, in full from 6 m/s. Oncoming:
                1 at 2 s, 0 at 7 s, as both must stop or give way
following       time gap to the vehicle ahead in the ego's path: 0.5 at 0 s, 0 at 1.2 s
merging         lane ends within 120 m: a vehicle beside or closing on the gap next to the ego, up to 0.8,
                in proportion to how near the end is
walker          a pedestrian or cyclist ahead who is or will be within 3 m of the ego's path when the ego
                gets there: 1 at 1 s, 0 at 4.5 s; at most 0.4 unless walking towards the path or in it
oncoming gap    where the left lane is oncoming: a vehicle in it, 0.25 at 2 s, 0 at 6 s: a warning against borrowing
blind spot      a standing vehicle beside the path ahead, at more than 4 m/s, not on a highway: somebody may
                step out from behind it, and nothing else can tell; 0.55 at 1 s, 0 at 3.5 s
=============== ==============================================================================================

Of the road (the largest of these): a red or yellow signal, a stop sign to obey, or the end of the lane, that needs
braking of 2 m/s2 (0) to 5 m/s2 (1; lane end 0.6); the body within 0.4 m of the edge (0.6 at 0 m); lateral
acceleration in the lane's curve from 2 (0) to 5 m/s2 (0.6); speed from 1.1 (0) to 1.6 (0.4) of the limit; boxed in,
front and both sides taken by moving traffic (0.35).

Together: ``risk = 1 - (1 - r1)(1 - r2/2)(1 - r3/2)(1 - road)`` with the three largest actor risks. The weights go
linearly from the free to the dangerous ones with the risk: graded, state-dependent weights were worth 4.5 to 9
points of success over the same mean fixed in a trial.
"""

from __future__ import annotations

import math
from enum import IntEnum

from envs.compiled import njit
from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, IntArray, RoadCategory, RoadRow
from llm_hints.geometry import NEVER_S, contact_time, fade, octant, relative
from llm_hints.hint import DIRECTION_VECTORS, ENTITY_KINDS, SCENARIO_SIZE, SLOT_SIZE, SLOTS
from llm_hints.stop_lines import must_stop

_KINDS = len(ENTITY_KINDS)
_PEDESTRIAN = int(ActorKind.PEDESTRIAN)
_CYCLIST = int(ActorKind.CYCLIST)
_STATIC = int(ActorKind.STATIC)
_HIGHWAY = int(RoadCategory.HIGHWAY)


class Parameter(IntEnum):
    """Places of the numbers that ``RulesConfig.packed`` hands to the kernels."""

    RANGE_M = 0
    MEDIUM_FROM = 1
    HIGH_FROM = 2
    FREE_SAFETY = 3
    FREE_EFFICIENCY = 4
    DANGER_SAFETY = 5
    DANGER_EFFICIENCY = 6
    BLIND_SPOT = 7
    ENTITY_SCORE = 8


@njit
def contact_risk(
    forward: float, left: float, rate_x: float, rate_y: float, half_x: float, half_y: float, same_way: float
) -> float:
    """Return the risk of meeting the actor if both keep their velocities."""
    oncoming = same_way < -0.7 and forward > 0.0
    soon = 2.0 if oncoming else 1.5
    far = 7.0 if oncoming else 5.0
    near = contact_time(forward, left, rate_x, rate_y, half_x, half_y + 1.0)
    if near >= far:
        return 0.0
    hit = contact_time(forward, left, rate_x, rate_y, half_x, half_y + 0.3)
    # Slow bodies close to each other are a queue, not a danger: or else whoever waits would be told to wait on.
    rate = math.sqrt(rate_x * rate_x + rate_y * rate_y)
    return max(fade(hit, soon, far) * fade(rate, 3.0, 0.0), 0.5 * fade(near, soon, far) * fade(rate, 6.0, 0.0))


@njit
def following_risk(forward: float, left: float, half_x: float, half_y: float, speed: float) -> float:
    """Return the risk of driving too close behind an actor in the ego's path."""
    if forward < 0.0 or abs(left) > half_y + 0.2:
        return 0.0
    return 0.5 * fade((forward - half_x) / max(speed, 0.1), 0.0, 1.2)


@njit
def merging_risk(
    forward: float, left: float, rate_x: float, half_x: float, half_y: float, distance_to_end: float
) -> float:
    """Return the risk of an actor beside the ego, or closing on it, when the ego must leave its lane soon."""
    side_gap = abs(left) - half_y
    if distance_to_end > 120.0 or side_gap < -0.2 or side_gap > 4.0:
        return 0.0
    gap = abs(forward) - half_x
    closing = -rate_x if forward > 0.0 else rate_x
    arrival = gap / closing if closing > 0.1 else NEVER_S
    taken = max(fade(gap, 2.0, 14.0), fade(arrival, 1.5, 4.0))
    return 0.8 * taken * fade(distance_to_end, 30.0, 120.0)


@njit
def walker_risk(forward: float, left: float, rate_y: float, half_x: float, half_y: float, speed: float) -> float:
    """Return the risk of a pedestrian or cyclist who is, or may soon be, in the ego's path."""
    gap = forward - half_x
    if forward < 0.0:
        return 0.0
    arrival = max(gap, 0.0) / max(speed, 2.0)
    side_gap = abs(left) - half_y
    towards = -rate_y if left > 0.0 else rate_y
    # Walking away is half believed: who leaves the path may turn round.
    reached = side_gap - (towards if towards > 0.0 else 0.5 * towards) * arrival
    if reached > 3.0:
        return 0.0
    intent = 1.0 if side_gap < 0.3 or towards > 0.3 else 0.4
    return intent * fade(reached, 0.5, 3.0) * fade(arrival, 1.0, 4.5)


@njit
def oncoming_gap_risk(forward: float, left: float, rate_x: float, half_x: float, half_y: float) -> float:
    """Return the risk that an oncoming vehicle in the lane to the left adds to leaving the ego's lane."""
    side_gap = left - half_y
    if forward < 0.0 or side_gap < 0.0 or side_gap > 4.0 or rate_x > -1.0:
        return 0.0
    return 0.25 * fade((forward - half_x) / -rate_x, 2.0, 6.0)


@njit
def blind_spot_risk(forward: float, left: float, half_x: float, half_y: float, speed: float, highest: float) -> float:
    """Return the risk of whoever may stand behind a standing vehicle beside the ego's path."""
    side_gap = abs(left) - half_y
    if forward < half_x or side_gap < -0.2 or side_gap > 2.5:
        return 0.0
    return highest * fade((forward - half_x) / max(speed, 0.1), 1.0, 3.5) * fade(speed, 9.0, 4.0)


@njit
def vehicle_risk(
    forward: float,
    left: float,
    rate_x: float,
    half_x: float,
    half_y: float,
    same_way: float,
    ego: FloatArray,
    road: FloatArray,
    own_speed: float,
    blind_spot: float,
    b: int,
) -> float:
    """Return the largest risk of the rules that hold for vehicles only."""
    speed = ego[EgoRow.SPEED, b]
    risk = merging_risk(forward, left, rate_x, half_x, half_y, road[RoadRow.DISTANCE_TO_LANE_END, b])
    if same_way < -0.7 and road[RoadRow.LEFT_IS_ONCOMING, b] > 0.5:
        risk = max(risk, oncoming_gap_risk(forward, left, rate_x, half_x, half_y))
    if abs(own_speed) < 0.5 and int(road[RoadRow.CATEGORY, b]) != _HIGHWAY:
        risk = max(risk, blind_spot_risk(forward, left, half_x, half_y, speed, blind_spot))
    return risk


@njit
def braking_risk(speed: float, distance: float) -> float:
    """Return 0 to 1 for a constant braking of 2 to 5 m/s2 needed to stop within ``distance`` (m)."""
    return fade(speed * speed / (2.0 * max(distance, 0.5)), 5.0, 2.0)


@njit
def road_risk(ego: FloatArray, road: FloatArray, b: int) -> float:
    """Return the largest risk that the road itself holds for the ego."""
    speed = max(ego[EgoRow.SPEED, b], 0.0)
    risk = 0.0
    if must_stop(road, b) and 0.0 <= road[RoadRow.DISTANCE_TO_STOP_LINE, b] < 150.0:
        risk = braking_risk(speed, road[RoadRow.DISTANCE_TO_STOP_LINE, b])
    if road[RoadRow.DISTANCE_TO_LANE_END, b] < 150.0:
        risk = max(risk, 0.6 * braking_risk(speed, road[RoadRow.DISTANCE_TO_LANE_END, b]))
    edge = min(road[RoadRow.EDGE_LEFT, b], road[RoadRow.EDGE_RIGHT, b]) - 0.5 * ego[EgoRow.WIDTH, b]
    risk = max(risk, 0.6 * fade(edge, 0.0, 0.4))
    risk = max(risk, 0.6 * fade(speed * speed * abs(road[RoadRow.CURVATURE, b]), 5.0, 2.0))
    if road[RoadRow.SPEED_LIMIT, b] > 1.0:
        risk = max(risk, 0.4 * fade(speed / road[RoadRow.SPEED_LIMIT, b], 1.6, 1.1))
    return risk


@njit
def rank_risk(risks: FloatArray, risk: float) -> None:
    """Put ``risk`` at its rank among the three highest, ``risks`` (3) descending."""
    if risk <= risks[SLOTS - 1]:
        return
    rank = SLOTS - 1
    while rank > 0 and risk > risks[rank - 1]:
        risks[rank] = risks[rank - 1]
        rank -= 1
    risks[rank] = risk


@njit
def rank_entity(scores: FloatArray, slots: FloatArray, score: float, code: float, direction: int) -> None:
    """Put an entity at its rank among the three highest ``scores`` (3, descending), and its numbers in ``slots`` (9).

    Equal scores keep the actors' order, so the ranking is deterministic.
    """
    rank = SLOTS - 1
    while rank > 0 and score > scores[rank - 1]:
        scores[rank] = scores[rank - 1]
        for place in range(SLOT_SIZE):
            slots[rank * SLOT_SIZE + place] = slots[(rank - 1) * SLOT_SIZE + place]
        rank -= 1
    scores[rank] = score
    slots[rank * SLOT_SIZE] = code
    slots[rank * SLOT_SIZE + 1] = DIRECTION_VECTORS[direction, 0]
    slots[rank * SLOT_SIZE + 2] = DIRECTION_VECTORS[direction, 1]


@njit
def write_weights(risk: float, parameters: FloatArray, weights: FloatArray) -> None:
    """Write the weights (3) of a risk: two decimals (the paper's CSA) whose hundredths add up to 100."""
    free_safety = parameters[Parameter.FREE_SAFETY]
    free_efficiency = parameters[Parameter.FREE_EFFICIENCY]
    safety = round(100.0 * (free_safety + (parameters[Parameter.DANGER_SAFETY] - free_safety) * risk))
    towards = parameters[Parameter.DANGER_EFFICIENCY] - free_efficiency
    efficiency = min(round(100.0 * (free_efficiency + towards * risk)), 100 - safety)
    weights[0] = safety / 100.0
    weights[1] = efficiency / 100.0
    weights[2] = (100 - safety - efficiency) / 100.0


@njit
def assess_actor(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    b: int,
    a: int,
    place: tuple[float, float, float, float, float, float, float],
    blind_spot: float,
) -> float:
    """Return the risk of one actor at ``place`` (see ``geometry.relative``)."""
    forward, left, rate_x, rate_y, half_x, half_y, same_way = place
    speed = ego[EgoRow.SPEED, b]
    # The present acceleration is taken to last one second: a leader that brakes hard is already closing.
    sooner = 0.5 * min(actors[ActorRow.ACCELERATION, b, a], 0.0) * same_way
    risk = contact_risk(forward, left, rate_x + sooner, rate_y, half_x, half_y, same_way)
    risk = max(risk, following_risk(forward, left, half_x, half_y, speed))
    kind = int(actors[ActorRow.KIND, b, a])
    if kind in (_PEDESTRIAN, _CYCLIST):
        return max(risk, walker_risk(forward, left, rate_y, half_x, half_y, speed))
    if kind == _STATIC:
        return risk
    own_speed = actors[ActorRow.SPEED, b, a]
    return max(
        risk,
        vehicle_risk(forward, left, rate_x, half_x, half_y, same_way, ego, road, own_speed, blind_spot, b),
    )


@njit
def boxed_side(forward: float, left: float, half_x: float, half_y: float, own_speed: float, same_way: float) -> int:
    """Return 1 where an actor that drives the same way takes the place ahead, 2 to the left, 4 to the right, else 0."""
    if own_speed < 1.0 or same_way < 0.7:
        return 0
    side_gap = abs(left) - half_y
    if side_gap < 0.2 and forward > 0.0:
        return 1 if forward - half_x < 20.0 else 0
    if 0.0 <= side_gap < 2.5 and abs(forward) < half_x + 3.0:
        return 2 if left > 0.0 else 4
    return 0


@njit
def assess_world(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    parameters: FloatArray,
    b: int,
    slots: FloatArray,
    work: FloatArray,
) -> tuple[float, int]:
    """Write the slots (9) of world ``b``; return its risk and the number of visible road users in range.

    ``work`` is scratch ``(2, 3)``.
    """
    scores, risks = work[0], work[1]
    scores[:] = 0.0
    risks[:] = 0.0
    reach = parameters[Parameter.RANGE_M]
    cos_yaw = math.cos(ego[EgoRow.YAW, b])
    sin_yaw = math.sin(ego[EgoRow.YAW, b])
    count = 0
    sides = 0
    for a in range(actors.shape[2]):
        if actors[ActorRow.VALID, b, a] < 0.5 or actors[ActorRow.VISIBLE, b, a] < 0.5:
            continue
        place = relative(ego, actors, b, a, cos_yaw, sin_yaw)
        forward, left = place[0], place[1]
        risk = assess_actor(ego, actors, road, b, a, place, parameters[Parameter.BLIND_SPOT])
        rank_risk(risks, risk)
        distance = math.sqrt(forward * forward + left * left)
        kind = int(actors[ActorRow.KIND, b, a])
        if distance <= reach:
            sides |= boxed_side(forward, left, place[4], place[5], actors[ActorRow.SPEED, b, a], place[6])
            count += 1 if kind < _KINDS else 0
        # Nearness orders those of equal risk, and names whoever is close where nobody is a risk.
        score = risk + 0.1 * fade(distance, 0.0, reach)
        if kind < _KINDS and score > max(scores[SLOTS - 1], parameters[Parameter.ENTITY_SCORE]):
            rank_entity(scores, slots, score, (kind + 1) / _KINDS, octant(forward, left))
    of_road = max(road_risk(ego, road, b), 0.35 if sides == 7 else 0.0)
    safe = (1.0 - risks[0]) * (1.0 - 0.5 * risks[1]) * (1.0 - 0.5 * risks[2]) * (1.0 - of_road)
    return 1.0 - safe, count


@njit
def assess(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    parameters: FloatArray,
    rows: IntArray,
    state: FloatArray,
    weights: FloatArray,
    risks: FloatArray,
    work: FloatArray,
) -> None:
    """Write the expert's hint for the worlds ``rows`` (n) of a scene's blocks.

    Out: ``state`` ``(n, 13)``, ``weights`` ``(n, 3)``, ``risks`` ``(n,)``; scratch: ``work`` ``(2, 3)``.
    """
    for i in range(len(rows)):
        b = rows[i]
        state[i, :] = 0.0
        risk, count = assess_world(ego, actors, road, parameters, b, state[i, SCENARIO_SIZE:], work)
        state[i, int(road[RoadRow.CATEGORY, b])] = 1.0
        if count >= parameters[Parameter.HIGH_FROM]:
            state[i, 3] = 1.0
        elif count >= parameters[Parameter.MEDIUM_FROM]:
            state[i, 3] = 0.5
        write_weights(risk, parameters, weights[i])
        risks[i] = risk
