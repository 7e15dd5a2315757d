"""Settings of the HintService."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from llm_hints.hint import PRIOR_WEIGHTS

Mode = Literal["lockstep", "realtime"]
LateRule = Literal["cache", "wait"]
Policy = Literal["fallback", "cache_first"]
OnEvent = Literal["ignore", "lookup", "ask"]


@dataclass(frozen=True, slots=True)
class HintServiceConfig:
    """When to ask and what to do without an answer; all times are simulated seconds."""

    period_s: float = 1.0
    """Time between two questions of a world (s)."""
    window_s: float = 1.0
    """Time within which an answer must come, at most one period (s)."""
    mode: Mode = "lockstep"
    """``lockstep`` is deterministic and replays exactly; ``realtime`` asks in a worker thread and never waits."""
    late: LateRule = "cache"
    """In lockstep. ``cache``: a late answer is not used; ``wait``: the world waits, so that it holds from the window's
    end."""
    latency_s: float = 0.0
    """Added to the provider's own time for an answer (s)."""
    latency_jitter_s: float = 0.0
    """Width of a uniform addition to it (s)."""
    cache: bool = True
    """Use the semantic cache."""
    policy: Policy = "fallback"
    """``fallback``, as the paper: the cache serves what the provider does not; ``cache_first``: the provider is asked
    only about what the cache does not know."""
    decay_s: float = 2.0
    """Time constant with which the weights of a hint that nothing replaced go to ``prior_weights`` (s)."""
    prior_weights: tuple[float, float, float] = PRIOR_WEIGHTS
    """Weights without a hint: safety, efficiency, comfort."""
    ask_on_danger: bool = False
    """Ask as soon as the expert's risk of a world rises above ``danger_risk``: a timer alone learns of a pedestrian
    too late."""
    on_event: OnEvent = "ignore"
    """When the scene has changed by an event since the last hint (another signal, another bucket of the time to
    contact, somebody in a sector that was empty; ``llm_hints.situation``). ``ignore`` it; ``lookup``: the hint is due
    now, and the cache is called as at any due time; ``ask``: it is due now, and the provider is asked whatever the
    cache knows."""
    danger_risk: float = 0.4
    """Risk from which a world is in danger, in [0, 1]."""
    danger_gap_s: float = 0.3
    """Danger and events make a hint due at most once within this (s)."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        for name, choices in (("mode", Mode), ("late", LateRule), ("policy", Policy), ("on_event", OnEvent)):
            if getattr(self, name) not in get_args(choices):
                allowed = ", ".join(get_args(choices))
                raise ValueError(f"hint service {name} {getattr(self, name)!r} came; allowed: {allowed}")
        if self.policy == "cache_first" and not self.cache:
            raise ValueError("hint service policy cache_first came with cache = false: it needs the cache")
        if self.on_event == "lookup" and self.policy != "cache_first":
            raise ValueError(
                f"hint service on_event lookup came with policy {self.policy}; it needs policy cache_first, or take ask"
            )
        if not 0 < self.window_s <= self.period_s:
            raise ValueError(
                f"hint service window_s = {self.window_s}, period_s = {self.period_s} came; "
                "needed is 0 < window_s <= period_s"
            )
        for name in ("latency_s", "latency_jitter_s", "danger_gap_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"hint service {name} = {getattr(self, name)} came; it must be at least 0 s")
        if not self.decay_s > 0:
            raise ValueError(f"hint service decay_s = {self.decay_s} came; it must be above 0 s")
        if min(self.prior_weights) < 0 or abs(sum(self.prior_weights) - 1) > 1e-6:
            raise ValueError(f"hint service prior_weights = {self.prior_weights} came; each >= 0 and sum 1 are needed")
