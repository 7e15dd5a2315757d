"""What a language model was asked and said is told once, when its answer arrives, with what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.scene import IntArray, SceneBatch
from llm_hints.hint import HintBatch
from llm_hints.providers.base import HintAnswers, answers_from_texts
from llm_hints.providers.faulty import FaultConfig, FaultyProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from llm_hints.told import Told

GOOD = (
    '{"road_category": "Highway", "traffic_density": "Low", "critical_entities": [], '
    '"weights": {"safety": 0.2, "efficiency": 0.7, "comfort": 0.1}}'
)


class Writer:
    """Writes its texts in turn; ``late_s`` seconds after each question."""

    name = "writer"

    def __init__(self, *texts: str, late_s: float = 0.0) -> None:
        self.texts, self.late_s, self.asked = list(texts), late_s, 0

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        texts = [self.texts[(self.asked + k) % len(self.texts)] for k in range(len(rows))]
        self.asked += len(rows)
        answers = answers_from_texts(texts, np.full(len(rows), self.late_s))
        worlds = rows.tolist()
        return replace(answers, prompts=lambda k: f"world {worlds[k]} at {scene.time_s[worlds[k]]:.1f}?")

    def state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        pass


def heard(provider: Any, seconds: float, worlds: int = 1, **config: Any) -> list[Told]:
    """Return all that was told while the worlds stood still for a while."""
    service = HintService(provider, HintServiceConfig(**config), worlds)
    service.talk.on = True
    scene, told = SceneBatch.empty(worlds, 0), []
    service.reset(None, scene)
    told += service.talk.told
    while scene.time_s[0] < seconds - 1e-9:
        scene.time_s[:] += 0.1
        service.poll(scene)
        told += service.talk.told
    return told


def test_each_answer_is_told_with_its_question() -> None:
    told = heard(Writer(GOOD, "nonsense"), 2.0, period_s=1.0)
    assert [(one.asked_at_s, one.fate) for one in told] == [
        (0.0, "model"), (pytest.approx(1.0), "refused"), (pytest.approx(2.0), "model")
    ]  # fmt: skip
    assert [one.prompt for one in told] == ["world 0 at 0.0?", "world 0 at 1.0?", "world 0 at 2.0?"]
    assert [one.answer for one in told] == [GOOD, "nonsense", GOOD]


def test_an_answer_is_told_when_it_arrives() -> None:
    """Beyond its window it is late."""
    (one, *_) = heard(Writer(GOOD, late_s=0.7), 0.7, period_s=1.0, window_s=1.0)
    assert one.asked_at_s == 0.0 and one.fate == "model"
    assert heard(Writer(GOOD, late_s=0.7), 0.6, period_s=1.0, window_s=1.0) == []
    (one, *_) = heard(Writer(GOOD, late_s=0.7), 0.8, period_s=1.0, window_s=0.5)
    assert one.fate == "late"


def test_worlds_are_told_apart_and_faults_leave_the_prompts() -> None:
    faulty = FaultyProvider(Writer(GOOD), FaultConfig(malformed=1.0), np.random.default_rng(0))
    told = heard(faulty, 0.0, worlds=3)
    assert [one.world for one in told] == [0, 1, 2]
    assert [one.prompt for one in told] == [f"world {n} at 0.0?" for n in range(3)]
    assert any(one.answer != GOOD for one in told)


def test_nothing_is_written_out_where_nobody_listens() -> None:
    def never(k: int) -> str:
        raise AssertionError("a prompt was written")

    class Silent(Writer):
        def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
            return replace(super().ask(scene, rows), prompts=never)

    service = HintService(Silent(GOOD), HintServiceConfig(), 1)
    service.reset(None, SceneBatch.empty(1, 0))
    assert service.talk.told == []


def test_of_a_model_that_chooses_the_choice_is_its_answer() -> None:
    class Chooser(Writer):
        def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
            return replace(super().ask(scene, rows), texts=None)

    (one,) = heard(Chooser(GOOD), 0.0)
    assert '"road_category": "Highway"' in one.answer


def test_some_rows_of_answers_keep_their_words() -> None:
    answers = Writer(GOOD, "b", "c").ask(SceneBatch.empty(3, 0), np.arange(3))
    some = answers.rows(np.array([True, False, True]))
    assert some.texts == (GOOD, "c") and some.prompts is not None
    assert [some.prompts(k) for k in range(2)] == ["world 0 at 0.0?", "world 2 at 0.0?"]
    assert isinstance(some.hints, HintBatch) and some.valid.tolist() == [True, False]
