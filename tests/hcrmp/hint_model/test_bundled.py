"""The model that comes with the package: its size, and that it is as right as its card says."""

from __future__ import annotations

import numpy as np

from hcrmp.hint_model.examples import lessons_of
from hcrmp.hint_model.scoring import right_answers
from hcrmp.hint_model.synthetic import synthetic_scenes
from llm_hints.closed_answers import hundredths
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.transformers_config import TransformersConfig
from llm_hints.providers.transformers_lm import BUNDLED_FOLDER, TransformersProvider

SCENES = 600


def test_it_is_small() -> None:
    size = sum(path.stat().st_size for path in BUNDLED_FOLDER.iterdir())
    assert size < 10_000_000
    assert {path.suffix for path in BUNDLED_FOLDER.iterdir()} == {".json", ".md", ".safetensors"}, "nothing that runs"


def test_it_is_right_on_fresh_scenes() -> None:
    """95 % of each kind, less what chance takes from 600 scenes: a model that was damaged or misread is far below."""
    scene = synthetic_scenes(SCENES, np.random.default_rng(123_456))
    lessons = lessons_of(scene, np.arange(SCENES), RulesProvider())
    provider = TransformersProvider(TransformersConfig(device="cpu"))
    answers = provider._asker.ask(lessons.facts)  # type: ignore[union-attr]
    for kind, right in right_answers(answers.codes(), lessons).items():
        assert right.mean() > 0.93, kind
    assert np.abs(hundredths(answers.mean_weights()) - lessons.weights).mean() < 0.02
    sure = answers.confidence()[:, 8]
    hazards = right_answers(answers.codes(), lessons)["hazard"]
    assert sure[hazards].mean() > sure[~hazards].mean() + 0.1, "it is as sure of what is wrong"
