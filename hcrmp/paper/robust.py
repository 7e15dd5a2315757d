"""The robustness curves: success against the share of wrong hints, at test time and in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console

from hcrmp.comparison.protocol import protocol_path
from hcrmp.errors import UserError
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.evaluations import PROTOCOL
from hcrmp.paper.table import Section, Table, percent
from hcrmp.paper.trainings import Training
from hcrmp.robustness.config import RobustnessConfig
from hcrmp.robustness.job import measure_curves, title
from hcrmp.run_folder import load_yaml, read_json
from hcrmp.statistics import Estimate

AT_TEST = ("hcrmp", "anchored", "llm_reward", "hcrmp_wrong")
"""Methods whose trained planners meet wrong hints at test time; of the others the training met them."""

WITH_CHECK = ("hcrmp", "hcrmp_wrong")
"""Of these, those that are measured with answers checked against the scene, too."""

MEASURES = (
    ("Success (SR, %)", "success"),
    ("Success lost against right hints, in the same episodes, points", "lost"),
    ("Collisions (CR, %)", "collision"),
)

RATES = (0.0, 0.25, 0.42, 0.75, 1.0)


@dataclass(frozen=True)
class Measured:
    """One of the tables: its ``name``, ``when`` hints are wrong, and whether the scene is checked."""

    name: str
    when: Literal["test", "training"]
    check_scene: bool = False


TEST, CHECKED = Measured("robustness", "test"), Measured("robustness_checked", "test", check_scene=True)
TRAINING = Measured("robustness_training", "training")


def robustness_tables(config: PaperConfig, trained: Sequence[Training], console: Console) -> tuple[Table, ...]:
    """Measure what is missing and return the tables of all ways of meeting wrong hints."""
    at_test = [one for one in trained if one.method in AT_TEST]
    if not at_test:
        raise UserError("no planner of the robustness curves is trained yet: leave only_finished out.")
    # Those that learn with right hints are where the curves of training begin.
    checked = [one for one in at_test if one.method in WITH_CHECK]
    chosen = ((TEST, at_test), (CHECKED, checked), (TRAINING, trained))
    return tuple(_table(config, what, runs, console) for what, runs in chosen if runs)


def _table(config: PaperConfig, what: Measured, runs: Sequence[Training], console: Console) -> Table:
    asked = RobustnessConfig(
        runs=tuple(str(one.folder.path) for one in runs), output=str(config.runs_path / "evaluations" / what.name),
        when=what.when, check_scene=what.check_scene, rates=RATES, episodes=max(config.episodes // 2, 1),
        seed=int(load_yaml(protocol_path(PROTOCOL))["seed"]), progress=config.progress,
    )  # fmt: skip
    numbers, plot, _ = measure_curves(asked, console)
    curves = read_json(numbers)["curves"]
    modes = list(dict.fromkeys(curve["mode"] for curve in curves))
    sections = tuple(
        _section(f"{heading}, wrong hints: {mode}", measure, [curve for curve in curves if curve["mode"] == mode])
        for mode in modes
        for heading, measure in MEASURES
    )
    notes = (
        "`random`: any other answer; `inverted`: danger is called safety and the reverse. "
        f"{asked.episodes} episodes a cell, planner and rate; 95 % intervals over training seeds and episodes.",
    )  # fmt: skip
    return Table(what.name, title(asked), sections, notes, {"curves": curves}, plot.read_text("utf-8"))


def _section(heading: str, measure: str, curves: Sequence[Mapping[str, Any]]) -> Section:
    rates = sorted({point["rate"] for curve in curves for point in curve["points"]})
    rows = []
    for curve in curves:
        by_rate = {point["rate"]: point for point in curve["points"]}
        seeds = max((len(point["success"]["seeds"]) for point in by_rate.values()), default=0)
        told = (percent(_over_all(by_rate[rate][measure])) if rate in by_rate else "-" for rate in rates)
        rows.append((curve["method"], str(seeds), *told))
    return Section(heading, ("method", "seeds", *(f"{100 * rate:g} % wrong" for rate in rates)), tuple(rows))


def _over_all(measured: Mapping[str, Any] | None) -> Estimate | None:
    """Return the estimate over all cells: of a loss, which is one itself; None where it was not measured."""
    return None if measured is None else Estimate(**measured.get("over_all", measured))
