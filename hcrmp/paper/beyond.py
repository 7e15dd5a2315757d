"""Beyond the paper: other tasks than those that were learnt, before and after learning on; and poorer sensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from hcrmp.paper.evaluations import Evaluated
from hcrmp.paper.methods import METHODS, NAMES, REFERENCE
from hcrmp.paper.success import INTERVALS, data_of, figure_of, over_all
from hcrmp.paper.table import Section, Table, percent, points
from hcrmp.results import estimate_text

Column = tuple[str, str, float, int]


@dataclass(frozen=True)
class Task:
    """A protocol to try planners in that learnt the paper's cells: ``fine`` is the method that learnt on in it."""

    protocol: str
    title: str
    fine: str
    columns: tuple[Column, ...]
    drivers: tuple[str, ...]


TASKS = (
    Task(
        "route", "Routes through the town", "fine_routes",
        (("driving score 2.1", "leaderboard-2.1", 1.0, 1), ("completion %", "completion", 100.0, 0),
         ("red lights", "red_lights", 1.0, 2), ("stop signs", "stop_signs", 1.0, 2)),
        ("law_abiding", "keep_lane"),
    ),
    Task(
        "safebench", "SafeBench's eight", "fine_safebench",
        (("score (0 is best)", "safebench", 1.0, 3), ("completion %", "safebench_completion", 100.0, 0)),
        ("law_abiding", "cruise"),
    ),
    Task(
        "r157", "UN R157", "fine_r157",
        (("preventable collisions %", "preventable_collisions", 100.0, 1),
         ("unavoidable collisions %", "unavoidable_collisions", 100.0, 1)),
        ("law_abiding", "cruise"),
    ),
)  # fmt: skip


class Sensor(NamedTuple):
    """Methods that see the scene alike: with all of the hint, with its weights alone, and without it."""

    hinted: str
    weights_alone: str
    unhinted: str


SENSORS = {
    "72 rays, 60 m": Sensor("hcrmp", "no_asr", "no_hints"),
    "20 rays": Sensor("few_rays", "few_rays_no_asr", "few_rays_no_hints"),
    "20 m": Sensor("short_range", "short_range_no_asr", "short_range_no_hints"),
    "noise": Sensor("noisy", "noisy_no_asr", "noisy_no_hints"),
}


def transfer_table(found: dict[str, Evaluated]) -> Table:
    """Return how planners of the paper's cells do in other tasks: ``found`` by protocol."""
    sections = tuple(_task(task, found[task.protocol]) for task in TASKS if task.protocol in found)
    notes = (
        "Zero-shot: the planners of Table 1, which learnt the paper's twelve cells alone. Learnt on: the same planners "
        "after 2 M further decisions in the task. The planner in the box learnt everything at once (one seed).",
        INTERVALS,
    )
    data = {protocol: data_of(evaluated, {}) for protocol, evaluated in found.items()}
    return Table("transfer", "Other tasks, before and after learning on", sections, notes, {"tasks": data})


def _task(task: Task, found: Evaluated) -> Section:
    rows = []
    for name in found.planners:
        seeds = str(len(found.seeds(name))) if name in METHODS else "-"
        told = []
        for _, metric, factor, decimals in task.columns:
            estimate = found.estimate(name, metric)
            told.append("-" if estimate is None else estimate_text(estimate, factor, decimals))
        rows.append((_name(name), seeds, percent(found.success(name)), percent(found.estimate(name, "CR")), *told))
    return Section(
        task.title, ("planner", "seeds", "SR %", "CR %", *(heading for heading, *_ in task.columns)), tuple(rows)
    )


def _name(name: str) -> str:
    return "HCRMP of the paper's cells, zero-shot" if name == REFERENCE else NAMES[name]


def senses_table(found: Evaluated) -> Table:
    """Return what the hint, and the state hint alone, are worth as the observation gets poorer."""
    sensors = {name: sensor for name, sensor in SENSORS.items() if sensor.hinted in found.planners}
    less = [(sensor.hinted, other) for sensor in sensors.values() for other in (sensor.weights_alone, sensor.unhinted)]
    known = found.differences([*less, *found.against(REFERENCE)])
    rows = [
        (name, *(_success(found, method) for method in sensor), *(
            points(known.get((sensor.hinted, other))) for other in (sensor.weights_alone, sensor.unhinted)
        ))
        for name, sensor in sensors.items()
    ]  # fmt: skip
    head = (
        "sensor", "with hints, SR %", "weights alone, SR %", "without, SR %", "the state hint, points",
        "the whole hint, points",
    )  # fmt: skip
    notes = (
        "The expert who gives the hints sees the whole scene, whatever the planner sees: the poorer the sensor, the "
        "more the hint knows that the planner does not. Weights alone: the hint sets the weights and does not enter "
        "the state (without ASR).",
        INTERVALS,
    )
    worth = Section("What the hint is worth", head, tuple(rows))
    return Table(
        "senses", "Poorer sensors", (worth, over_all(found, known)), notes,
        data_of(found, known), figure_of(found, "Success over the twelve cells, by sensor"),
    )  # fmt: skip


def _success(found: Evaluated, method: str) -> str:
    return percent(found.success(method)) if method in found.planners else ""
