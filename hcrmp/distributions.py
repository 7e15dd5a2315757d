"""The Beta action distribution of the actor (the paper's decision process): bounded without clipping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch as th
from scipy.special import betaincinv
from stable_baselines3.common.distributions import Distribution
from torch import nn
from torch.nn import functional as F

LOG_2 = math.log(2.0)


@dataclass(frozen=True)
class BetaConfig:
    """Settings of the Beta distribution (defaults: ours)."""

    sample_margin: float = 1e-4
    """Samples keep this distance from 0 and 1 before rescaling, so that their log-density is finite (no unit)."""
    initial_bias: tuple[float, ...] = (0.3, 0.0)
    """Added to each action's alpha logit when the network is made (no unit); a small push on the throttle leaves the
    standstill optimum. Dimensions beyond its length get 0."""
    deterministic: Literal["mode", "mean"] = "mode"
    """What a deterministic prediction returns."""


class BetaDistribution(Distribution):
    """Independent Beta distributions over ``[-1, 1]``, each rescaled from ``[0, 1]``.

    ``alpha, beta = softplus(network) + 1 > 1``: always unimodal, never infinite at the ends. Written out instead of
    wrapping ``torch.distributions.Beta`` because the objects and checks of the latter cost more than its arithmetic
    at rollout batch sizes; a test holds the two together.
    """

    concentration: th.Tensor
    """``(M, 2, D)``: alpha, beta."""

    def __init__(self, action_dim: int, config: BetaConfig | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.action_dim = action_dim
        self.config = config or BetaConfig()

    def proba_distribution_net(self, latent_dim: int) -> nn.Module:
        """Return the layer from the actor's latent ``(M, latent_dim)`` to the logits ``(M, 2 D)``: alphas, betas."""
        return nn.Linear(latent_dim, 2 * self.action_dim)

    def initialise_bias(self, layer: nn.Linear) -> None:
        """Write ``initial_bias`` to the alpha half of the layer's bias; call after any other initialisation."""
        with th.no_grad():
            for index, bias in enumerate(self.config.initial_bias[: self.action_dim]):
                layer.bias[index] = bias

    def proba_distribution(self, logits: th.Tensor) -> BetaDistribution:
        """Set the distribution from the network's logits ``(M, 2 D)`` and return it."""
        self.concentration = F.softplus(logits).view(-1, 2, self.action_dim) + 1.0
        return self

    @property
    def alpha(self) -> th.Tensor:
        """First concentration, ``(M, D)``, above 1."""
        return self.concentration[:, 0]

    @property
    def beta(self) -> th.Tensor:
        """Second concentration, ``(M, D)``, above 1."""
        return self.concentration[:, 1]

    def log_prob(self, actions: th.Tensor) -> th.Tensor:
        """Return the log-density ``(M,)`` of ``actions`` ``(M, D)``: Beta's own at (a + 1) / 2, less log 2 each."""
        unit = self._clamp((actions + 1.0) / 2.0)
        log_ends = th.stack((unit.log(), (1.0 - unit).log()), dim=1)
        kernel = ((self.concentration - 1.0) * log_ends).sum(dim=1)
        return (kernel - self._log_normaliser() - LOG_2).sum(dim=1)

    def entropy(self) -> th.Tensor:
        """Return the differential entropy ``(M,)`` in nats, in closed form, log 2 per dimension for the rescaling."""
        total = self.concentration.sum(dim=1)
        ends = ((self.concentration - 1.0) * th.digamma(self.concentration)).sum(dim=1)
        return (self._log_normaliser() - ends + (total - 2.0) * th.digamma(total) + LOG_2).sum(dim=1)

    def sample(self) -> th.Tensor:
        """Return actions ``(M, D)`` without a gradient: the ratio of two gamma variates, kept off the ends."""
        with th.no_grad():
            gammas = th._standard_gamma(self.concentration)
            return 2.0 * self._clamp(gammas[:, 0] / gammas.sum(dim=1)) - 1.0

    def quantile(self, share: th.Tensor) -> th.Tensor:
        """Return the actions ``(M, D)`` below which ``share`` ``(M, D)`` in [0, 1] of the samples lie; no gradient."""
        alpha, beta = (one.detach().double().cpu().numpy() for one in (self.alpha, self.beta))
        unit = th.from_numpy(betaincinv(alpha, beta, share.double().cpu().numpy()))
        return 2.0 * self._clamp(unit.to(self.concentration)) - 1.0

    def mode(self) -> th.Tensor:
        """Return the deterministic actions ``(M, D)``: the most likely ones, or the mean where so configured."""
        if self.config.deterministic == "mean":
            return self.mean()
        # The small term sends the flat Beta(1, 1), which has no mode, to its centre instead of to NaN.
        excess = self.concentration - 1.0 + 1e-6
        return 2.0 * (excess[:, 0] / excess.sum(dim=1)) - 1.0

    def mean(self) -> th.Tensor:
        """Return the expected actions ``(M, D)``."""
        return 2.0 * (self.alpha / self.concentration.sum(dim=1)) - 1.0

    def actions_from_params(self, logits: th.Tensor, deterministic: bool = False) -> th.Tensor:
        """Return actions ``(M, D)`` for the network's logits ``(M, 2 D)``."""
        return self.proba_distribution(logits).get_actions(deterministic=deterministic)

    def log_prob_from_params(self, logits: th.Tensor) -> tuple[th.Tensor, th.Tensor]:
        """Return sampled actions ``(M, D)`` and their log-densities ``(M,)`` for logits ``(M, 2 D)``."""
        actions = self.actions_from_params(logits)
        return actions, self.log_prob(actions)

    def _clamp(self, unit: th.Tensor) -> th.Tensor:
        margin = self.config.sample_margin
        return unit.clamp(margin, 1.0 - margin)

    def _log_normaliser(self) -> th.Tensor:
        """Return log B(alpha, beta), ``(M, D)``."""
        return th.lgamma(self.concentration).sum(dim=1) - th.lgamma(self.concentration.sum(dim=1))
