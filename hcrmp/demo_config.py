"""The configuration of ``hcrmp demo``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """``hcrmp demo``."""

    run: str = "demo"
    """Name of the run, a folder in ``runs_dir``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    seed: int = 0
    """Seed of everything random."""
    total_steps: int = 3_000_000
    """Decisions to train for, over all worlds; the learning rate falls to its end over them."""
    minutes: float = 4.0
    """Wall time after which training ends early, on a machine that is slower than most (minutes)."""
    worlds: int = 128
    """Worlds stepped together in training (B)."""
    episodes: int = 25
    """Episodes in each cell when it is evaluated."""
    replace: bool = True
    """Put the new demo in the place of an earlier one of this name."""

    def __post_init__(self) -> None:
        """Refuse a demo in which nothing is trained or driven."""
        for name in ("total_steps", "worlds", "episodes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not self.minutes > 0.0:
            raise ValueError(f"minutes must be more than 0, got {self.minutes:g}")
