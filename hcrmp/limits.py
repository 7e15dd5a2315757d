"""Which numbers the settings of an algorithm can be: what is outside fails hours later, or never, and means nothing."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import NamedTuple


class Limit(NamedTuple):
    """A number is at least ``least`` (more than it, where ``beyond``) and at most ``most``."""

    least: float = 0.0
    most: float = inf
    beyond: bool = False

    def holds(self, number: float) -> bool:
        """Whether ``number`` is within; NaN is not."""
        return (number > self.least if self.beyond else number >= self.least) and number <= self.most

    def told(self) -> str:
        """Return the limit in words."""
        low = f"more than {self.least:g}" if self.beyond else f"at least {self.least:g}"
        if self.most == inf:
            return low
        return f"{low} and at most {self.most:g}" if self.beyond else f"from {self.least:g} to {self.most:g}"


SHARE, POSITIVE, NOT_NEGATIVE, COUNT = Limit(0.0, 1.0), Limit(0.0, beyond=True), Limit(0.0), Limit(1.0)
LIMITS: dict[str, Limit] = {
    "learning_rate": NOT_NEGATIVE, "final_learning_rate_share": SHARE, "gamma": SHARE, "gae_lambda": SHARE,
    "clip_range": POSITIVE, "ent_coef": NOT_NEGATIVE, "vf_coef": NOT_NEGATIVE, "max_grad_norm": POSITIVE,
    "target_kl": POSITIVE, "anchor_decay": SHARE, "attention_entropy_coef": NOT_NEGATIVE,
    "noise_colour": Limit(0.0, 2.0), "n_steps": COUNT, "n_epochs": COUNT, "batch_size": Limit(2.0),
    "evaluation_rows": COUNT, "buffer_size": COUNT, "learning_starts": NOT_NEGATIVE, "tau": SHARE, "train_freq": COUNT,
    "gradient_steps": Limit(-1.0), "action_noise": NOT_NEGATIVE, "net_arch": COUNT, "actor_layers": COUNT,
    "critic_layers": COUNT,
}  # fmt: skip
"""By the name of the setting; of those that are several numbers, each is within."""


def check_limits(settings: object) -> None:
    """Refuse the first number of ``settings`` that is not within its limit.

    Raises:
        ValueError: with what came and what is allowed.
    """
    for name, limit in LIMITS.items():
        value = getattr(settings, name, None)
        numbers = value if isinstance(value, Iterable) else () if value is None else (value,)
        for number in numbers:
            if not limit.holds(number):
                raise ValueError(f"{name} must be {limit.told()}, got {number:g}")
