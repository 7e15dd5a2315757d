"""Examples of scenes with their answers, as a small language model is taught and tested with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from envs.scene import FloatArray, IntArray, SceneBatch
from llm_hints.compact import SLOTS, CompactLayout
from llm_hints.facts import SceneFacts
from llm_hints.hint import CRITICS, SCENARIO_SIZE, SLOT_SIZE
from llm_hints.providers.rules import RulesProvider
from llm_hints.reference import Answers, Truth, true_answers

NO_LABEL = -100
"""What cross entropy leaves out."""

Codes = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Lessons:
    """Scenes with all that is known of them, before they are rows of words: n of each.

    ``road``, ``agents``, ``count`` as in ``SceneFacts``; ``state`` ``(n, 13)`` and ``weights`` ``(n, 3)`` of the
    teacher's hint; ``truth`` ``(n, S, Truth)`` at each of ``reference.SCALES``; ``risks`` ``(n, MOST_AGENTS)`` of the
    agents that are told, NaN where there is none.
    """

    road: FloatArray
    agents: FloatArray
    count: IntArray
    state: FloatArray
    weights: FloatArray
    truth: FloatArray
    risks: FloatArray

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.count)

    @property
    def facts(self) -> SceneFacts:
        """The facts alone."""
        return SceneFacts(self.road, self.agents, self.count)

    @property
    def answers(self) -> Answers:
        """The true answers."""
        return Answers(self.truth, self.facts, self.risks)

    @classmethod
    def joined(cls, parts: Sequence[Lessons]) -> Lessons:
        """Return the lessons of all ``parts``."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def take(self, index: IntArray) -> Lessons:
        """Return the lessons at ``index``."""
        return Lessons(*(getattr(self, name)[index] for name in self.__dataclass_fields__))

    def save(self, path: Path) -> None:
        """Write them to ``path`` (npz)."""
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def load(cls, path: Path) -> Lessons:
        """Return what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls(*(stored[name] for name in cls.__dataclass_fields__))


def lessons_of(scene: SceneBatch, rows: IntArray, teacher: RulesProvider) -> Lessons:
    """Return what is known of the worlds ``rows`` (n): facts, the teacher's hint, the true answers."""
    truth, hints = true_answers(scene, rows, teacher.config), teacher.ask(scene, rows).hints
    facts = truth.facts
    return Lessons(facts.road, facts.agents, facts.count, hints.state, hints.weights, truth.table, truth.risks)


@dataclass(frozen=True, slots=True)
class Examples:
    """``rows`` ``(n, WIDTH)`` ids; ``answers`` ``(n, len(SLOTS))`` and ``risks`` ``(n, 1 + MOST_AGENTS)`` codes.

    A risk without an agent is ``NO_LABEL``; the first is the road's.
    """

    rows: Codes
    answers: Codes
    risks: Codes

    @classmethod
    def of(cls, lessons: Lessons, layout: CompactLayout) -> Examples:
        """Return the examples of ``lessons`` in the words of a layout."""
        rows = layout.rows(lessons.facts)
        answers = answer_codes(lessons.state, lessons.weights, lessons.truth[:, 0])
        of_road = lessons.truth[:, 0, Truth.ROAD_RISK : Truth.ROAD_RISK + 1]
        risks = np.rint(20.0 * np.concatenate([of_road, lessons.risks], axis=1))
        coded = np.where(np.isnan(risks), NO_LABEL, risks)
        return cls(rows.astype(np.int16), answers.astype(np.int16), coded.astype(np.int16))

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """Return the examples of all ``parts``."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def take(self, index: IntArray) -> Examples:
        """Return the examples at ``index``."""
        return Examples(self.rows[index], self.answers[index], self.risks[index])


def answer_codes(state: FloatArray, weights: FloatArray, truth: FloatArray) -> IntArray:
    """Return the codes ``(n, len(SLOTS))`` of hints (``state``, ``weights``) and of the answers ``(n, Truth)``."""
    hundredths = {name: np.rint(100.0 * weights[:, n]) for n, name in enumerate(CRITICS)}
    hazard = truth[:, Truth.HAZARD]
    codes = {
        "road": state[:, :3].argmax(axis=1),
        "density": np.rint(2.0 * state[:, 3]),
        **{name: entity_codes(state, slot) for slot, name in enumerate(("first", "second", "third"))},
        **hundredths,
        "hazard": np.where(hazard < 0, len(SLOTS["hazard"]) - 1, hazard),
        "sign": truth[:, Truth.CONTROL],
        "speed": truth[:, Truth.LONGITUDINAL],
        "lane": truth[:, Truth.LATERAL],
    }
    return np.stack([codes[name] for name in SLOTS], axis=1).astype(np.int64)


def entity_codes(state: FloatArray, slot: int) -> IntArray:
    """Return the codes ``(n,)`` of the entities in a slot of hints' ``state`` ``(n, 13)``."""
    start = SCENARIO_SIZE + SLOT_SIZE * slot
    code, cosine, sine = state[:, start : start + SLOT_SIZE].T
    direction = np.rint(np.arctan2(sine, cosine) / (np.pi / 4)).astype(np.int64) % 8
    kind = np.rint(6.0 * code).astype(np.int64) - 1
    return np.where(code > 0.05, 8 * kind + direction, len(SLOTS["first"]) - 1)

