"""The weather as a client sets it; only what a client reads of it depends on it."""

from __future__ import annotations

from typing import Any

from envs.carla_recording import WEATHER_NAMES
from envs.carla_server.payloads import PayloadError, number, shown

_DEFAULT = (5.0, 0.0, 0.0, 10.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)


class Weather:
    """The weather of an episode."""

    def __init__(self) -> None:
        self.values: list[float] = list(_DEFAULT)

    def get(self) -> list[float]:
        """Return the numbers, in the order of ``WEATHER_NAMES``."""
        return self.values

    def set(self, values: list[float]) -> None:
        """Take other numbers."""
        self.values = values


def weather(value: Any) -> list[float]:
    """Return the numbers of a weather payload."""
    if not isinstance(value, (list, tuple)) or len(value) != len(WEATHER_NAMES):
        raise PayloadError(f"expected {len(WEATHER_NAMES)} numbers of weather, got {shown(value)}")
    return [number(item) for item in value]
