"""The configuration of ``hcrmp reproduce``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hcrmp.locate import locate_run


@dataclass(frozen=True, slots=True)
class ReproduceConfig:
    """``hcrmp reproduce``. The run itself is left as it is; its repetition is a run of its own."""

    run: str = ""
    """Folder of the run, or its name in ``runs_dir``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    what: Literal["all", "training", "evaluation"] = "all"
    """What is made again: the training, and then every evaluation with the new planner; the training alone; or the
    evaluations alone, with the run's own planner."""
    labels: tuple[str, ...] = ()
    """Names of the evaluations (``planner-paper``); all that the run holds where it is empty."""
    output: str = ""
    """Folder of the repetition; the run's with ``-again`` behind its name where it is empty."""
    progress: bool = True
    """Show progress bars."""

    def __post_init__(self) -> None:
        """Refuse to repeat nothing."""
        if not self.run:
            raise ValueError("run must be given: hcrmp reproduce RUN")

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return locate_run(self.run, self.runs_dir)

    @property
    def output_path(self) -> Path:
        """The folder of the repetition."""
        path = self.run_path.resolve()
        return Path(self.output) if self.output else path.with_name(f"{path.name}-again")
