"""Where the runs and planners lie that a command line names."""

from __future__ import annotations

from pathlib import Path

from hcrmp.bundled import BUNDLED_PLANNER, bundled_planner

SHARED_SUFFIXES = (".onnx", ".zip")
"""Files that are planners by themselves."""


def locate_run(run: str, runs_dir: str) -> Path:
    """Return the folder that ``run`` means: a path that exists, else the name of a run in ``runs_dir``."""
    path, named = Path(run), Path(runs_dir) / run
    shared = path.suffix in SHARED_SUFFIXES and path.is_file()
    if path.is_dir() or shared or path.name != run:
        return path
    # Of a file that is no planner whoever opens it says so.
    return path if path.is_file() and not named.exists() else named


def locate_planner(word: str, runs_dir: str) -> Path:
    """Return where the planner lies that ``word`` names: that in the box, or what ``locate_run`` finds.

    Raises:
        UserError: the one in the box is meant, and this installation lacks it.
    """
    return bundled_planner() if word == BUNDLED_PLANNER else locate_run(word, runs_dir)


def runs_like(pattern: str, runs_dir: str) -> list[Path]:
    """Return the folders that are named like ``pattern`` (``hcrmp-*``): in ``runs_dir``, or where its path says."""
    path = Path(pattern)
    home = Path(runs_dir) if path.name == pattern else path.parent
    return sorted(found for found in home.glob(path.name) if found.is_dir())
