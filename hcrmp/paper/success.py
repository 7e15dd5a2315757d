"""Tables 1, 3 and 4: methods by success, over all cells and in each, against the reference method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from hcrmp.paper import published
from hcrmp.paper.evaluations import Differences, Evaluated
from hcrmp.paper.forest import Mark, forest
from hcrmp.paper.methods import METHODS, NAMES, REFERENCE, STEPS
from hcrmp.paper.table import OTHER_PROTOCOL, Section, Table, percent, points
from hcrmp.results import estimate_text

COUNTED = {"CR %": "CR", "off road %": "off_road", "timeout %": "timeout"}
INTERVALS = (
    "SR is the share of episodes that reach the goal in time without a collision, on the road and without a violation; "
    "every cell weighs the same. Intervals are 95 %, over training seeds (Student's t) and episodes together; of one "
    "that does not learn, over episodes alone. They hold where trainings differ in degree: that one in many fails is "
    "not seen in a few seeds of which none did. Differences are on the same episodes, p is Welch's, corrected for all "
    "differences of this page (Holm)."
)  # fmt: skip


def main_table(found: Evaluated) -> Table:
    """Return Table 1: who succeeds where."""
    known = found.differences(found.against(REFERENCE))
    rows = [*_families(found), *_published_rows(found)]
    heading = "Success (SR, %) by cell, collisions (CR, %) behind the stroke"
    cells = Section(heading, ("method", *found.cells), tuple(rows))
    return Table(
        "table1", "Table 1: success and collisions", (over_all(found, known), cells), (INTERVALS, OTHER_PROTOCOL),
        data_of(found, known),
        figure_of(found, "Success over the twelve cells", {REFERENCE: published.MEAN_SUCCESS / 100}),
    )  # fmt: skip


def ablation_table(found: Evaluated) -> Table:
    """Return Table 3: what each part is worth."""
    cell = "trilemma/medium"
    known = found.differences([*found.against(REFERENCE), *((after, before) for before, after, _ in STEPS)])
    rows = [
        (NAMES[name], percent(found.estimate(name, "SR", cell)), _whole(published.ABLATION.get(name)))
        for name in found.planners
    ]
    theirs = Section("The paper's ablation: trilemma, medium", ("method", "SR %", "*the paper*"), tuple(rows))
    return Table(
        "table3", "Table 3: ablation", (over_all(found, known), steps(known), by_cell(found), theirs),
        (INTERVALS, OTHER_PROTOCOL),
        data_of(found, known), figure_of(found, "Success over the twelve cells, without this or that"),
    )  # fmt: skip


def steps(known: Differences) -> Section:
    """Return what each step from plain PPO to HCRMP adds, of the differences that are known."""
    rows = [
        (added, NAMES[before], NAMES[after], points(known[after, before]))
        for before, after, added in STEPS
        if (after, before) in known
    ]
    return Section("Where the gain comes from", ("what is added", "before", "after", "SR, points"), tuple(rows))


def provider_table(found: Evaluated) -> Table:
    """Return Table 4: who gives the hints."""
    cell = "trilemma/high"
    known = found.differences(found.against(REFERENCE))
    rows = [(NAMES[name], percent(found.estimate(name, "SR", cell))) for name in found.planners]
    rows += [(f"*the paper*, {name}", f"*{success}*") for name, success in published.PROVIDERS.items()]
    theirs = Section("The paper's cell: trilemma, high", ("hints of", "SR %"), tuple(rows))
    return Table(
        "table4", "Table 4: who gives the hints", (over_all(found, known), by_cell(found), theirs),
        (INTERVALS, OTHER_PROTOCOL), data_of(found, known),
        figure_of(found, "Success over the twelve cells, by who gives the hints"),
    )  # fmt: skip


def over_all(found: Evaluated, known: Differences) -> Section:
    """Return the methods by the mean over all cells, with each seed, against the reference (of ``known``)."""
    head = ("method", "seeds", "SR %", *COUNTED, "jerk m/s3", "each seed's SR %", "SR against HCRMP, points")
    rows = []
    for name in found.planners:
        seeds = found.seeds(name)
        each = " / ".join(f"{100 * value:.1f}" for value in seeds.values()) if len(seeds) > 1 else ""
        count = str(len(seeds)) if name in METHODS else "-"
        jerk = found.estimate(name, "jerk")
        rows.append((
            NAMES[name], count, percent(found.success(name)),
            *(percent(found.estimate(name, metric)) for metric in COUNTED.values()),
            "-" if jerk is None else f"{jerk.value:.2f}", each,
            points(known.get((name, REFERENCE))),
        ))  # fmt: skip
    return Section("Over all cells", head, tuple(rows))


def by_cell(found: Evaluated) -> Section:
    """Return the success in each cell."""
    return Section("Success by cell, %", ("method", *found.cells), tuple(_families(found, collisions=False)))


def _families(found: Evaluated, collisions: bool = True) -> list[tuple[str, ...]]:
    return [(NAMES[name], *(_cell(found, name, cell, collisions) for cell in found.cells)) for name in found.planners]


def _cell(found: Evaluated, name: str, cell: str, collisions: bool) -> str:
    success, collision = found.estimate(name, "SR", cell), found.estimate(name, "CR", cell)
    told = percent(success, 0)
    return f"{told} / {100 * collision.value:.0f}" if collisions and collision is not None else told


def _published_rows(found: Evaluated) -> list[tuple[str, ...]]:
    rows = []
    for name, families in published.SUCCESS.items():
        row = []
        for cell in found.cells:
            success = published.success_in(cell, name)
            family, _, density = cell.partition("/")
            collision = published.COLLISIONS[family][published.DENSITIES.index(density)] if name == "HCRMP" else None
            row.append("" if success is None else f"*{success}*" if collision is None else f"*{success} / {collision}*")
        if families:
            rows.append((f"*the paper*, {name}", *row))
    return rows


def _whole(number: int | None) -> str:
    return "" if number is None else f"*{number}*"


def figure_of(found: Evaluated, title: str, theirs: Mapping[str, float] | None = None) -> str:
    """Return the figure of the success over all cells; ``theirs``: the paper's, by method."""
    marks = [
        Mark(NAMES[name], found.success(name), list(found.seeds(name).values()), (theirs or {}).get(name))
        for name in found.planners
    ]
    label = "episodes that succeed, %; ring: a training seed" + ("; cross: the paper" if theirs else "")
    return forest(title, marks, label)


def data_of(found: Evaluated, known: Differences) -> dict[str, Any]:
    """Return the numbers of the methods for programs: estimates over all and by cell, seeds, ``known`` differences."""
    return {"protocol": found.protocol, "methods": {name: _numbers(found, known, name) for name in found.planners}}


def _numbers(found: Evaluated, known: Differences, name: str) -> dict[str, Any]:
    against = known.get((name, REFERENCE))
    return {
        "label": NAMES[name],
        "success": asdict(found.success(name)),
        "seeds": found.seeds(name),
        "against_reference": None if against is None else {"difference": asdict(against[0]), "p_adjusted": against[1]},
        "cells": {summary["cell"]: summary["metrics"] for summary in found.planners[name]["summaries"]},
    }


METRICS: tuple[tuple[str, str, float, int], ...] = (
    ("SR %", "SR", 100.0, 0), ("CR %", "CR", 100.0, 0), ("AS m/s", "AS", 1.0, 2), ("TD m", "TD", 1.0, 0),
    ("TS s", "TS", 1.0, 1), ("SV", "SV", 1.0, 2), ("AV", "AV", 1.0, 2), ("jerk m/s3", "jerk", 1.0, 2),
    ("min TTC s (10 at most)", "min_ttc", 1.0, 2), ("collisions a mile", "collisions_per_mile", 1.0, 2),
)  # fmt: skip


def metrics_table(found: Evaluated, names: Sequence[str]) -> Table:
    """Return Table 2: all the paper's metrics, jerk and the least time to collision, of each method in each cell."""
    sections = []
    for name in names:
        rows: list[tuple[str, ...]] = []
        for cell in (*found.cells, "mean"):
            rows.append((cell, *_numbers_of(found, name, cell)))
        if name == REFERENCE:
            rows += _published_driving()
        sections.append(Section(NAMES[name], ("cell", *(heading for heading, *_ in METRICS)), tuple(rows)))
    notes = (INTERVALS, "The paper does not define its metrics; `hcrmp/metrics.py` defines ours.", OTHER_PROTOCOL)
    known = found.differences(found.against(REFERENCE))
    return Table("table2", "Table 2: all metrics", tuple(sections), notes, data_of(found, known))


def _numbers_of(found: Evaluated, name: str, cell: str) -> list[str]:
    told = []
    for _, metric, factor, decimals in METRICS:
        estimate = found.estimate(name, metric, cell)
        told.append("-" if estimate is None else estimate_text(estimate, factor, decimals))
    return told


def _published_driving() -> list[tuple[str, ...]]:
    rows = []
    for family, cells in published.DRIVING.items():
        for place, (density, numbers) in enumerate(zip(published.DENSITIES, cells, strict=True)):
            success, collision = published.SUCCESS["HCRMP"][family][place], published.COLLISIONS[family][place]
            told = (success, collision, *numbers)
            rows.append((f"*the paper*, {family}/{density}", *(f"*{number:g}*" for number in told), "", "", ""))
    return rows
