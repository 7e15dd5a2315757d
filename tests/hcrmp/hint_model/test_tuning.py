"""LoRA tuning on a model made here: the loss falls, and the tuned model loads and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th

from hcrmp.errors import UserError
from hcrmp.hint_model.examples import NO_LABEL, lessons_of
from hcrmp.hint_model.synthetic import synthetic_scenes
from hcrmp.hints_config import HintsTuneConfig
from hcrmp.hints_tune import example_batch, run, tune
from llm_hints.parsing import parse_hint
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.transformers_config import TransformersConfig
from llm_hints.providers.transformers_lm import TransformersProvider, load_tokenizer
from tests.llm_hints.scenes import random_scene
from tests.llm_hints.small_models import english_model


def config(folder: Path, **options: Any) -> HintsTuneConfig:
    usual = {"model": str(english_model(folder / "model")), "output": str(folder / "tuned"), "batch_size": 2,
             "simulated_share": 0.0, "device": "cpu", "style": "concise", "rank": 4}  # fmt: skip
    return HintsTuneConfig(**{**usual, **options})


def test_only_the_answer_is_learnt_and_it_is_the_experts_hint(tmp_path: Path) -> None:
    options = config(tmp_path)
    tokenizer, teacher = load_tokenizer(options.model), RulesProvider()
    scene = synthetic_scenes(2, np.random.default_rng(0))
    tokens, labels, sees = example_batch(tokenizer, lessons_of(scene, np.arange(2), teacher), options)
    for row in range(2):
        answer = labels[row][labels[row] != NO_LABEL]
        assert answer[-1] == tokenizer.eos_token_id
        hint = parse_hint(tokenizer.decode(answer[:-1]))
        expert = teacher.ask(scene, np.array([row])).hints
        np.testing.assert_allclose(hint.weight_row(), expert.weights[0], atol=1e-9)
        np.testing.assert_allclose(hint.state(), expert.state[0], atol=1e-9)
        assert all(entity.actor_id is not None for entity in hint.entities), "the prompt asks for ids"
        assert th.equal(tokens[row][labels[row] != NO_LABEL], answer) and sees[row].sum() > len(answer)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")  # peft asks for it
def test_the_loss_falls_and_the_tuned_model_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses: list[float] = []

    def watched(*arguments: Any) -> Any:
        for loss in tune(*arguments):
            losses.append(loss)
            yield loss

    monkeypatch.setattr("hcrmp.hints_tune.tune", watched)
    options = config(tmp_path, steps=12, learning_rate=2e-2)
    assert run(options) == 0
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])
    assert (tmp_path / "tuned" / "adapter" / "adapter_model.safetensors").is_file()
    provider = TransformersProvider(TransformersConfig(model=options.output, device="cpu", batch_size=2))
    before = TransformersProvider(TransformersConfig(model=options.model, device="cpu", batch_size=2))
    scene, rows = random_scene(4, 5, np.random.default_rng(1)), np.arange(4)
    assert provider.ask(scene, rows).valid.all()
    assert (provider.ask(scene, rows).hints.weights != before.ask(scene, rows).hints.weights).any()


def test_what_cannot_be_tuned_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="model must be given"):
        HintsTuneConfig()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install"):
        run(config(tmp_path))
