"""The benchmark of hints, on providers whose faults are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.scene import IntArray, SceneBatch
from hcrmp import hints_benchmark
from hcrmp.hint_model.benchmark import calibration_error, measure, stack
from hcrmp.hints_config import HintsBenchmarkConfig, HintsStabilityConfig
from hcrmp.hints_stability import RepeatedAsking
from llm_hints.chance import uniforms
from llm_hints.hint import HintBatch
from llm_hints.providers.base import NO_ANSWER, HintAnswers, QuestionAnswers
from llm_hints.providers.rules import RulesProvider
from llm_hints.reference import KINDS, true_answers
from tests.llm_hints.scenes import random_scene

SCENE = random_scene(200, 6, np.random.default_rng(0))
SCENES = [("somewhere", SCENE.rows([row])) for row in range(200)]


class Knowing:
    """Answers rightly but for a known share of the questions, which it does not answer."""

    name = "knowing"

    def __init__(self, wrong: float) -> None:
        self.wrong = wrong

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        return RulesProvider().ask(scene, rows)

    def answer(self, scene: SceneBatch, rows: IntArray) -> dict[str, QuestionAnswers]:
        truth = true_answers(scene, rows)
        bad = uniforms(7, scene, rows, 1)[:, 0] < self.wrong
        return {
            kind: QuestionAnswers(
                np.where(bad, NO_ANSWER, truth.table[:, 0, column]).astype(np.int64), np.full(len(rows), 0.75)
            )
            for kind, column in KINDS.items()
        }

    def state(self) -> dict[str, Any]:
        return {}

    def set_state(self, state: dict[str, Any]) -> None: ...


def test_the_shares_of_right_answers_are_those_that_were_given() -> None:
    for row in range(200):
        SCENE.seed[row] = row
    scenes = [("somewhere", SCENE.rows([row])) for row in range(200)]
    result = measure(Knowing(0.25), scenes, 64)
    bad = float((uniforms(7, SCENE, np.arange(200), 1)[:, 0] < 0.25).mean())
    for kind in KINDS:
        share, low, high = result.rates[kind]
        assert share == pytest.approx(1.0 - bad) and low < share < high
        assert result.no_answer[kind] == pytest.approx(bad)
        assert result.calibration_error[kind] == pytest.approx(abs(0.75 - share))
    assert result.valid_share == 1.0 and result.weights_difference["safety"] == 0.0 and result.hints_per_s > 0.0
    assert result.to_json()["by_family"] == {"somewhere": 200}


def test_the_calibration_error_by_hand() -> None:
    """Ten answers at .95, nine right: .05; ten at .55, five right: .05; together .05."""
    confidence = np.repeat([0.95, 0.55], 10)
    correct = np.array([True] * 9 + [False] + [True] * 5 + [False] * 5)
    assert calibration_error(confidence, correct) == pytest.approx(0.05)
    assert np.isnan(calibration_error(np.array([np.nan]), np.array([True])))


def test_scenes_of_different_slots_are_stacked_unchanged() -> None:
    other = random_scene(3, 2, np.random.default_rng(1))
    both = stack([SCENE.rows([5]), other])
    assert both.batch_size == 4 and both.actor_slots == 6
    np.testing.assert_array_equal(both.actors.block[:, 0], SCENE.actors.block[:, 5])
    np.testing.assert_array_equal(both.actors.block[:, 1:, :2], other.actors.block)
    assert not both.actors.block[:, 1:, 2:].any()
    np.testing.assert_array_equal(both.road.block[:, 1:], other.road.block)


def test_the_job_writes_what_it_prints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints_benchmark, "sample_scenes", lambda families, count, seed: SCENES[:count])
    monkeypatch.setattr(hints_benchmark, "build_provider", lambda config, rng: Knowing(0.0))
    assert hints_benchmark.run(HintsBenchmarkConfig(scenes=40, output=str(tmp_path))) == 0
    (written,) = tmp_path.iterdir()
    assert written.name == "benchmark-knowing-seed0.json" and '"road sign"' in written.read_text("utf-8")
    with pytest.raises(ValueError, match="scenes must be at least 1"):
        HintsBenchmarkConfig(scenes=0)
    with pytest.raises(ValueError, match="at least 2"):
        HintsStabilityConfig(repeats=1)


class Babbling(Knowing):
    """Gives no hint that is one, no answer, and no confidence: an untrained model that writes."""

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        return HintAnswers(HintBatch.prior(len(rows)), np.zeros(len(rows), np.bool_), np.zeros(len(rows)))

    def answer(self, scene: SceneBatch, rows: IntArray) -> dict[str, QuestionAnswers]:
        nothing = QuestionAnswers(np.full(len(rows), NO_ANSWER), np.full(len(rows), np.nan))
        return dict.fromkeys(KINDS, nothing)


def test_what_could_not_be_measured_is_null_in_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints_benchmark, "sample_scenes", lambda families, count, seed: SCENES[:count])
    monkeypatch.setattr(hints_benchmark, "build_provider", lambda config, rng: Babbling(0.0))
    assert hints_benchmark.run(HintsBenchmarkConfig(scenes=10, output=str(tmp_path))) == 0
    written = json.loads(next(tmp_path.iterdir()).read_text("utf-8"))
    assert written["valid_share"] == 0.0 and written["no_answer"]["hazard"] == 1.0
    assert written["calibration_error"] == dict.fromkeys(KINDS)
    assert set(written["weights_difference"].values()) == {None}


class Drawing(Knowing):
    """Weights that depend on the scene's seed alone, so on the repetition."""

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        hints = HintBatch.prior(len(rows))
        hints.weights[:] = np.random.default_rng(0).dirichlet((1, 1, 1), 1)
        first = uniforms(3, scene, rows, 1)[:, 0]
        hints.weights[:, 0], hints.weights[:, 1], hints.weights[:, 2] = first, 1.0 - first, 0.0
        return HintAnswers(hints, first < 0.9, np.zeros(len(rows)))


def test_repetitions_of_a_question_are_drawn_anew_and_the_same_with_and_without_anchors() -> None:
    ask = RepeatedAsking(Drawing(0.0), Drawing(0.0))
    rows, repeats = np.repeat([0, 1], 50), np.tile(np.arange(50), 2)
    plain = ask(SCENE, rows, repeats, anchored=False)
    np.testing.assert_array_equal(plain, ask(SCENE, rows, repeats, anchored=True))
    assert 0 < np.isnan(plain[:, 0]).sum() < 40 and len(np.unique(plain[~np.isnan(plain[:, 0]), 0])) > 60
