"""Coloured exploration: each action is distributed as the actor says, and neighbours in time resemble each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch as th
from scipy import stats

from hcrmp.algorithm import MultiCriticPPO
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.distributions import BetaDistribution
from hcrmp.exploration import coloured_noise
from hcrmp.policy import PolicyConfig
from tests.hcrmp.toy_worlds import ToyWorlds

STEPS = 64


@pytest.mark.parametrize("colour", [0.0, 0.5, 1.0, 2.0])
def test_every_moment_is_standard_normal_whatever_the_colour(colour: float) -> None:
    th.manual_seed(1)
    noise = coloured_noise(STEPS, (4000, 2), colour).numpy()
    assert noise.shape == (STEPS, 4000, 2) and noise.dtype == np.float32
    for moment in (0, STEPS // 2, STEPS - 1):  # the ends are no exception
        assert stats.kstest(noise[moment].ravel(), "norm").pvalue > 1e-4
    across = [np.corrcoef(noise[moment, :, 0], noise[moment, :, 1])[0, 1] for moment in range(STEPS)]
    assert np.abs(np.mean(across)) < 0.02, "worlds and actions know nothing of each other"


@pytest.mark.parametrize("colour", [0.5, 1.0])
def test_power_falls_with_the_frequency_as_the_colour_says(colour: float) -> None:
    th.manual_seed(2)
    # Of a stretch the slopes of its window leak into each other, so waves far from both ends are looked at.
    noise = coloured_noise(256, (3000,), colour).numpy() * np.hanning(256)[:, None]
    power = (np.abs(np.fft.rfft(noise, axis=0)) ** 2).mean(axis=1)
    assert power[8] / power[64] == pytest.approx(8.0**colour, rel=0.1)


def test_without_colour_moments_know_nothing_of_each_other() -> None:
    th.manual_seed(3)
    noise = coloured_noise(STEPS, (4000,), 0.0)
    assert abs(float((noise[1:] * noise[:-1]).mean())) < 0.01


def test_quantiles_of_beta_are_those_of_scipy() -> None:
    logits = th.tensor([[0.3, -2.0, 1.0, 4.0], [8.0, 0.0, -1.0, 0.0]])
    distribution = BetaDistribution(2).proba_distribution(logits)
    shares = th.tensor([[0.1, 0.5], [0.9, 0.25]])
    alpha, beta = distribution.alpha.double().numpy(), distribution.beta.double().numpy()
    expected = 2.0 * stats.beta.ppf(shares.double().numpy(), alpha, beta) - 1.0
    found = distribution.quantile(shares)
    assert found.dtype == th.float32
    assert np.allclose(found.numpy(), expected, atol=1e-6)
    ends = distribution.quantile(th.tensor([[0.0, 1.0], [1.0, 0.0]]))
    assert th.isfinite(distribution.log_prob(ends)).all()


def model_of(colour: float, distribution: Any) -> MultiCriticPPO:
    policy = PolicyConfig(actor_layers=(16,), critic_layers=(16,), distribution=distribution)
    config = HcrmpConfig(n_steps=STEPS, batch_size=64, n_epochs=1, noise_colour=colour, policy=policy)
    return MultiCriticPPO(env=ToyWorlds(32), config=config, seed=5, device="cpu")


def explored(colour: float, distribution: Any) -> npt.NDArray[np.float32]:
    """Return the actions ``(steps, B, D)`` of a first rollout, less their mean over the worlds."""
    model = model_of(colour, distribution)
    model.learn(STEPS * 32)
    actions: npt.NDArray[np.float32] = model.rollout_buffer.actions
    actions -= actions.mean(axis=1, keepdims=True)
    return actions


@pytest.mark.parametrize("distribution", ["beta", "gaussian"])
def test_a_rollout_keeps_up_what_it_tries_as_long_as_its_colour_says(distribution: Any) -> None:
    white, pink = explored(0.0, distribution), explored(1.0, distribution)
    assert pink.std() == pytest.approx(white.std(), rel=0.05), "single actions are as wide"
    assert pink.mean(axis=0).std() > 2.0 * white.mean(axis=0).std(), "what a world does on average is wider"


def test_noise_of_zero_is_the_median() -> None:
    for distribution in ("beta", "gaussian"):
        policy = model_of(0.5, distribution).policy
        rows = th.randn(3, policy.layout.size)
        actions, parameters = policy.act(rows, th.zeros(3, 2))
        alone = policy._distribution(parameters)
        expected = alone.quantile(th.full((3, 2), 0.5)) if isinstance(alone, BetaDistribution) else alone.mode()
        assert th.allclose(actions, expected)


def test_a_colour_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="noise_colour must be from 0 to 2, got -1"):
        HcrmpConfig(noise_colour=-1.0)
