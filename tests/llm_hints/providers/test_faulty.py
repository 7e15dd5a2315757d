"""Faults at set rates, the scripted provider, and chance that belongs to a world and a moment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.scene import ActorKind, SceneBatch
from llm_hints.chance import uniforms
from llm_hints.hint import Density, Direction, Hint, HintFormatError
from llm_hints.parsing import parse_hint
from llm_hints.providers.base import HintAnswers, HintProvider
from llm_hints.providers.faulty import FaultConfig, FaultyProvider, inverted_weights, spoil
from llm_hints.providers.rules import RulesConfig, RulesProvider
from llm_hints.providers.scripted import ScriptedProvider, ScriptExhaustedError
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import random_scene

MANY = 4000


def scene(batch: int = MANY) -> SceneBatch:
    """Return equal worlds, a standing car 20 m ahead, with the seeds 0, 1, 2, ... ."""
    worlds = make_scene(batch, [make_actor(20, 0)])
    worlds.ego.speed[:] = 8.0
    worlds.seed[:] = np.arange(batch)
    return worlds


def faulty(seed: int = 0, **rates: Any) -> FaultyProvider:
    return FaultyProvider(RulesProvider(), FaultConfig(**rates), np.random.default_rng(seed))


def ask(provider: HintProvider, worlds: SceneBatch) -> HintAnswers:
    return provider.ask(worlds, np.arange(worlds.batch_size))


def test_without_faults_nothing_changes() -> None:
    worlds = random_scene(50, 6, np.random.default_rng(0))
    mine, other = ask(faulty(), worlds), ask(RulesProvider(), worlds)
    np.testing.assert_array_equal(mine.hints.state, other.hints.state)
    np.testing.assert_array_equal(mine.hints.weights, other.hints.weights)
    assert mine.valid.all() and not mine.latency_s.any()


def test_the_rates_are_met() -> None:
    """Four standard errors of 4000 draws at 0.2 are 0.025."""
    answers = ask(faulty(wrong=0.2, malformed=0.2, late=0.2, missing=0.2, late_s=3.0), scene())
    right = ask(RulesProvider(), scene()).hints
    missing = np.isinf(answers.latency_s)
    changed = answers.valid & (answers.hints.state != right.state).any(axis=1)
    for share in (missing, ~answers.valid & ~missing, answers.latency_s == 3.0, changed):
        assert share.mean() == pytest.approx(0.2, abs=0.025)
    assert not answers.valid[missing].any()


def test_wrong_answers_about_who_is_not_there_are_refused_where_the_scene_is_checked() -> None:
    worlds = scene()  # nobody but a car ahead
    anything, checked = ask(faulty(wrong=0.5), worlds), ask(faulty(wrong=0.5, check_scene=True), worlds)
    np.testing.assert_array_equal(anything.hints.state, checked.hints.state)
    right = ask(RulesProvider(), worlds).hints
    changed = (anything.hints.weights != right.weights).any(axis=1)
    assert anything.valid.all() and checked.valid[~changed].all()
    entities = [anything.hints.hint(row).entities for row in range(MANY)]
    alone = np.array([
        all((one.kind, one.direction) == (ActorKind.CAR, Direction.FRONT) for one in named) and len(named) <= 1
        for named in entities
    ])  # fmt: skip
    np.testing.assert_array_equal(checked.valid, alone)
    # A quarter name nobody; of the others few a car in front and nobody else.
    assert checked.valid[changed].mean() == pytest.approx(0.25, abs=0.04)


def test_the_inner_provider_keeps_its_own_arrays() -> None:
    class Kept(RulesProvider):
        def ask(self, scene: SceneBatch, rows: Any) -> HintAnswers:
            self.answers = super().ask(scene, rows)
            return self.answers

    inner = Kept()
    worlds = scene(50)
    FaultyProvider(inner, FaultConfig(wrong=0.5, missing=0.5), np.random.default_rng(0)).ask(worlds, np.arange(50))
    right = ask(RulesProvider(), worlds)
    np.testing.assert_array_equal(inner.answers.hints.state, right.hints.state)
    assert inner.answers.valid.all() and not inner.answers.latency_s.any()


def test_wrong_answers_are_well_formed() -> None:
    worlds = random_scene(400, 6, np.random.default_rng(1))
    for mode in ("random", "inverted"):
        answers = ask(faulty(wrong=1.0, wrong_mode=mode), worlds)
        assert answers.valid.all()
        np.testing.assert_allclose(answers.hints.weights.sum(axis=1), 1, atol=1e-12)
        assert (answers.hints.weights >= 0).all()
        for row, hint in enumerate(answers.hints.hints()):
            np.testing.assert_allclose(hint.state(), answers.hints.state[row], atol=1e-15)
            parse_hint(hint.to_json())


def test_what_a_wrong_answer_is_told_to_have_said_is_what_it_says() -> None:
    class Talking(RulesProvider):
        def ask(self, scene: SceneBatch, rows: Any) -> HintAnswers:
            answers = super().ask(scene, rows)
            return replace(answers, texts=tuple(hint.to_json() for hint in answers.hints.hints()))

    worlds = random_scene(40, 6, np.random.default_rng(1))
    right = ask(Talking(), worlds).texts
    answers = ask(FaultyProvider(Talking(), FaultConfig(wrong=0.5), np.random.default_rng(0)), worlds)
    assert answers.texts is not None and answers.texts != right
    for text, hint in zip(answers.texts, answers.hints.hints(), strict=True):
        assert text == hint.to_json()


def test_random_weights_have_no_favourite() -> None:
    """Uniform on the simplex: mean 1/3, standard deviation sqrt(1/18)."""
    weights = ask(faulty(wrong=1.0), scene()).hints.weights
    np.testing.assert_allclose(weights.mean(axis=0), 1 / 3, atol=0.02)
    np.testing.assert_allclose(weights.std(axis=0), np.sqrt(1 / 18), atol=0.01)


def test_inverted_says_danger_where_it_is_safe_and_the_reverse() -> None:
    anchors = np.add(RulesConfig().free_weights, RulesConfig().danger_weights)
    np.testing.assert_allclose(
        inverted_weights(np.array([RulesConfig().free_weights, RulesConfig().danger_weights]), anchors),
        [RulesConfig().danger_weights, RulesConfig().free_weights],
        atol=1e-15,
    )
    hint = ask(faulty(wrong=1.0, wrong_mode="inverted"), scene(1)).hints.hint(0)
    assert hint.weights["safety"] == pytest.approx(1.05 - 0.72)
    assert hint.density is Density.HIGH
    assert [entity.direction for entity in hint.entities] == [Direction.REAR]


@pytest.mark.parametrize("way", range(6))
def test_every_spoilt_text_is_refused(way: int) -> None:
    hint = ask(RulesProvider(), scene(1)).hints.hint(0)
    with pytest.raises(HintFormatError):
        parse_hint(spoil(hint, None, (way + 0.5) / 6))


def test_faults_belong_to_the_world_and_the_moment() -> None:
    worlds = scene(64)
    worlds.step[:] = 30
    provider = faulty(wrong=0.3, malformed=0.3, late=0.2, missing=0.2)
    together = ask(provider, worlds)
    again = ask(faulty(wrong=0.3, malformed=0.3, late=0.2, missing=0.2), worlds)
    np.testing.assert_array_equal(together.hints.state, again.hints.state)
    for b in range(64):
        alone = ask(provider, worlds.rows(np.array([b])))
        np.testing.assert_array_equal(alone.hints.state[0], together.hints.state[b])
        np.testing.assert_array_equal(alone.hints.weights[0], together.hints.weights[b])
        assert (alone.valid[0], alone.latency_s[0]) == (together.valid[b], together.latency_s[b])
    worlds.step[:] = 40
    assert (ask(provider, worlds).latency_s != together.latency_s).any()
    assert (ask(faulty(1, missing=0.5), worlds).valid != ask(faulty(2, missing=0.5), worlds).valid).any()


def test_state_restores_the_faults() -> None:
    one, other = faulty(1, missing=0.5), faulty(2, missing=0.5)
    other.set_state(one.state())
    np.testing.assert_array_equal(ask(one, scene(99)).valid, ask(other, scene(99)).valid)


@pytest.mark.parametrize("wrong", [{"wrong": -0.1}, {"wrong": 0.6, "late": 0.6}, {"wrong_mode": "off"}, {"late_s": -1}])
def test_rates_that_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="came"):
        FaultConfig(**wrong)


def test_chance_is_uniform_and_independent() -> None:
    """Over 4000 worlds, one moment, four channels; and one world over moments."""
    worlds = scene()
    numbers = uniforms(12345, worlds, np.arange(MANY), 4)
    assert numbers.min() >= 0 and numbers.max() < 1
    np.testing.assert_allclose(numbers.mean(axis=0), 0.5, atol=0.02)
    np.testing.assert_allclose(12 * numbers.var(axis=0), 1, atol=0.06)
    assert np.abs(np.corrcoef(numbers.T) - np.eye(4)).max() < 0.07
    worlds.seed[:], worlds.step[:] = 5, np.arange(MANY)
    moments = uniforms(12345, worlds, np.arange(MANY), 1)[:, 0]
    assert abs(np.corrcoef(moments[1:], moments[:-1])[0, 1]) < 0.07
    assert abs(np.corrcoef(moments, numbers[:, 0])[0, 1]) < 0.07


def test_a_script_is_read_in_order_and_then_ends() -> None:
    hint = ask(RulesProvider(), scene(1)).hints.hint(0)
    provider = ScriptedProvider([hint, "no hint", None, hint.to_json()], latency_s=0.5)
    answers = provider.ask(scene(5), np.array([4, 0, 2, 1]))
    assert answers.valid.tolist() == [True, False, False, True]
    assert answers.latency_s.tolist() == [0.5, 0.5, np.inf, 0.5]
    assert answers.hints.hint(0) == answers.hints.hint(3) == hint
    assert [world for _, world in provider.asked] == [4, 0, 2, 1]
    with pytest.raises(ScriptExhaustedError, match="question 5 .* has 4 answers"):
        provider.ask(scene(1), np.arange(1))


def test_a_script_may_be_a_function_and_continues_from_its_state() -> None:
    hints = [Hint(None, Density.LOW, (), {"safety": s, "efficiency": 1 - s, "comfort": 0}) for s in (0.1, 0.2)]
    told = ScriptedProvider(lambda scene, row: hints[row]).ask(scene(2), np.array([1, 0]))
    assert told.hints.weights[:, 0].tolist() == [0.2, 0.1]
    first, second = ScriptedProvider(hints), ScriptedProvider(hints)
    ask(first, scene(1))
    second.set_state(first.state())
    assert ask(second, scene(1)).hints.weights[0, 0] == 0.2
