"""How right answers are, against the true ones: the paper's five kinds of question, and the hint's own fields."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray
from hcrmp.hint_model.examples import Lessons, answer_codes
from llm_hints.closed_answers import NOBODY
from llm_hints.compact import QUESTION_OF, SLOTS
from llm_hints.reference import KINDS


def right_answers(codes: IntArray, lessons: Lessons) -> dict[str, BoolArray]:
    """Return by kind which answers ``codes`` ``(n, len(SLOTS))`` count as right, each ``(n,)``."""
    places, truth = {name: place for place, name in enumerate(SLOTS)}, lessons.answers
    right: dict[str, BoolArray] = {}
    for kind in KINDS:
        answer = codes[:, places[QUESTION_OF[kind]]]
        right[kind] = truth.right(kind, np.where(answer == NOBODY, -1, answer) if kind == "hazard" else answer)
    return right


def agreement(codes: IntArray, lessons: Lessons) -> dict[str, float]:
    """Return how the answers agree with the teacher's: share by question, mean difference of the weights."""
    teacher = answer_codes(lessons.state, lessons.weights, lessons.truth[:, 0])
    found: dict[str, Any] = {name: float((codes[:, n] == teacher[:, n]).mean()) for n, name in enumerate(SLOTS)}
    weights = [list(SLOTS).index(name) for name in ("safety", "efficiency", "comfort")]
    difference: FloatArray = np.abs(codes[:, weights] - teacher[:, weights]) / 100.0
    return found | {"weights_difference": float(difference.mean())}
