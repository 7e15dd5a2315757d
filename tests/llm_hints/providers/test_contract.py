"""What every provider owes its service, checked for all that need nothing but the scene."""

from __future__ import annotations

import numpy as np
import pytest

from llm_hints.hint import Density, Hint
from llm_hints.providers.base import HintProvider
from llm_hints.providers.faulty import FaultConfig, FaultyProvider
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.scripted import ScriptedProvider
from llm_hints.providers.silent import SilentProvider
from llm_hints.providers.transformers_config import TransformersConfig
from llm_hints.providers.transformers_lm import TransformersProvider
from tests.llm_hints.scenes import random_scene

HINT = Hint(None, Density.LOW, (), {"safety": 0.5, "efficiency": 0.4, "comfort": 0.1})
PROVIDERS = (
    RulesProvider(),
    SilentProvider(),
    ScriptedProvider(lambda scene, row: HINT if scene.ego.speed[row] > 10 else "malformed"),
    FaultyProvider(RulesProvider(), FaultConfig(wrong=0.3, malformed=0.3, missing=0.3), np.random.default_rng(0)),
    FaultyProvider(SilentProvider(), FaultConfig(malformed=1.0), np.random.default_rng(0)),
    TransformersProvider(TransformersConfig(device="cpu")),
)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_provider_keeps_its_contract(provider: HintProvider) -> None:
    assert isinstance(provider, HintProvider) and provider.name
    scene = random_scene(30, 6, np.random.default_rng(0))
    before = scene.copy()
    rows = np.array([17, 4, 29, 4])
    answers = provider.ask(scene, rows)
    assert answers.hints.state.shape == (4, 13) and answers.hints.weights.shape == (4, 3)
    assert answers.valid.shape == answers.latency_s.shape == (4,)
    assert answers.valid.dtype == np.bool_ and (answers.latency_s >= 0).all()
    assert not answers.valid[np.isinf(answers.latency_s)].any()
    assert np.isfinite(answers.hints.state).all() and (np.abs(answers.hints.state) <= 1).all()
    np.testing.assert_allclose(answers.hints.weights.sum(axis=1), 1, atol=1e-12)
    # The scene is only read, and the answer to a world is its own whatever else is asked.
    np.testing.assert_array_equal(scene.actors.block, before.actors.block)
    alone = provider.ask(scene.rows(np.array([4])), np.arange(1))
    for row in (1, 3):
        np.testing.assert_array_equal(answers.hints.state[row], alone.hints.state[0])
        assert answers.valid[row] == alone.valid[0]
    provider.set_state(provider.state())
