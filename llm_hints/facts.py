"""What a scene is to a language model: numbers of the road and of the road users that matter, before they are words.

``prompts`` writes them in English and ``compact`` in the short layout of small models, so both say the same. Only
actors that are valid *and* visible are looked at. At most ``MOST_AGENTS`` are told, the most urgent first: by the time
until they come within 1 m of the ego, and by distance; pedestrians and cyclists count as nearer than they are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, IntArray, RoadRow, SceneBatch, SignalState, StopLine
from llm_hints.geometry import contact_time, octant, relative
from llm_hints.stop_lines import must_stop

MOST_AGENTS = 6
"""Road users and obstacles that are told."""

COUNT_RANGE_M = 50.0
"""Road users within this distance are counted (m)."""

HIT_MARGIN_M, NEAR_MARGIN_M = 0.3, 1.0
"""Side distances to which a contact and a near pass are foreseen (m)."""

_GREEN = int(SignalState.GREEN)
_SIGNAL, _YIELD = int(StopLine.SIGNAL), int(StopLine.YIELD_SIGN)
_STOP_SIGN = int(StopLine.STOP_SIGN)
_STATIC, _PEDESTRIAN, _CYCLIST = int(ActorKind.STATIC), int(ActorKind.PEDESTRIAN), int(ActorKind.CYCLIST)


class Control(IntEnum):
    """What rules the ego's lane ahead: the sign or signal of a question, with whether a stop sign has been obeyed."""

    NONE = 0
    GREEN = 1
    YELLOW = 2
    RED = 3
    STOP_SIGN = 4
    STOP_SIGN_OBEYED = 5
    YIELD_SIGN = 6


class AgentFact(IntEnum):
    """Columns of an agent; its place is that of its body's centre, from the ego's.

    ``GAP`` between the bodies along the ego's heading, ``SIDE`` across it, positive to the left; both are 0 where the
    bodies overlap in that direction (m). ``CLOSING``, ``DRIFT``: how fast the two distances shrink (m/s). ``SAME_WAY``
    cosine between the headings. ``ACCELERATION`` along its own heading (m/s2). ``HIT_S``, ``NEAR_S``: seconds until the
    bodies meet, or pass within 1 m, at present velocities (``NEVER_S`` where they do not).
    """

    SLOT = 0
    ID = 1
    KIND = 2
    SECTOR = 3
    GAP = 4
    SIDE = 5
    CLOSING = 6
    DRIFT = 7
    SAME_WAY = 8
    SPEED = 9
    ACCELERATION = 10
    HIT_S = 11
    NEAR_S = 12
    DISTANCE = 13
    BEARING = 14


class RoadFact(IntEnum):
    """Columns of the ego and its road; SI units.

    ``LANE_END``, ``LINE``, ``JUNCTION``: distances ahead, 200 where there is none. ``NEEDED``: constant braking that
    stops the ego before a line that holds it (m/s2, 0 where none does). ``EDGE``: from the body's nearer side to the
    edge of the road, negative outside. ``BEND``: lateral acceleration of the lane's curve at the present speed.
    ``COUNT``: visible road users within ``COUNT_RANGE_M``.
    """

    CATEGORY = 0
    SPEED = 1
    LIMIT = 2
    LANES_LEFT = 3
    LANES_RIGHT = 4
    LEFT_IS_ONCOMING = 5
    LANE_END = 6
    CONTROL = 7
    LINE = 8
    NEEDED = 9
    IN_JUNCTION = 10
    JUNCTION = 11
    EDGE = 12
    BEND = 13
    ACCELERATION = 14
    COUNT = 15


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """n scenes: ``road`` ``(n, RoadFact)``, ``agents`` ``(n, MOST_AGENTS, AgentFact)``, ``count`` ``(n,)`` of agents.

    The rows of ``agents`` after the told ones are zero.
    """

    road: FloatArray
    agents: FloatArray
    count: IntArray

    def __len__(self) -> int:
        """Return the number of scenes."""
        return len(self.count)


def scene_facts(scene: SceneBatch, rows: IntArray) -> SceneFacts:
    """Return the facts of the worlds ``rows`` (n)."""
    facts = SceneFacts(
        np.zeros((len(rows), len(RoadFact))),
        np.zeros((len(rows), MOST_AGENTS, len(AgentFact))),
        np.zeros(len(rows), dtype=np.int64),
    )
    ego, actors, road = scene.ego.block, scene.actors.block, scene.road.block
    scratch = np.empty(MOST_AGENTS), np.empty(len(AgentFact))
    write_facts(ego, actors, road, rows, facts.road, facts.agents, facts.count, *scratch)
    return facts


@njit
def control_ahead(road: FloatArray, b: int) -> int:
    """Return the ``Control`` of world ``b``."""
    signal, line = int(road[RoadRow.SIGNAL, b]), int(road[RoadRow.STOP_LINE, b])
    if signal >= _GREEN:
        return signal
    if line == _STOP_SIGN:
        return 5 if road[RoadRow.STOOD, b] > 0.5 else 4
    return 6 if line == _YIELD else 0


@njit
def write_road(ego: FloatArray, road: FloatArray, b: int, out: FloatArray) -> None:
    """Write the road's columns of world ``b`` but for ``COUNT``."""
    speed = max(ego[EgoRow.SPEED, b], 0.0)
    line = road[RoadRow.DISTANCE_TO_STOP_LINE, b]
    out[RoadFact.CATEGORY] = road[RoadRow.CATEGORY, b]
    out[RoadFact.SPEED] = speed
    out[RoadFact.LIMIT] = road[RoadRow.SPEED_LIMIT, b]
    out[RoadFact.LANES_LEFT] = road[RoadRow.LANES_LEFT, b]
    out[RoadFact.LANES_RIGHT] = road[RoadRow.LANES_RIGHT, b]
    out[RoadFact.LEFT_IS_ONCOMING] = road[RoadRow.LEFT_IS_ONCOMING, b]
    out[RoadFact.LANE_END] = road[RoadRow.DISTANCE_TO_LANE_END, b]
    out[RoadFact.CONTROL] = control_ahead(road, b)
    out[RoadFact.LINE] = line
    if must_stop(road, b) and 0.0 <= line < 150.0:
        out[RoadFact.NEEDED] = speed * speed / (2.0 * max(line, 0.5))
    out[RoadFact.IN_JUNCTION] = road[RoadRow.IN_JUNCTION, b]
    out[RoadFact.JUNCTION] = road[RoadRow.DISTANCE_TO_JUNCTION, b]
    out[RoadFact.EDGE] = min(road[RoadRow.EDGE_LEFT, b], road[RoadRow.EDGE_RIGHT, b]) - 0.5 * ego[EgoRow.WIDTH, b]
    out[RoadFact.BEND] = speed * speed * abs(road[RoadRow.CURVATURE, b])
    out[RoadFact.ACCELERATION] = ego[EgoRow.ACCELERATION, b]


@njit
def write_agent(
    actors: FloatArray, b: int, a: int, place: tuple[float, float, float, float, float, float, float], out: FloatArray
) -> None:
    """Write the columns of actor ``a``, at ``place`` (see ``geometry.relative``)."""
    forward, left, rate_x, rate_y, half_x, half_y, same_way = place
    # The present acceleration is taken to last one second, as the expert takes it.
    soon = rate_x + 0.5 * min(actors[ActorRow.ACCELERATION, b, a], 0.0) * same_way
    out[AgentFact.SLOT] = a
    out[AgentFact.ID] = actors[ActorRow.ID, b, a]
    out[AgentFact.KIND] = actors[ActorRow.KIND, b, a]
    out[AgentFact.SECTOR] = octant(forward, left)
    out[AgentFact.GAP] = max(abs(forward) - half_x, 0.0)
    out[AgentFact.SIDE] = math.copysign(max(abs(left) - half_y, 0.0), left)
    out[AgentFact.CLOSING] = -rate_x if forward > 0.0 else rate_x
    out[AgentFact.DRIFT] = -rate_y if left > 0.0 else rate_y
    out[AgentFact.SAME_WAY] = same_way
    out[AgentFact.SPEED] = actors[ActorRow.SPEED, b, a]
    out[AgentFact.ACCELERATION] = actors[ActorRow.ACCELERATION, b, a]
    out[AgentFact.HIT_S] = contact_time(forward, left, soon, rate_y, half_x, half_y + HIT_MARGIN_M)
    out[AgentFact.NEAR_S] = contact_time(forward, left, soon, rate_y, half_x, half_y + NEAR_MARGIN_M)
    out[AgentFact.DISTANCE] = math.sqrt(forward * forward + left * left)
    out[AgentFact.BEARING] = math.atan2(left, forward)


@njit
def urgency(agent: FloatArray) -> float:
    """Return by what agents are ordered, lowest first."""
    score = min(agent[AgentFact.NEAR_S], 8.0) / 8.0 + 0.5 * min(agent[AgentFact.DISTANCE], 80.0) / 80.0
    walker = int(agent[AgentFact.KIND]) in (_PEDESTRIAN, _CYCLIST)
    return float(score - 0.2 if walker else score)


@njit
def insert_agent(agents: FloatArray, scores: FloatArray, count: int, score: float) -> int:
    """Make room for an agent among ``agents`` by its ``score``; return its place, -1 if it has none."""
    place = count
    while place > 0 and score < scores[place - 1]:
        place -= 1
    if place >= MOST_AGENTS:
        return -1
    for k in range(min(count, MOST_AGENTS - 1), place, -1):
        scores[k] = scores[k - 1]
        for column in range(agents.shape[1]):
            agents[k, column] = agents[k - 1, column]
    scores[place] = score
    return place


@njit
def write_facts(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    rows: IntArray,
    roads: FloatArray,
    agents: FloatArray,
    counts: IntArray,
    scores: FloatArray,
    one: FloatArray,
) -> None:
    """Write the facts of the worlds ``rows`` (n); ``scores`` ``(MOST_AGENTS,)``, ``one`` ``(AgentFact,)``: scratch."""
    for i in range(len(rows)):
        b = rows[i]
        write_road(ego, road, b, roads[i])
        cos_yaw, sin_yaw = math.cos(ego[EgoRow.YAW, b]), math.sin(ego[EgoRow.YAW, b])
        near = 0
        for a in range(actors.shape[2]):
            if actors[ActorRow.VALID, b, a] < 0.5 or actors[ActorRow.VISIBLE, b, a] < 0.5:
                continue
            write_agent(actors, b, a, relative(ego, actors, b, a, cos_yaw, sin_yaw), one)
            if one[AgentFact.KIND] < _STATIC and one[AgentFact.DISTANCE] <= COUNT_RANGE_M:
                near += 1
            # Equals are told in the order of their ids, so that no slot's number reaches a text.
            score = urgency(one) + 1e-9 * one[AgentFact.ID]
            place = insert_agent(agents[i], scores, counts[i], score)
            if place >= 0:
                for column in range(agents.shape[2]):
                    agents[i, place, column] = one[column]
                counts[i] = min(counts[i] + 1, MOST_AGENTS)
        roads[i, RoadFact.COUNT] = near

