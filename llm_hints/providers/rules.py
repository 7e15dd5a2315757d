"""The ``rules`` provider: a deterministic expert that answers at once from the scene's geometry.

It stands in for a language model where there is none, teaches the bundled one, and is the yardstick of both.
Its rules are in ``llm_hints.risk``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.scene import FloatArray, IntArray, SceneBatch
from llm_hints.hint import CRITICS, STATE_SIZE, HintBatch, HintSource
from llm_hints.providers.base import HintAnswers
from llm_hints.risk import Parameter, assess


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """Thresholds of the expert."""

    range_m: float = 50.0
    """Within it road users count for density and as entities (m)."""
    medium_from: int = 3
    """Visible road users in range from which the density is medium (the paper's conditions: 1 to 2 others are low)."""
    high_from: int = 6
    """From which it is high (the paper's: 8)."""
    free_weights: tuple[float, float, float] = (0.25, 0.60, 0.15)
    """Weights at risk 0: safety, efficiency, comfort (ours)."""
    danger_weights: tuple[float, float, float] = (0.80, 0.10, 0.10)
    """Weights at risk 1, in the same order (ours)."""
    blind_spot_risk: float = 0.55
    """Highest risk of a standing vehicle beside the path, in [0, 1]; 0 turns the rule off."""
    entity_score: float = 0.02
    """Risk, plus up to 0.1 for nearness, that a road user needs to be named, in [0, 1]."""

    def __post_init__(self) -> None:
        """Refuse numbers that make no hint."""
        if not self.range_m > 0:
            raise ValueError(f"range_m = {self.range_m} came; it must be above 0 metres")
        if not 0 < self.medium_from < self.high_from:
            raise ValueError(
                f"medium_from = {self.medium_from}, high_from = {self.high_from} came; "
                "needed is 0 < medium_from < high_from"
            )
        for name in ("free_weights", "danger_weights"):
            weights = getattr(self, name)
            if len(weights) != len(CRITICS) or min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
                raise ValueError(f"{name} = {weights} came; three numbers for {CRITICS}, each >= 0, sum 1, are needed")
        for name in ("blind_spot_risk", "entity_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)} came; allowed is [0, 1]")

    def packed(self) -> FloatArray:
        """Return the numbers in the order of ``Parameter`` for the kernels."""
        numbers = np.zeros(len(Parameter))
        numbers[Parameter.RANGE_M] = self.range_m
        numbers[Parameter.MEDIUM_FROM] = self.medium_from
        numbers[Parameter.HIGH_FROM] = self.high_from
        numbers[Parameter.FREE_SAFETY], numbers[Parameter.FREE_EFFICIENCY] = self.free_weights[:2]
        numbers[Parameter.DANGER_SAFETY], numbers[Parameter.DANGER_EFFICIENCY] = self.danger_weights[:2]
        numbers[Parameter.BLIND_SPOT] = self.blind_spot_risk
        numbers[Parameter.ENTITY_SCORE] = self.entity_score
        return numbers


class RulesProvider:
    """The expert as a ``HintProvider``; it has no state and no latency."""

    name = "rules"

    def __init__(self, config: RulesConfig | None = None) -> None:
        self.config = config or RulesConfig()
        self._parameters = self.config.packed()
        self._work = np.zeros((2, 3))

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the expert's hint for each of ``rows`` (n)."""
        hints, _ = self._assess(scene, rows)
        return HintAnswers(hints, np.ones(len(rows), dtype=np.bool_), np.zeros(len(rows)))

    def risk(self, scene: SceneBatch, rows: IntArray | None = None) -> FloatArray:
        """Return the risk ``(n,)`` in [0, 1] of each of ``rows`` (all worlds by default)."""
        rows = np.arange(scene.batch_size) if rows is None else rows
        return self._assess(scene, rows)[1]

    def _assess(self, scene: SceneBatch, rows: IntArray) -> tuple[HintBatch, FloatArray]:
        """Return fresh hints and risks of ``rows``."""
        count = len(rows)
        state, weights, risks = np.empty((count, STATE_SIZE)), np.empty((count, len(CRITICS))), np.empty(count)
        ego, actors, road = scene.ego.block, scene.actors.block, scene.road.block
        assess(ego, actors, road, self._parameters, rows, state, weights, risks, self._work)
        source = np.full(count, int(HintSource.MODEL), dtype=np.int64)
        return HintBatch(state, weights, source, scene.time_s[rows]), risks

    def state(self) -> dict[str, Any]:
        """Return nothing: every answer depends on the scene alone."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore nothing."""
