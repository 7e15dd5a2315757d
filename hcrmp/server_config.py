"""The configurations of ``hcrmp serve`` and ``hcrmp doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """``hcrmp serve``."""

    map: str = "town"
    """Map that the server begins with: a generated one, or the name of a file in ``map_folder``."""
    map_folder: str = ""
    """Folder of OpenDRIVE files (``.xodr``), which clients may load by their names."""
    host: str = "127.0.0.1"
    """Address to listen at. The protocol knows no passwords: beyond this machine only in a network that you trust."""
    port: int = 2000
    """Port of the calls; the streams have the next one. 0: any free pair, which is printed."""
    recordings: str = "recordings"
    """Folder that a client's recordings are written to."""
    synchronous: bool = False
    """Begin in synchronous mode, where time waits for a client's ticks: needed for runs that repeat exactly."""
    step_s: float = 0.05
    """Fixed step of the first episode (s)."""

    def __post_init__(self) -> None:
        """Refuse ports that do not exist, and steps of no time."""
        if not 0 <= self.port <= 65534:
            raise ValueError(f"port must be 0 to 65534 (the streams have the next one), got {self.port}")
        if not 0.0 < self.step_s <= 1.0:
            raise ValueError(f"step_s must be more than 0 and at most 1, got {self.step_s}")


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """``hcrmp doctor``."""

    servers: tuple[str, ...] = ("127.0.0.1:2000",)
    """Servers to ask, as HOST:PORT."""
    unstick: bool = False
    """Set a server that was left in synchronous mode, where it waits for ever, back to asynchronous mode."""
