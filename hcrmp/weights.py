"""Whose weights combine the critics' advantages: CSA, its ablations and our mean anchor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch as th
from torch import nn

Csa = Literal["hint", "equal", "fixed", "attention", "mean_anchored", "shuffled"]
"""``hint`` the observation's weights (the paper); ``equal`` 1/N each (its "w/o CSA"); ``fixed`` given ones;
``attention`` learnt from the state (its C.2.3); ``mean_anchored`` the observation's, held at a given mean (ours);
``shuffled`` those of another world: weights of the same distribution that say nothing of the state (a control)."""

CRITIC_NAMES = ("safety", "efficiency", "comfort")
"""The critics in the order of every array of this project; outside of arrays they are bound by name."""

HINTED: tuple[Csa, ...] = ("hint", "mean_anchored", "shuffled")
"""The kinds that read ``critic_weights`` from the observation."""


class MeanAnchor(nn.Module):
    """Hold the long-run mean of the hinted weights at a prior: ``lambda'_i ~ prior_i lambda_i / mean(lambda_i)``.

    Ours: a provider that is wrong in one direction moves the mean weight of a critic and with it the
    whole policy; the anchor keeps what differs from state to state and takes away the drift. The running mean is a
    module buffer so that every kind of checkpoint carries it.
    """

    mean: th.Tensor
    """``(N,)``; all zero until the first rollout."""

    def __init__(self, prior: Sequence[float], decay: float) -> None:
        super().__init__()
        self.prior = np.asarray(prior, dtype=np.float64)
        self.decay = decay
        self.register_buffer("mean", th.zeros(len(prior), dtype=th.float64))

    def anchor(self, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Move the running mean by the rollout's weights ``(T, B, N)`` and return them anchored, each row of sum 1."""
        rollout_mean = weights.reshape(-1, weights.shape[-1]).mean(axis=0, dtype=np.float64)
        before = self.mean.cpu().numpy()
        mean = self.decay * before + (1.0 - self.decay) * rollout_mean if before.any() else rollout_mean
        self.mean.copy_(th.as_tensor(mean))
        return self.anchored(weights)

    def anchored(self, weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return ``weights`` ``(..., N)`` anchored by the running mean as it stands; unchanged before there is one."""
        mean = self.mean.cpu().numpy()
        if not mean.any():
            return weights
        anchored = weights * (self.prior / np.maximum(mean, 1e-6))
        anchored /= np.maximum(anchored.sum(axis=-1, keepdims=True), 1e-12)
        return np.asarray(anchored, dtype=np.float32)


class ReturnScale(nn.Module):
    """Running standard deviation of each return (a critic's, a reward term's), ``(N,)``; 1 until the first rollout."""

    scale: th.Tensor
    variance: th.Tensor
    rollouts: th.Tensor

    DECAY = 0.9
    """Share of the past in the running variance, per rollout (ours: returns drift as the policy learns)."""
    FLOOR = 1e-2
    """Smallest scale: a critic whose stream is silent must not have its noise blown up."""

    def __init__(self, critics: int, enabled: bool) -> None:
        super().__init__()
        self.enabled = enabled
        self.register_buffer("scale", th.ones(critics))
        self.register_buffer("variance", th.zeros(critics))
        self.register_buffer("rollouts", th.zeros((), dtype=th.int64))

    def update(self, returns: npt.NDArray[np.float32]) -> None:
        """Take in a rollout's returns ``(T, B, N)``."""
        if not self.enabled:
            return
        variance = th.as_tensor(returns.reshape(-1, returns.shape[-1]).var(axis=0)).to(self.variance)
        decay = self.DECAY if int(self.rollouts) else 0.0
        self.variance.mul_(decay).add_(variance, alpha=1.0 - decay)
        self.scale.copy_(self.variance.sqrt().clamp_min(self.FLOOR))
        self.rollouts += 1


class AttentionWeights(nn.Module):
    """Weights of the critics learnt from the features: 4-head self-attention, then an MLP, then a softmax.

    The paper (C.2.3) says so much and "trained with PPO". Ours: the feature vector is cut into ``TOKENS`` equal pieces,
    each embedded with a place of its own, since a vector has no sequence to attend over; the weights enter
    Eq. 2 of every minibatch with their gradient, so that Eq. 3 trains them with the policy; an entropy bonus keeps the
    softmax from collapsing on the critic whose advantages happen to be largest. It starts at equal weights.
    """

    TOKENS = 8
    HEADS = 4
    WIDTH = 16

    def __init__(self, features: int, critics: int) -> None:
        super().__init__()
        self.piece = -(-features // self.TOKENS)
        self.padding = self.piece * self.TOKENS - features
        self.embed = nn.Linear(self.piece, self.WIDTH)
        self.place = nn.Parameter(0.1 * th.randn(self.TOKENS, self.WIDTH))
        self.attention = nn.MultiheadAttention(self.WIDTH, self.HEADS, batch_first=True)
        self.head = nn.Sequential(nn.Linear(self.WIDTH, self.WIDTH), nn.Tanh(), nn.Linear(self.WIDTH, critics))
        output = self.head[-1]
        assert isinstance(output, nn.Linear)
        nn.init.zeros_(output.weight)
        nn.init.zeros_(output.bias)

    def forward(self, features: th.Tensor) -> th.Tensor:
        """Return weights ``(M, N)``, each row positive and of sum 1, for features ``(M, F)``."""
        padded = nn.functional.pad(features, (0, self.padding)).view(-1, self.TOKENS, self.piece)
        tokens = self.embed(padded) + self.place
        attended, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        logits: th.Tensor = self.head((tokens + attended).mean(dim=1))
        return logits.softmax(dim=1)


def constant_weights(kind: Csa, critics: int, fixed: Sequence[float]) -> npt.NDArray[np.float32] | None:
    """Return the weights ``(N,)`` that hold in every step, normalised to sum 1, or None where they vary."""
    if kind == "equal":
        return np.full(critics, 1.0 / critics, dtype=np.float32)
    if kind == "fixed":
        weights = np.asarray(fixed, dtype=np.float64)
        return np.asarray(weights / weights.sum(), dtype=np.float32)
    return None


def of_other_worlds(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the weights ``(T, B, N)`` of a rollout, each world with the course of another one (drawn anew each time).

    One world alone keeps its own: there is nobody to take them from.
    """
    worlds = np.random.permutation(weights.shape[1])  # the generator of SB3's minibatches, which a checkpoint holds
    taken_from = np.empty_like(worlds)
    taken_from[worlds] = np.roll(worlds, 1)
    return weights[:, taken_from]


def check_weights(weights: npt.NDArray[np.float32]) -> None:
    """Refuse weights ``(..., N)`` that are negative, not finite or not of sum 1 (up to the rounding of an LLM)."""
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("critic_weights in the observation are negative or not finite; each must be in [0, 1]")
    error = float(np.abs(weights.sum(axis=-1) - 1.0).max())
    if error > 0.02:
        raise ValueError(f"critic_weights in the observation sum to 1 +- {error:.3f}; allowed is 1 within 0.02")
