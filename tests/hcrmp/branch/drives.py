"""Recorded drives for the tests of branches, as ``hcrmp evaluate`` leaves them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hcrmp.evaluate import evaluate, open_folder
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.run_folder import RunFolder
from hcrmp.sections import ScenarioConfig
from tests.hcrmp.tiny import evaluate_config, quiet


def recorded(config: EvaluateConfig) -> Path:
    """Return the file of the first drive that an evaluation records."""
    folder = open_folder(config)
    evaluate(config, folder, quiet())
    return sorted(folder.drives.glob("*.arrow"))[0]


def scripted_drive(folder: Path, driver: str, family: str, **changes: Any) -> Path:
    """Return the drive of a scripted driver, which needs no run."""
    config = EvaluateConfig(
        runs_dir=str(folder),
        driver=driver,  # type: ignore[arg-type]
        density="medium",
        episodes=1,
        record=1,
        progress=False,
        scenario=ScenarioConfig((family,)),
        **changes,
    )
    return recorded(config)


def planner_drive(run: RunFolder) -> Path:
    """Return a drive of a tiny planner in merging at low density."""
    return recorded(evaluate_config(run))
