"""What a model of the compact layout answered: probabilities of the allowed words, and the hint that they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.scene import ActorKind, FloatArray, IntArray
from llm_hints.compact import SLOTS
from llm_hints.facts import MOST_AGENTS, AgentFact, SceneFacts
from llm_hints.hint import CRITICS, DIRECTION_VECTORS, SCENARIO_SIZE, SLOT_SIZE, STATE_SIZE, type_code
from llm_hints.hint import SLOTS as ENTITIES

ENTITY_QUESTIONS = ("first", "second", "third")
NOBODY = len(SLOTS["first"]) - 1
_HUNDREDTHS = np.arange(101) / 100.0


@dataclass(frozen=True, slots=True)
class ClosedAnswers:
    """Probabilities ``(n, answers)`` of each question's answers, in the order of ``compact.SLOTS``.

    ``told`` ``(n, 49)``: how many of each entity the scenes tell of; nobody is told of without end.
    """

    shares: Mapping[str, FloatArray]
    told: FloatArray

    @classmethod
    def of_logits(
        cls, logits: Mapping[str, FloatArray], facts: SceneFacts, temperatures: Mapping[str, float]
    ) -> ClosedAnswers:
        """Return the answers of a model.

        Road users of whom the scene does not tell are no answer; each question's logits are divided by its
        temperature, which makes the probabilities true on average (Guo et al. 2017).
        """
        told = told_entities(facts)
        shares: dict[str, FloatArray] = {}
        for name, numbers in logits.items():
            scaled = numbers / temperatures.get(name, 1.0)
            if numbers.shape[1] == NOBODY + 1:
                scaled = np.where(told > 0.0, scaled, -np.inf)
            likely = np.exp(scaled - scaled.max(axis=1, keepdims=True))
            shares[name] = likely / likely.sum(axis=1, keepdims=True)
        return cls(shares, told)

    def codes(self) -> IntArray:
        """Return the most likely answers ``(n, len(SLOTS))``."""
        return np.stack([self.shares[name].argmax(axis=1) for name in SLOTS], axis=1)

    def confidence(self) -> FloatArray:
        """Return the probabilities ``(n, len(SLOTS))`` of the most likely answers."""
        return np.stack([self.shares[name].max(axis=1) for name in SLOTS], axis=1)

    def mean_weights(self) -> FloatArray:
        """Return the critics' weights ``(n, 3)``: their means, made to sum 1."""
        return _normalised(np.stack([self.shares[name] @ _HUNDREDTHS for name in CRITICS], axis=1))

    def drawn_weights(self, temperature: float, chance: FloatArray) -> FloatArray:
        """Return weights ``(n, 3)`` drawn with uniform numbers ``chance`` ``(n, 3)``, made to sum 1.

        ``temperature`` 1 draws by the probabilities, less draws nearer to the most likely.
        """
        drawn = np.empty_like(chance)
        for column, name in enumerate(CRITICS):
            share = self.shares[name]
            likely = (share / share.max(axis=1, keepdims=True)) ** (1.0 / temperature)
            steps = np.cumsum(likely / likely.sum(axis=1, keepdims=True), axis=1)
            drawn[:, column] = _HUNDREDTHS[np.minimum((steps < chance[:, column : column + 1]).sum(axis=1), 100)]
        return _normalised(drawn)

    def state(self) -> FloatArray:
        """Return the 13 numbers ``(n, 13)`` of the hints."""
        rows = np.arange(len(self.shares["road"]))
        state = np.zeros((len(rows), STATE_SIZE))
        state[rows, self.shares["road"].argmax(axis=1)] = 1.0
        state[:, 3] = self.shares["density"].argmax(axis=1) / 2.0
        _write_entities(self._entities(), state[:, SCENARIO_SIZE:])
        return state

    def _entities(self) -> IntArray:
        """Return the codes ``(n, 3)`` of the entities, none more often than it is there; after nobody comes nobody."""
        chosen = np.full((len(self.told), ENTITIES), NOBODY)
        left, rows = self.told.copy(), np.arange(len(self.told))
        more = np.ones(len(chosen), dtype=np.bool_)
        for slot, name in enumerate(ENTITY_QUESTIONS):
            best = np.where(left > 0.0, self.shares[name], -1.0).argmax(axis=1)
            more &= best != NOBODY
            chosen[more, slot] = best[more]
            left[rows[more], best[more]] -= 1.0
        return chosen


def _normalised(weights: FloatArray) -> FloatArray:
    """Return weights ``(n, 3)`` of sum 1; equal ones where none is above 0."""
    total = weights.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0.0, weights / np.maximum(total, 1e-12), 1.0 / weights.shape[1]))


def told_entities(facts: SceneFacts) -> FloatArray:
    """Return how many of each entity ``(n, 49)`` the scenes tell of; nobody: infinitely many."""
    count = np.zeros((len(facts), NOBODY + 1))
    count[:, NOBODY] = np.inf
    agents = facts.agents
    told = (np.arange(MOST_AGENTS) < facts.count[:, None]) & (agents[:, :, AgentFact.KIND] < ActorKind.STATIC)
    codes = (8 * agents[:, :, AgentFact.KIND] + agents[:, :, AgentFact.SECTOR]).astype(np.int64)
    worlds, places = np.nonzero(told)
    np.add.at(count, (worlds, codes[worlds, places]), 1.0)
    return count


def hundredths(weights: FloatArray) -> FloatArray:
    """Return weights ``(n, 3)`` of sum 1 in whole hundredths whose sum is 1: the largest takes what is left over."""
    cents = np.rint(100.0 * weights)
    largest = cents.argmax(axis=1)
    cents[np.arange(len(cents)), largest] += 100.0 - cents.sum(axis=1)
    return np.asarray(cents / 100.0)


def _write_entities(codes: IntArray, numbers: FloatArray) -> None:
    """Write entities ``(n, 3)`` as the 9 numbers of a hint's slots."""
    kinds = np.array([type_code(kind) for kind in range(ActorKind.STATIC)])
    for slot in range(ENTITIES):
        there = codes[:, slot] != NOBODY
        kind, direction = np.divmod(codes[there, slot], 8)
        start = SLOT_SIZE * slot
        numbers[there, start] = kinds[kind]
        numbers[there, start + 1 : start + 3] = DIRECTION_VECTORS[direction]
