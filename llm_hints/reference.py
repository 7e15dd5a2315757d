"""The true answers to the questions about a scene, by rules that everybody can read. All ours.

The paper asks five kinds of question (hazard, road type, road sign, longitudinal and lateral decision). In a simulator
the first three are known; the two decisions are those of a careful, lawful driver:

*Longitudinal*: the acceleration of the intelligent driver model (Treiber, Hennecke and Helbing 2000; 2 m/s2, 2.5 m/s2,
1.5 s, 2 m, the limit as desired speed) behind whoever is in the ego's path, behind a line that holds the ego and
before the end of its lane, or the braking that whoever will be hit within 4 s takes. Above 0.4 m/s2 it is Accelerate,
below -0.5 Decelerate, below -3 Brake; who stands and has to wait Keeps.

*Lateral*: to leave a lane that ends within 120 m, or a road user ahead within 40 m who is slower than the ego by
1.5 m/s or than the limit by 4 m/s, for the lane beside if it goes the same way, on the left before the right, and is
free there: nobody beside, 5 m and 1 s of the approach ahead, 5 m and 1.5 s behind. Else Keep.

*Hazard*: the road user of the highest risk by ``risk``, if that is at least ``HAZARD_RISK``.

``scale`` multiplies every threshold: where the answers at 0.85, 1 and 1.15 differ, the scene lies on a border, and
either counts. So does, as a hazard, whoever's risk is at least 0.85 of the highest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from envs.compiled import njit
from envs.scene import ActorKind, ActorRow, BoolArray, EgoRow, FloatArray, IntArray, RoadCategory, RoadRow, SceneBatch
from llm_hints.facts import MOST_AGENTS, AgentFact, Control, SceneFacts, control_ahead, scene_facts, write_agent
from llm_hints.geometry import relative
from llm_hints.hint import Direction, Entity
from llm_hints.providers.rules import RulesConfig
from llm_hints.risk import Parameter, assess_actor, road_risk
from llm_hints.stop_lines import must_stop

SCALES = (1.0, 0.85, 1.15)
HAZARD_RISK = 0.15
"""Risk from which a road user is a hazard."""

_STATIC = int(ActorKind.STATIC)
_WANTED, _BLOCKED, _LEFT, _RIGHT, _HAZARD, _HIGHEST = range(6)
"""Places of what is seen of a scene, agent by agent: the acceleration that it asks for, whether the lane is blocked and
the sides are taken, and the worst hazard with its risk."""


class Longitudinal(IntEnum):
    """What to do with the speed."""

    ACCELERATE = 0
    KEEP = 1
    DECELERATE = 2
    BRAKE = 3


class Lateral(IntEnum):
    """What to do with the lane."""

    KEEP = 0
    LEFT = 1
    RIGHT = 2


class Truth(IntEnum):
    """Columns of the answers.

    ``HAZARD``: kind times 8 plus ``Direction``, -1 for nobody; ``RISK``: the hazard's; ``ACCELERATION``: what is asked
    for (m/s2); ``ROAD_RISK``: what the road itself holds.
    """

    CATEGORY = 0
    CONTROL = 1
    HAZARD = 2
    LONGITUDINAL = 3
    LATERAL = 4
    RISK = 5
    ACCELERATION = 6
    ROAD_RISK = 7


KINDS: dict[str, Truth] = {
    "hazard": Truth.HAZARD,
    "road type": Truth.CATEGORY,
    "road sign": Truth.CONTROL,
    "longitudinal": Truth.LONGITUDINAL,
    "lateral": Truth.LATERAL,
}
"""The paper's kinds of question, and the column of the true answer."""


def answer_words(kind: str, code: int) -> str:
    """Return the answer of a code to a question of a kind, in words."""
    if kind == "hazard":
        return str(Entity(ActorKind(code // 8), Direction(code % 8))) if code >= 0 else "nobody"
    words = {"road type": RoadCategory, "road sign": Control, "longitudinal": Longitudinal, "lateral": Lateral}
    return words[kind](code).name.lower().replace("_", " ") if code >= 0 else "no answer"


@dataclass(frozen=True, slots=True)
class Answers:
    """``table`` ``(n, S, Truth)``: the answers for n scenes at each of ``SCALES``; ``risks`` ``(n, MOST_AGENTS)``.

    The risks are those of the agents of ``facts``, NaN after the last.
    """

    table: FloatArray
    facts: SceneFacts
    risks: FloatArray

    def right(self, kind: str, codes: IntArray) -> BoolArray:
        """Return which answers ``codes`` ``(n,)`` to the questions of a kind count."""
        column = KINDS[kind]
        same: BoolArray = (self.table[:, :, column] == codes[:, None]).any(axis=1)
        return same | self._as_dangerous(codes) if column == Truth.HAZARD else same

    def _as_dangerous(self, codes: IntArray) -> BoolArray:
        """Return which hazards ``codes`` ``(n,)`` have nearly the highest risk, and enough of it."""
        agents = self.facts.agents
        named = 8 * agents[:, :, AgentFact.KIND] + agents[:, :, AgentFact.SECTOR] == codes[:, None]
        least = min(SCALES) * np.maximum(self.table[:, 0, Truth.RISK], HAZARD_RISK)
        high: BoolArray = np.nan_to_num(self.risks, nan=-1.0) >= least[:, None]
        found: BoolArray = (named & high & (agents[:, :, AgentFact.KIND] < _STATIC)).any(axis=1)
        return found


def true_answers(scene: SceneBatch, rows: IntArray, config: RulesConfig | None = None) -> Answers:
    """Return the answers for the worlds ``rows`` (n)."""
    table, facts = np.zeros((len(SCALES), len(rows), len(Truth))), scene_facts(scene, rows)
    risks = np.zeros((len(rows), scene.actor_slots))
    parameters, scratch = (config or RulesConfig()).packed(), (np.empty(len(AgentFact)), np.empty(6))
    ego, actors, road = scene.ego.block, scene.actors.block, scene.road.block
    for k, scale in enumerate(SCALES):
        judge(ego, actors, road, parameters, rows, scale, table[k], risks, *scratch)
    slots = facts.agents[:, :, AgentFact.SLOT].astype(np.int64)
    told = np.arange(MOST_AGENTS) < facts.count[:, None]
    of_agents = np.where(told, np.take_along_axis(risks, slots, axis=1), np.nan)
    return Answers(table.transpose(1, 0, 2), facts, of_agents)


@njit
def follow(speed: float, limit: float, gap: float, closing: float, scale: float) -> float:
    """Return the intelligent driver model's acceleration (m/s2) behind a leader at ``gap`` (m, inf: none)."""
    free = 1.0 - (speed / max(limit, 1.0)) ** 4
    wanted = (2.0 + max(0.0, 1.5 * speed + speed * closing / (2.0 * math.sqrt(5.0)))) * scale
    return max(2.0 * (free - (wanted / max(gap, 0.3)) ** 2), -9.0)


@njit
def braking_for(speed: float, gap: float) -> float:
    """Return the constant braking (m/s2) that stops 2 m before what is ``gap`` (m) ahead."""
    return speed * speed / (2.0 * max(gap - 2.0, 0.5))


@njit
def takes_side(agent: FloatArray, scale: float) -> bool:
    """Return whether an agent takes the place beside the ego, on its side."""
    if abs(agent[AgentFact.SIDE]) > 4.0:
        return False
    needed = 5.0 + (1.0 if is_ahead(agent) else 1.5) * max(agent[AgentFact.CLOSING], 0.0)
    return bool(agent[AgentFact.GAP] <= needed * scale)


@njit
def is_ahead(agent: FloatArray) -> bool:
    """Return whether an agent's centre is ahead of the ego's."""
    return bool(abs(agent[AgentFact.BEARING]) < 0.5 * math.pi)


@njit
def holds_up(agent: FloatArray, speed: float, limit: float, scale: float) -> bool:
    """Return whether an agent in the ego's path is a reason to leave the lane."""
    slow = agent[AgentFact.CLOSING] > 1.5 * scale or speed - agent[AgentFact.CLOSING] < limit - 4.0 * scale
    return bool(agent[AgentFact.GAP] < 40.0 / scale and slow and agent[AgentFact.SAME_WAY] > -0.7)


@njit
def judge_lane(road: FloatArray, b: int, blocked: bool, left_free: bool, right_free: bool, scale: float) -> int:
    """Return the ``Lateral`` decision."""
    if not blocked and road[RoadRow.DISTANCE_TO_LANE_END, b] > 120.0 * scale:
        return 0
    left = road[RoadRow.LANES_LEFT, b] > 0.5 and road[RoadRow.LEFT_IS_ONCOMING, b] < 0.5
    right = road[RoadRow.LANES_RIGHT, b] > 0.5
    if left:
        return 1 if left_free else 0
    return 2 if right and right_free else 0


@njit
def judge_speed(acceleration: float, speed: float, scale: float) -> int:
    """Return the ``Longitudinal`` decision for an acceleration (m/s2)."""
    if acceleration > 0.4 * scale:
        return 0
    if acceleration > -0.5 * scale or speed < 0.5:
        return 1
    return 2 if acceleration > -3.0 * scale else 3


@njit
def road_acceleration(ego: FloatArray, road: FloatArray, b: int, scale: float) -> float:
    """Return the acceleration (m/s2) that the road alone asks for."""
    speed, limit = max(ego[EgoRow.SPEED, b], 0.0), road[RoadRow.SPEED_LIMIT, b]
    wanted = follow(speed, limit, 1e9, 0.0, scale)
    line = road[RoadRow.DISTANCE_TO_STOP_LINE, b]
    if must_stop(road, b) and 0.0 <= line < 150.0:
        wanted = min(wanted, follow(speed, limit, line, speed, scale))
    if road[RoadRow.DISTANCE_TO_LANE_END, b] < 150.0:
        wanted = min(wanted, follow(speed, limit, road[RoadRow.DISTANCE_TO_LANE_END, b], speed, scale))
    return wanted


@njit
def judge_agent(agent: FloatArray, speed: float, limit: float, scale: float, seen: FloatArray) -> None:
    """Take one agent into account, in ``seen``."""
    if is_ahead(agent) and abs(agent[AgentFact.SIDE]) < 0.2:
        behind_it = follow(speed, limit, agent[AgentFact.GAP], agent[AgentFact.CLOSING], scale)
        seen[_WANTED] = min(seen[_WANTED], behind_it)
        if holds_up(agent, speed, limit, scale):
            seen[_BLOCKED] = 1.0
    elif agent[AgentFact.KIND] < _STATIC and takes_side(agent, scale):
        seen[_LEFT if agent[AgentFact.SIDE] > 0.0 else _RIGHT] = 1.0
    if is_ahead(agent) and agent[AgentFact.HIT_S] < 4.0 / scale:
        seen[_WANTED] = min(seen[_WANTED], -braking_for(speed, agent[AgentFact.GAP]))


@njit
def judge_hazard(agent: FloatArray, risk: float, seen: FloatArray) -> None:
    """Keep the road user of the highest risk, in ``seen``."""
    if agent[AgentFact.KIND] < _STATIC and risk > seen[_HIGHEST]:
        seen[_HAZARD], seen[_HIGHEST] = 8 * agent[AgentFact.KIND] + agent[AgentFact.SECTOR], risk


@njit
def write_answers(ego: FloatArray, road: FloatArray, b: int, scale: float, seen: FloatArray, out: FloatArray) -> None:
    """Write the answers that follow from what was ``seen``."""
    speed = max(ego[EgoRow.SPEED, b], 0.0)
    out[Truth.CATEGORY] = road[RoadRow.CATEGORY, b]
    out[Truth.CONTROL] = control_ahead(road, b)
    out[Truth.HAZARD] = seen[_HAZARD] if seen[_HIGHEST] >= HAZARD_RISK * scale else -1
    out[Truth.RISK], out[Truth.ACCELERATION] = seen[_HIGHEST], seen[_WANTED]
    out[Truth.ROAD_RISK] = road_risk(ego, road, b)
    out[Truth.LONGITUDINAL] = judge_speed(seen[_WANTED], speed, scale)
    out[Truth.LATERAL] = judge_lane(road, b, seen[_BLOCKED] > 0.5, seen[_LEFT] < 0.5, seen[_RIGHT] < 0.5, scale)


@njit
def judge(
    ego: FloatArray,
    actors: FloatArray,
    road: FloatArray,
    parameters: FloatArray,
    rows: IntArray,
    scale: float,
    table: FloatArray,
    risks: FloatArray,
    agent: FloatArray,
    seen: FloatArray,
) -> None:
    """Write the answers for the worlds ``rows`` (n) at one ``scale``; ``agent`` (AgentFact), ``seen`` (6): scratch."""
    for i in range(len(rows)):
        b = rows[i]
        cos_yaw, sin_yaw = math.cos(ego[EgoRow.YAW, b]), math.sin(ego[EgoRow.YAW, b])
        speed, limit = max(ego[EgoRow.SPEED, b], 0.0), road[RoadRow.SPEED_LIMIT, b]
        seen[:] = 0.0
        seen[_WANTED], seen[_HAZARD] = road_acceleration(ego, road, b, scale), -1.0
        for a in range(actors.shape[2]):
            if actors[ActorRow.VALID, b, a] < 0.5 or actors[ActorRow.VISIBLE, b, a] < 0.5:
                continue
            place = relative(ego, actors, b, a, cos_yaw, sin_yaw)
            write_agent(actors, b, a, place, agent)
            risks[i, a] = assess_actor(ego, actors, road, b, a, place, parameters[Parameter.BLIND_SPOT])
            judge_hazard(agent, risks[i, a], seen)
            judge_agent(agent, speed, limit, scale, seen)
        write_answers(ego, road, b, scale, seen, table[i])
