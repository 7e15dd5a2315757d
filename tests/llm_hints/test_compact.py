"""The compact layout and the answers to it."""

from __future__ import annotations

import numpy as np
import pytest

from llm_hints.closed_answers import NOBODY, ClosedAnswers, hundredths, told_entities
from llm_hints.compact import AGENT_FIELDS, ROAD_FIELDS, SLOTS, WIDTH, CompactLayout, vocabulary
from llm_hints.facts import MOST_AGENTS, AgentFact, scene_facts
from llm_hints.hint import CRITICS
from tests.llm_hints.scenes import random_scene
from tests.llm_hints.test_facts import ONE, put, road

LAYOUT = CompactLayout()
SCENE = random_scene(60, 10, np.random.default_rng(8))
FACTS = scene_facts(SCENE, np.arange(60))


def test_a_row_in_words() -> None:
    scene = road()
    put(scene, 0, 30.0, 0.0, speed=6.0)
    words = LAYOUT.texts(LAYOUT.rows(scene_facts(scene, ONE)))[0].split()
    assert len(words) == WIDTH
    begin = "<scene> motorway v10 limit14 speed/limit=0.7 left:none right:none ends200 ahead:none line200 needs0"
    assert words[:11] == begin.split()
    agent = "car/front gap26 side0 closes4 drifts0 same-moving hit6.5 2.6s-off"
    assert words[1 + len(ROAD_FIELDS) :][: len(AGENT_FIELDS)] == agent.split()
    assert set(words[1 + len(ROAD_FIELDS) + len(AGENT_FIELDS) : -len(SLOTS)]) == {"nobody"}
    assert words[-len(SLOTS) :] == [f"?{name}" for name in SLOTS]


def test_every_word_is_there_once_and_rows_have_no_unknown_one() -> None:
    words = vocabulary()
    assert len(words) == len(set(words)) and not any(" " in word or not word for word in words)
    ids = LAYOUT.rows(FACTS)
    assert ids.min() > words.index("<unknown>") and ids.max() < len(words)


@pytest.mark.parametrize("field", [field for field in (*ROAD_FIELDS, *AGENT_FIELDS) if field.numbers is not None])
def test_a_number_gets_its_nearest_word(field: object) -> None:
    numbers = field.numbers  # type: ignore[attr-defined]
    assert (np.diff(numbers) > 0.0).all() and len(numbers) == len(field.words)  # type: ignore[attr-defined]
    values = np.random.default_rng(0).uniform(numbers[0] - 5.0, numbers[-1] + 5.0, 500)
    codes = field.codes(values)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.abs(values - numbers[codes]), np.abs(values[:, None] - numbers).min(axis=1))


def answers(seed: int, temperatures: dict[str, float] | None = None) -> ClosedAnswers:
    rng = np.random.default_rng(seed)
    logits = {name: rng.normal(0.0, 3.0, (60, len(words))) for name, words in SLOTS.items()}
    return ClosedAnswers.of_logits(logits, FACTS, temperatures or {})


def test_whatever_a_model_says_is_a_hint_of_its_scene() -> None:
    """Invariants over random logits: probabilities, entities that are there, weights of sum 1 in hundredths."""
    for seed in range(5):
        given = answers(seed)
        for share in given.shares.values():
            np.testing.assert_allclose(share.sum(axis=1), 1.0)
        state, weights = given.state(), hundredths(given.mean_weights())
        np.testing.assert_allclose(weights.sum(axis=1), 1.0)
        assert (weights >= 0.0).all() and (np.abs(100 * weights - np.rint(100 * weights)) < 1e-9).all()
        assert (state[:, :3].sum(axis=1) == 1.0).all() and set(state[:, 3]) <= {0.0, 0.5, 1.0}
        left = told_entities(FACTS)
        for row in range(60):
            for slot in range(3):
                code = state[row, 4 + 3 * slot]
                if code == 0.0:
                    assert not state[row, 4 + 3 * slot :].any(), "after nobody comes nobody"
                    break
                octant = round(np.arctan2(state[row, 6 + 3 * slot], state[row, 5 + 3 * slot]) / (np.pi / 4)) % 8
                place = 8 * (round(6 * code) - 1) + octant
                left[row, place] -= 1
                assert left[row, place] >= 0, "somebody who is not there, or twice"


def test_a_temperature_makes_less_sure_and_changes_no_answer() -> None:
    cold, warm = answers(1), answers(1, dict.fromkeys(SLOTS, 3.0))
    np.testing.assert_array_equal(cold.codes(), warm.codes())
    sure, less = cold.confidence(), warm.confidence()
    assert (less <= sure + 1e-12).all() and less.mean() < sure.mean()


def test_drawn_weights_spread_with_the_temperature_around_the_means() -> None:
    given, rng = answers(2), np.random.default_rng(0)
    draws = np.stack([given.drawn_weights(1.0, rng.random((60, 3))) for _ in range(400)])
    np.testing.assert_allclose(draws.sum(axis=2), 1.0)
    near = np.stack([given.drawn_weights(0.05, rng.random((60, 3))) for _ in range(50)])
    assert near.var(axis=0).mean() < 0.2 * draws.var(axis=0).mean()
    shares = np.stack([given.shares[name].argmax(axis=1) for name in CRITICS], axis=1) / 100.0
    cold = given.drawn_weights(0.001, rng.random((60, 3)))
    np.testing.assert_allclose(cold, shares / shares.sum(axis=1, keepdims=True))


def test_hundredths_keep_the_sum() -> None:
    rows = np.random.default_rng(0).dirichlet((1.0, 1.0, 1.0), 500)
    rounded = hundredths(rows)
    np.testing.assert_allclose(rounded.sum(axis=1), 1.0)
    assert np.abs(rounded - rows).max() <= 0.0151


def test_nobody_may_always_be_said_and_obstacles_never() -> None:
    told = told_entities(FACTS)
    assert np.isinf(told[:, NOBODY]).all()
    vehicles = (FACTS.agents[:, :, AgentFact.KIND] < 6) & (np.arange(MOST_AGENTS) < FACTS.count[:, None])
    np.testing.assert_array_equal(told[:, :NOBODY].sum(axis=1), vehicles.sum(axis=1))
