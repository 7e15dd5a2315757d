"""Teaching the small model: the scenes are sound, learning works, and a model survives its way through a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch as th

from hcrmp.hint_model.bundle import fit_temperatures, make_tokenizer, save_bundle
from hcrmp.hint_model.examples import NO_LABEL, Examples, Lessons, lessons_of
from hcrmp.hint_model.network import NetworkConfig
from hcrmp.hint_model.scenes import TAUGHT, UNSEEN
from hcrmp.hint_model.scoring import right_answers
from hcrmp.hint_model.synthetic import synthetic_scenes
from hcrmp.hint_model.training import TrainingConfig, teach
from llm_hints.closed_answers import ClosedAnswers
from llm_hints.compact import SLOTS, WIDTH, CompactLayout
from llm_hints.providers.compact_lm import CompactModel
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.transformers_config import TransformersConfig
from llm_hints.providers.transformers_lm import TransformersProvider

LAYOUT = CompactLayout()


def lessons(count: int, seed: int) -> Lessons:
    scene = synthetic_scenes(count, np.random.default_rng(seed))
    return lessons_of(scene, np.arange(count), RulesProvider())


def test_the_families_of_the_test_are_not_those_of_the_training() -> None:
    assert not set(TAUGHT) & set(UNSEEN) and len(UNSEEN) >= 5


def test_synthetic_scenes_are_varied_and_repeat_with_their_seed() -> None:
    taught = lessons(600, 0)
    np.testing.assert_array_equal(taught.agents, lessons(600, 0).agents)
    assert np.isfinite(taught.agents).all() and (taught.agents != lessons(600, 1).agents).any()
    answers = Examples.of(taught, LAYOUT).answers
    for name in ("road", "density", "sign", "speed", "lane"):
        assert len(np.unique(answers[:, list(SLOTS).index(name)])) == len(SLOTS[name]), name
    assert len(np.unique(answers[:, list(SLOTS).index("safety")])) > 30


def test_lessons_and_their_examples_survive_a_file(tmp_path: Path) -> None:
    taught = lessons(50, 2)
    taught.save(tmp_path / "lessons.npz")
    again = Lessons.load(tmp_path / "lessons.npz")
    for name in Lessons.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(taught, name))
    examples = Examples.of(again, LAYOUT)
    assert examples.rows.shape == (50, WIDTH) and examples.answers.min() >= 0
    assert ((examples.risks == NO_LABEL) | ((examples.risks >= 0) & (examples.risks <= 20))).all()


def test_the_teachers_own_answers_are_right(tmp_path: Path) -> None:
    taught = lessons(400, 3)
    codes = Examples.of(taught, LAYOUT).answers.astype(np.int64)
    assert all(right.all() for right in right_answers(codes, taught).values())
    wrong = np.roll(codes, 1, axis=0)
    assert all(right.mean() < 0.9 for right in right_answers(wrong, taught).values())


def test_a_small_model_learns_and_is_the_same_from_its_folder(tmp_path: Path) -> None:
    th.set_num_threads(1)
    losses: list[dict[str, float]] = []
    config = TrainingConfig(NetworkConfig(32, 2, 2, 64), steps=120, batch_size=48, warm_up=10, learning_rate=1e-2)
    pupil = teach(config, lessons(600, 4), lambda step, told: losses.append(told), every=20)
    assert losses[-1]["road"] < 0.5 * np.log(3) and losses[-1]["sign"] < losses[0]["sign"]
    held_out = lessons(64, 5)
    model = CompactModel(pupil.model, {}, 8)
    temperatures = fit_temperatures(model, held_out)
    assert set(temperatures) == set(SLOTS) and min(temperatures.values()) > 0.1
    save_bundle(pupil.model, temperatures, "a card\n", tmp_path)
    stored = TransformersProvider(TransformersConfig(model=str(tmp_path), device="cpu"))._asker.ask(held_out.facts)  # type: ignore[union-attr]
    assert isinstance(stored, ClosedAnswers)
    assert (stored.codes() == CompactModel(pupil.model, temperatures, 8).ask(held_out.facts).codes()).mean() > 0.95
    words = make_tokenizer(LAYOUT)(LAYOUT.texts(LAYOUT.rows(held_out.facts))[0])["input_ids"]
    assert words == LAYOUT.rows(held_out.facts)[0].tolist()
