"""What the trained methods of a course differ in, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hcrmp.mapping import from_mapping, to_mapping
from hcrmp.report.contestants import Contestant, Course, hint_words
from hcrmp.report.estimates import difference, estimate
from hcrmp.report.results import COLLISION, SUCCESS, Value, signed, value
from hcrmp.report.runs import OWN, leaves, written
from hcrmp.sections import HintsConfig
from hcrmp.statistics import Estimate

SHOWN = 6
"""Settings that are told of each method."""


@dataclass(frozen=True)
class Ablation:
    """One method: the ``settings`` in which it differs from the first, ``more`` of them, and its results."""

    who: Contestant
    settings: tuple[tuple[str, str], ...]
    more: int
    success: Value
    collision: Value
    difference: Value


def ablations(course: Course, seed: int) -> list[Ablation]:
    """Return a row for each trained method; none where there is one method alone."""
    trained = [who for who in course.contestants if who.trained and _settings(who)]
    if len(trained) < 2:
        return []
    return [_row(who, trained[0], seed) for who in trained]


def _row(who: Contestant, first: Contestant, seed: int) -> Ablation:
    mine, theirs = _settings(who), _settings(first)
    changed = [(key, mine.get(key, "–")) for key in mine | theirs if mine.get(key) != theirs.get(key)]
    found, _ = (Estimate(0.0, 0.0, 0.0), 0) if who is first else difference(who, first, SUCCESS.of, seed)
    success, collision = (value(one, estimate(who, one.of, seed, one.bounds)) for one in (SUCCESS, COLLISION))
    against = Value("–") if who is first else signed(found)
    return Ablation(who, tuple(changed[:SHOWN]), max(0, len(changed) - SHOWN), success, collision, against)


def _settings(who: Contestant) -> dict[str, str]:
    """Return the settings of a method's training, and the hints of its evaluation where they were others."""
    one = who.evaluations[0]
    if one.run is None or one.run.config is None:
        return {}
    found = {key: written(value) for key, value in leaves(to_mapping(one.run.config)).items()}
    found = {key: text for key, text in found.items() if key.split(".")[0] not in (*OWN, "seed")}
    hints = one.config.get("hints")
    if isinstance(hints, Mapping):
        found["evaluated with"] = hint_words(from_mapping(HintsConfig, hints, "hints"))
    return found
