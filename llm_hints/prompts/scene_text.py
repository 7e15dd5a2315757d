"""A scene in English: the numbers of ``SceneFacts`` as sentences that a language model can reason on.

Every sentence says one thing in words and in numbers (m, m/s, m/s2, s). The road's category is told as people speak of
it, not by the label that is asked for. What the ego does not see is not among the facts and so in no text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from envs.scene import ActorKind, RoadCategory
from llm_hints.facts import COUNT_RANGE_M, AgentFact, Control, RoadFact, SceneFacts
from llm_hints.hint import DIRECTION_WORDS, KIND_WORDS, Direction

FORESEEN_S = 10.0
"""A contact or a near pass that is further away (s) is not told: it says nothing about now."""

ROAD_PHRASES: Mapping[RoadCategory, str] = MappingProxyType(
    {
        RoadCategory.HIGHWAY: "a motorway",
        RoadCategory.RURAL: "a country road",
        RoadCategory.URBAN: "a city street",
    }
)
CONTROL_PHRASES: Mapping[Control, str] = MappingProxyType(
    {
        Control.GREEN: "The traffic light ahead is green",
        Control.YELLOW: "The traffic light ahead is yellow",
        Control.RED: "The traffic light ahead is red",
        Control.STOP_SIGN: "There is a stop sign ahead, and you have not stopped before it yet",
        Control.STOP_SIGN_OBEYED: "There is a stop sign ahead, and you have come to a stop before it",
        Control.YIELD_SIGN: "There is a yield sign ahead",
    }
)

_FAR_M = 199.5
"""The scene says 200 m where there is none."""
_STANDING_MPS, _STEADY_MPS, _STEADY_MPS2 = 0.3, 0.3, 0.5
_OWN_WAY = 0.7
"""Cosine between two headings from which they are one way, and against each other below its negative."""


def scene_text(facts: SceneFacts, row: int) -> str:
    """Return the scene ``row`` of ``facts`` in English, one line for each thing."""
    road, agents = facts.road[row].tolist(), facts.agents[row, : facts.count[row]].tolist()
    lines = ["Road:", *_bullets(road_lines(road)), "You:", *_bullets(ego_lines(road))]
    if not agents:
        return "\n".join([*lines, "Others in view: nobody and nothing."])
    return "\n".join([*lines, "Others in view:", *_bullets([agent_line(agent) for agent in agents])])


def road_lines(road: Sequence[float]) -> list[str]:
    """Return the sentences about the road, from its ``RoadFact`` numbers."""
    limit = road[RoadFact.LIMIT]
    lines = [f"You are on {ROAD_PHRASES[RoadCategory(int(road[RoadFact.CATEGORY]))]}; the limit is {_speed(limit)}."]
    lines.append(_lanes(road))
    if road[RoadFact.LANE_END] < _FAR_M:
        lines.append(f"Your lane ends in {_metres(road[RoadFact.LANE_END])}.")
    lines.append(_control(road))
    if road[RoadFact.IN_JUNCTION] > 0.5:
        lines.append("You are inside a junction.")
    elif road[RoadFact.JUNCTION] < _FAR_M:
        lines.append(f"The next junction begins in {_metres(road[RoadFact.JUNCTION])}.")
    lines.append(f"Road users in view within {COUNT_RANGE_M:.0f} m: {road[RoadFact.COUNT]:.0f}.")
    return lines


def ego_lines(road: Sequence[float]) -> list[str]:
    """Return the sentences about the ego, from the ``RoadFact`` numbers."""
    speed, over = road[RoadFact.SPEED], road[RoadFact.SPEED] - road[RoadFact.LIMIT]
    against = f"{abs(over):.1f} m/s {'above' if over > 0 else 'below'} the limit"
    moving = "You stand still" if speed < _STANDING_MPS else f"You drive {_speed(speed)}"
    lines = [f"{moving}, {against}{_speed_change(road[RoadFact.ACCELERATION])}."]
    edge = road[RoadFact.EDGE]
    if edge < 0.0:
        lines.append(f"You are {_metres(-edge)} over the edge of the road.")
    elif edge < 1.0:
        lines.append(f"You are {_metres(edge)} from the edge of the road.")
    if road[RoadFact.BEND] >= 1.0:
        lines.append(f"The bend at this speed takes {road[RoadFact.BEND]:.1f} m/s2 sideways.")
    return lines


def agent_line(agent: Sequence[float]) -> str:
    """Return what is told of one agent, from its ``AgentFact`` numbers."""
    kind = ActorKind(int(agent[AgentFact.KIND]))
    parts = [_place(agent), _motion(agent, kind), _approach(agent)]
    foreseen = _foreseen(agent)
    told = "; ".join([*parts, foreseen] if foreseen else parts)
    return f"id {agent[AgentFact.ID]:.0f}, {kind_phrase(kind)}, {direction_word(agent)}: {told}."


def kind_phrase(kind: ActorKind) -> str:
    """Return the word for what an agent is."""
    return KIND_WORDS[kind].lower() if kind in KIND_WORDS else "static obstacle"


def direction_word(agent: Sequence[float]) -> str:
    """Return the word for the octant that an agent is in."""
    return DIRECTION_WORDS[Direction(int(agent[AgentFact.SECTOR]))]


def _lanes(road: Sequence[float]) -> str:
    """Return the sentence about the lanes beside the ego's."""
    left, right = int(road[RoadFact.LANES_LEFT]), int(road[RoadFact.LANES_RIGHT])
    if not left and not right:
        return "There is no lane beside yours."
    way = "for oncoming traffic" if road[RoadFact.LEFT_IS_ONCOMING] > 0.5 else "going your way"
    nearest = "" if left == 1 else ", the nearest"
    on_left = f"{_count(left, 'lane')} to your left{nearest} {way}" if left else "No lane to your left"
    return f"{on_left}; {_count(right, 'lane').lower()} to your right."


def _control(road: Sequence[float]) -> str:
    """Return the sentence about the signal or sign that rules the ego's lane ahead."""
    control = Control(int(road[RoadFact.CONTROL]))
    if control == Control.NONE:
        return "No traffic light, stop sign or yield sign rules your lane ahead."
    line = road[RoadFact.LINE]
    where = f"; its line is {_metres(line)} ahead" if 0.0 <= line < _FAR_M else ""
    needed = road[RoadFact.NEEDED]
    braking = f"; to stop there takes {needed:.1f} m/s2 of braking" if needed >= 0.1 else ""
    return f"{CONTROL_PHRASES[control]}{where}{braking}."


def _place(agent: Sequence[float]) -> str:
    """Return where an agent is, by the gaps between the bodies."""
    gap, side = agent[AgentFact.GAP], agent[AgentFact.SIDE]
    along = f"{_metres(gap)} {'ahead' if _is_ahead(agent) else 'behind'}" if gap > 0.0 else "beside you"
    if side == 0.0:
        return f"{along}, in line with you" if gap > 0.0 else "touching you"
    return f"{along}, {_metres(abs(side))} to the {'left' if side > 0.0 else 'right'} of you"


def _motion(agent: Sequence[float], kind: ActorKind) -> str:
    """Return how an agent moves, and which way."""
    speed, same_way = agent[AgentFact.SPEED], agent[AgentFact.SAME_WAY]
    if kind == ActorKind.STATIC:
        return "does not move"
    if abs(speed) < _STANDING_MPS:
        facing = "your way" if same_way > _OWN_WAY else "towards you" if same_way < -_OWN_WAY else "across your way"
        return f"standing, facing {facing}"
    way = "the same direction as you" if same_way > _OWN_WAY else _other_way(agent)
    backwards = "in reverse, " if speed < 0.0 else ""
    return f"moving at {abs(speed):.1f} m/s, {backwards}{way}{_speed_change(agent[AgentFact.ACCELERATION])}"


def _other_way(agent: Sequence[float]) -> str:
    """Return the way of an agent that moves against the ego's or across it."""
    if agent[AgentFact.SAME_WAY] < -_OWN_WAY:
        return "oncoming" if _is_ahead(agent) else "the opposite direction, already past you"
    drift, on_left = agent[AgentFact.DRIFT], agent[AgentFact.BEARING] > 0.0
    if abs(drift) < _STEADY_MPS:
        return "crossing"
    to_right = (drift > 0.0) == on_left
    return f"crossing from {'left to right' if to_right else 'right to left'}"


def _approach(agent: Sequence[float]) -> str:
    """Return how fast the gap changes: along the ego's way, or across it for who is beside."""
    beside = agent[AgentFact.GAP] == 0.0
    name, rate = ("side gap", agent[AgentFact.DRIFT]) if beside else ("gap", agent[AgentFact.CLOSING])
    if abs(rate) < _STEADY_MPS:
        return f"the {name} stays the same"
    if rate < 0.0:
        return f"the {name} grows by {-rate:.1f} m/s"
    return f"closing speed {rate:.1f} m/s" + (" sideways" if beside else "")


def _foreseen(agent: Sequence[float]) -> str:
    """Return when the agent will be met, if it will be soon."""
    hit, near = agent[AgentFact.HIT_S], agent[AgentFact.NEAR_S]
    if hit <= FORESEEN_S:
        return f"contact in {hit:.1f} s as you both move now" if hit >= 0.05 else "almost touching you"
    if near > FORESEEN_S:
        return ""
    return f"passes within 1 m in {near:.1f} s as you both move now" if near >= 0.05 else "within 1 m of you"


def _is_ahead(agent: Sequence[float]) -> bool:
    return abs(agent[AgentFact.BEARING]) < 0.5 * math.pi


def _speed_change(acceleration: float) -> str:
    """Return the end of a sentence that says whether a speed changes (m/s2); nothing where it is held."""
    if abs(acceleration) < _STEADY_MPS2:
        return ""
    return f", {'speeding up' if acceleration > 0.0 else 'braking'} with {abs(acceleration):.1f} m/s2"


def _speed(speed: float) -> str:
    return f"{speed:.1f} m/s ({3.6 * speed:.0f} km/h)"


def _metres(distance: float) -> str:
    return f"{distance:.1f} m" if distance < 9.95 else f"{distance:.0f} m"


def _count(number: int, noun: str) -> str:
    return f"No {noun}" if number == 0 else f"One {noun}" if number == 1 else f"{number} {noun}s"


def _bullets(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]
