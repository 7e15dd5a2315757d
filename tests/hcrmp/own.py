"""Code of a user's own, for the tests: a reward term with a critic, and what tells that it was imported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from envs.extra_terms import ExtraTerm
from envs.reward import RewardConfig
from hcrmp.run_folder import RunFolder
from tests.hcrmp.tiny import SMALL, tiny_run

SHARE = 0.2
FOUR = ("safety", "efficiency", "comfort", "pace")
CODE = """
from pathlib import Path
Path(__file__).with_suffix(".imported").touch()

def pace(scene):
    return -abs(scene.ego.speed - 8.0) / 8.0
"""


def own_file(folder: Path, name: str = "pace.py") -> Path:
    """Write the code of the term."""
    file = folder / name
    file.write_text(CODE)
    return file


def was_imported(file: Path) -> bool:
    return file.with_suffix(".imported").exists()


def four_critics(file: Path, **changes: Any) -> dict[str, Any]:
    """Return what a training with a fourth critic differs in."""
    term = ExtraTerm(f"{file}:pace", SHARE)
    return {"reward": RewardConfig(extra_terms={"pace": term}), "algo": replace(SMALL, critics=FOUR, **changes)}


def run_of_four(folder: Path, run: str = "four", **changes: Any) -> RunFolder:
    """Return a tiny training with a fourth critic, whose code lies in ``folder``."""
    return tiny_run(folder, run, **(four_critics(own_file(folder)) | changes))
