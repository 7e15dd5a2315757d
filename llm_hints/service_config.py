"""Settings and counters of the HintService."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from llm_hints.hint import PRIOR_WEIGHTS

Mode = Literal["lockstep", "realtime"]
LateRule = Literal["cache", "wait"]


@dataclass(frozen=True, slots=True)
class HintServiceConfig:
    """When to ask and what to do without an answer; all times are simulated seconds.

    ``period_s`` between two questions of a world; ``window_s`` within which an answer must come (at most one period);
    ``mode``: ``lockstep`` is deterministic and replays exactly, ``realtime`` asks in a worker thread and never waits;
    ``late``, in lockstep: ``cache``: a late answer is not used, ``wait``: the world waits, so the answer holds from the
    window's end; ``latency_s`` added to the provider's own; ``latency_jitter_s`` width of a uniform addition to
    it; ``cache`` use the semantic cache; ``decay_s`` time constant with which a stale hint's weights go to
    ``prior_weights`` (in the order of ``CRITICS``); ``ask_on_danger`` ask at once when the expert's risk of a
    world rises above ``danger_risk``, at most once in ``danger_gap_s``: a timer alone learns of a pedestrian too late.
    """

    period_s: float = 1.0
    window_s: float = 1.0
    mode: Mode = "lockstep"
    late: LateRule = "cache"
    latency_s: float = 0.0
    latency_jitter_s: float = 0.0
    cache: bool = True
    decay_s: float = 2.0
    prior_weights: tuple[float, float, float] = PRIOR_WEIGHTS
    ask_on_danger: bool = False
    danger_risk: float = 0.4
    danger_gap_s: float = 0.3

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        for name, allowed in (("mode", get_args(Mode)), ("late", get_args(LateRule))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"hint service {name} {getattr(self, name)!r} came; allowed: {', '.join(allowed)}")
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


@dataclass(frozen=True, slots=True)
class HintCounters:
    """What happened since the service began, in hints of single worlds.

    ``asked`` questions sent; ``answered`` valid answers in time; ``invalid`` malformed ones; ``late`` valid ones after
    the window; ``missing`` none at all; ``busy`` due times that found the world's last question still open; ``hits``,
    ``misses`` of the cache; ``stale`` times that neither answer nor cache served.
    """

    asked: int = 0
    answered: int = 0
    invalid: int = 0
    late: int = 0
    missing: int = 0
    busy: int = 0
    hits: int = 0
    misses: int = 0
    stale: int = 0

    @property
    def scm_calls_percent(self) -> float:
        """Share of the due hints for which the cache was called, percent: "SCM calls (%)" of the paper."""
        due = self.asked + self.busy
        return 100.0 * (self.hits + self.misses) / due if due else 0.0
