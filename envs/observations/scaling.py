"""Scaling that the blocks share."""

from __future__ import annotations

from envs.compiled import njit


@njit
def clip_unit(value: float) -> float:
    """Return ``value`` clipped to [-1, 1]."""
    return min(1.0, max(-1.0, value))


@njit
def nearness(distance_m: float, range_m: float) -> float:
    """Return 1 at distance zero, 0 at ``range_m`` and beyond, linear between."""
    return min(1.0, max(0.0, 1.0 - distance_m / range_m))
