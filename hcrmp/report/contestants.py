"""Who is compared: evaluations of one method over its training seeds, on the same cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.scenarios.catalogue import ROUTE
from hcrmp.episode_record import EpisodeRecord
from hcrmp.mapping import from_mapping
from hcrmp.report.material import Evaluation, Run
from hcrmp.robustness.planners import Planner, group
from hcrmp.sections import HintsConfig

Column = Mapping[str, Any]

DRIVERS = {
    "untrained": "Untrained planner",
    "keep_lane": "Lane keeper",
    "full_throttle": "Full throttle",
    "cruise": "Cruise control",
    "law_abiding": "Law-abiding driver",
    "reference": "Reference driver",
}
"""Words for drivers that are no planner of a run."""


@dataclass(frozen=True)
class Contestant:
    """One planner or driver: its ``evaluations``, one for each training seed; ``index`` decides its colour."""

    name: str
    evaluations: tuple[Evaluation, ...]
    index: int = 0

    @property
    def records(self) -> list[EpisodeRecord]:
        """All episodes that were driven, those aside that the infrastructure ended."""
        return [record for one in self.evaluations for record in valid(one)]

    @property
    def seeds(self) -> list[int]:
        """Training seeds, in the order of the evaluations."""
        return [one.seed for one in self.evaluations]

    @property
    def trained(self) -> bool:
        """Whether it was trained, so that its seeds mean something."""
        return self.evaluations[0].driver == "planner"


@dataclass(frozen=True)
class Course:
    """Those who drove the same ``cells``, and so can be compared."""

    cells: tuple[str, ...]
    contestants: tuple[Contestant, ...]

    @property
    def name(self) -> str:
        """The conditions in words."""
        families = dict.fromkeys(cell.split("/")[0] for cell in self.cells)
        scenarios = ["routes" if family == ROUTE else family.replace("_", " ") for family in families]
        return ", ".join(scenarios) if len(scenarios) <= 4 else f"{len(scenarios)} conditions"

    @property
    def episodes(self) -> int:
        """Episodes of all contestants."""
        return sum(len(one.records) for contestant in self.contestants for one in contestant.evaluations)


def with_colours(colours: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Return ``colours`` with the next ones for those of ``names`` that have none yet."""
    found = dict(colours)
    for name in names:
        found.setdefault(name, max(found.values(), default=-1) + 1)
    return found


def valid(evaluation: Evaluation) -> list[EpisodeRecord]:
    """Return the episodes that say something of the driver."""
    return [record for record in evaluation.records if record.outcome != "infrastructure"]


def courses(evaluations: Sequence[Evaluation]) -> list[Course]:
    """Return the evaluations by the cells that they drove, and there by method; colours go over all of them."""
    evaluations = _once(evaluations)
    names = _names(evaluations)
    colours = {name: number for number, name in enumerate(dict.fromkeys(names))}
    by_cells: dict[frozenset[str], dict[str, list[Evaluation]]] = {}
    for name, one in zip(names, evaluations, strict=True):
        by_cells.setdefault(frozenset(one.cells), {}).setdefault(name, []).append(one)
    return [
        Course(
            max((one.cells for members in named.values() for one in members), key=len),
            tuple(Contestant(name, tuple(members), colours[name]) for name, members in named.items()),
        )
        for named in by_cells.values()
    ]


def _once(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Leave out what a scripted driver drove again: it drives the same episodes alike in whatever run it is."""
    found: dict[Any, Evaluation] = {}
    for number, one in enumerate(evaluations):
        seeded = one.driver in ("planner", "untrained")
        episodes = frozenset((record.cell, record.seed) for record in one.records)
        found.setdefault(number if seeded else (one.driver, one.label, episodes), one)
    return list(found.values())


def _names(evaluations: Sequence[Evaluation]) -> list[str]:
    methods = method_of_runs([one.run for one in evaluations if one.run is not None])
    names = [_name(one, methods) for one in evaluations]
    # The same thing twice on the same cells is told apart by its file.
    homes = [(one.run.name if one.run is not None else "", one.seed) for one in evaluations]
    keys = list(zip(names, (frozenset(one.cells) for one in evaluations), homes, strict=True))
    return [
        name if keys.count(key) == 1 else f"{name} ({one.label})"
        for name, key, one in zip(names, keys, evaluations, strict=True)
    ]


def method_of_runs(runs: Sequence[Run]) -> dict[str, str]:
    """Return the method of each trained run by the run's name: runs that differ in their seed alone share it."""
    trained = {run.folder.path: run for run in runs if run.config is not None}
    planners = [Planner(run.folder, run.config, "", run.steps) for run in trained.values() if run.config is not None]
    methods = group(planners, over_training=False)
    return {one.folder.path.resolve().name: name for name, members in methods.items() for one in members}


def _name(one: Evaluation, methods: Mapping[str, str]) -> str:
    if one.planner:
        return DRIVERS.get(one.planner, one.planner)
    run = one.run.name if one.run is not None else ""
    base = methods.get(run, run or one.label) if one.driver == "planner" else DRIVERS.get(one.driver, one.driver)
    unusual = ", ".join(_unusual(one))
    if not unusual:
        return base
    return f"{base[:-1]}, {unusual})" if base.endswith(")") else f"{base} ({unusual})"


def _unusual(one: Evaluation) -> list[str]:
    """Return what an evaluation was asked for beside the usual, in words."""
    config = one.config
    found = []
    if isinstance(config.get("hints"), Mapping) and one.driver == "planner":
        found.append(hint_words(from_mapping(HintsConfig, config["hints"], "hints")))
    found += ["randomised"] if config.get("randomise") else []
    found += ["sampled actions"] if config.get("deterministic") is False else []
    found += [f"episodes of seed {config['seed']}"] if config.get("seed") else []
    return found


def hint_words(hints: HintsConfig) -> str:
    """Return whose hints an evaluation was given in place of the training's, and their faults."""
    if hints.provider == "none":
        return "no hints"
    if hints.provider != "faulty":
        return f"hints of {hints.provider}"
    told = [f"{100 * rate:g} % {name}" for name, rate in hints.faults.rates.items() if rate > 0.0]
    inverted = " (inverted)" if hints.faults.wrong > 0.0 and hints.faults.wrong_mode == "inverted" else ""
    checked = ", checked" if hints.faults.check_scene else ""
    return f"hints {', '.join(told)}{inverted}{checked}"
