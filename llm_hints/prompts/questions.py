"""The paper's five kinds of question about a scene, each with the closed set of its answers.

The codes of the answers are those of ``llm_hints.reference``, which knows what is true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np

from envs.scene import IntArray
from llm_hints.facts import Control, SceneFacts
from llm_hints.grounding import road_users
from llm_hints.hint import CATEGORY_WORDS, HintFormatError
from llm_hints.parsing import named, read_object
from llm_hints.prompts.messages import Messages, chat
from llm_hints.prompts.scene_text import scene_text
from llm_hints.prompts.schema import answer_schema
from llm_hints.reference import NO_ANSWER, Lateral, Longitudinal, Truth

NOBODY = "Nobody"
"""The answer of a scene without a hazard."""

CONTROL_WORDS: Mapping[Control, str] = MappingProxyType(
    {
        Control.NONE: "None",
        Control.GREEN: "Green light",
        Control.YELLOW: "Yellow light",
        Control.RED: "Red light",
        Control.STOP_SIGN: "Stop sign ahead",
        Control.STOP_SIGN_OBEYED: "Stop sign obeyed",
        Control.YIELD_SIGN: "Yield sign",
    }
)
LONGITUDINAL_WORDS: Mapping[Longitudinal, str] = MappingProxyType({d: d.name.title() for d in Longitudinal})
LATERAL_WORDS: Mapping[Lateral, str] = MappingProxyType(
    {Lateral.KEEP: "Keep lane", Lateral.LEFT: "Change left", Lateral.RIGHT: "Change right"}
)


class QuestionKind(Enum):
    """The five kinds; the value is the column of ``Answers.table`` that holds the truth."""

    HAZARD = Truth.HAZARD
    ROAD_TYPE = Truth.CATEGORY
    ROAD_SIGN = Truth.CONTROL
    LONGITUDINAL = Truth.LONGITUDINAL
    LATERAL = Truth.LATERAL


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one scene: the chat that asks it and the ``answers`` that there are, each with its code."""

    kind: QuestionKind
    messages: Messages
    answers: Mapping[str, int]

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of an answer."""
        return answer_schema(self.answers)

    def read(self, text: str) -> int:
        """Return the code of the answer in ``text``; raise ``HintFormatError`` where it holds none of ``answers``."""
        answer = read_object(text, ("answer",), "the answer")["answer"]
        return named(answer, {code: word for word, code in self.answers.items()}, "answer")


def question(facts: SceneFacts, row: int, kind: QuestionKind) -> Question:
    """Return the question of ``kind`` about scene ``row`` of ``facts``."""
    asked, answers = _ASKED[kind], _ANSWERS[kind](facts, row)
    words = ", ".join(f'"{word}"' for word in answers)
    user = (
        f"Scene\n{scene_text(facts, row)}\n\n{asked}\nAllowed answers: {words}.\n"
        'Answer with one JSON object and nothing else: {"answer": "..."}'
    )
    return Question(kind, chat(_SYSTEM, user), answers)


def read_codes(
    asked: Sequence[Question],
    texts: Sequence[str | None],
    refused: Callable[[int, HintFormatError], None] = lambda row, error: None,
) -> IntArray:
    """Return the codes ``(n,)`` of the answers that ``texts`` hold, ``NO_ANSWER`` where they hold none.

    ``None`` never came; ``refused`` is told of each text that is none of the allowed answers, and why.
    """
    codes = np.full(len(asked), NO_ANSWER, dtype=np.int64)
    for row, (one, text) in enumerate(zip(asked, texts, strict=True)):
        if text is None:
            continue
        try:
            codes[row] = one.read(text)
        except HintFormatError as error:
            refused(row, error)
    return codes


def hazard_answers(facts: SceneFacts, row: int) -> dict[str, int]:
    """Return ``type direction`` of every road user that scene ``row`` tells, and ``Nobody``, with their codes."""
    there = {str(entity): 8 * int(entity.kind) + int(entity.direction) for entity in road_users(facts, row)}
    return {NOBODY: -1, **there}


def _always(words: Mapping[Any, str]) -> Callable[[SceneFacts, int], dict[str, int]]:
    """Return answers that are the same in every scene."""
    codes = {word: int(code) for code, word in words.items()}
    return lambda facts, row: codes


_SYSTEM = "You are a careful, lawful driver. You answer questions about the scene that you are driving in."

_ASKED: Mapping[QuestionKind, str] = MappingProxyType(
    {
        QuestionKind.HAZARD: (
            "Which road user is the greatest hazard to you right now, if any is? Name its type and its direction."
        ),
        QuestionKind.ROAD_TYPE: "What kind of road are you on?",
        QuestionKind.ROAD_SIGN: "Which traffic light or sign rules your lane ahead, and what does it show?",
        QuestionKind.LONGITUDINAL: (
            "What should you do with your speed right now? Brake means harder than 3 m/s2, Decelerate gentler than "
            "that."
        ),
        QuestionKind.LATERAL: (
            "Which lane should you take now? Leave yours only where it ends soon or a slower road user holds you up in "
            "it, and only for a lane that goes your way and is free beside you."
        ),
    }
)
_ANSWERS: Mapping[QuestionKind, Callable[[SceneFacts, int], dict[str, int]]] = MappingProxyType(
    {
        QuestionKind.HAZARD: hazard_answers,
        QuestionKind.ROAD_TYPE: _always(CATEGORY_WORDS),
        QuestionKind.ROAD_SIGN: _always(CONTROL_WORDS),
        QuestionKind.LONGITUDINAL: _always(LONGITUDINAL_WORDS),
        QuestionKind.LATERAL: _always(LATERAL_WORDS),
    }
)
