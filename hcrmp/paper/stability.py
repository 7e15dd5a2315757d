"""How much the weights vary in one scene, with and without anchors, and how they tell safe from dangerous ones."""

from __future__ import annotations

import json

from rich.console import Console

from hcrmp import hints_stability
from hcrmp.config import load
from hcrmp.paper import published
from hcrmp.paper.table import Section, Table
from hcrmp.results import estimate_text
from hcrmp.statistics import Estimate


def stability_table(console: Console) -> Table:
    """Ask the language model in the box again and again, and return what the paper measures."""
    report, name = hints_stability.ask(load("hints stability"), console)
    less = Estimate(report.reduction.value, report.reduction.low, report.reduction.high)
    rows = [(heading.replace("  ", "&nbsp;&nbsp;"), *told) for heading, *told in report.rows()]
    rows.append(("variance within a scene, % less", "", estimate_text(less, 1.0, 1)))
    rows.append(("*the paper*, a scene of road works, % less", "", f"*{published.ANCHOR_GAIN}*"))
    notes = (
        f"{name}, its answers drawn at temperature 1. Anchors: the weights that the passages argue for, mixed in "
        "with a third, since this model reads no prose; so the gain is mostly arithmetic.",
    )
    heading = f"{report.scenes} scenes of road works, each asked {report.repeats} times"
    section = Section(heading, ("measure", "without anchors", "with anchors"), tuple(map(tuple, rows)))
    return Table("stability", "Stability of the weights", (section,), notes, {"report": json.loads(report.to_json())})
