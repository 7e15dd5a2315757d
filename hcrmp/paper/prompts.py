"""Table 3b: prompt styles, with a language model that reads English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hcrmp.paper import published
from hcrmp.paper.evaluations import Evaluated
from hcrmp.paper.methods import REFERENCE
from hcrmp.paper.table import OTHER_PROTOCOL, Section, Table, percent

STYLES = ("original", "detailed", "concise")
FAMILIES = ("overtaking", "merging", "trilemma")


def changes_of(style: str, model: str) -> dict[str, object]:
    """Return how the protocol differs where a model is asked in a style; the cache bridges what it does not answer."""
    return {"hints": "transformers", "hints.transformers.model": model, "hints.transformers.style": style}


def prompts_table(found: Mapping[str, Evaluated], model: str) -> Table:
    """Return Table 3b: ``found`` by style."""
    rows: list[tuple[str, ...]] = []
    data: dict[str, Any] = {"model": model, "styles": {}}
    for style, evaluated in found.items():
        calls = evaluated.estimate(REFERENCE, "scm_calls")
        row = [style, percent(evaluated.success(REFERENCE)), percent(calls)]
        for family in FAMILIES:
            cells = [cell for cell in evaluated.cells if cell.startswith(f"{family}/")]
            success, asked = (_mean(evaluated, metric, cells) for metric in ("SR", "scm_calls"))
            theirs = published.PROMPTS[style][family]
            row.append(f"{100 * success:.0f} ({100 * asked:.0f}); *{theirs[0]} ({theirs[1]})*")
        rows.append(tuple(row))
        data["styles"][style] = {
            "success": asdict(evaluated.success(REFERENCE)), "scm_calls": None if calls is None else asdict(calls)
        }  # fmt: skip
    head = ("prompts", "SR %", "SCM calls %", *(f"{family}: SR (SCM calls), *the paper*" for family in FAMILIES))
    notes = (f"Planners that learnt with the rules expert; hints at test time of `{model}`.", OTHER_PROTOCOL)
    return Table("table3b", "Table 3b: prompt styles", (Section("By style", head, tuple(rows)),), notes, data)


def _mean(found: Evaluated, metric: str, cells: list[str]) -> float:
    estimates = [found.estimate(REFERENCE, metric, cell) for cell in cells]
    return sum(one.value for one in estimates if one is not None) / max(len(cells), 1)
