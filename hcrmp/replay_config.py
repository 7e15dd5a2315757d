"""The configuration of ``hcrmp replay``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hcrmp.locate import locate_run
from hcrmp.sections import HintsConfig, Simulator


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """``hcrmp replay``."""

    drive: str = ""
    """File of a recorded drive; where it is empty, ``episode`` of ``run``."""
    run: str = ""
    """Folder of the run, or its name in ``runs_dir``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    episode: str = "worst"
    """Name of a recorded drive in the run's drives folder, or ``worst``, ``best``, ``last``, or ``all``: the 60 worst
    in one page."""
    beside: str = ""
    """Another drive to show beside it on one clock: a file, or of a run what ``episode`` may be."""
    frame: float | None = None
    """Simulated time (s) of which a picture (PNG) is written instead of page and video."""
    video: Literal["none", "gif", "mp4"] = "mp4"
    """Video to write beside the page; ``all`` and two drives write none."""
    speed: float = 1.0
    """Simulated seconds in a second of the video."""
    output: str = ""
    """Folder to write to; the run's replay folder where it is empty, or where the drive lies."""
    exact: bool = False
    """Simulate the drive again from its actions and tell where it parts from the record; nothing is written."""
    from_s: float | tuple[float, ...] = ()
    """``--from``: moment or moments from which another driver takes over (s)."""
    every: float = 0.0
    """Take over from every so many seconds of the drive on: from which moment on could it still be saved?"""
    planner: str | tuple[str, ...] = ()
    """Who takes over: runs, ``bundled``, the planner in the box, shared planners, or scripted drivers (``reference``,
    ``law_abiding``, ...); who drove where it is empty."""
    others: Literal["traffic", "replayed"] = "traffic"
    """What the others do from then on: they react, as traffic does, or move as recorded, whatever the ego does."""
    map: str = ""
    """Map of a recording from elsewhere, for driving it on: an OpenDRIVE file, or a generated one; the one that it
    names where it is empty."""
    hints: HintsConfig | None = None
    """Hints in place of those of whoever takes over, for example ``hints=none``."""
    simulator: Simulator | None = None
    """Where it is driven on: the embedded simulator, or the first server of ``simulator=carla``."""

    def __post_init__(self) -> None:
        """Refuse a film that stands still, a drive that is not named, and half of a branch."""
        if bool(self.drive) == bool(self.run):
            raise ValueError("one of drive and run must be given: hcrmp replay DRIVE.arrow, or hcrmp replay run=...")
        if not self.speed > 0.0:
            raise ValueError(f"speed must be more than 0, got {self.speed}")
        if self.beside and self.frame is not None:
            raise ValueError("frame shows one drive, and beside asks for two: give one of them")
        if self.every < 0.0:
            raise ValueError(f"every must be more than 0 s, got {self.every:g}")
        if not self.branches and (self.planner or self.hints is not None or self.others != "traffic"):
            raise ValueError("planner, hints and others are of a branch: say from when, --from 12.4 or --every 1.0")
        if self.branches and self.exact:
            raise ValueError("exact repeats the drive, and a branch leaves it: ask for one at a time")
        if (self.branches or self.exact) and self.episode == "all":
            raise ValueError("episode=all are many drives: name one, or worst, best, last")

    @property
    def branches(self) -> bool:
        """Whether somebody takes over."""
        return bool(self.moments) or self.every > 0.0

    @property
    def moments(self) -> tuple[float, ...]:
        """The moments of ``from_s``."""
        return self.from_s if isinstance(self.from_s, tuple) else (self.from_s,)

    @property
    def successors(self) -> tuple[str, ...]:
        """The names in ``planner``; "": who drove."""
        named = self.planner if isinstance(self.planner, tuple) else (self.planner,)
        return named or ("",)

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return locate_run(self.run, self.runs_dir)
