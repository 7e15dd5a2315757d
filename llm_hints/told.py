"""What language models were asked and said, for those who record it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envs.scene import BoolArray, FloatArray, IntArray
from llm_hints.providers.base import HintAnswers

Fate = Literal["model", "late", "refused"]
"""What becomes of an answer: it is the hint, it came after its window, or it is no hint."""


@dataclass(frozen=True, slots=True)
class Told:
    """A question of ``world`` at ``asked_at_s`` (simulated seconds of its episode), and the answer to it."""

    world: int
    asked_at_s: float
    prompt: str
    answer: str
    fate: Fate


class TalkLog:
    """The questions of B worlds whose answers are still awaited, and what was ``told`` since the last ``clear``.

    Prompts are written out only while somebody has it ``on``.
    """

    def __init__(self, batch: int) -> None:
        self.on = False
        self.told: list[Told] = []
        self._open: list[tuple[str, str] | None] = [None] * batch

    def clear(self) -> None:
        """Forget what was told."""
        if self.told:
            self.told = []

    def keep(self, rows: IntArray, answers: HintAnswers) -> None:
        """Keep what was asked about ``rows`` (n) and answered, until that is delivered."""
        if not self.on:
            return
        for k, world in enumerate(rows.tolist()):
            self._open[world] = None if answers.prompts is None else (answers.prompts(k), _answer(answers, k))

    def deliver(self, rows: IntArray, asked_at_s: FloatArray, valid: BoolArray, in_time: BoolArray) -> None:
        """Tell of the answers to ``rows`` (n), which arrive now."""
        if not self.on:
            return
        for k, world in enumerate(rows.tolist()):
            words = self._open[world]
            if words is not None:
                fate: Fate = "refused" if not valid[k] else "model" if in_time[k] else "late"
                self.told.append(Told(world, float(asked_at_s[k]), words[0], words[1], fate))
                self._open[world] = None


def _answer(answers: HintAnswers, row: int) -> str:
    """Return what a model wrote; of one that chose among answers, its choice in the form that others write."""
    if answers.texts is not None:
        return answers.texts[row] or ""
    hint = answers.hints.hint(row)
    return hint.text() if hint.category is None else hint.to_json()
