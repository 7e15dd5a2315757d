"""The settings of the algorithm, and of the schedule of its learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from hcrmp.encoders import HINT_KEY, STATE_KEY, WEIGHTS_KEY, ScanPlace
from hcrmp.limits import check_limits
from hcrmp.policy import PolicyConfig
from hcrmp.weights import CRITIC_NAMES, Csa


@dataclass(frozen=True)
class HcrmpConfig:
    """Settings of multi-critic PPO. The paper gives none; the defaults are what learnt best in our own trials."""

    critics: tuple[str, ...] = CRITIC_NAMES
    """Names of the critics, in the order of ``reward_terms``. A single one learns the environment's scalar reward."""
    asr: bool = True
    """Whether the networks read the hint's 13 numbers beside the state (the paper's ASR)."""
    csa: Csa = "hint"
    """Whose weights the critics have (the paper's CSA): hint, equal, fixed, attention, mean_anchored or shuffled."""
    weights_on: Literal["advantage", "reward"] = "advantage"
    """What the weights multiply: each critic's advantage (the paper's Eq. 2), or the reward terms, whose sum
    N sum_i lambda_i r_i is what a single critic learns: a planner that the LLM dominates, to compare with."""
    scale_terms: bool = False
    """Whether ``weights_on=reward`` first divides each reward term by the running standard deviation of its return, so
    that a weight is the share that it is among standardised advantages, and not that of whichever term is largest."""
    fixed_weights: tuple[float, ...] = (0.34, 0.52, 0.14)
    """Weights of ``csa=fixed``, one per critic, normalised to sum 1 (no unit)."""
    anchor_prior: tuple[float, ...] = (0.34, 0.52, 0.14)
    """Long-run mean that ``csa=mean_anchored`` holds, one per critic (no unit)."""
    anchor_decay: float = 0.9
    """Share of the past in the running mean of ``csa=mean_anchored``, per rollout."""
    attention_entropy_coef: float = 0.01
    """Bonus on the entropy of the weights of ``csa=attention`` (per nat)."""
    weights_in_state: bool = False
    """Whether the networks also read the weights."""
    standardise_before: bool = True
    """Whether each critic's advantages are standardised over the rollout before they are weighted."""
    standardise_after: bool = True
    """Whether the weighted advantage is standardised over each minibatch, as SB3 does."""
    value_scale: bool = True
    """Whether each critic's value error is divided by the running standard deviation of its return."""
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    """Shape of the networks."""
    n_steps: int = 128
    """Steps of each environment in a rollout."""
    batch_size: int = 512
    """Samples in a minibatch."""
    n_epochs: int = 5
    """Passes over a rollout."""
    learning_rate: float = 1e-3
    """Adam's step size at the start."""
    final_learning_rate_share: float = 0.1
    """Share of ``learning_rate`` that is left at the end; linear in between."""
    gamma: float = 0.99
    """Discount per decision step."""
    gae_lambda: float = 0.95
    """Trade-off of GAE between bias (0) and variance (1)."""
    clip_range: float = 0.2
    """Epsilon of Eq. 3."""
    ent_coef: float = 0.01
    """Bonus on the actor's entropy (per nat)."""
    noise_colour: float = 0.5
    """How much exploration at one moment resembles that of the moments before: its spectrum is f^-colour (0: every
    moment for itself, as in SB3; 0.5 was best in "Colored Noise in PPO", AAAI 2024, and here; at most 2)."""
    vf_coef: float = 0.5
    """Weight of the value loss."""
    max_grad_norm: float = 0.5
    """Largest norm of the gradient of all parameters together."""
    target_kl: float | None = None
    """Stop an update where the approximate KL passes 1.5 times this (nats); None never stops."""
    fused_optimizer: bool = True
    """Adam in one kernel; the results differ from SB3's plain Adam in the last bits."""
    evaluation_rows: int = 8192
    """Rows in one pass of the critics over a finished rollout; the number of environments gives SB3's very bits."""

    def __post_init__(self) -> None:
        """Refuse settings that are outside of their limits or do not fit together."""
        check_limits(self)
        for name, needed in (("fixed_weights", self.csa == "fixed"), ("anchor_prior", self.csa == "mean_anchored")):
            weights = getattr(self, name)
            if needed and (len(weights) != len(self.critics) or min(weights) < 0 or sum(weights) <= 0):
                raise ValueError(
                    f"{name} is {weights}; give one number >= 0 for each of the critics {self.critics}, not all zero"
                )
        if self.csa == "attention" and self.weights_on == "reward":
            raise ValueError(
                "csa=attention learns its weights through the advantage, weights_on=reward leaves them no gradient: "
                "take another csa, or weights_on=advantage"
            )
        if self.scale_terms and self.weights_on != "reward":
            raise ValueError("scale_terms scales what weights_on=reward adds up, and weights_on is advantage: set both")

    @property
    def value_names(self) -> tuple[str, ...]:
        """Names of the values that are learnt: one a critic; where the weights act on the reward, that of their sum."""
        return ("reward",) if self.weights_on == "reward" else self.critics

    @property
    def input_keys(self) -> tuple[str, ...]:
        """Parts of the observation that the networks read."""
        return (STATE_KEY, *((HINT_KEY,) if self.asr else ()), *((WEIGHTS_KEY,) if self.weights_in_state else ()))


def policy_arguments(config: HcrmpConfig, keys: Sequence[str], scan: ScanPlace | None) -> dict[str, Any]:
    """Return what ``MultiCriticPolicy`` takes beside spaces and a schedule; its networks read the parts ``keys``."""
    return {
        "config": config.policy,
        "critics": len(config.value_names),
        "input_keys": tuple(keys),
        "scan": scan,
        "attention": config.csa == "attention",
        "anchor_prior": config.anchor_prior if config.csa == "mean_anchored" else None,
        "anchor_decay": config.anchor_decay,
        "scale_values": config.value_scale,
        "scaled_terms": len(config.critics) if config.scale_terms and config.weights_on == "reward" else 0,
        "fused_optimizer": config.fused_optimizer,
    }


@dataclass(frozen=True)
class LinearSchedule:
    """A learning rate that falls linearly with SB3's remaining progress (1 to 0)."""

    start: float
    final_share: float

    def __call__(self, progress_remaining: float) -> float:
        """Return the learning rate; from the end on the last one: a rollout may go beyond it."""
        return self.start * (self.final_share + (1.0 - self.final_share) * max(progress_remaining, 0.0))
