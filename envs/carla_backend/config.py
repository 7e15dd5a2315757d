"""How a CARLA server is reached and used. Needs no ``carla``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envs.errors import EnvsError, choose, require

PORTS = (1, 65_533)
"""The server takes three ports in a row."""


class CarlaError(EnvsError, RuntimeError):
    """The server cannot be reached, does not answer in time, or refuses; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CarlaConfig:
    """One CARLA server and what runs on it."""

    host: str = "127.0.0.1"
    """Where the server listens."""
    port: int = 2000
    """Its RPC port; the streams are on the next."""
    timeout_s: float = 20.0
    """Deadline of every call (s)."""
    load_timeout_s: float = 120.0
    """Deadline of calls that load a map (s)."""
    ticks_per_decision: int = 1
    """Server ticks in a decision period of 0.1 s."""
    substep_s: float = 0.02
    """Longest step of the server's physics (s)."""
    rendering: bool = False
    """Whether the server draws; cameras need it."""
    ego_blueprint: str = "vehicle.lincoln.mkz_2017"
    """The ego's vehicle: the one that the embedded vehicle model is fitted to."""
    sizes: Literal["server", "scenario"] = "server"
    """Whose sizes the scene tells: those of the bodies on the server, or those that the scenario drew."""
    follow: bool = False
    """Whether the server's spectator follows the ego."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a server."""
        choose("simulator.sizes", self.sizes, ("server", "scenario"))
        require(PORTS[0] <= self.port <= PORTS[1], f"simulator.port must be in {list(PORTS)}, got {self.port}")
        require(self.ticks_per_decision >= 1, f"ticks_per_decision must be at least 1, got {self.ticks_per_decision}")
        for name in ("timeout_s", "load_timeout_s", "substep_s"):
            require(getattr(self, name) > 0.0, f"simulator.{name} must be more than 0, got {getattr(self, name)}")
