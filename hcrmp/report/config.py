"""The configuration of ``hcrmp report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """``hcrmp report``. Runs that differ in nothing but their seed are one planner, told with its seeds."""

    runs: tuple[str, ...] = ()
    """Folders of runs, names in ``runs_dir``, or patterns of such names (``hcrmp-*``); JSON files of ``hcrmp evaluate``
    and ``hcrmp robustness``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    output: str = ""
    """Folder for ``report.html`` and the results in CARLA Leaderboard's layout; where it is empty, ``report`` in the
    run, or here for several."""
    title: str = ""
    """Title of the page; made from what it is of where it is empty."""
    labels: tuple[str, ...] = ()
    """Names of the evaluations that are told (``planner-paper``); all that the runs hold where it is empty."""
    pages: int = 40
    """Replay pages written for recorded failures that have none yet, each kind of failure in turn."""
    drives: int = 40
    """Recorded drives of each evaluation that critic weights and sources of hints are read from."""
    seed: int = 0
    """Seed of the bootstrap's draws."""

    def __post_init__(self) -> None:
        """Refuse a report of nothing."""
        if not self.runs:
            raise ValueError("runs must be given: hcrmp report RUN ...")
        if self.pages < 0 or self.drives < 0:
            raise ValueError(f"pages and drives must not be negative, got {self.pages} and {self.drives}")

    @property
    def output_path(self) -> Path | None:
        """The folder of the report, where one is given."""
        return Path(self.output) if self.output else None
