"""The ``scripted`` provider: answers that are given beforehand, for tests and demonstrations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from envs.scene import IntArray, SceneBatch
from llm_hints.hint import Hint, HintBatch
from llm_hints.providers.base import HintAnswers, answers_from_texts

Script = Sequence[Hint | str | None] | Callable[[SceneBatch, int], Hint | str | None]
"""A list of answers in the order of the questions, or a function of (scene, world). An answer is a hint, a text to be
parsed, or ``None`` where none comes."""


class ScriptExhaustedError(RuntimeError):
    """More questions came than the script has answers; not a ``HintProviderError``, so that a test sees it."""


class ScriptedProvider:
    """Gives the answers of a script, each after ``latency_s`` simulated seconds."""

    name = "scripted"

    def __init__(self, script: Script, latency_s: float = 0.0) -> None:
        self._script = script
        self._latency_s = latency_s
        self._used = 0
        self.asked: list[tuple[float, int]] = []
        """Time (s) and world of each question so far."""

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the next answers of the script for ``rows`` (n)."""
        self.asked += [(float(scene.time_s[row]), int(row)) for row in rows]
        lines = [self._line(scene, int(row)) for row in rows]
        texts = [None if isinstance(line, Hint) else line for line in lines]
        answers = answers_from_texts(texts, np.full(len(rows), self._latency_s))
        spoken = [row for row, line in enumerate(lines) if isinstance(line, Hint)]
        given = HintBatch.from_hints([line for line in lines if isinstance(line, Hint)])
        answers.hints.state[spoken] = given.state
        answers.hints.weights[spoken] = given.weights
        answers.valid[spoken] = True
        answers.latency_s[spoken] = self._latency_s
        return answers

    def _line(self, scene: SceneBatch, row: int) -> Hint | str | None:
        """Return the answer to one question."""
        if callable(self._script):
            return self._script(scene, row)
        if self._used >= len(self._script):
            raise ScriptExhaustedError(
                f"question {self._used + 1} came at t = {scene.time_s[row]:.2f} s; "
                f"the script has {len(self._script)} answers: give it more, or a function"
            )
        self._used += 1
        return self._script[self._used - 1]

    def state(self) -> dict[str, Any]:
        """Return how far the script has been read."""
        return {"used": np.array(self._used)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Continue the script where ``state`` was taken."""
        self._used = int(state["used"])
