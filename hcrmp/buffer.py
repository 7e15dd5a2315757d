"""The rollout of N critics: flat observation rows, and rewards, values, advantages and returns ``(T, B, N)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.buffers import RolloutBuffer

from hcrmp.encoders import InputLayout
from hcrmp.gae import Float32Array, advantages_and_returns

AnyArray = npt.NDArray[Any]


class Minibatch(NamedTuple):
    """Samples of one gradient step, tensors on the device of the networks."""

    rows: th.Tensor
    """``(M, D)`` flat observations."""
    actions: th.Tensor
    """``(M, D_a)``."""
    old_log_prob: th.Tensor
    """``(M,)``."""
    advantages: th.Tensor
    """``(M, N)`` of each critic, as the losses want them (standardised or not)."""
    weights: th.Tensor
    """``(M, K)`` the lambda that held when the step was collected."""
    returns: th.Tensor
    """``(M, N)`` of each critic."""


class MultiCriticRolloutBuffer(RolloutBuffer):
    """T steps of B environments for N critics.

    Arrays stay ``(T, B, ...)`` and C-contiguous all the time, so that flat sample ``t * B + b`` is a view (SB3 swaps
    axes with a copy). SB3's ``observations`` is ``rows`` here, written straight from the environment's arrays.

    There are K reward terms, each with its weight. N = K critics learn one each: then ``rewards`` are the
    ``reward_terms`` themselves; or a single one learns their weighted sum (``weigh_rewards``).
    """

    rows: Float32Array
    weights: Float32Array
    parameters: Float32Array
    dones: npt.NDArray[np.bool_]

    def __init__(
        self,
        buffer_size: int,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        device: th.device | str = "auto",
        gae_lambda: float = 1.0,
        gamma: float = 0.99,
        n_envs: int = 1,
        *,
        critics: int = 3,
        terms: int | None = None,
        layout: InputLayout,
        parameter_size: int,
    ) -> None:
        self.critics = critics
        self.terms = critics if terms is None else terms
        self.layout = layout
        self.parameter_size = parameter_size
        super().__init__(buffer_size, observation_space, action_space, device, gae_lambda, gamma, n_envs)

    def reset(self) -> None:
        """Start a new rollout; the memory is made once and written over."""
        self.pos = 0
        self.full = False
        if not hasattr(self, "rows"):
            self._allocate()
        elif self.critics == self.terms:
            self.rewards = self.reward_terms

    def _allocate(self) -> None:
        steps = (self.buffer_size, self.n_envs)
        self.rows = np.zeros((*steps, self.layout.size), dtype=np.float32)
        self.actions = np.zeros((*steps, self.action_dim), dtype=np.float32)
        self.parameters = np.zeros((*steps, self.parameter_size), dtype=np.float32)
        self.log_probs = np.zeros(steps, dtype=np.float32)
        self.episode_starts = np.zeros(steps, dtype=np.float32)
        self.dones = np.zeros(steps, dtype=bool)
        self.reward_terms, self.weights = (np.zeros((*steps, self.terms), dtype=np.float32) for _ in range(2))
        self.values, self.advantages, self.returns = (
            np.zeros((*steps, self.critics), dtype=np.float32) for _ in range(3)
        )
        self.rewards = self.reward_terms if self.critics == self.terms else np.zeros_like(self.values)

    def add_to_rewards(self, steps: list[int], worlds: list[int], worth: Float32Array) -> None:
        """Add ``worth`` ``(n, N)`` to the rewards that the critics learn from; the terms stay as they came."""
        if self.rewards is self.reward_terms:
            self.rewards = self.reward_terms.copy()
        self.rewards[steps, worlds] += worth

    def write_observation(
        self, observation: Mapping[str, AnyArray] | AnyArray, weights: AnyArray, starts: AnyArray
    ) -> Float32Array:
        """Copy a step's observation, weights ``(B, K)`` or ``(K,)``, starts ``(B,)``; return rows ``(B, D)``."""
        row: Float32Array = self.rows[self.pos]
        self.layout.write(observation, row)
        self.weights[self.pos] = weights
        self.episode_starts[self.pos] = starts
        return row

    def write_outcome(self, actions: AnyArray, parameters: AnyArray, terms: AnyArray, dones: AnyArray) -> None:
        """Complete the step: actions ``(B, D_a)``, parameters ``(B, P)``, reward terms ``(B, K)``, dones ``(B,)``."""
        self.actions[self.pos] = actions.reshape(self.n_envs, self.action_dim)
        self.parameters[self.pos] = parameters
        self.reward_terms[self.pos] = terms
        self.dones[self.pos] = dones
        self.pos += 1
        self.full = self.pos == self.buffer_size

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: SB3's ``add`` takes a scalar reward and a value per step."""
        raise NotImplementedError("use write_observation() before and write_outcome() after the environment's step")

    def returns_of_terms(self) -> Float32Array:
        """Return the discounted sums ``(T, B, K)`` of each reward term from each step to the end of its episode.

        Where the rollout ends first, so do they: what is wanted of them is their scale.
        """
        nothing = np.zeros_like(self.reward_terms)
        return advantages_and_returns(
            self.reward_terms, nothing, self.episode_starts, nothing[-1], self.dones[-1], self.gamma, 1.0
        )[1]

    def weigh_rewards(self, scale: Float32Array | float = 1.0) -> None:
        """Let the single critic's reward be ``K sum_i lambda_i r_i / scale_i``: at equal weights the sum of the terms.

        ``scale`` is ``(K,)`` or 1.
        """
        self.rewards = self.terms * (self.weights * self.reward_terms / scale).sum(axis=-1, keepdims=True)

    def finish(self, last_values: Float32Array) -> None:
        """Compute every critic's advantages and returns; ``last_values`` ``(B, N)`` follow the last step."""
        self.advantages, self.returns = advantages_and_returns(
            self.rewards, self.values, self.episode_starts, last_values, self.dones[-1], self.gamma, self.gae_lambda
        )

    def flat(self, array: AnyArray) -> th.Tensor:
        """Return ``(T, B, ...)`` as a tensor ``(T B, ...)`` on the device of the networks."""
        tensor: th.Tensor = th.from_numpy(array.reshape(-1, *array.shape[2:])).to(self.device)
        return tensor

    def samples(self, advantages: th.Tensor | None = None) -> Minibatch:
        """Return the whole rollout as one batch; ``advantages`` ``(T B, N)`` replace the raw ones."""
        return Minibatch(
            self.flat(self.rows),
            self.flat(self.actions),
            self.flat(self.log_probs),
            self.flat(self.advantages) if advantages is None else advantages,
            self.flat(self.weights),
            self.flat(self.returns),
        )

    def minibatches(self, samples: Minibatch, batch_size: int) -> Iterator[Minibatch]:
        """Yield all samples once in random order, ``batch_size`` at a time.

        Sample i of SB3's permutation is step ``i % T`` of environment ``i // T``: the same draw from NumPy's generator
        gives the same minibatches as SB3's PPO.
        """
        order = np.random.permutation(self.buffer_size * self.n_envs)
        order = (order % self.buffer_size) * self.n_envs + order // self.buffer_size
        index = th.from_numpy(order).to(self.device)
        shuffled = Minibatch(*(tensor.index_select(0, index) for tensor in samples))
        for start in range(0, len(order), batch_size):
            yield Minibatch(*(tensor[start : start + batch_size] for tensor in shuffled))
