"""SceneWatch: what makes a hint due before its period is over: danger, and events in the scene."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.scene import BoolArray, IntArray, SceneBatch
from llm_hints.providers.rules import RulesProvider
from llm_hints.questions import EPSILON_S
from llm_hints.service_config import HintServiceConfig
from llm_hints.situation import Part, overtaken, situations

_ARRAYS = ("_danger", "must_ask", "_seen", "_seen_at_s")


class SceneWatch:
    """What each of ``batch`` worlds looked like when a hint was last sought for it.

    ``must_ask`` ``(B,)``: the hint that is due now is one for the provider, whatever the cache knows.
    """

    def __init__(self, config: HintServiceConfig, batch: int) -> None:
        self._config = config
        self._expert = RulesProvider() if config.ask_on_danger else None
        self._danger = np.zeros(batch, dtype=np.bool_)
        self._seen = np.zeros((batch, len(Part)), dtype=np.int64)
        self._seen_at_s = np.zeros(batch)
        self._rows = np.arange(batch)
        self.must_ask = np.zeros(batch, dtype=np.bool_)

    @property
    def on(self) -> bool:
        """Whether anything can make a hint due early."""
        return self._expert is not None or self._config.on_event != "ignore"

    def forget(self, rows: IntArray) -> None:
        """Forget the worlds ``rows`` (n), whose episodes begin; they have nothing yet that could be overtaken."""
        self._danger[rows] = False
        self.must_ask[rows] = False
        self._seen_at_s[rows] = np.inf

    def see(self, scene: SceneBatch, rows: IntArray) -> IntArray:
        """Return the situations ``(n, 4)`` of ``rows``, for which a hint is sought at ``scene``, and remember them."""
        found = situations(scene, rows)
        self._seen[rows], self._seen_at_s[rows] = found, scene.time_s[rows]
        return found

    def notice(self, scene: SceneBatch, engaged: BoolArray) -> IntArray:
        """Return the worlds whose hint danger or an event has overtaken, and that are not ``engaged`` ``(B,)``."""
        early = np.zeros(len(self._rows), dtype=np.bool_)
        if self._config.on_event != "ignore":
            early |= overtaken(self._seen, situations(scene, self._rows))
        to_ask = early & (self._config.on_event == "ask")
        may = ~engaged & (scene.time_s - self._seen_at_s >= self._config.danger_gap_s - EPSILON_S)
        if self._expert is not None:
            danger = self._expert.risk(scene) >= self._config.danger_risk
            to_ask |= danger & ~self._danger
            # One that begins while nobody may be asked is still news when somebody may.
            self._danger = danger & (self._danger | may)
        self.must_ask |= to_ask & may
        return np.flatnonzero((early | to_ask) & may)

    def state(self) -> dict[str, Any]:
        """Return everything that later notices depend on, as plain arrays."""
        return {name: getattr(self, name).copy() for name in _ARRAYS}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        for name in _ARRAYS:
            getattr(self, name)[:] = state[name]
