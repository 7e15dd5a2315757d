"""The words of the three prompt styles. A change here is a new ``PROMPT_VERSION``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from llm_hints.facts import COUNT_RANGE_M
from llm_hints.hint import CATEGORY_WORDS, DENSITY_WORDS, DIRECTION_WORDS, KIND_WORDS, SLOTS
from llm_hints.providers.rules import RulesConfig


@dataclass(frozen=True, slots=True)
class StyleWords:
    """One style: ``system`` message, then the parts of the user's message around the scene, in order."""

    system: str
    scenario: str
    objects: str
    weights: str
    weights_by_anchors: str
    closing: str


def listed(words: Iterable[str]) -> str:
    """Return the words as ``a, b or c``."""
    *first, last = words
    return f"{', '.join(first)} or {last}"


_ROADS, _DENSITIES = listed(CATEGORY_WORDS.values()), listed(DENSITY_WORDS.values())
_KINDS, _DIRECTIONS = listed(KIND_WORDS.values()), listed(DIRECTION_WORDS.values())
_RULES = RulesConfig()

_FORM = (
    '{"road_category": "...", "traffic_density": "...", '
    '"critical_entities": [{"id": 0, "type": "...", "direction": "..."}], '
    '"weights": {"safety": 0.00, "comfort": 0.00, "efficiency": 0.00}}'
)

_ROLE = (
    "You watch the road for the motion planner of a self-driving car and give it hints. You do not drive: the planner "
    "decides for itself, and your hints tell it what to look at and what matters most right now."
)

_ORIGINAL = StyleWords(
    system=_ROLE,
    scenario=(
        "Task 1, scenario level. From the layout of the road, its signals and signs, the traffic on it and your own "
        f"motion, name the road category ({_ROADS}) and the traffic density ({_DENSITIES})."
    ),
    objects=(
        "Task 2, object level. Name the road users that are critical for you, the most critical first: at most "
        f"{SLOTS}, or none. Give each one's id, its type ({_KINDS}) and its direction from you ({_DIRECTIONS}). Name "
        "only road users that the scene lists."
    ),
    weights=(
        "Task 3, critic weights. Say how much safety, comfort and efficiency should count for the planner in this "
        "scene: three numbers between 0 and 1 with two decimals, whose sum is 1."
    ),
    weights_by_anchors=" Let the rules and guidance above decide where you would hesitate.",
    closing=f"Answer with one JSON object and nothing else:\n{_FORM}",
)

_CONCISE = StyleWords(
    system="You rate driving scenes for a self-driving car's motion planner. Reply with JSON only.",
    scenario=f"1. road_category: {_ROADS}. traffic_density: {_DENSITIES}.",
    objects=(
        f"2. critical_entities: 0 to {SLOTS} listed road users, most critical first. type: {_KINDS}. "
        f"direction: {_DIRECTIONS}."
    ),
    weights="3. weights: what matters now, each 0 to 1 with two decimals, sum 1.",
    weights_by_anchors=" Follow the guidance above.",
    closing=_FORM,
)

_EXAMPLE_SCENE = """\
Scene
Road:
- You are on a city street; the limit is 13.9 m/s (50 km/h).
- One lane to your left for oncoming traffic; no lane to your right.
- No traffic light, stop sign or yield sign rules your lane ahead.
- Road users in view within 50 m: 3.
You:
- You drive 10.0 m/s (36 km/h), 3.9 m/s below the limit.
Others in view:
- id 4, pedestrian, Front-Right: 10 m ahead, 4.5 m to the right of you; moving at 3.0 m/s, crossing from right to \
left; closing speed 10.0 m/s; contact in 1.4 s as you both move now.
- id 2, truck, Rear-Left: 8.0 m behind, 3.8 m to the left of you; moving at 8.0 m/s, the opposite direction, already \
past you; the gap grows by 18.0 m/s.
- id 9, car, Front: 30 m ahead, in line with you; moving at 9.0 m/s, the same direction as you; closing speed 1.0 m/s.
"""
"""A scene as ``scene_text`` writes it (a test holds it to that)."""

_EXAMPLE_ANSWER = (
    '{"road_category": "Urban Road", "traffic_density": "Medium", "critical_entities": '
    '[{"id": 4, "type": "Pedestrian", "direction": "Front-Right"}, {"id": 9, "type": "Car", "direction": "Front"}], '
    '"weights": {"safety": 0.80, "comfort": 0.10, "efficiency": 0.10}}'
)

_DETAILED = StyleWords(
    system=f"""\
{_ROLE}

Definitions
- Highway: a motorway, with several lanes each way and no crossing traffic. Rural Lane: a country road. Urban Road: a \
street in a city.
- Traffic density counts the road users in view within {COUNT_RANGE_M:.0f} m: Low up to {_RULES.medium_from - 1}, \
Medium {_RULES.medium_from} to {_RULES.high_from - 1}, High from {_RULES.high_from}.
- A road user is critical if you may have to brake or steer because of it within the next seconds: who crosses your \
path, brakes in front of you, comes towards you in your lane, or closes in from behind where you must change lanes. \
Pedestrians and cyclists count more than vehicles at the same distance. A static obstacle is a danger too, but it is \
no road user and is not named.
- The eight directions are seen from your seat: Front is straight ahead, Left is at your left hand, Rear is behind, \
and Front-Left lies halfway between Front and Left.
- safety: keep clear of collisions, of red lights and of the edge of the road. efficiency: get on at the speed that \
the road allows. comfort: smooth braking and steering.

Steps, in this order, before you answer
1. Read what the road demands: signal, sign, the end of your lane, a bend.
2. Find who would be met first as things move now, and who could step or turn into your way.
3. Rank these by the time that is left and by the harm that a collision would do.
4. Choose the weights: about 0.25 safety, 0.60 efficiency and 0.15 comfort on a free road; up to 0.80 safety, with \
0.10 for each of the others, when a collision is near; between these in between.

Example
{_EXAMPLE_SCENE}
Answer
{_EXAMPLE_ANSWER}""",
    scenario=f"Question 1. Which road category is this ({_ROADS}), and which traffic density ({_DENSITIES})?",
    objects=(
        f"Question 2. Which road users are critical, the most critical first? At most {SLOTS}; an empty list if there "
        f"is none. For each: the id that the scene gives it, its type ({_KINDS}), and its direction from you "
        f"({_DIRECTIONS}). Never name a road user that the scene does not list."
    ),
    weights=(
        "Question 3. How much should safety, comfort and efficiency weigh now? Three numbers between 0 and 1 with two "
        "decimals, whose sum is exactly 1."
    ),
    weights_by_anchors=" Base them on the rules and guidance above, wherever these apply to this scene.",
    closing=f"Answer with one JSON object of this form and nothing else:\n{_FORM}",
)

STYLES: Mapping[str, StyleWords] = MappingProxyType({"original": _ORIGINAL, "detailed": _DETAILED, "concise": _CONCISE})
