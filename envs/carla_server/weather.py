"""The weather as a client sets it; only what a client reads of it depends on it."""

from __future__ import annotations

from typing import Any

from envs.carla_server.payloads import PayloadError, number, shown

NAMES = (
    "cloudiness", "precipitation", "precipitation_deposits", "wind_intensity", "sun_azimuth_angle",
    "sun_altitude_angle", "fog_density", "fog_distance", "fog_falloff", "wetness", "scattering_intensity",
    "mie_scattering_scale", "rayleigh_scattering_scale", "dust_storm",
)  # fmt: skip
"""What the numbers are, in the order in which they travel."""

_DEFAULT = (5.0, 0.0, 0.0, 10.0, -1.0, 45.0, 2.0, 0.75, 0.1, 0.0, 1.0, 0.03, 0.0331, 0.0)


class Weather:
    """The weather of an episode."""

    def __init__(self) -> None:
        self.values: list[float] = list(_DEFAULT)

    def get(self) -> list[float]:
        """Return the numbers, in the order of ``NAMES``."""
        return self.values

    def set(self, values: list[float]) -> None:
        """Take other numbers."""
        self.values = values


def weather(value: Any) -> list[float]:
    """Return the numbers of a weather payload."""
    if not isinstance(value, (list, tuple)) or len(value) != len(NAMES):
        raise PayloadError(f"expected {len(NAMES)} numbers of weather, got {shown(value)}")
    return [number(item) for item in value]
