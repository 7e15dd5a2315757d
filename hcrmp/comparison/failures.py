"""What went wrong: episodes that did not succeed, and attempts that the infrastructure broke off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hcrmp.comparison.journal import Attempt, Key
from hcrmp.episode_record import EpisodeRecord

Judged = Mapping[tuple[str, int], str]
"""How the reference driver's drive of an episode ended, by (cell, episode seed)."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An episode that did not succeed: which, how it ended and when (s into the episode), and whose fault it was.

    ``verdict`` on a collision: "preventable" or "unavoidable" by UN R157's careful driver in the regulation's
    situations, elsewhere by whether the reference driver, which tries its manoeuvres in copies of the world, collided
    in the same episode too; "" where nobody can say. ``drive``: its recording, from the results' folder; None: there is
    none.
    """

    member: str
    cell: str
    number: int
    seed: int
    repetition: int
    outcome: str
    moment_s: float | None
    cause: str
    verdict: str
    drive: str | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """What the infrastructure broke off: attempts, episodes whose first attempt was lost, and what became of those.

    ``errors`` counts the attempts by what was told of them.
    """

    lost_attempts: int
    episodes_lost_first: int
    recovered: int
    given_up: int
    errors: dict[str, int]


def failures_of(attempts: Mapping[Key, Sequence[Attempt]], judged: Judged) -> tuple[Failure, ...]:
    """Return the episodes that did not succeed, by their last attempt; each attempt has a record."""
    last = [tried[-1] for tried in attempts.values()]
    return tuple(_failure(one, judged) for one in last if one.record is not None and one.record.outcome != "success")


def _failure(attempt: Attempt, judged: Judged) -> Failure:
    member, cell, number, repetition = attempt.key
    record = attempt.record
    assert record is not None
    moment_s = None if attempt.error else record.time_s
    return Failure(
        member, cell, number, record.seed, repetition, record.outcome, moment_s, _cause(record, attempt.error),
        verdict_on(record, judged),
    )  # fmt: skip


def verdict_on(record: EpisodeRecord, judged: Judged) -> str:
    """Return whether a collision was "preventable" or "unavoidable"; "" for anything else, and where nobody can say."""
    if record.outcome != "collision":
        return ""
    if record.careful_driver:
        return "unavoidable" if record.careful_driver == "unavoidable" else "preventable"
    other = judged.get((record.cell, record.seed))
    if other is None:
        return ""
    return "unavoidable" if other == "collision" else "preventable"


def _cause(record: EpisodeRecord, error: str) -> str:
    if error:
        return error
    return record.infractions[-1].kind.replace("_", " ") if record.infractions else record.outcome.replace("_", " ")


def lost_of(attempts: Mapping[Key, Sequence[Attempt]]) -> Lost:
    """Return what the infrastructure broke off."""
    tried = [one for one in attempts.values() if one]
    lost = [attempt for one in tried for attempt in one if attempt.lost]
    first = [one for one in tried if one[0].lost]
    given_up = sum(one[-1].lost for one in tried)
    errors = Counter(attempt.error or "the world broke down" for attempt in lost)
    return Lost(len(lost), len(first), len(first) - sum(one[-1].lost for one in first), given_up, dict(errors))
