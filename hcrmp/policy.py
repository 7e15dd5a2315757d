"""The networks of the planner: a Beta (or Gaussian) actor and N critics, on SB3's ActorCriticPolicy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from hcrmp.camera_encoder import CameraEncoderConfig
from hcrmp.distributions import BetaConfig, BetaDistribution
from hcrmp.encoders import STATE_KEY, GruConfig, InputLayout, PlannerExtractor, ScanPlace
from hcrmp.limits import check_limits
from hcrmp.weights import AttentionWeights, MeanAnchor, ReturnScale


@dataclass(frozen=True)
class PolicyConfig:
    """Shape of the networks (defaults: ours). The networks of actor and critics are separate."""

    actor_layers: tuple[int, ...] = (128, 128)
    """Widths of the actor's hidden tanh layers."""
    critic_layers: tuple[int, ...] = (128, 128)
    """Widths of the critics' hidden tanh layers."""
    critic_trunk: Literal["shared", "separate"] = "shared"
    """N heads on one network, or N networks (N times the cost)."""
    distribution: Literal["beta", "gaussian"] = "beta"
    """The paper's Beta, or SB3's diagonal Gaussian, whose samples are clipped."""
    beta: BetaConfig = field(default_factory=BetaConfig)
    """Settings of the Beta distribution."""
    encoder: Literal["none", "gru"] = "none"
    """Whether the networks read the flat state, or a GRU's summary of the frames of the range scan in its place."""
    gru: GruConfig = field(default_factory=GruConfig)
    """Sizes of the GRU."""
    camera: CameraEncoderConfig = field(default_factory=CameraEncoderConfig)
    """Networks of the pictures, where the observation has any."""
    share_encoder: bool = True
    """Whether actor and critics share the encoder, or have one each (as SB3's ``share_features_extractor``)."""

    def __post_init__(self) -> None:
        """Refuse layers of no width."""
        check_limits(self)


class SeparateCritics(nn.Module):
    """N value networks of their own, ``(M, F) -> (M, N)``."""

    def __init__(self, features: int, layers: Sequence[int], critics: int) -> None:
        super().__init__()
        self.critics = nn.ModuleList(_value_network(features, layers) for _ in range(critics))

    def forward(self, features: th.Tensor) -> th.Tensor:
        """Return the values of all critics."""
        return th.cat([critic(features) for critic in self.critics], dim=1)

    def initialise(self) -> None:
        """Orthogonal weights with SB3's gains: sqrt(2) for hidden layers, 1 for the output."""
        for critic in self.critics:
            critic.apply(partial(ActorCriticPolicy.init_weights, gain=float(np.sqrt(2))))
            output = list(critic.children())[-1]
            ActorCriticPolicy.init_weights(output, gain=1.0)


def _value_network(features: int, layers: Sequence[int]) -> nn.Sequential:
    widths = [features, *layers]
    hidden = [module for a, b in zip(widths, widths[1:], strict=False) for module in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(widths[-1], 1))


class MultiCriticPolicy(ActorCriticPolicy):
    """Actor and N critics. Values are ``(M, N)`` where SB3's are ``(M, 1)``; with N = 1 it is SB3's, seed for seed.

    ``act``, ``log_prob_of``, ``predict_row_values`` and ``evaluate_rows`` take flat rows ``(M, D)`` of an
    ``InputLayout`` and are what training calls; SB3's own (``predict``, ``forward``, ...) take observations.
    The running statistics of the training (scales of returns and reward terms, mean anchor) live here as module
    buffers, so that whatever saves the policy saves them.
    """

    value_net: nn.Module  # type: ignore[assignment]

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Box,
        lr_schedule: Schedule,
        use_sde: bool = False,
        *,
        config: PolicyConfig | None = None,
        critics: int = 3,
        input_keys: Sequence[str] = (STATE_KEY,),
        scan: ScanPlace | None = None,
        attention: bool = False,
        anchor_prior: Sequence[float] | None = None,
        anchor_decay: float = 0.9,
        scale_values: bool = False,
        scaled_terms: int = 0,
        fused_optimizer: bool = False,
    ) -> None:
        if use_sde:
            raise ValueError("use_sde=True came, but the planner explores with its own distribution; leave it False")
        self.config = config or PolicyConfig()
        self.critics = critics
        self.scan = scan
        self.attention = attention
        self.anchor_prior = anchor_prior
        self.anchor_decay = anchor_decay
        self.scale_values = scale_values
        self.scaled_terms = scaled_terms
        self.layout = InputLayout(observation_space, input_keys)
        separate = self.config.critic_trunk == "separate"
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            net_arch={"pi": list(self.config.actor_layers), "vf": [] if separate else list(self.config.critic_layers)},
            activation_fn=nn.Tanh,
            features_extractor_class=PlannerExtractor,
            features_extractor_kwargs={
                "layout": self.layout,
                "gru": self.config.gru if self.config.encoder == "gru" else None,
                "scan": scan,
                "camera": self.config.camera,
            },
            share_features_extractor=self.config.share_encoder,
            # eps is SB3's own value for PPO, which it sets only where no optimizer_kwargs are given.
            optimizer_kwargs={"eps": 1e-5, **({"fused": True} if fused_optimizer else {})},
        )

    def _build(self, lr_schedule: Schedule) -> None:
        """Create networks and optimiser, in SB3's order, so that the same seed gives the same parameters."""
        self._build_mlp_extractor()
        self._build_actor()
        self._build_critics()
        self._initialise_weights()
        self._build_statistics()
        self.optimizer = self.optimizer_class(self._parameter_groups(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]
        self.set_learning_rate(lr_schedule(1))

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Return all parameters, those of the pictures' networks apart: they learn with a share of the rate."""
        extractors = {self.pi_features_extractor, self.vf_features_extractor}
        cameras = [one.camera for one in extractors if isinstance(one, PlannerExtractor) and one.camera is not None]
        apart = {id(parameter) for camera in cameras for parameter in camera.parameters()}
        groups = [{"params": [one for one in self.parameters() if id(one) not in apart], "share": 1.0}]
        if apart:
            seeing = [one for one in self.parameters() if id(one) in apart]
            groups.append({"params": seeing, "share": self.config.camera.learning_rate_share})
        return groups

    def set_learning_rate(self, learning_rate: float) -> None:
        """Let every group of parameters learn with its share of ``learning_rate``."""
        for group in self.optimizer.param_groups:
            # Optimisers of older checkpoints know no shares.
            group["lr"] = learning_rate * group.get("share", 1.0)

    def _build_actor(self) -> None:
        latent = self.mlp_extractor.latent_dim_pi
        if self.config.distribution == "gaussian":
            assert isinstance(self.action_dist, DiagGaussianDistribution)
            self.action_net, self.log_std = self.action_dist.proba_distribution_net(latent, self.log_std_init)
            return
        space = self.action_space
        if not isinstance(space, spaces.Box) or not ((space.low == -1).all() and (space.high == 1).all()):
            raise ValueError(f"the Beta actor acts in [-1, 1], the action space is {space}; rescale the environment's")
        self.action_dist = BetaDistribution(int(np.prod(space.shape)), self.config.beta)
        self.action_net = self.action_dist.proba_distribution_net(latent)

    def _build_critics(self) -> None:
        latent = self.mlp_extractor.latent_dim_vf
        if self.config.critic_trunk == "separate":
            self.value_net = SeparateCritics(latent, self.config.critic_layers, self.critics)
        else:
            self.value_net = nn.Linear(latent, self.critics)

    def _initialise_weights(self) -> None:
        extractors = {id(module): module for module in (self.pi_features_extractor, self.vf_features_extractor)}
        for module, gain in (
            *((extractor, np.sqrt(2)) for extractor in extractors.values()),
            (self.mlp_extractor, np.sqrt(2)),
            (self.action_net, 0.01),
            (self.value_net, 1.0),
        ):
            module.apply(partial(self.init_weights, gain=float(gain)))
        for extractor in extractors.values():
            assert isinstance(extractor, PlannerExtractor)
            extractor.initialise()
        if isinstance(self.value_net, SeparateCritics):
            self.value_net.initialise()
        if isinstance(self.action_dist, BetaDistribution):
            assert isinstance(self.action_net, nn.Linear)
            self.action_dist.initialise_bias(self.action_net)

    def _build_statistics(self) -> None:
        self.return_scale = ReturnScale(self.critics, self.scale_values)
        self.term_scale = ReturnScale(self.scaled_terms, True) if self.scaled_terms else None
        self.mean_anchor = None if self.anchor_prior is None else MeanAnchor(self.anchor_prior, self.anchor_decay)
        self.weight_net = AttentionWeights(self.features_dim, self.critics) if self.attention else None

    def _get_action_dist_from_latent(self, latent_pi: th.Tensor) -> Distribution:
        return self._distribution(self.action_net(latent_pi))

    def _distribution(self, parameters: th.Tensor) -> Distribution:
        if isinstance(self.action_dist, BetaDistribution):
            return self.action_dist.proba_distribution(parameters)
        assert isinstance(self.action_dist, DiagGaussianDistribution)
        return self.action_dist.proba_distribution(parameters, self.log_std)

    def _encode(self, rows: th.Tensor, extractor: nn.Module) -> th.Tensor:
        assert isinstance(extractor, PlannerExtractor)
        return extractor.encode(rows)

    def act(self, rows: th.Tensor, noise: th.Tensor | None = None) -> tuple[th.Tensor, th.Tensor]:
        """Sample actions ``(M, D_a)``; also return the distribution's parameters ``(M, P)``, for ``log_prob_of``.

        ``noise`` ``(M, D_a)``: standard normal numbers that say how high in its distribution each action lies.
        """
        latent = self.mlp_extractor.forward_actor(self._encode(rows, self.pi_features_extractor))
        parameters = self.action_net(latent)
        distribution = self._distribution(parameters)
        if noise is None:
            return distribution.sample(), parameters
        if isinstance(distribution, BetaDistribution):
            return distribution.quantile(th.special.ndtr(noise)), parameters
        return parameters + self.log_std.exp() * noise.to(parameters), parameters

    def log_prob_of(self, parameters: th.Tensor, actions: th.Tensor) -> th.Tensor:
        """Return the log-densities ``(M,)`` of actions under the parameters that ``act`` returned."""
        return self._distribution(parameters).log_prob(actions)

    def decide(self, rows: th.Tensor, deterministic: bool) -> tuple[th.Tensor, th.Tensor, th.Tensor]:
        """Return actions ``(M, D_a)``, their distribution ``(M, 2 D_a)`` and the critics' values ``(M, N)``.

        The distribution is alpha and beta of each action, one action after the other; mean and deviation of a
        Gaussian's.
        """
        output = self.action_net(self.mlp_extractor.forward_actor(self._encode(rows, self.pi_features_extractor)))
        distribution = self._distribution(output)
        actions = distribution.get_actions(deterministic=deterministic)
        if isinstance(distribution, BetaDistribution):
            pairs = distribution.concentration
        else:
            pairs = th.stack((output, self.log_std.exp().expand_as(output)), dim=1)
        return actions, pairs.transpose(1, 2).flatten(1), self.predict_row_values(rows)

    def predict_row_values(self, rows: th.Tensor) -> th.Tensor:
        """Return the critics' values ``(M, N)``."""
        latent = self.mlp_extractor.forward_critic(self._encode(rows, self.vf_features_extractor))
        values: th.Tensor = self.value_net(latent)
        return values

    def evaluate_rows(self, rows: th.Tensor, actions: th.Tensor) -> tuple[th.Tensor, th.Tensor, th.Tensor]:
        """Return values ``(M, N)``, log-densities ``(M,)`` of ``actions``, and entropies ``(M,)``, with gradients."""
        features = self._encode(rows, self.pi_features_extractor)
        shared = self.vf_features_extractor is self.pi_features_extractor
        value_features = features if shared else self._encode(rows, self.vf_features_extractor)
        distribution = self._get_action_dist_from_latent(self.mlp_extractor.forward_actor(features))
        # SB3's order: autograd sums the gradients of log_prob and entropy in the order of these lines.
        log_prob = distribution.log_prob(actions)
        values = self.value_net(self.mlp_extractor.forward_critic(value_features))
        entropy = distribution.entropy()
        assert entropy is not None
        return values, log_prob, entropy

    def attention_weights(self, rows: th.Tensor) -> th.Tensor:
        """Return the learnt weights ``(M, N)``; the encoder learns from the actor and the critics alone."""
        assert self.weight_net is not None
        weights: th.Tensor = self.weight_net(self._encode(rows, self.pi_features_extractor).detach())
        return weights

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "config": self.config,
            "critics": self.critics,
            "input_keys": self.layout.keys,
            "scan": self.scan,
            "attention": self.attention,
            "anchor_prior": self.anchor_prior,
            "anchor_decay": self.anchor_decay,
            "scale_values": self.scale_values,
            "scaled_terms": self.scaled_terms,
            "fused_optimizer": "fused" in self.optimizer_kwargs,
        }
