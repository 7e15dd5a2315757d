"""The configuration of ``hcrmp robustness``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hcrmp.sections import Density, ScenarioConfig
from llm_hints.providers.faulty import WrongMode


@dataclass(frozen=True, slots=True)
class RobustnessConfig:
    """``hcrmp robustness``. Runs that differ in nothing but their seed are one method, resampled over its seeds."""

    runs: tuple[str, ...] = ()
    """Runs to measure: folders, names in ``runs_dir``, or patterns of such names (``hcrmp-*``)."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    output: str = "robustness"
    """Folder for ``robustness.json``, ``robustness.svg`` and ``robustness.md``. What its JSON holds already is not
    measured again, so that the job can be stopped and started, and runs and rates added."""
    when: Literal["test", "training"] = "test"
    """When hints are wrong: ``test``: every run is measured at all ``rates``; ``training``: each run is measured at the
    faults that it was trained with, and a method's curve goes over its runs that were trained at different rates."""
    rates: tuple[float, ...] = (0.0, 0.25, 0.42, 0.75, 1.0)
    """Shares of wrong answers, each in [0, 1]; for ``when=test``."""
    wrong_modes: tuple[WrongMode, ...] = ("random", "inverted")
    """How they are wrong, a panel of the plot each: ``random`` numbers, or danger called safety and the reverse."""
    check_scene: bool = False
    """Whether wrong answers that name who is not in the scene are refused, as a language model's are; the cache serves
    in their place."""
    density: Density = "all"
    """Traffic density of the conditions."""
    episodes: int = 50
    """Seeded episodes in each cell (condition x density), the same for every run and rate."""
    seed: int = 0
    """Which episodes, as for ``hcrmp evaluate``; also of the bootstrap's draws."""
    worlds: int = 64
    """Worlds stepped together (B); it does not change the result."""
    progress: bool = True
    """Show a progress bar."""
    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)

    def __post_init__(self) -> None:
        """Refuse what measures nothing."""
        if not self.runs:
            raise ValueError("runs must be given: add runs=[NAME,NAME,...] or runs=['hcrmp-*']")
        for name, choice in (("rates", self.rates), ("wrong_modes", self.wrong_modes)):
            if not choice or len(set(choice)) != len(choice):
                raise ValueError(f"{name} must name each value once, and one at least, got {list(choice)}")
        if not all(0.0 <= rate <= 1.0 for rate in self.rates):
            raise ValueError(f"rates must be shares in [0, 1], got {list(self.rates)}")
        if not 0 <= self.seed < 10_000 or not 1 <= self.episodes <= 100_000 or self.worlds < 1:
            raise ValueError(
                f"seed {self.seed}, episodes {self.episodes}, worlds {self.worlds}: needed are seed 0 to 9999, "
                "episodes 1 to 100000, worlds at least 1"
            )

    @property
    def output_path(self) -> Path:
        """The folder of the results."""
        return Path(self.output)

    @property
    def protocol(self) -> dict[str, Any]:
        """What two measurements must have in common to be compared."""
        return {
            "families": list(self.scenario.families),
            "density": self.density,
            "episodes": self.episodes,
            "seed": self.seed,
            **({"check_scene": True} if self.check_scene else {}),
        }
