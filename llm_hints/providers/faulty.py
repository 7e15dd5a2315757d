"""The ``faulty`` provider: any other one, with wrong, malformed, late and missing answers at set rates.

It measures what hallucinations do (the paper's Table 5). Its chance belongs to the world and the moment
(``llm_hints.chance``), so faults do not depend on the batch and a drive replays with the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.chance import draw_key, uniforms
from llm_hints.facts import SceneFacts, scene_facts
from llm_hints.grounding import HintGroundingError, ground
from llm_hints.hint import (
    CRITICS,
    DIRECTION_VECTORS,
    ENTITY_KINDS,
    SCENARIO_SIZE,
    SLOT_SIZE,
    SLOTS,
    STATE_SIZE,
    Hint,
    HintBatch,
)
from llm_hints.providers.base import HintAnswers, HintProvider, answers_from_texts

WrongMode = Literal["random", "inverted"]

_CHOICE, _SPOIL, _SCENARIO, _WEIGHTS, _SLOTS = 0, 1, 2, 4, 6
_CHANNELS = _SLOTS + 3 * SLOTS
"""Channels of chance per answer: kind of fault, way of spoiling, category and density, weights, three per slot."""


@dataclass(frozen=True, slots=True)
class FaultConfig:
    """Rates of faults, each in [0, 1], together at most 1; an answer has one fault at most."""

    wrong: float = 0.0
    """Share of answers that are well-formed but false."""
    malformed: float = 0.0
    """Share that is not of the agreed form."""
    late: float = 0.0
    """Share that comes late, by ``late_s``."""
    missing: float = 0.0
    """Share that never comes."""
    late_s: float = 5.0
    """How late (simulated s)."""
    wrong_mode: WrongMode = "random"
    """How an answer is false. ``random``: weights uniform over all that sum to 1, in hundredths, and random state
    numbers, of which road category and density are right in a third; ``inverted``: danger is called safety and the
    reverse, density is mirrored, entities are on the other side; road category and types stay right."""
    free_weights: tuple[float, float, float] = (0.25, 0.60, 0.15)
    """Weights of safety, between which and ``danger_weights`` ``inverted`` mirrors (safety, efficiency, comfort)."""
    danger_weights: tuple[float, float, float] = (0.80, 0.10, 0.10)
    """Weights of danger, in the same order."""
    check_scene: bool = False
    """Whether a false answer that names who is not in the scene is refused, as a language model's is."""

    def __post_init__(self) -> None:
        """Refuse rates that are none."""
        rates = self.rates
        if min(rates.values()) < 0 or sum(rates.values()) > 1 + 1e-9:
            raise ValueError(f"fault rates {rates} came; each must be at least 0 and their sum at most 1")
        if self.wrong_mode not in get_args(WrongMode):
            raise ValueError(f"wrong_mode {self.wrong_mode!r} came; allowed: {', '.join(get_args(WrongMode))}")
        if not self.late_s >= 0:
            raise ValueError(f"late_s = {self.late_s} came; it must be at least 0 s")

    @property
    def rates(self) -> dict[str, float]:
        """The rate of each kind of fault, by name."""
        return {name: getattr(self, name) for name in ("wrong", "malformed", "late", "missing")}


class FaultyProvider:
    """``inner`` with faults."""

    def __init__(self, inner: HintProvider, config: FaultConfig, rng: np.random.Generator) -> None:
        self.inner = inner
        self.config = config
        self._key = draw_key(rng)

    @property
    def name(self) -> str:
        """Name of the provider, with that of the inner one."""
        return f"faulty({self.inner.name})"

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the inner answers for ``rows`` (n), some of them spoilt."""
        answers = _copy(self.inner.ask(scene, rows))
        chance = uniforms(self._key, scene, rows, _CHANNELS)
        config = self.config
        edges = np.cumsum([config.wrong, config.malformed, config.late, config.missing])
        fault = np.searchsorted(edges, chance[:, _CHOICE], side="right")
        wrong = np.flatnonzero(fault == 0)
        answers = self._make_wrong(answers, wrong, chance)
        if config.check_scene and len(wrong):
            answers.valid[wrong] &= who_is_there(answers.hints.rows(fault == 0), scene_facts(scene, rows[wrong]))
        answers = self._make_malformed(answers, np.flatnonzero(fault == 1), chance[:, _SPOIL])
        answers.latency_s[fault == 2] += config.late_s
        answers.latency_s[fault == 3] = np.inf
        answers.valid[fault == 3] = False
        return answers

    def _make_wrong(self, answers: HintAnswers, wrong: IntArray, chance: FloatArray) -> HintAnswers:
        """Replace the hints of the rows ``wrong`` by false ones, and what was said by them."""
        if not len(wrong):
            return answers
        state, weights = answers.hints.state, answers.hints.weights
        if self.config.wrong_mode == "random":
            state[wrong] = random_state(chance[wrong])
            weights[wrong] = random_weights(chance[wrong, _WEIGHTS : _WEIGHTS + 2])
        else:
            anchors = np.add(self.config.free_weights, self.config.danger_weights)
            state[wrong] = inverted_state(state[wrong])
            weights[wrong] = inverted_weights(weights[wrong], anchors)
        if answers.texts is None:
            return answers
        texts = list(answers.texts)
        for row in wrong:
            texts[row] = answers.hints.hint(int(row)).to_json()
        return replace(answers, texts=tuple(texts))

    def _make_malformed(self, answers: HintAnswers, rows: IntArray, chance: FloatArray) -> HintAnswers:
        """Spoil the text of ``rows``; whether that still is a hint, the strict parser decides."""
        if not len(rows):
            return answers
        texts = list(answers.texts or [None] * len(answers.valid))
        rows = rows[answers.valid[rows]]  # what the inner provider spoilt itself stays so
        for row in rows:
            texts[row] = spoil(answers.hints.hint(row), texts[row], chance[row])
        parsed = answers_from_texts([texts[row] for row in rows], answers.latency_s[rows])
        answers.hints.state[rows] = parsed.hints.state
        answers.hints.weights[rows] = parsed.hints.weights
        answers.valid[rows] = parsed.valid
        return replace(answers, texts=tuple(texts))

    def state(self) -> dict[str, Any]:
        """Return the key of the faults and the inner provider's state."""
        return {"key": np.array(self._key), "inner": self.inner.state()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        self._key = int(state["key"])
        self.inner.set_state(state["inner"])


def who_is_there(hints: HintBatch, facts: SceneFacts) -> BoolArray:
    """Return ``(n,)``: which of ``hints`` name nobody but who is in their scene."""
    found = np.ones(len(hints.weights), dtype=np.bool_)
    for row in range(len(found)):
        try:
            ground(hints.hint(row), facts, row)
        except HintGroundingError:
            found[row] = False
    return found


def random_weights(chance: FloatArray) -> FloatArray:
    """Return ``(n, 3)`` weights uniform on the simplex, in hundredths, from two uniform numbers ``(n, 2)``."""
    cuts = np.sort(np.rint(100 * chance), axis=1)
    ends = np.concatenate([np.zeros((len(cuts), 1)), cuts, np.full((len(cuts), 1), 100.0)], axis=1)
    weights: FloatArray = np.diff(ends, axis=1) / 100
    return weights


def random_state(chance: FloatArray) -> FloatArray:
    """Return ``(n, 13)`` well-formed state numbers from the channels ``(n, 15)``: up to three random entities."""
    rows = np.arange(len(chance))
    state = np.zeros((len(chance), STATE_SIZE))
    state[rows, (3 * chance[:, _SCENARIO]).astype(np.int64)] = 1.0
    state[:, 3] = np.floor(3 * chance[:, _SCENARIO + 1]) / 2
    taken = np.ones(len(chance), dtype=np.bool_)
    for slot in range(SLOTS):
        there, kind, direction = chance[:, _SLOTS + 3 * slot : _SLOTS + 3 * slot + 3].T
        taken = taken & (there < 0.75)
        start = SCENARIO_SIZE + SLOT_SIZE * slot
        state[:, start] = np.where(taken, (np.floor(len(ENTITY_KINDS) * kind) + 1) / len(ENTITY_KINDS), 0.0)
        vectors = DIRECTION_VECTORS[(8 * direction).astype(np.int64)]
        state[:, start + 1 : start + 3] = np.where(taken[:, None], vectors, 0.0)
    return state


def inverted_weights(weights: FloatArray, anchors: FloatArray) -> FloatArray:
    """Return weights ``(n, 3)`` mirrored between two rows whose sum is ``anchors`` (3): the free for the dangerous."""
    mirrored = np.clip(anchors - weights, 0.0, 1.0)
    total = mirrored.sum(axis=1, keepdims=True)
    inverted: FloatArray = mirrored / np.where(total > 0, total, 1.0)
    inverted[total[:, 0] == 0] = 1.0 / len(CRITICS)
    return inverted


def inverted_state(state: FloatArray) -> FloatArray:
    """Return state numbers ``(n, 13)`` with mirrored density and every entity on the opposite side."""
    inverted: FloatArray = state.copy()
    inverted[:, 3] = 1.0 - state[:, 3]
    for slot in range(SLOTS):
        start = SCENARIO_SIZE + SLOT_SIZE * slot
        # 0 - x, not -x: an empty slot stays at plus zero.
        inverted[:, start + 1 : start + 3] = 0.0 - state[:, start + 1 : start + 3]
    return inverted


def spoil(hint: Hint, text: str | None, chance: float) -> str:
    """Return the answer as a language model might spoil it, one of six ways by ``chance`` in [0, 1)."""
    whole = text or hint.to_json()
    ways = (
        whole[: len(whole) // 2],
        "",
        f"I am sorry, but I cannot assess this scene. {whole[:20]}",
        whole.replace('"weights"', '"wieghts"'),
        whole.replace('"safety": ', '"safety": 1'),
        whole.replace('"traffic_density": "', '"traffic_density": "Very '),
    )
    return ways[int(chance * len(ways))]


def _copy(answers: HintAnswers) -> HintAnswers:
    """Return answers that can be changed without changing the inner provider's own arrays."""
    hints, valid, latency_s = answers.hints.copy(), answers.valid.copy(), answers.latency_s.copy()
    return replace(answers, hints=hints, valid=valid, latency_s=latency_s, confidence=None)
