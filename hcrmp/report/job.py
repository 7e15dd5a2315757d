"""``hcrmp report``: one page that tells of runs and evaluations, and their results in CARLA Leaderboard's layout."""

from __future__ import annotations

import re
from pathlib import Path

from hcrmp.consoles import stdout_console
from hcrmp.report import leaderboard
from hcrmp.report.config import ReportConfig
from hcrmp.report.material import Evaluation, Material
from hcrmp.report.page import build
from hcrmp.report.sources import read
from hcrmp.run_folder import provenance, write_json, write_text

PAGE = "report.html"


def run(config: ReportConfig) -> int:
    """Write page and results, and print where they are."""
    console = stdout_console()
    for path in report(config):
        console.print(str(path), soft_wrap=True, highlight=False)
    return 0


def report(config: ReportConfig) -> list[Path]:
    """Write the page and a file in the leaderboard's layout for each evaluation; return their paths."""
    material = read(config.runs, config.runs_dir, config.labels)
    place = config.output_path or _usual_place(material)
    place.mkdir(parents=True, exist_ok=True)
    page = place / PAGE
    write_text(page, build(material, config, place, provenance(config.seed)))
    paths = [page]
    for one in material.evaluations:
        paths.append(place / "leaderboard" / f"{file_name(one)}.json")
        write_json(paths[-1], leaderboard.results(one))
    return paths


def _usual_place(material: Material) -> Path:
    return material.runs[0].folder.path / "report" if len(material.runs) == 1 else Path("report")


def file_name(one: Evaluation) -> str:
    """Return what the file of an evaluation is called: its run, or whom it compares, and its label."""
    home = one.path.resolve().parent
    name = one.run.name if one.run is not None else one.planner or home.parent.name
    # A method's name has words and commas, a run's folder any letter that its maker liked.
    return re.sub(r"[^\w.+-]+", "_", f"{name}-{home.name if one.planner else one.path.stem}")
