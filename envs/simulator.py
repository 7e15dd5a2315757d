"""The Simulator protocol: what every world, embedded or CARLA, offers the environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from envs.scenarios.scenario import ConcreteScenario
from envs.scene import BoolArray, FloatArray, SceneBatch

DECISION_PERIOD_S = 0.1
"""Simulated seconds between two decisions of the planner (10 Hz)."""


@runtime_checkable
class Simulator(Protocol):
    """B worlds that take one control each and return one SceneBatch.

    ``control`` is ``(B, 3)``: throttle in [0, 1], brake in [0, 1], steer in [-1, 1] (positive left).
    """

    @property
    def batch_size(self) -> int:
        """Number of worlds B."""
        ...

    def reset(self, scenarios: Sequence[ConcreteScenario], mask: BoolArray | None = None) -> SceneBatch:
        """Start the given scenarios, one for each true row of ``mask`` (all rows by default), in row order."""
        ...

    def step(self, control: FloatArray) -> SceneBatch:
        """Advance every world by ``DECISION_PERIOD_S`` and return the scene, which lives until the next call."""
        ...

    def state(self) -> dict[str, Any]:
        """Return everything that the future depends on, as plain arrays (for checkpoints and branches)."""
        ...

    def set_state(self, state: dict[str, Any]) -> SceneBatch:
        """Restore what ``state`` returned; the next steps are bit-identical."""
        ...

    def close(self) -> None:
        """Release everything; further calls raise."""
        ...
