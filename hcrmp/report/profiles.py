"""Performance profiles (Agarwal et al. 2021): in what share of the cells a planner succeeds at least so often."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcrmp import statistics
from hcrmp.report.contestants import Contestant, Course
from hcrmp.report.estimates import RESAMPLES, strata
from hcrmp.report.results import SUCCESS
from hcrmp.report.svg import Line, chart, share_axis

LEVELS = np.linspace(0.0, 1.0, 41)
"""Success rates at which the profile is told."""

LEAST_UNITS = 4
"""Cells times seeds below which a profile is no distribution."""

Numbers = npt.NDArray[np.float64]


def profile_chart(course: Course, seed: int) -> str:
    """Return the chart of the contestants' profiles; "" where there are too few cells."""
    lines = [line for who in course.contestants if (line := _line(who, seed)) is not None]
    if not lines:
        return ""
    title = "Share of conditions and seeds in which a planner succeeds at least so often"
    x, y = share_axis("success in a condition, at least (%)"), share_axis()
    return chart(title, lines, x, y, width=480.0, height=270.0)


def _line(who: Contestant, seed: int) -> Line | None:
    units = [cell for planner in strata(who, SUCCESS.of) for cell in planner]
    if len(units) < LEAST_UNITS:
        return None
    rates = np.array([unit.mean() for unit in units])
    rng = np.random.default_rng(seed)
    # Episodes of a unit resampled: their number of successes is binomial.
    drawn = np.stack([rng.binomial(unit.size, unit.mean(), RESAMPLES) / unit.size for unit in units], axis=-1)
    lows, highs = np.quantile(profile(drawn), (0.025, 0.975), axis=0)
    return Line(who.name, who.index, LEVELS.tolist(), profile(rates[None])[0].tolist(), lows.tolist(), highs.tolist())


def profile(rates: Numbers) -> Numbers:
    """Return the share of the ``rates`` ``(r, units)`` that reach each of ``LEVELS``, ``(r, levels)``."""
    return np.asarray((rates[:, None, :] >= LEVELS[None, :, None] - 1e-9).mean(axis=-1))


def middle(who: Contestant) -> str:
    """Return the interquartile mean of the success rates of a contestant's cells and seeds, percent."""
    units = [cell.mean() for planner in strata(who, SUCCESS.of) for cell in planner]
    return f"{100.0 * statistics.interquartile_mean(units):.1f}" if units else "–"
