"""Generalised advantage estimation, one stream per critic (arXiv 1506.02438)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]


def advantages_and_returns(
    rewards: Float32Array,
    values: Float32Array,
    episode_starts: Float32Array,
    last_values: Float32Array,
    last_dones: npt.NDArray[np.bool_],
    gamma: float,
    gae_lambda: float,
) -> tuple[Float32Array, Float32Array]:
    """Return the advantages and the lambda-returns, both ``(T, B, N)``, of N critics that know nothing of each other.

    ``rewards`` and ``values`` are ``(T, B, N)``; ``episode_starts`` ``(T, B)`` is 1 where step t is the first of its
    episode; ``last_values`` ``(B, N)`` and ``last_dones`` ``(B,)`` belong to the observation after step T - 1.

    ``delta_t = r_t + gamma * V_{t+1} * (1 - done_t) - V_t``,
    ``A_t = delta_t + gamma * lambda * (1 - done_t) * A_{t+1}``.
    The order of the float32 operations is that of SB3's RolloutBuffer, so that one critic gives its very bits.
    """
    steps = len(rewards)
    advantages = np.empty_like(rewards)
    advantage = np.zeros_like(last_values)
    for step in reversed(range(steps)):
        if step == steps - 1:
            alive = 1.0 - last_dones.astype(np.float32)[:, None]
            next_values = last_values
        else:
            alive = 1.0 - episode_starts[step + 1][:, None]
            next_values = values[step + 1]
        delta = rewards[step] + gamma * next_values * alive - values[step]
        advantage = delta + gamma * gae_lambda * alive * advantage
        advantages[step] = advantage
    return advantages, advantages + values
