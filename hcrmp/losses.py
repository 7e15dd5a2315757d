"""The losses of one minibatch: Eq. 2 and Eq. 3 of the paper, and the critics' regression."""

from __future__ import annotations

import torch as th
from torch.nn import functional as F

STANDARDISE_EPSILON = 1e-8
"""Keeps the division finite where every advantage is the same (SB3's value, for the reduction to its PPO)."""


def standardise(numbers: th.Tensor, least: float = 0.0) -> th.Tensor:
    """Return ``numbers`` ``(M, ...)`` with mean 0 and standard deviation 1 along the first axis.

    Where they deviate by less than ``least`` they are divided by that: what is silent keeps its noise small.

    The two moments carry no gradient: where the weights are learnt (attention), they shift samples against each
    other but cannot gain by inflating the scale of the batch.
    """
    if len(numbers) < 2:
        return numbers
    moments = numbers.detach()
    deviation = moments.std(dim=0).clamp_min(least) + STANDARDISE_EPSILON
    standard: th.Tensor = (numbers - moments.mean(dim=0)) / deviation
    return standard


def combine_advantages(advantages: th.Tensor, weights: th.Tensor) -> th.Tensor:
    """Return ``A_int = sum_i lambda_i A_i`` (Eq. 2), ``(M,)``, from advantages and weights ``(M, N)``."""
    return (weights * advantages).sum(dim=1)


def clipped_policy_loss(ratio: th.Tensor, advantage: th.Tensor, clip_range: float) -> th.Tensor:
    """Return ``-E[min(ratio A, clip(ratio, 1 - eps, 1 + eps) A)]`` (Eq. 3), a scalar, from two ``(M,)``."""
    clipped = th.clamp(ratio, 1 - clip_range, 1 + clip_range)
    return -th.min(advantage * ratio, advantage * clipped).mean()


def value_loss(values: th.Tensor, returns: th.Tensor, scale: th.Tensor) -> th.Tensor:
    """Return the critics' mean squared error, a scalar, each on its own unweighted return (ours).

    ``values`` and ``returns`` are ``(M, N)``; ``scale`` ``(N,)`` divides each critic's error, so that a critic with
    large returns does not starve one with small returns on a shared trunk. The mean over critics, not the sum, keeps
    the share of the critics in the clipped gradient norm what it is in PPO.
    """
    return F.mse_loss(returns / scale, values / scale)


def approximate_kl(log_ratio: th.Tensor) -> th.Tensor:
    """Return the low-variance estimate ``E[(ratio - 1) - log ratio]`` of KL(old, new), a scalar, from ``(M,)``."""
    return (th.expm1(log_ratio) - log_ratio).mean()
