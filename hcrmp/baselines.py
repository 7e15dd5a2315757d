"""Settings of the baselines: Stable-Baselines3's own PPO, SAC and TD3, unchanged, on the same environment.

They learn from the scalar reward, the three streams weighed by ``reward.reward_weights``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hcrmp.limits import check_limits


@dataclass(frozen=True, slots=True)
class PpoOptions:
    """SB3's PPO. Defaults: those of HCRMP, so that a comparison compares the methods."""

    name: Literal["ppo"] = "ppo"
    """Which algorithm."""
    learning_rate: float = 1e-3
    """Adam's step at the start (no unit)."""
    final_learning_rate_share: float = 0.1
    """Share of the learning rate at the end; it falls linearly."""
    n_steps: int = 128
    """Decisions of each world between two updates."""
    batch_size: int = 512
    """Samples in a minibatch."""
    n_epochs: int = 5
    """Passes over a rollout."""
    gamma: float = 0.99
    """Discount per decision (0.1 s)."""
    gae_lambda: float = 0.95
    """Decay of generalised advantage estimation."""
    clip_range: float = 0.2
    """Clipping of the probability ratio (eps of Eq. 3)."""
    ent_coef: float = 0.01
    """Weight of the entropy bonus."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Largest norm of a gradient."""
    net_arch: tuple[int, ...] = (128, 128)
    """Widths of the hidden layers of actor and critic."""
    hint_in_state: bool = False
    """Append the state hint to the observation (plain PPO sees none)."""

    def __post_init__(self) -> None:
        """Refuse numbers that are outside of their limits."""
        check_limits(self)


@dataclass(frozen=True, slots=True)
class _OffPolicyOptions:
    """What SAC and TD3 share."""

    learning_rate: float = 3e-4
    """Adam's step (no unit)."""
    buffer_size: int = 1_000_000
    """Transitions kept for replay."""
    learning_starts: int = 10_000
    """Decisions driven at random before the first update."""
    batch_size: int = 256
    """Transitions in a minibatch."""
    gamma: float = 0.99
    """Discount per decision (0.1 s)."""
    tau: float = 0.005
    """Share by which the target networks move per update."""
    train_freq: int = 1
    """Vector steps (a decision of every world) between two rounds of updates."""
    gradient_steps: int = 1
    """Updates in a round."""
    net_arch: tuple[int, ...] = (256, 256)
    """Widths of the hidden layers."""
    hint_in_state: bool = False
    """Append the state hint to the observation."""

    def __post_init__(self) -> None:
        """Refuse numbers that are outside of their limits."""
        check_limits(self)


@dataclass(frozen=True, slots=True)
class SacOptions(_OffPolicyOptions):
    """SB3's SAC, with its automatic entropy coefficient."""

    name: Literal["sac"] = "sac"
    """Which algorithm."""


@dataclass(frozen=True, slots=True)
class Td3Options(_OffPolicyOptions):
    """SB3's TD3."""

    name: Literal["td3"] = "td3"
    """Which algorithm."""
    action_noise: float = 0.1
    """Standard deviation of the exploration noise (share of the action's half range)."""
