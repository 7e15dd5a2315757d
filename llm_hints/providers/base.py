"""What every source of hints offers: one call for many worlds, one batch of answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.facts import SceneFacts
from llm_hints.grounding import read_hint
from llm_hints.hint import HintBatch, HintFormatError
from llm_hints.parsing import parse_hint


class HintProviderError(RuntimeError):
    """A provider could not answer: no connection, a refusal, a deadline. The service treats it as no answer.

    Any other exception from a provider is a fault in the program and is not hidden.
    """


@dataclass(frozen=True, slots=True)
class HintAnswers:
    """The answers to n questions.

    ``hints`` n rows (source and issue time are set by the service); ``valid`` ``(n,)`` the answer had the agreed form;
    ``latency_s`` ``(n,)`` simulated seconds from question to answer, ``inf`` where none will come; ``texts`` what a
    language model wrote, where one did; ``confidence`` ``(n,)`` the probability that it gives to its least certain
    field, NaN where it gives none; ``prompts`` returns what a language model was asked about the k-th, where one was.
    """

    hints: HintBatch
    valid: BoolArray
    latency_s: FloatArray
    texts: tuple[str | None, ...] | None = None
    confidence: FloatArray | None = None
    prompts: Callable[[int], str] | None = None

    def rows(self, wanted: BoolArray) -> HintAnswers:
        """Return a copy of the answers of the mask ``wanted`` ``(n,)``."""
        places, prompts = np.flatnonzero(wanted), self.prompts
        return HintAnswers(
            self.hints.rows(wanted),
            self.valid[wanted],
            self.latency_s[wanted],
            None if self.texts is None else tuple(self.texts[place] for place in places),
            None if self.confidence is None else self.confidence[wanted],
            None if prompts is None else lambda k: prompts(int(places[k])),
        )


@runtime_checkable
class HintProvider(Protocol):
    """A source of hints. It answers whole batches; it may see only ``actors.valid & actors.visible``."""

    @property
    def name(self) -> str:
        """Name of the provider in configuration and records."""
        ...

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return one answer for each of the worlds ``rows`` (n, indices into the scene's B), in that order.

        The answer to a world depends on that world alone, so that a drive recorded among 64 replays alone.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Return everything that future answers depend on besides the scene, as plain arrays."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        ...


@dataclass(frozen=True, slots=True)
class QuestionAnswers:
    """Answers to one kind of question about n scenes.

    ``codes`` ``(n,)``: as in ``llm_hints.reference.Truth``, its ``NO_ANSWER`` where none of the allowed ones came;
    ``confidence`` ``(n,)``: the probability that the model gives to it, NaN where it gives none.
    """

    codes: IntArray
    confidence: FloatArray


@runtime_checkable
class QuestionAnswerer(Protocol):
    """A provider that also answers the paper's five kinds of question."""

    def answer(self, scene: SceneBatch, rows: IntArray) -> dict[str, QuestionAnswers]:
        """Return the answers for the worlds ``rows`` (n) by kind of question (``llm_hints.reference.KINDS``)."""
        ...


def answers_from_texts(
    texts: Sequence[str | None],
    latency_s: FloatArray,
    facts: SceneFacts | None = None,
    refused: Callable[[int, HintFormatError], None] = lambda row, error: None,
) -> HintAnswers:
    """Return the answers that ``texts`` hold.

    ``None`` never came; malformed text is invalid (see ``parse_hint``); with the ``facts`` of as many scenes, so is a
    hint that names who is not in its scene (see ``grounding``). ``refused`` is told of each invalid one and why.
    """
    hints = HintBatch.prior(len(texts))
    valid = np.zeros(len(texts), dtype=np.bool_)
    latency_s = np.array(latency_s, dtype=np.float64)
    for row, text in enumerate(texts):
        if text is None:
            latency_s[row] = np.inf
            continue
        try:
            hint = parse_hint(text) if facts is None else read_hint(text, facts, row)
        except HintFormatError as error:
            refused(row, error)
            continue
        hints.state[row] = hint.state()
        hints.weights[row] = hint.weight_row()
        valid[row] = True
    return HintAnswers(hints, valid, latency_s, tuple(texts))
