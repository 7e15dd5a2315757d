"""The compact layout: a scene as a fixed row of words, for small models of our own; the same facts as the English one.

One word is one token, and every field has words of its own, so that a row can be read by people::

    city-street v8 limit14 left:oncoming right:none ... car/front gap14 path closes3 drifts0 same-moving hit4.5 1.8s-off
    ... ?road ?density ?first ?second ?third ?safety ?efficiency ?comfort ?hazard ?sign ?speed ?lane

The words that begin with ``?`` ask; the word after each is its answer, and no answer stands in the row, so one causal
forward answers them all. Numbers are rounded to the nearest word of their field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from envs.scene import ActorKind, FloatArray
from llm_hints.facts import MOST_AGENTS, AgentFact, Control, RoadFact, SceneFacts
from llm_hints.hint import CATEGORY_WORDS, DENSITY_WORDS, DIRECTION_WORDS, ENTITY_KINDS, KIND_WORDS, Direction
from llm_hints.reference import Lateral, Longitudinal

Ids = npt.NDArray[np.int64]

LAYOUT = "compact-1"
"""Name and version of the layout; a model says in its configuration which one it reads."""


@dataclass(frozen=True, slots=True)
class Field:
    """A place of the row: its words, and the numbers (ascending) that they stand for, or none where they are codes."""

    name: str
    words: tuple[str, ...]
    numbers: FloatArray | None = None

    def codes(self, values: FloatArray) -> Ids:
        """Return the place of the nearest word of each value."""
        if self.numbers is None:
            return np.clip(values, 0, len(self.words) - 1).astype(np.int64)
        middles = 0.5 * (self.numbers[1:] + self.numbers[:-1])
        places: Ids = np.searchsorted(middles, values, side="right").astype(np.int64)
        return places


def _steps(*parts: tuple[float, float, float]) -> FloatArray:
    """Return the numbers of (first, last, step) parts, in order, each once."""
    numbers = np.unique(np.round(np.concatenate([np.arange(a, b + 0.5 * s, s) for a, b, s in parts]), 3))
    return np.asarray(numbers, dtype=np.float64)


def _mirrored(numbers: FloatArray) -> FloatArray:
    """Return numbers above 0 with their negatives and 0."""
    return np.concatenate([-numbers[::-1], [0.0], numbers])


def _scale(name: str, form: str, numbers: FloatArray) -> Field:
    """Return a field of numbers; ``form`` writes one."""
    return Field(name, tuple(form.format(number) for number in numbers), numbers)


_KIND = tuple(kind.name.lower() for kind in ActorKind)
_SECTOR = tuple(direction.name.lower().replace("_", "-") for direction in Direction)
_WAYS = tuple(f"{way}-{state}" for way in ("same", "across", "oncoming") for state in ("standing", "moving", "braking"))
_NEVER = 99.0
_CONTACT_S = _steps((0.0, 7.0, 0.25))

ROAD_FIELDS: tuple[Field, ...] = (
    Field("street", ("motorway", "country-road", "city-street")),
    _scale("speed", "v{:g}", _steps((0, 15, 0.5), (15, 45, 1))),
    _scale("limit", "limit{:g}", _steps((0, 45, 1))),
    _scale("share", "speed/limit={:g}", _steps((0, 2, 0.05))),
    Field("left", ("left:none", "left:lane", "left:oncoming")),
    Field("right", ("right:none", "right:lane")),
    _scale("lane_end", "ends{:g}", _steps((0, 30, 2), (30, 150, 5), (200, 200, 1))),
    Field("control", tuple(f"ahead:{control.name.lower().replace('_', '-')}" for control in Control)),
    _scale("line", "line{:g}", _steps((0, 20, 1), (20, 60, 2.5), (60, 150, 10), (200, 200, 1))),
    _scale("needed", "needs{:g}", _steps((0, 6, 0.25), (7, 10, 1))),
    _scale("junction", "junction{:g}", np.concatenate([[-1.0], _steps((0, 50, 5), (75, 75, 1), (200, 200, 1))])),
    _scale("edge", "edge{:g}", _steps((-0.5, 1.0, 0.05), (1.5, 2, 0.5))),
    _scale("bend", "bend{:g}", _steps((0, 6, 0.25))),
    _scale("acceleration", "a{:g}", _steps((-9, 4, 0.5))),
    _scale("count", "others{:g}", _steps((0, 30, 1))),
)

AGENT_FIELDS: tuple[Field, ...] = (
    Field("who", tuple(f"{kind}/{sector}" for kind in _KIND for sector in _SECTOR)),
    _scale("gap", "gap{:g}", _steps((0, 5, 0.5), (5, 20, 1), (20, 60, 2), (60, 100, 5), (150, 200, 50))),
    _scale("side", "side{:g}", _mirrored(_steps((0.2, 4, 0.2), (4.5, 8, 0.5), (10, 25, 5)))),
    _scale("closing", "closes{:g}", _mirrored(_steps((0.5, 10, 0.5), (11, 30, 1), (35, 60, 5)))),
    _scale("drift", "drifts{:g}", _mirrored(_steps((0.25, 3, 0.25), (3.5, 8, 0.5), (10, 20, 2)))),
    Field("way", _WAYS),
    Field(
        "contact",
        tuple(f"{kind}{time:g}" for kind in ("hit", "near") for time in _CONTACT_S) + ("never",),
    ),
    _scale("time_gap", "{:g}s-off", _steps((0, 3, 0.1), (3.25, 6, 0.25), (99, 99, 1))),
)
NOBODY = "nobody"
BEGIN = "<scene>"

ENTITY_WORDS = tuple(
    f"{KIND_WORDS[kind]}:{DIRECTION_WORDS[direction]}" for kind in ENTITY_KINDS for direction in Direction
)
NO_ENTITY = "Nobody"
_HUNDREDTHS = tuple(f"{number / 100:.2f}" for number in range(101))

SLOTS: dict[str, tuple[str, ...]] = {
    "road": tuple(word.replace(" ", "-") for word in CATEGORY_WORDS.values()),
    "density": tuple(DENSITY_WORDS.values()),
    "first": (*ENTITY_WORDS, NO_ENTITY),
    "second": (*ENTITY_WORDS, NO_ENTITY),
    "third": (*ENTITY_WORDS, NO_ENTITY),
    "safety": _HUNDREDTHS,
    "efficiency": _HUNDREDTHS,
    "comfort": _HUNDREDTHS,
    "hazard": (*ENTITY_WORDS, NO_ENTITY),
    "sign": tuple(f"Sign:{control.name.title().replace('_', '-')}" for control in Control),
    "speed": tuple(decision.name.title() for decision in Longitudinal),
    "lane": tuple(f"Lane:{decision.name.title()}" for decision in Lateral),
}
"""The answers that each question allows, in the order of their codes; entities: kind x 8 + direction, then nobody."""

QUESTION_OF = {"hazard": "hazard", "road type": "road", "road sign": "sign", "longitudinal": "speed", "lateral": "lane"}
"""Which question of the row asks each of the kinds of ``reference.KINDS``."""

RISK_WORDS = tuple(f"risk{step / 20:g}" for step in range(21))
"""What a model is taught beside the answers: the risk of each agent, and of the road, where its last word stands."""

WIDTH = 1 + len(ROAD_FIELDS) + MOST_AGENTS * len(AGENT_FIELDS) + len(SLOTS)
"""Words in a row."""


def vocabulary() -> list[str]:
    """Return all words in the order of their ids; the first is padding."""
    fields = [word for field in (*ROAD_FIELDS, *AGENT_FIELDS) for word in field.words]
    answers = list(dict.fromkeys(word for words in SLOTS.values() for word in words))
    return ["<pad>", "<unknown>", BEGIN, NOBODY, *fields, *(f"?{name}" for name in SLOTS), *answers, *RISK_WORDS]


class CompactLayout:
    """Writes rows of ids, and knows where the answers to them are."""

    def __init__(self, words: Sequence[str] | None = None) -> None:
        """``words`` of a model in the order of its ids; those of this version by default."""
        self.words = list(words or vocabulary())
        self._ids = {word: n for n, word in enumerate(self.words)}
        self._road = [self._of(field.words) for field in ROAD_FIELDS]
        self._agent = [self._of(field.words) for field in AGENT_FIELDS]
        self.answers: dict[str, Ids] = {name: self._of(words) for name, words in SLOTS.items()}
        """Ids of each question's answers."""
        self.risks = self._of(RISK_WORDS)
        self._nobody, self._begin = self._of((NOBODY,))[0], self._of((BEGIN,))[0]
        self._questions = self._of([f"?{name}" for name in SLOTS])

    def _of(self, words: Sequence[str]) -> Ids:
        return np.array([self._ids[word] for word in words], dtype=np.int64)

    def rows(self, facts: SceneFacts) -> Ids:
        """Return the rows ``(n, WIDTH)`` of ids."""
        ids = np.full((len(facts), WIDTH), self._nobody, dtype=np.int64)
        ids[:, 0] = self._begin
        road, agent = len(ROAD_FIELDS), len(AGENT_FIELDS)
        for place, values in enumerate(_road_values(facts.road)):
            ids[:, 1 + place] = self._road[place][ROAD_FIELDS[place].codes(values)]
        there = np.arange(MOST_AGENTS) < facts.count[:, None]
        for place, values in enumerate(_agent_values(facts)):
            codes = self._agent[place][AGENT_FIELDS[place].codes(values)]
            ids[:, 1 + road + place : 1 + road + agent * MOST_AGENTS : agent] = np.where(there, codes, self._nobody)
        ids[:, -len(SLOTS) :] = self._questions
        return ids

    def texts(self, ids: Ids) -> list[str]:
        """Return rows of ids in words."""
        return [" ".join(self.words[word] for word in row) for row in ids]


def agent_ends() -> Ids:
    """Return the places of the last words of the road and of each agent, where the risks are taught."""
    road, agent = len(ROAD_FIELDS), len(AGENT_FIELDS)
    return road + agent * np.arange(MOST_AGENTS + 1)


def _road_values(road: FloatArray) -> list[FloatArray]:
    """Return the values of ``ROAD_FIELDS``, each ``(n,)``."""
    left = road[:, RoadFact.LANES_LEFT] > 0.5
    junction = np.where(road[:, RoadFact.IN_JUNCTION] > 0.5, -1.0, road[:, RoadFact.JUNCTION])
    return [
        road[:, RoadFact.CATEGORY], road[:, RoadFact.SPEED], road[:, RoadFact.LIMIT],
        road[:, RoadFact.SPEED] / np.maximum(road[:, RoadFact.LIMIT], 1.0),
        np.where(left, 1.0 + (road[:, RoadFact.LEFT_IS_ONCOMING] > 0.5), 0.0),
        (road[:, RoadFact.LANES_RIGHT] > 0.5).astype(np.float64),
        road[:, RoadFact.LANE_END], road[:, RoadFact.CONTROL], road[:, RoadFact.LINE], road[:, RoadFact.NEEDED],
        junction, road[:, RoadFact.EDGE], road[:, RoadFact.BEND], road[:, RoadFact.ACCELERATION],
        road[:, RoadFact.COUNT],
    ]  # fmt: skip


def _agent_values(facts: SceneFacts) -> list[FloatArray]:
    """Return the values of ``AGENT_FIELDS``, each ``(n, MOST_AGENTS)``."""
    agents = facts.agents
    speed = np.maximum(facts.road[:, RoadFact.SPEED], 0.1)[:, None]
    ahead = np.abs(agents[:, :, AgentFact.BEARING]) < 0.5 * np.pi
    return [
        8.0 * agents[:, :, AgentFact.KIND] + agents[:, :, AgentFact.SECTOR],
        agents[:, :, AgentFact.GAP], agents[:, :, AgentFact.SIDE], agents[:, :, AgentFact.CLOSING],
        agents[:, :, AgentFact.DRIFT], _way(agents), _contact(agents),
        np.where(ahead, agents[:, :, AgentFact.GAP] / speed, _NEVER),
    ]  # fmt: skip


def _way(agents: FloatArray) -> FloatArray:
    same = agents[:, :, AgentFact.SAME_WAY]
    way = np.where(same > 0.7, 0.0, np.where(same < -0.7, 2.0, 1.0))
    braking = np.where(agents[:, :, AgentFact.ACCELERATION] < -1.0, 2.0, 1.0)
    return 3.0 * way + np.where(np.abs(agents[:, :, AgentFact.SPEED]) < 0.5, 0.0, braking)


def _contact(agents: FloatArray) -> FloatArray:
    count, last = len(_CONTACT_S), _CONTACT_S[-1] + 0.125
    hit, near = agents[:, :, AgentFact.HIT_S], agents[:, :, AgentFact.NEAR_S]
    later = np.where(near < last, count + np.rint(4.0 * np.minimum(near, last)), 2.0 * count)
    return np.where(hit < last, np.rint(4.0 * np.minimum(hit, last)), later)
