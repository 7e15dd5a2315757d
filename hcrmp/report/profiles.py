"""Performance profiles (Agarwal et al. 2021): how many conditions a planner succeeds in more often than that."""

from __future__ import annotations

import numpy as np

from hcrmp import crossed
from hcrmp.metrics import cell_scores
from hcrmp.report.contestants import Contestant, Course
from hcrmp.report.estimates import NOTHING
from hcrmp.report.results import SUCCESS, Value, value
from hcrmp.report.svg import Line, chart, share_axis

LEVELS = np.linspace(0.0, 1.0, 41)
"""Success rates at which the profile is told."""

LEAST_CELLS = 4
"""Cells below which a profile is no distribution."""


def profile_chart(course: Course, seed: int) -> str:
    """Return the chart of the contestants' profiles; "" where there are too few cells."""
    if len(course.cells) < LEAST_CELLS:
        return ""
    lines = [_line(who, seed) for who in course.contestants if who.records]
    title = "Share of conditions and seeds in which a planner succeeds more often"
    x, y = share_axis("success in a condition, more than (%)"), share_axis()
    return chart(title, lines, x, y, width=480.0, height=270.0) if lines else ""


def _line(who: Contestant, seed: int) -> Line:
    # A band over two or three seeds would fill the chart: each planner's cells count as cells of one.
    units = [planner[None] for cell in cell_scores(who.records, SUCCESS.of) for planner in cell]
    values, lows, highs = crossed.estimates(
        [units],
        lambda means: crossed.profile_of_cells(means, LEVELS),
        np.random.default_rng(seed),
        bounds=(0.0, 1.0),
    )
    return Line(who.name, who.index, LEVELS.tolist(), values.tolist(), lows.tolist(), highs.tolist())


def middle(who: Contestant, seed: int) -> Value:
    """Return the interquartile mean of the success rates of a contestant's cells and seeds, with its interval."""
    if not who.records:
        return value(SUCCESS, NOTHING)
    scores, rng = cell_scores(who.records, SUCCESS.of), np.random.default_rng(seed)
    return value(SUCCESS, crossed.share(scores, rng, crossed.interquartile_mean_of_cells))
