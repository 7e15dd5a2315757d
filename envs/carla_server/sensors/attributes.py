"""Numbers among the attributes of a sensor, which a client writes as text."""

from __future__ import annotations

import math

from envs.carla_server.actors import Actor


def clipped(actor: Actor, name: str, default: float, low: float, high: float) -> float:
    """Return an attribute as a number within ``[low, high]``; ``default`` where it is none."""
    try:
        value = float(actor.attribute(name, str(default)))
    except ValueError:
        return default
    return min(max(value, low), high) if math.isfinite(value) else default
