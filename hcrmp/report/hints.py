"""Where the hints of an evaluation came from, and how long their provider took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hcrmp.report.contestants import Contestant, Course
from hcrmp.report.traces import Traces

COUNTERS = (
    ("asked", "asked"),
    ("answered", "answered in time"),
    ("calls", "cache called"),
    ("hits", "cache served"),
    ("stale", "stale"),
    ("invalid", "invalid"),
    ("late", "late"),
    ("missing", "missing"),
)
"""Counter of the service and its heading, each told as a share of the hints that were due."""


@dataclass(frozen=True)
class HintRow:
    """One contestant: hints ``due``, a share of them (percent) for each counter, the provider's times, sources."""

    contestant: Contestant
    due: int
    shares: tuple[str, ...]
    batch_ms: str
    hint_ms: str
    sources: str


def hint_rows(course: Course, traces: Sequence[Traces]) -> list[HintRow]:
    """Return a row for everybody who was given hints."""
    sources = {one.contestant.name: one for one in traces}
    return [row for who in course.contestants if (row := _row(who, sources.get(who.name))) is not None]


def _row(who: Contestant, traces: Traces | None) -> HintRow | None:
    counts = [record.hint_counts for record in who.records]
    due = sum(count.get("due", 0) for count in counts)
    if not who.trained or not due:
        return None
    shares = [100.0 * sum(count.get(name, 0) for count in counts) / due for name, _ in COUNTERS]
    return HintRow(
        who, due, tuple(f"{share:.1f}" for share in shares), _times(who, "batch"), _times(who, "hint"), _sources(traces)
    )


def _times(who: Contestant, what: str) -> str:
    """Return the percentiles 50, 95 and 99 of the provider's wall times (ms)."""
    told = [one.latency for one in who.evaluations if one.latency.get("batches")]
    if not told:
        return "–"
    # Of several evaluations the slowest: a mean of percentiles is none.
    slowest = max(told, key=lambda latency: float(latency.get(f"{what}_p99_ms") or 0.0))
    return " / ".join(f"{float(slowest.get(f'{what}_{part}_ms') or 0.0):.3g}" for part in ("p50", "p95", "p99"))


def _sources(traces: Traces | None) -> str:
    if traces is None or not traces.sources:
        return "–"
    total = traces.sources.total()
    return ", ".join(f"{name} {100 * count / total:.0f} %" for name, count in traces.sources.most_common(4))
