"""From configuration to objects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3 import PPO, SAC, TD3

from envs.observation import ObservationConfig
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.baselines import PpoOptions, SacOptions, Td3Options
from hcrmp.build import (
    build_algorithm,
    build_anchors,
    build_environment,
    build_provider,
    build_service,
    load_planner,
    scan_place,
)
from hcrmp.encoders import HINT_KEY, STATE_KEY
from hcrmp.errors import UserError
from hcrmp.policy import PolicyConfig
from hcrmp.sections import HintsConfig, ScenarioConfig
from hcrmp.train_config import Algorithm, load_train
from llm_hints.knowledge.base import KnowledgeConfig
from llm_hints.providers.faulty import FaultConfig
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.service_config import HintServiceConfig
from tests.hcrmp.tiny import SMALL, SMALL_PPO, tiny_config, tiny_run


@pytest.mark.parametrize(
    ("provider", "name"), [("rules", "rules"), ("none", "none"), ("faulty", "faulty(rules)"), ("openai", "openai")]
)
def test_the_provider_is_the_one_that_was_chosen(provider: str, name: str) -> None:
    faults = FaultConfig(wrong=0.5 if provider == "faulty" else 0.0)
    config = HintsConfig(provider=provider, faults=faults)  # type: ignore[arg-type]
    assert build_provider(config, np.random.default_rng(0)).name == name


def test_any_provider_can_be_made_faulty() -> None:
    config = HintsConfig(provider="faulty", faulty_of="openai")
    assert build_provider(config, np.random.default_rng(0)).name == "faulty(openai)"


def test_a_key_that_is_not_set_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HINT_KEY", raising=False)
    config = HintsConfig(provider="openai", openai=OpenAiConfig(api_key_env="HINT_KEY"))
    with pytest.raises(UserError, match="hints.openai: the environment variable HINT_KEY .* is not set"):
        build_provider(config, np.random.default_rng(0))


@pytest.mark.parametrize("cache", [True, False])
def test_the_service_has_the_cache_where_it_is_wanted(cache: bool) -> None:
    service = build_service(HintsConfig(service=HintServiceConfig(cache=cache)), 2, 0)
    assert (service.cache is not None) == cache
    service.close()


@pytest.mark.parametrize(
    ("algo", "cls"),
    [
        (SMALL, MultiCriticPPO),
        (SMALL_PPO, PPO),
        (SacOptions(buffer_size=100), SAC),
        (Td3Options(buffer_size=100), TD3),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_algorithm_is_the_one_that_was_chosen_and_a_baseline_sees_the_plain_state(
    algo: Algorithm, cls: type[object]
) -> None:
    config = tiny_config(Path("runs"), algo=algo)
    env = build_environment(config, 2)
    model = build_algorithm(config, env)
    assert type(model) is cls
    if cls is not MultiCriticPPO:
        assert model.observation_space == env.observation_space[STATE_KEY]  # type: ignore[index]
    env.close()


def test_a_baseline_can_be_shown_the_hint() -> None:
    config = tiny_config(Path("runs"), algo=PpoOptions(n_steps=16, batch_size=32, hint_in_state=True))
    env = build_environment(config, 2)
    model = build_algorithm(config, env)
    sizes = [env.observation_space[key].shape[0] for key in (STATE_KEY, HINT_KEY)]  # type: ignore[index]
    assert model.observation_space.shape == (sum(sizes),)
    env.close()


def test_the_cells_are_those_of_the_conditions_and_densities() -> None:
    config = tiny_config(Path("runs"), density="all", scenario=ScenarioConfig(("merging", "trilemma")))
    env = build_environment(config, 2)
    labels = [env.driving.scenarios.label(cell) for cell in range(6)]  # type: ignore[attr-defined]
    assert labels == [f"{name}/{density}" for name in ("merging", "trilemma") for density in ("low", "medium", "high")]
    env.close()


def test_the_scan_lies_where_the_gru_is_told() -> None:
    config = tiny_config(Path("runs"), algo=replace(SMALL, policy=PolicyConfig(encoder="gru")))
    env = build_environment(config, 2)
    place = scan_place(env.driving.layout)
    assert place is not None
    layout = env.driving.layout
    assert (place.start, place.start + place.size) == (layout.slices["scan"].start, layout.slices["scan"].stop)
    assert "ray0" in layout.features[place.start] and "ray" not in layout.features[place.start - 1]
    build_algorithm(config, env).predict(env.reset())
    env.close()
    agents = build_environment(tiny_config(Path("runs"), observation=ObservationConfig(perception="agents")), 1)
    assert scan_place(agents.driving.layout) is None
    agents.close()


def test_a_loaded_planner_acts_as_the_one_that_was_trained(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path)
    config = load_train(folder.config())
    envs = [build_environment(config, 2) for _ in range(2)]
    observation = envs[0].reset()
    first, second = (load_planner(folder, env).predict(observation, deterministic=True)[0] for env in envs)
    untrained = build_algorithm(config, envs[0]).predict(observation, deterministic=True)[0]
    assert np.array_equal(first, second) and not np.array_equal(first, untrained)
    for env in envs:
        env.close()


@pytest.mark.parametrize(
    ("written", "told"), [("- id: one\n", "own.yaml:1: each of the fields"), (None, "no file of passages at")]
)
def test_a_users_passages_that_are_wrong_are_told_in_one_line(tmp_path: Path, written: str | None, told: str) -> None:
    own = tmp_path / "own.yaml"
    if written is not None:
        own.write_text(written)
    config = HintsConfig(knowledge=KnowledgeConfig(files=(str(own),), retrieval="lexical"))
    with pytest.raises(UserError, match=told) as caught:
        build_anchors(config)
    assert str(caught.value).startswith("hints.knowledge: ") and "\n" not in str(caught.value)
