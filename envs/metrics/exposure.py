"""How long and how deep: TET and TIT over a recorded time to collision.

Minderhoud and Bovy (2001), "Extended time-to-collision measures for road traffic safety assessment", Accident Analysis
and Prevention 33: over the time during which 0 <= TTC <= threshold, TET sums the time and TIT the shortfall
(threshold - TTC). Both as sums over ticks, each of which counts for one period; read in the catalogue of Westhofen et
al. (2022), which gives the integrals.
"""

from __future__ import annotations

import numpy as np

from envs.scene import BoolArray, FloatArray


def time_exposed(ttc_s: FloatArray, threshold_s: float, period_s: float) -> FloatArray:
    """Return TET (s): the time that ``ttc_s`` ``(..., T)`` spent at or below ``threshold_s``; ``period_s`` a tick."""
    exposed: FloatArray = np.sum(_exposed(ttc_s, threshold_s), axis=-1) * period_s
    return exposed


def time_integrated(ttc_s: FloatArray, threshold_s: float, period_s: float) -> FloatArray:
    """Return TIT (s2): the shortfall below ``threshold_s`` of ``ttc_s`` ``(..., T)``, summed over time."""
    shortfall = np.where(_exposed(ttc_s, threshold_s), threshold_s - ttc_s, 0.0)
    integrated: FloatArray = shortfall.sum(axis=-1) * period_s
    return integrated


def _exposed(ttc_s: FloatArray, threshold_s: float) -> BoolArray:
    return (ttc_s >= 0.0) & (ttc_s <= threshold_s)
