"""What a scene is about, in words to search passages with.

The text of a prompt is a poor query: it says of every scene which signs there are *not*, and its numbers mean nothing
to a search. So the facts are first reduced to the kinds of scene that they amount to, the most urgent first, and these
are told in one sentence each. Scenes that differ only in numbers ask for the same passages: the anchors hold still.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from envs.scene import ActorKind, FloatArray, RoadCategory
from llm_hints.facts import AgentFact, Control, RoadFact, SceneFacts

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "emergency_braking": "A collision is imminent: brake hard now.",
        "pedestrian": "A pedestrian on foot is near the path.",
        "cyclist": "A cyclist on a bicycle is ahead or beside.",
        "motorcycle": "A motorcycle, a motorbike with its rider, is near.",
        "occlusion": "A parked vehicle hides the view, somebody may step out from behind it.",
        "cut_in": "A vehicle beside cuts in, squeezes into the own lane closely in front.",
        "obstacle": "A stationary obstacle blocks the lane.",
        "oncoming": "An oncoming vehicle comes from the opposite direction.",
        "junction_signal": "A traffic light, a red or yellow signal at the junction ahead, with its stop line.",
        "junction_stop": "A stop sign at the junction ahead: come to a full stop at the stop line.",
        "junction_yield": "A yield sign at the junction, the intersection ahead: give way to the priority road.",
        "merging": "The lane ends: merge into a gap of the neighbouring lane.",
        "queue": "Dense traffic, a queue that crawls or stands.",
        "following": "The gap to the vehicle ahead is short: keep a safe following distance.",
        "truck_bus": "A truck or bus, a heavy vehicle, is near.",
        "overtaking": "A slower vehicle ahead could be overtaken.",
        "lane_change": "To change lane, mind the blind spot and vehicles in the neighbouring, adjacent lane.",
        "curve": "A curve, the bend is fast for this speed.",
        "speed": "The speed is above the limit.",
        "free_road": "A free, clear road with nobody ahead.",
    }
)
"""The kinds that a scene's facts can tell, the most urgent first, and what is said of each."""

CATEGORY_SENTENCES: Mapping[RoadCategory, str] = MappingProxyType(
    {
        RoadCategory.HIGHWAY: "On a motorway.",
        RoadCategory.RURAL: "On a rural road.",
        RoadCategory.URBAN: "In an urban street.",
    }
)

MOST_KINDS = 2
"""Kinds that are told of one scene: with three or four, fewer passages were of the most urgent kind, and what they
emphasise said less of the danger (4,000 generated scenes)."""

IMMINENT_S = 2.0
"""Time to contact below which only an emergency manoeuvre helps (s; ours, after the expert's full risk at 1.5 s)."""
SHORT_GAP_S = 1.5
"""Time gap below which following is what the scene is about (s; ours)."""
SIGHT_M = 45.0
"""Distance within which road users and lines make a scene their own (m; ours)."""
OVERTAKE_M = 60.0
"""Distance within which a slower vehicle ahead is one to pass (m; ours)."""
LANE_END_M = 150.0
"""Distance to the end of the lane from which merging is the task (m; ours)."""
BESIDE_M = 3.5
"""Side distance within which a road user is beside the path (m): a lane's width."""
STANDING_MPS = 0.5
SLOWER_MPS = 1.5
DRIFTING_MPS = 0.4
BEND_MPS2 = 2.0
"""Lateral acceleration in a bend that passengers notice (m/s2; ours)."""
QUEUE_USERS, QUEUE_MPS = 6, 4.0

_CONTROLS = {
    Control.YELLOW: "junction_signal",
    Control.RED: "junction_signal",
    Control.STOP_SIGN: "junction_stop",
    Control.STOP_SIGN_OBEYED: "junction_stop",
    Control.YIELD_SIGN: "junction_yield",
}
_VULNERABLE = {
    ActorKind.PEDESTRIAN: "pedestrian",
    ActorKind.CYCLIST: "cyclist",
    ActorKind.MOTORCYCLE: "motorcycle",
}
_HEAVY = (ActorKind.TRUCK, ActorKind.BUS)
_OWN_WAY = 0.7


def scene_queries(facts: SceneFacts) -> list[str]:
    """Return a text to search with for each scene of ``facts``."""
    return [_told(facts.road[row], scene_kinds(facts, row)) for row in range(len(facts))]


def scene_kinds(facts: SceneFacts, row: int) -> tuple[str, ...]:
    """Return the kinds of scene ``row``, at most ``MOST_KINDS``, the most urgent first; ``free_road`` if no other."""
    road, agents = facts.road[row], facts.agents[row, : facts.count[row]]
    found = set(_road_kinds(road))
    for agent in agents:
        found |= set(_agent_kinds(agent, road))
    return tuple(kind for kind in SENTENCES if kind in found)[:MOST_KINDS] or ("free_road",)


def _told(road: FloatArray, kinds: tuple[str, ...]) -> str:
    return " ".join(
        (*(SENTENCES[kind] for kind in kinds), CATEGORY_SENTENCES[RoadCategory(int(road[RoadFact.CATEGORY]))])
    )


def _road_kinds(road: FloatArray) -> Iterator[str]:
    """Yield what the road and the ego alone make of a scene."""
    control = Control(int(road[RoadFact.CONTROL]))
    if control in _CONTROLS and road[RoadFact.LINE] < SIGHT_M:
        yield _CONTROLS[control]
    if road[RoadFact.LANE_END] < LANE_END_M:
        yield "merging"
    if road[RoadFact.BEND] > BEND_MPS2:
        yield "curve"
    if road[RoadFact.SPEED] > 1.05 * road[RoadFact.LIMIT] + 0.5:
        yield "speed"
    if road[RoadFact.COUNT] >= QUEUE_USERS and road[RoadFact.SPEED] < QUEUE_MPS:
        yield "queue"


def _agent_kinds(agent: FloatArray, road: FloatArray) -> Iterator[str]:
    """Yield what one agent makes of a scene."""
    kind = ActorKind(int(agent[AgentFact.KIND]))
    near = agent[AgentFact.DISTANCE] < SIGHT_M
    if agent[AgentFact.HIT_S] < IMMINENT_S:
        yield "emergency_braking"
    if near and kind in _VULNERABLE and (_ahead(agent) or kind != ActorKind.PEDESTRIAN):
        yield _VULNERABLE[kind]
    if near and kind in _HEAVY and abs(agent[AgentFact.SIDE]) < BESIDE_M:
        yield "truck_bus"
    if kind != ActorKind.PEDESTRIAN:
        yield from _vehicle_kinds(agent, road)


def _vehicle_kinds(agent: FloatArray, road: FloatArray) -> Iterator[str]:
    """Yield what a vehicle or an obstacle makes of a scene by where it is and how it moves."""
    gap, side, speed = agent[AgentFact.GAP], abs(agent[AgentFact.SIDE]), agent[AgentFact.SPEED]
    if side >= BESIDE_M or not _ahead(agent):
        if _beside_to_the_rear(agent) and road[RoadFact.LANE_END] < LANE_END_M:
            yield "lane_change"
        return
    if abs(speed) < STANDING_MPS:
        if gap < SIGHT_M:
            yield "obstacle" if side == 0.0 else "occlusion"
    elif agent[AgentFact.SAME_WAY] < -_OWN_WAY:
        yield "oncoming"
    elif agent[AgentFact.SAME_WAY] > _OWN_WAY:
        yield from _leader_kinds(agent, road)


def _leader_kinds(agent: FloatArray, road: FloatArray) -> Iterator[str]:
    """Yield what a moving vehicle ahead or beside, that goes the ego's way, makes of a scene."""
    gap, ego_speed = agent[AgentFact.GAP], road[RoadFact.SPEED]
    if agent[AgentFact.SIDE] != 0.0:
        if agent[AgentFact.DRIFT] > DRIFTING_MPS and gap < SIGHT_M:
            yield "cut_in"
        return
    if gap < SHORT_GAP_S * ego_speed:
        yield "following"
    if (
        agent[AgentFact.SPEED] < road[RoadFact.LIMIT] - SLOWER_MPS
        and gap < OVERTAKE_M
        and road[RoadFact.LANES_LEFT] > 0
    ):
        yield "overtaking"


def _ahead(agent: FloatArray) -> bool:
    """Tell whether an agent is in one of the three octants ahead."""
    return int(agent[AgentFact.SECTOR]) in (0, 1, 7)


def _beside_to_the_rear(agent: FloatArray) -> bool:
    """Tell whether an agent is in a neighbouring lane, beside or behind, where a change of lane would meet it."""
    return abs(agent[AgentFact.SIDE]) < 2.0 * BESIDE_M and int(agent[AgentFact.SECTOR]) in (2, 3, 5, 6)
