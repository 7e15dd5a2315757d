"""Did the same evaluation go the same way again? Every episode has a hash of all that happened in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hcrmp.comparison.journal import Attempt, Key


@dataclass(frozen=True, slots=True)
class Changed:
    """An episode that went otherwise than before; the outcomes tell whether it also ended otherwise."""

    member: str
    cell: str
    number: int
    repetition: int
    before: str
    after: str
    outcome_before: str
    outcome_after: str


@dataclass(frozen=True, slots=True)
class Drift:
    """Of ``compared`` episodes, driven in both evaluations, those that ``changed``."""

    compared: int
    changed: tuple[Changed, ...]

    def words(self) -> str:
        """Return one line."""
        if not self.compared:
            return "drift: nothing was driven before that could be compared"
        if not self.changed:
            return f"drift: none, all {self.compared} episodes went exactly as before"
        ended = sum(one.outcome_before != one.outcome_after for one in self.changed)
        first = self.changed[0]
        return (
            f"drift: {len(self.changed)} of {self.compared} episodes went otherwise than before, "
            f"{ended} ended otherwise; the first is {first.cell} {first.number} of {first.member}"
        )


def drift_between(before: Mapping[Key, Sequence[Attempt]], after: Mapping[Key, Sequence[Attempt]]) -> Drift:
    """Return what changed from one evaluation to the next, in the episodes that were driven to their end in both."""
    last = {key: (before[key][-1], tried[-1]) for key, tried in after.items() if before.get(key) and tried}
    both = {key: pair for key, pair in last.items() if not pair[0].lost and not pair[1].lost}
    changed = [_changed(key, *pair) for key, pair in both.items() if pair[0].trace_hash != pair[1].trace_hash]
    return Drift(len(both), tuple(changed))


def _changed(key: Key, before: Attempt, after: Attempt) -> Changed:
    outcomes = ("" if one.record is None else one.record.outcome for one in (before, after))
    return Changed(*key, before.trace_hash, after.trace_hash, *outcomes)
