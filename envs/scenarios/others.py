"""Road users that several families have: vehicles that come towards the ego, one more of them at each density."""

from __future__ import annotations

from envs.scenarios.scenario import ActorSpec, Driver, Range
from envs.scene import ActorKind

BRISK = Driver(headway=Range(0.6, 1.0), max_acceleration=Range(1.0, 2.0), hardest_brake=Range(5.0, 7.0))
"""Drivers who keep up and brake hard where they must."""


def one_two_three(density: str) -> int:
    """Return 1, 2 or 3 at low, medium or high density."""
    return {"low": 1, "medium": 2, "high": 3}[density]


def oncoming(
    density: str, first: Range, gap: Range, speed: Range, desired: Range, kinds: tuple[ActorKind, ...]
) -> list[ActorSpec]:
    """Return 1 / 2 / 3 vehicles of the oncoming lane: the first ``first`` ahead of the ego, ``gap`` apart (m, m/s)."""
    return [
        ActorSpec(f"oncoming{i}", "oncoming", first if i == 0 else gap, after="ego" if i == 0 else f"oncoming{i - 1}",
                  kinds=kinds, speed=speed, desired_speed=desired, driver=BRISK)
        for i in range(one_two_three(density))
    ]  # fmt: skip
