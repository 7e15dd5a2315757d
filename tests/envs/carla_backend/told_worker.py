"""A worker for tests that does as it is told, without CARLA: in its own module, since other processes import it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.carla_backend.config import CarlaConfig, CarlaError


class ToldWorker:
    """Every public method is a message."""

    def echo(self, argument: Any) -> Any:
        """Return the argument."""
        return argument

    def pid(self) -> int:
        """Return the id of the process that it runs in."""
        return os.getpid()

    def sleep(self, seconds: float) -> str:
        """Answer late."""
        time.sleep(seconds)
        return "awake"

    def fail(self, text: str) -> None:
        """Report that the server failed."""
        raise CarlaError(text)

    def fail_after(self, seconds: float) -> None:
        """Report late that the server failed."""
        time.sleep(seconds)
        raise CarlaError("the CARLA server did not answer")

    def die(self, status: int) -> None:
        """End the process, as the client's native code may."""
        os._exit(status)

    def scene(self) -> np.ndarray[Any, Any]:
        """Return as much as a large scene's row."""
        return np.arange(40_000.0)

    def close(self) -> None:
        """End in peace."""


@dataclass(frozen=True)
class ToldSetup:
    """What the worker is built from; ``broken`` where it cannot be."""

    server: CarlaConfig = CarlaConfig()
    ready_s: float = 5.0
    server_group: int = 0
    broken: bool = False

    def make(self) -> ToldWorker:
        """Return the worker."""
        if self.broken:
            raise CarlaError("there is no server")
        return ToldWorker()
