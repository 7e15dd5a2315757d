"""The measurement of stability: ask each scene often, with and without anchors, and tell what came of it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from rich.table import Table

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.hint import CRITICS
from llm_hints.knowledge.stability import (
    CONFIDENCE,
    Interval,
    Separation,
    Spread,
    reduction_percent,
    separation,
    spread,
)

PAPER_REDUCTION_PERCENT = 54.67
"""What the paper reports for its road-works scene."""


class AskWeights(Protocol):
    """A provider that is asked for weights alone, again and again."""

    def __call__(self, scene: SceneBatch, rows: IntArray, repeats: IntArray, *, anchored: bool) -> FloatArray:
        """Return weights ``(n, 3)`` in the order of ``CRITICS`` for the worlds ``rows`` (n); NaN rows for no answer.

        ``repeats`` ``(n,)`` says which repetition each question is: it chooses the wording and seeds the sampling, so
        that the same repetition is asked with and without anchors.
        """
        ...


@dataclass(frozen=True, slots=True)
class LabelledScenes:
    """``scene`` of S worlds; ``dangerous``, ``safe`` ``(S,)``: which clearly are; the others count for variance."""

    scene: SceneBatch
    dangerous: BoolArray
    safe: BoolArray

    def __post_init__(self) -> None:
        """Refuse labels of another number of worlds, and worlds that are both."""
        for name in ("dangerous", "safe"):
            if getattr(self, name).shape != (self.scene.batch_size,):
                raise ValueError(
                    f"{name} has shape {getattr(self, name).shape}; ({self.scene.batch_size},) is needed, one per world"
                )
        if (self.dangerous & self.safe).any():
            raise ValueError("a world came that is labelled both dangerous and safe")


@dataclass(frozen=True, slots=True)
class StabilityReport:
    """What anchors change; variances are of weights, in their unit squared.

    ``scenes`` that were answered at least twice both ways, of ``asked`` ones, each ``repeats`` times; ``plain`` and
    ``anchored`` spreads and separations; ``reduction`` of the variance within a scene, percent; ``unanswered`` shares
    of the questions without and with anchors.
    """

    asked: int
    scenes: int
    repeats: int
    plain: Spread
    anchored: Spread
    reduction: Interval
    plain_separation: Separation
    anchored_separation: Separation
    unanswered: tuple[float, float]

    def to_json(self) -> str:
        """Return the report as JSON; what is not defined is null."""
        return json.dumps(
            {
                "asked": self.asked,
                "scenes": self.scenes,
                "repeats": self.repeats,
                "confidence": CONFIDENCE,
                "reduction_percent": _numbers(self.reduction),
                "plain": _side(self.plain, self.plain_separation, self.unanswered[0]),
                "anchored": _side(self.anchored, self.anchored_separation, self.unanswered[1]),
            },
            indent=2,
        )

    def table(self) -> Table:
        """Return the report for people."""
        title = f"Stability of the weights: {self.scenes} of {self.asked} scenes, each asked {self.repeats} times"
        table = Table("measure", "without anchors", "with anchors", title=title)
        for name, first, second in self.rows():
            table.add_row(name, first, second)
        low, high = _shown(self.reduction.low, 1), _shown(self.reduction.high, 1)
        table.caption = (
            f"Variance within a scene: {_shown(self.reduction.value, 1)} % less with anchors "
            f"({CONFIDENCE:.0%} of resampled sets of scenes: {low} to {high}); the paper: {PAPER_REDUCTION_PERCENT} %"
        )
        return table

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the measures in words: name, without anchors, with anchors."""
        pairs: list[tuple[str, float, float, int]] = [
            ("variance within a scene", self.plain.within, self.anchored.within, 5)
        ]
        for column, name in enumerate(CRITICS):
            pairs.append((f"  {name}", self.plain.by_critic[column], self.anchored.by_critic[column], 5))
        pairs.append(("variance between scenes", self.plain.between, self.anchored.between, 5))
        ratios = self.plain.between_per_within, self.anchored.between_per_within
        pairs.append(("  per variance within a scene", *ratios, 1))
        for column, name in enumerate(CRITICS):
            pairs.append((f"mean weight of {name}", self.plain.mean[column], self.anchored.mean[column], 3))
        first, second = self.plain_separation, self.anchored_separation
        pairs += [
            ("danger in the safety weight: AUROC", first.auroc, second.auroc, 3),
            ("  Cohen's d", first.cohens_d, second.cohens_d, 2),
            ("  overlap", first.overlap, second.overlap, 3),
            ("unanswered, %", 100.0 * self.unanswered[0], 100.0 * self.unanswered[1], 1),
        ]
        return [(name, _shown(one, digits), _shown(other, digits)) for name, one, other, digits in pairs]


def measure(
    ask: AskWeights, scenes: LabelledScenes, repeats: int, rng: np.random.Generator | None = None
) -> StabilityReport:
    """Return what anchors change in the answers of ``ask`` to ``scenes``, each asked ``repeats`` times both ways.

    ``rng`` draws the resamples of the interval; the same one for the same report where none is given.
    """
    if repeats < 2:
        raise ValueError(f"repeats = {repeats} came; the variance of a scene needs at least 2")
    plain = _asked(ask, scenes.scene, repeats, anchored=False)
    anchored = _asked(ask, scenes.scene, repeats, anchored=True)
    kept = (_answers(plain) >= 2) & (_answers(anchored) >= 2)
    if not kept.any():
        raise ValueError("no scene was answered twice both with and without anchors: see what the provider says")
    first, second = spread(plain[kept]), spread(anchored[kept])
    dangerous, safe = scenes.dangerous[kept], scenes.safe[kept]
    return StabilityReport(
        asked=len(kept),
        scenes=int(kept.sum()),
        repeats=repeats,
        plain=first,
        anchored=second,
        reduction=reduction_percent(first.by_scene, second.by_scene, rng or np.random.default_rng(0)),
        plain_separation=separation(plain[kept], dangerous, safe),
        anchored_separation=separation(anchored[kept], dangerous, safe),
        unanswered=(_unanswered(plain), _unanswered(anchored)),
    )


def _asked(ask: AskWeights, scene: SceneBatch, repeats: int, *, anchored: bool) -> FloatArray:
    """Return ``(S, R, 3)``: every scene's answers."""
    rows = np.repeat(np.arange(scene.batch_size), repeats)
    repetition = np.tile(np.arange(repeats), scene.batch_size)
    weights = np.asarray(ask(scene, rows, repetition, anchored=anchored), dtype=np.float64)
    if weights.shape != (len(rows), len(CRITICS)):
        raise ValueError(f"weights of shape {weights.shape} came; {(len(rows), len(CRITICS))} are needed")
    return weights.reshape(scene.batch_size, repeats, len(CRITICS))


def _answers(weights: FloatArray) -> IntArray:
    """Return how many answers ``(S,)`` each scene has."""
    counts: IntArray = np.isfinite(weights).all(axis=2).sum(axis=1)
    return counts


def _unanswered(weights: FloatArray) -> float:
    return float(1.0 - np.isfinite(weights).all(axis=2).mean())


def _side(spreads: Spread, parts: Separation, unanswered: float) -> dict[str, Any]:
    """Return the numbers of one way of asking."""
    return {
        "variance_within": _number(spreads.within),
        "variance_within_by_critic": _by_critic(spreads.by_critic),
        "variance_within_by_scene": [_number(value) for value in spreads.by_scene],
        "variance_between": _number(spreads.between),
        "between_per_within": _number(spreads.between_per_within),
        "mean_weights": _by_critic(spreads.mean),
        "separation": {name: _number(getattr(parts, name)) for name in ("auroc", "cohens_d", "overlap")},
        "unanswered": unanswered,
    }


def _by_critic(values: FloatArray) -> dict[str, float | None]:
    return {name: _number(value) for name, value in zip(CRITICS, values, strict=True)}


def _numbers(interval: Interval) -> dict[str, float | None]:
    return {name: _number(getattr(interval, name)) for name in ("value", "low", "high")}


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _shown(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"
