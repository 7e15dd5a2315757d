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
    """When to ask and what to do without an answer; all times are simulated seconds.

    ``period_s`` between two questions of a world; ``window_s`` within which an answer must come (at most one period);
    ``mode``: ``lockstep`` is deterministic and replays exactly, ``realtime`` asks in a worker thread and never waits;
    ``late``, in lockstep: ``cache``: a late answer is not used, ``wait``: the world waits, so the answer holds from the
    window's end; ``latency_s`` added to the provider's own; ``latency_jitter_s`` width of a uniform addition to
    it; ``cache`` use the semantic cache; ``policy``: ``fallback``, as the paper: the cache serves what the provider
    does not, ``cache_first``: the provider is asked only about what the cache does not know; ``decay_s`` time constant
    with which a stale hint's weights go to ``prior_weights`` (in the order of ``CRITICS``); ``ask_on_danger`` ask at
    once when the expert's risk of a world rises above ``danger_risk``: a timer alone learns of a pedestrian too late;
    ``on_event``, when the scene has changed by an event since the last hint (a new signal state, another bucket of the
    time to contact, somebody in a sector that was empty, see ``llm_hints.situation``): ``ignore`` it, ``lookup``: the
    hint is due now, and the cache is called as at any due time, ``ask``: it is due now, and the provider is asked
    whatever the cache knows. Danger and events make a hint due at most once in ``danger_gap_s``.
    """

    period_s: float = 1.0
    window_s: float = 1.0
    mode: Mode = "lockstep"
    late: LateRule = "cache"
    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    cache: bool = True
    policy: Policy = "fallback"
    decay_s: float = 2.0
    prior_weights: tuple[float, float, float] = PRIOR_WEIGHTS
    ask_on_danger: bool = False
    on_event: OnEvent = "ignore"
    danger_risk: float = 0.4
    danger_gap_s: float = 0.3

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
