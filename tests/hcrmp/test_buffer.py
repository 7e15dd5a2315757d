"""The rollout buffer: what goes in comes out, once, with its own numbers."""

import numpy as np
import pytest
import torch as th
from gymnasium import spaces

from hcrmp.buffer import MultiCriticRolloutBuffer
from hcrmp.encoders import InputLayout

STEPS, WORLDS = 3, 2
SPACE = spaces.Dict(
    {
        "state": spaces.Box(-1, 1, (2,), np.float32),
        "hint": spaces.Box(-1, 1, (13,), np.float32),
        "critic_weights": spaces.Box(0, 1, (3,), np.float32),
    }
)


def filled() -> MultiCriticRolloutBuffer:
    """Every number of step t in world b is 10 t + b (state), 0.1 of it (action), 100 of it (critic 2's reward)."""
    layout = InputLayout(SPACE, ("state", "hint"))
    action = spaces.Box(-1, 1, (2,), np.float32)
    buffer = MultiCriticRolloutBuffer(STEPS, SPACE, action, "cpu", 0.95, 0.9, WORLDS, layout=layout, parameter_size=4)
    for t in range(STEPS):
        code = 10.0 * t + np.arange(WORLDS)[:, None]
        observation = {"state": np.tile(code, 2), "hint": np.full((WORLDS, 13), -t), "critic_weights": np.ones((2, 3))}
        rows = buffer.write_observation(observation, np.array([0.2, 0.3, 0.5]) + t, np.array([t == 0, t == 2]))
        assert rows.shape == (WORLDS, 15)
        observation["state"][:] = -1.0  # a VecEnv may write over its arrays: the buffer must hold a copy
        buffer.write_outcome(
            0.1 * np.tile(code, 2), np.zeros((WORLDS, 4)), code * np.array([0, 1, 100]), np.zeros(WORLDS)
        )
    buffer.values = np.zeros((STEPS, WORLDS, 3), dtype=np.float32)
    buffer.finish(np.zeros((WORLDS, 3), dtype=np.float32))
    return buffer


def test_every_sample_comes_once_with_its_own_numbers() -> None:
    buffer = filled()
    assert buffer.full
    np.random.seed(0)
    batches = list(buffer.minibatches(buffer.samples(), batch_size=4))
    assert [len(batch.rows) for batch in batches] == [4, 2]
    rows = th.cat([batch.rows for batch in batches])
    assert sorted(rows[:, 0].tolist()) == [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]
    for batch in batches:
        assert th.allclose(batch.actions, 0.1 * batch.rows[:, :2])
        step = -batch.rows[:, 14:]
        assert th.allclose(batch.weights, th.tensor([[0.2, 0.3, 0.5]]) + step)


def test_advantages_belong_to_their_step_world_and_critic() -> None:
    """Values 0, gamma lambda = 0.855; world 1 starts anew at step 2, so its step 1 ends an episode."""
    buffer = filled()
    decay = 0.9 * 0.95
    expected = np.array([[0 + decay * (10 + decay * 20), 1 + decay * 11], [10 + decay * 20, 11], [20, 21]])
    assert buffer.advantages[..., 1] == pytest.approx(expected, rel=1e-5)
    assert buffer.advantages[..., 2] == pytest.approx(100 * expected, rel=1e-5)
    assert buffer.advantages[..., 0] == pytest.approx(0.0)


def test_given_advantages_replace_the_raw_ones() -> None:
    buffer = filled()
    given = th.arange(18.0).view(6, 3)
    assert th.equal(buffer.samples(given).advantages, given)


def test_the_worth_of_what_was_cut_off_is_no_reward_term() -> None:
    buffer = filled()
    buffer.add_to_rewards([1], [0], np.array([[5.0, 6.0, 7.0]], np.float32))
    assert buffer.rewards[1, 0].tolist() == [5.0, 16.0, 1007.0] and buffer.reward_terms[1, 0].tolist() == [
        0.0,
        10.0,
        1000.0,
    ]
    buffer.reset()
    assert buffer.rewards is buffer.reward_terms


def test_a_new_rollout_writes_over_the_old_one() -> None:
    buffer = filled()
    rows = buffer.rows
    buffer.reset()
    assert buffer.pos == 0 and not buffer.full and buffer.rows is rows


def test_sb3s_add_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="write_observation"):
        filled().add(None)
