"""From outcomes to curves: success against the share of wrong hints, with intervals over seeds and episodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hcrmp import crossed
from hcrmp.crossed import Scores
from hcrmp.episode_record import Outcome
from hcrmp.results import estimate_text
from hcrmp.robustness.measurements import LETTERS, Measurement, Outcomes
from hcrmp.robustness.planners import CLEAN, Faults, Planner, group
from hcrmp.statistics import Estimate, FloatArray
from llm_hints.providers.faulty import WrongMode

Measured = Callable[[Planner, Faults], Measurement]


@dataclass(frozen=True, slots=True)
class Share:
    """The share of episodes in [0, 1] that ended in some way: over all planners, and of each by its training seed."""

    over_all: Estimate
    seeds: dict[int, float]


@dataclass(frozen=True, slots=True)
class Point:
    """How the episodes of a method ended at one ``rate``.

    ``lost``: success with right hints less success here, on the same episodes; None where that was not measured.
    """

    rate: float
    success: Share
    collision: Share
    lost: Estimate | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """The points of a ``method`` by rate, for one way of being wrong."""

    method: str
    mode: WrongMode
    points: tuple[Point, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain values for JSON."""
        return asdict(self)


def named_with_seeds(curves: Sequence[Curve]) -> dict[str, str]:
    """Return each method's name with the number of its training seeds, which may differ from point to point."""
    named = {}
    for method in dict.fromkeys(curve.method for curve in curves):
        counts = {len(point.success.seeds) for curve in curves if curve.method == method for point in curve.points}
        fewest, most = min(counts), max(counts)
        number = f"{most}" if fewest == most else f"{fewest} to {most}"
        named[method] = f"{method} ({number} seed{'' if most == 1 else 's'})"
    return named


def faults_to_meet(rates: Sequence[float], modes: Sequence[WrongMode]) -> list[Faults]:
    """Return what a run is measured at: every rate in every mode; right hints are right in any mode, so once."""
    pairs = [CLEAN if rate == 0.0 else Faults(rate, mode) for mode in modes for rate in sorted(rates)]
    return list(dict.fromkeys(pairs))


def curves_at_test(
    planners: Sequence[Planner], rates: Sequence[float], modes: Sequence[WrongMode], of: Measured, seed: int
) -> list[Curve]:
    """Return for each way of being wrong the curve of each method: wrong hints meet the trained planner."""
    curves = []
    for mode in modes:
        for method, members in group(planners, over_training=False).items():
            clean = [of(one, CLEAN) for one in members] if 0.0 in rates else None
            points = [
                _point(rate, members, [of(one, Faults(rate, mode) if rate else CLEAN) for one in members], seed, clean)
                for rate in sorted(rates)
            ]
            curves.append(Curve(method, mode, tuple(points)))
    return curves


def curves_of_training(planners: Sequence[Planner], modes: Sequence[WrongMode], of: Measured, seed: int) -> list[Curve]:
    """Return for each way of being wrong that a training met the curve of each method over its runs' rates."""
    curves = []
    met = {one.trained.mode for one in planners if one.trained != CLEAN}
    for mode in [mode for mode in modes if mode in met] or modes[:1]:
        for method, members in group(planners, over_training=True).items():
            points = [
                _point(rate, same, [of(one, one.trained) for one in same], seed)
                for rate, same in _by_trained_rate(members, mode).items()
            ]
            if points:
                curves.append(Curve(method, mode, tuple(points)))
    return curves


def _by_trained_rate(planners: Sequence[Planner], mode: WrongMode) -> dict[float, list[Planner]]:
    """Return those that were trained with hints that were right, or wrong in the ``mode``, by rate, ascending."""
    relevant = [one for one in planners if one.trained == CLEAN or one.trained.mode == mode]
    rates = sorted({one.trained.rate for one in relevant})
    return {rate: [one for one in relevant if one.trained.rate == rate] for rate in rates}


def _point(
    rate: float,
    planners: Sequence[Planner],
    measurements: Sequence[Measurement],
    seed: int,
    clean: Sequence[Measurement] | None = None,
) -> Point:
    success = _share(planners, measurements, "success", seed)
    collision = _share(planners, measurements, "collision", seed)
    lost = None
    if clean is not None and rate > 0.0:
        lost = _lost(_scores(clean, "success"), _scores(measurements, "success"), seed)
    return Point(rate, success, collision, lost)


def _share(planners: Sequence[Planner], measurements: Sequence[Measurement], outcome: Outcome, seed: int) -> Share:
    seeds = {one.config.seed: _mean(m.outcomes, outcome) for one, m in zip(planners, measurements, strict=True)}
    return Share(share(measurements, outcome, seed), seeds)


def share(measurements: Sequence[Measurement], outcome: Outcome, seed: int) -> Estimate:
    """Return the share of episodes that ended so: the mean over planners and cells, each weighing the same.

    The interval goes over planners and over episodes within their cell (``hcrmp.crossed``); where all or none ended so,
    it is Wilson's. Episodes that the infrastructure ended do not count.
    """
    return crossed.share(_scores(measurements, outcome), np.random.default_rng(seed))


def _scores(measurements: Sequence[Measurement], outcome: Outcome) -> list[FloatArray]:
    """Return by planner and episode, ``(P, n_c)`` for each cell, whether it ended so; NaN where nobody can say."""
    return [
        np.stack(_padded([_hits(one.outcomes[cell], outcome) for one in measurements]))
        for cell in measurements[0].outcomes
    ]


def _padded(rows: Sequence[FloatArray]) -> list[FloatArray]:
    """Return rows of one length: a planner may have driven fewer episodes than another."""
    length = max(map(len, rows))
    return [np.pad(row, (0, length - len(row)), constant_values=np.nan) for row in rows]


def _hits(letters: str, outcome: Outcome) -> FloatArray:
    """Return for each episode 1 where it ended so, 0 where not, NaN where the infrastructure ended it, ``(n,)``."""
    broken, wanted = LETTERS["infrastructure"], LETTERS[outcome]
    return np.array([np.nan if letter == broken else float(letter == wanted) for letter in letters])


def _mean(outcomes: Outcomes, outcome: Outcome) -> float:
    return float(np.mean([np.nanmean(_hits(letters, outcome)) for letters in outcomes.values()]))


def _lost(before: Scores, after: Scores, seed: int) -> Estimate:
    """Return success ``before`` less success ``after``, of the same planners in the same episodes."""
    apart = [a - b for a, b in zip(before, after, strict=True)]
    found = crossed.estimate([apart], crossed.mean_of_cells, np.random.default_rng(seed), bounds=(-1.0, 1.0))
    if found.low < found.high:
        return found
    return crossed.difference_of_shares(before, after, np.random.default_rng(seed))  # which knows what to say then


# ---- for people


def markdown(curves: Sequence[Curve], title: str) -> str:
    """Return the curves as Markdown tables: success, collisions, what was lost, and every seed."""
    tables: dict[str, Callable[[Point], str]] = {
        "Success, %": lambda point: estimate_text(point.success.over_all, 100.0, 1),
        "Collisions, %": lambda point: estimate_text(point.collision.over_all, 100.0, 1),
        "Success lost against right hints, same episodes, points": lambda point: (
            "-" if point.lost is None else estimate_text(point.lost, 100.0, 1)
        ),
        "Success of each seed, %": lambda point: _seeds_text(point.success),
        "Collisions of each seed, %": lambda point: _seeds_text(point.collision),
    }
    names = named_with_seeds(curves)
    lines = [
        f"# {title}",
        "",
        "95 % intervals go over training seeds and over episodes within their cell; of one seed, its episodes alone.",
        "",
    ]
    for mode in dict.fromkeys(curve.mode for curve in curves):
        chosen = [curve for curve in curves if curve.mode == mode]
        rates = sorted({point.rate for curve in chosen for point in curve.points})
        for heading, text in tables.items():
            rows = [[names[curve.method], *_row(curve, rates, text)] for curve in chosen]
            if any(cell != "-" for row in rows for cell in row[1:]):
                head = [f"wrong hints ({mode})", *(f"{100 * rate:g} %" for rate in rates)]
                lines += [f"{heading}:", "", *_table(head, rows), ""]
    return "\n".join(lines)


def _seeds_text(share: Share) -> str:
    return " / ".join(f"{100 * share.seeds[seed]:.1f}" for seed in sorted(share.seeds))


def _row(curve: Curve, rates: Sequence[float], text: Callable[[Point], str]) -> list[str]:
    by_rate: Mapping[float, Point] = {point.rate: point for point in curve.points}
    return [text(by_rate[rate]) if rate in by_rate else "-" for rate in rates]


def _table(head: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]
