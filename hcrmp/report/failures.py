"""The failure taxonomy: what went wrong in each episode, with whom, from where, when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.metrics.infractions import Infraction
from hcrmp.episode_record import EpisodeRecord
from hcrmp.report.contestants import Contestant
from hcrmp.report.material import Evaluation

STANDING_MPS = 1.0
"""Whoever runs out of time with a lower mean speed stood rather than drove (ours)."""

GROUPS = ("Collisions", "Leaving the way", "Running out of time", "Breaking a rule", "Infrastructure")

RULES = {
    "red_light": "red light run",
    "stop_sign": "stop sign run",
    "wrong_way": "wrong way",
}
LOST = "route_deviation"
SIDES = {"front": "at the front", "rear": "from behind", "left": "on the left", "right": "on the right"}


@dataclass(frozen=True)
class Kind:
    """A kind of failure: the ``group`` it belongs to, and itself in ``words``."""

    group: str
    words: str

    def __str__(self) -> str:
        return f"{self.group.lower()}: {self.words}"


@dataclass(frozen=True)
class Failure:
    """One failure: its ``kind``, the episode and when in it (s); ``on_the_way``: the episode went on after it."""

    kind: Kind
    contestant: Contestant
    evaluation: Evaluation
    record: EpisodeRecord
    time_s: float
    on_the_way: bool = False

    @property
    def drive(self) -> Path | None:
        """The recorded drive, where there is one."""
        return self.evaluation.drive_of(self.record)


def failures(contestant: Contestant) -> list[Failure]:
    """Return all failures of a contestant: how episodes ended, and the rules that were broken on the way."""
    return [found for one in contestant.evaluations for record in one.records for found in _of(contestant, one, record)]


def _of(contestant: Contestant, one: Evaluation, record: EpisodeRecord) -> list[Failure]:
    found = []
    rules = [infraction for infraction in record.infractions if infraction.kind in RULES]
    if record.outcome != "success":
        kind, time_s = ending(record)
        found.append(Failure(kind, contestant, one, record, time_s))
        # The one that ended it is told already.
        rules = [rule for rule in rules if record.outcome != "violation" or rule.time_s != time_s]
    return found + [
        Failure(Kind(GROUPS[3], RULES[rule.kind]), contestant, one, record, rule.time_s, on_the_way=True)
        for rule in rules
    ]


def ending(record: EpisodeRecord) -> tuple[Kind, float]:
    """Return as what an episode failed, and when (s)."""
    if record.outcome == "collision":
        struck = _last(record.infractions, "collision")
        # In UN R157's situations the regulation's careful driver says whose fault it was.
        verdict = f" ({record.careful_driver})" if record.careful_driver in ("preventable", "unavoidable") else ""
        return Kind(GROUPS[0], _collision_words(struck) + verdict), struck.time_s if struck else record.time_s
    if record.outcome == "off_road":
        return Kind(GROUPS[1], "off the road"), record.time_s
    if record.outcome == "timeout":
        stood = record.mean_speed_mps < STANDING_MPS
        return Kind(GROUPS[2], "stood still" if stood else "too slow"), record.time_s
    if record.outcome == "violation":
        rules = [infraction for infraction in record.infractions if infraction.kind in (*RULES, LOST)]
        if rules and rules[-1].kind != LOST:
            return Kind(GROUPS[3], RULES[rules[-1].kind]), rules[-1].time_s
        lost = _last(record.infractions, LOST)
        if lost is not None:
            return Kind(GROUPS[1], "off the route"), lost.time_s
        return Kind(GROUPS[3], "against the rules"), record.time_s
    return Kind(GROUPS[4], "simulator or server failed"), record.time_s


def _last(infractions: Sequence[Infraction], kind: str) -> Infraction | None:
    return next((one for one in reversed(infractions) if one.kind.startswith(kind)), None)


def _collision_words(struck: Infraction | None) -> str:
    if struck is None:
        return "with somebody"  # a result of an earlier version
    other = {"": "the road's furniture", "static": "an obstacle"}.get(struck.actor_kind, struck.actor_kind)
    return f"{other}, {SIDES[struck.side]}" if struck.side else other


def by_kind(found: Sequence[Failure]) -> dict[Kind, list[Failure]]:
    """Return failures by their kind: groups in their order, in each the most frequent first."""
    kinds: dict[Kind, list[Failure]] = {}
    for failure in found:
        kinds.setdefault(failure.kind, []).append(failure)
    order = sorted(kinds, key=lambda kind: (GROUPS.index(kind.group), -len(kinds[kind]), kind.words))
    return {kind: kinds[kind] for kind in order}
