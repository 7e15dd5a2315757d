"""The ``none`` provider: nobody gives hints, so every world lives on the prior (the control without hints)."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.scene import IntArray, SceneBatch
from llm_hints.hint import HintBatch
from llm_hints.providers.base import HintAnswers


class SilentProvider:
    """Never answers."""

    @property
    def name(self) -> str:
        """Name of the provider."""
        return "none"

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return as many missing answers as there are ``rows``."""
        count = len(rows)
        return HintAnswers(HintBatch.prior(count), np.zeros(count, dtype=np.bool_), np.full(count, np.inf))

    def state(self) -> dict[str, Any]:
        """Return nothing: there is no state."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore nothing."""
