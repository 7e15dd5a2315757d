"""GAE against closed forms and against SB3's buffer."""

import numpy as np
import pytest
import torch as th
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer

from hcrmp.gae import advantages_and_returns

GAMMA = 0.9


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.float32)


def test_constant_reward_and_zero_values_give_the_geometric_series() -> None:
    """With V = 0: ``A_t = r (1 - (gamma lambda)^(T - t)) / (1 - gamma lambda)``, for each critic with its own r."""
    steps, rewards = 20, zeros(20, 1, 3)
    rewards[:] = (1.0, -2.0, 0.5)
    advantages, returns = advantages_and_returns(
        rewards, zeros(steps, 1, 3), zeros(steps, 1), zeros(1, 3), np.array([True]), GAMMA, 0.8
    )
    decay = GAMMA * 0.8
    series = (1 - decay ** np.arange(steps, 0, -1)) / (1 - decay)
    assert advantages[:, 0] == pytest.approx(series[:, None] * rewards[0, 0], rel=1e-5)
    assert returns == pytest.approx(advantages)


def test_exact_values_give_no_advantage() -> None:
    """Where V is the true value of a constant reward, every advantage is 0, whatever lambda."""
    value = 1.0 / (1.0 - GAMMA)
    values, rewards = zeros(7, 2, 1) + np.float32(value), zeros(7, 2, 1) + np.float32(1.0)
    advantages, returns = advantages_and_returns(
        rewards, values, zeros(7, 2), values[0], np.array([False, False]), GAMMA, 0.95
    )
    assert advantages == pytest.approx(0.0, abs=1e-5)
    assert returns == pytest.approx(value, rel=1e-6)


def test_two_steps_by_hand_with_an_end_between() -> None:
    """World 0 ends after step 0; world 1 goes on. lambda = 0.5, gamma = 0.9."""
    rewards, values = np.array([[[1.0], [1.0]], [[2.0], [2.0]]], "f4"), np.array([[[0.5], [0.5]], [[3.0], [3.0]]], "f4")
    starts, last = np.array([[0, 0], [1, 0]], "f4"), np.array([[4.0], [4.0]], "f4")
    advantages, _ = advantages_and_returns(rewards, values, starts, last, np.array([False, False]), 0.9, 0.5)
    # step 1: 2 + 0.9 * 4 - 3 = 2.6; step 0: 1 - 0.5 = 0.5 at the end, 1 + 0.9 * 3 - 0.5 + 0.45 * 2.6 = 4.37 without.
    assert advantages[:, :, 0] == pytest.approx(np.array([[0.5, 4.37], [2.6, 2.6]]), rel=1e-6)


def test_monte_carlo_return_with_lambda_one() -> None:
    rng = np.random.default_rng(0)
    rewards, values = rng.normal(size=(9, 1, 2)).astype("f4"), rng.normal(size=(9, 1, 2)).astype("f4")
    _, returns = advantages_and_returns(rewards, values, zeros(9, 1), zeros(1, 2), np.array([True]), GAMMA, 1.0)
    discounts = GAMMA ** np.arange(9)
    assert returns[0, 0] == pytest.approx(discounts @ rewards[:, 0], rel=1e-5)


def test_each_critic_is_sb3s_very_bits() -> None:
    rng = np.random.default_rng(1)
    steps, worlds = 16, 5
    rewards, values = (rng.normal(size=(steps, worlds, 3)).astype("f4") for _ in range(2))
    starts, last = (rng.random((steps, worlds)) < 0.2).astype("f4"), rng.normal(size=(worlds, 3)).astype("f4")
    dones = rng.random(worlds) < 0.5
    advantages, returns = advantages_and_returns(rewards, values, starts, last, dones, 0.99, 0.95)
    for critic in range(3):
        box = spaces.Box(-1, 1, (1,), np.float32)
        buffer = RolloutBuffer(steps, box, box, "cpu", 0.95, 0.99, worlds)
        buffer.rewards, buffer.values, buffer.episode_starts = rewards[..., critic], values[..., critic], starts
        buffer.compute_returns_and_advantage(th.from_numpy(last[:, critic]), dones)
        assert np.array_equal(advantages[..., critic], buffer.advantages)
        assert np.array_equal(returns[..., critic], buffer.returns)


def test_a_critic_does_not_see_the_others() -> None:
    rng = np.random.default_rng(2)
    rewards, values = rng.normal(size=(6, 2, 3)).astype("f4"), rng.normal(size=(6, 2, 3)).astype("f4")
    arguments = (zeros(6, 2), zeros(2, 3), np.array([True, False]), 0.99, 0.95)
    before, _ = advantages_and_returns(rewards, values, *arguments)
    changed = rewards.copy()
    changed[..., 2] += 100.0
    after, _ = advantages_and_returns(changed, values, *arguments)
    assert np.array_equal(before[..., :2], after[..., :2]) and not np.array_equal(before[..., 2], after[..., 2])
