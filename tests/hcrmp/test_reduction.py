"""Habit 8: one critic and a constant weight are SB3's PPO, seed for seed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch as th
from stable_baselines3 import PPO

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig, LinearSchedule
from hcrmp.policy import PolicyConfig
from tests.hcrmp.toy_worlds import ToyWorlds

WORLDS, STEPS, BATCH = 4, 32, 48
"""48 does not divide 4 x 32: the last minibatch is short, as SB3's is."""


def exact(**changes: Any) -> HcrmpConfig:
    """The configuration in which every float32 operation is SB3's."""
    settings: dict[str, Any] = {
        "critics": ("reward",),
        "asr": False,
        "standardise_before": False,
        "value_scale": False,
        "policy": PolicyConfig(actor_layers=(16, 16), critic_layers=(16, 16), distribution="gaussian"),
        "n_steps": STEPS,
        "batch_size": BATCH,
        "n_epochs": 3,
        "noise_colour": 0.0,
        "fused_optimizer": False,
        "evaluation_rows": WORLDS,
    }
    return HcrmpConfig(**{**settings, **changes})


def sb3_ppo(env: ToyWorlds, config: HcrmpConfig, total: int) -> PPO:
    model = PPO(
        "MlpPolicy",
        env,
        learning_rate=LinearSchedule(config.learning_rate, config.final_learning_rate_share),
        n_steps=STEPS,
        batch_size=BATCH,
        n_epochs=3,
        ent_coef=config.ent_coef,
        policy_kwargs={"net_arch": {"pi": [16, 16], "vf": [16, 16]}},
        seed=3,
        device="cpu",
    )
    return model.learn(total)


def multi_critic(env: ToyWorlds, config: HcrmpConfig, total: int) -> MultiCriticPPO:
    return MultiCriticPPO(env=env, config=config, seed=3, device="cpu").learn(total)


def parameters(model: PPO) -> dict[str, th.Tensor]:
    return {name: tensor for name, tensor in model.policy.state_dict().items() if "return_scale" not in name}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    th.set_num_threads(1)


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("csa", ["hint", "equal"])
def test_five_updates_are_bit_equal(csa: Any) -> None:
    total = 5 * WORLDS * STEPS
    config = exact(csa=csa)
    theirs = sb3_ppo(ToyWorlds(WORLDS, plain=True), config, total)
    ours = multi_critic(ToyWorlds(WORLDS, plain=True), config, total)
    expected, found = parameters(theirs), parameters(ours)
    assert expected.keys() == found.keys()
    for name in expected:
        assert th.equal(expected[name], found[name]), name
    observation = np.ones((1, 5), dtype=np.float32)
    assert np.array_equal(
        theirs.predict(observation, deterministic=True)[0], ours.predict(observation, deterministic=True)[0]
    )


VARIANTS: dict[str, Callable[[], HcrmpConfig]] = {
    "whole rollout at once": lambda: exact(evaluation_rows=8192),
    "standardised twice": lambda: exact(standardise_before=True),
    "fused Adam": lambda: exact(fused_optimizer=True),
}


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_faster_paths_differ_in_rounding_only(variant: str) -> None:
    total = 3 * WORLDS * STEPS
    theirs = parameters(sb3_ppo(ToyWorlds(WORLDS, plain=True), exact(), total))
    ours = parameters(multi_critic(ToyWorlds(WORLDS, plain=True), VARIANTS[variant](), total))
    for name in theirs:
        assert th.allclose(theirs[name], ours[name], atol=2e-5), name


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
def test_cut_off_episodes_are_bootstrapped_as_sb3_does() -> None:
    total = 3 * WORLDS * STEPS
    cut, ended = ToyWorlds(WORLDS, plain=True, truncate=True), ToyWorlds(WORLDS, plain=True, truncate=False)
    theirs = parameters(sb3_ppo(ToyWorlds(WORLDS, plain=True, truncate=True), exact(), total))
    ours, without = parameters(multi_critic(cut, exact(), total)), parameters(multi_critic(ended, exact(), total))
    assert all(th.allclose(theirs[name], ours[name], atol=2e-5) for name in theirs)
    assert not all(th.allclose(theirs[name], without[name], atol=2e-5) for name in theirs)


def llm_reward(weights: tuple[float, float, float], total: int, **changes: Any) -> dict[str, th.Tensor]:
    """Train with weights on the reward and nothing but the state to see; return the parameters."""
    config = exact(critics=("safety", "efficiency", "comfort"), weights_on="reward", **changes)
    return parameters(multi_critic(ToyWorlds(WORLDS, weights=weights, truncate=True), config, total))


@pytest.mark.filterwarnings("ignore:You have specified a mini-batch size")
@pytest.mark.parametrize("csa", ["hint", "fixed"])
def test_weights_on_the_reward_are_ppo_on_the_weighted_sum(csa: Any) -> None:
    """A constant hint of (.5, .25, .25) is PPO on the rewards 3 x (.5, .25, .25); any other reward is another PPO."""
    total, weights = 3 * WORLDS * STEPS, (0.5, 0.25, 0.25)
    ours = llm_reward(weights, total, csa=csa, fixed_weights=weights)
    weighted, plain = (
        parameters(sb3_ppo(ToyWorlds(WORLDS, plain=True, scales=scales, truncate=True), exact(), total))
        for scales in ((1.5, 0.75, 0.75), (1.0, 1.0, 1.0))
    )
    assert ours.keys() == weighted.keys()
    assert all(th.allclose(weighted[name], ours[name], atol=2e-5) for name in ours)
    assert not all(th.allclose(plain[name], ours[name], atol=2e-3) for name in ours)
