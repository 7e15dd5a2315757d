"""What a comparison says on the terminal: one row a planner, one a pair, one a cell."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from hcrmp.comparison.analysis import PlannerResult
from hcrmp.comparison.results_file import Comparison
from hcrmp.results import MEAN, estimate_text, print_table
from hcrmp.statistics import Estimate

TOLD_ERRORS = 3
"""Kinds of infrastructure errors that are printed."""


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the tables, short; everything else is in the file."""
    protocol = comparison.protocol
    title = f"protocol {protocol.name} v{protocol.version} ({protocol.hash}): {protocol.episodes} episodes a cell"
    print_table(_planner_table(comparison, title), console)
    if comparison.pairs:
        print_table(_pair_table(comparison), console)
    if len(comparison.cells) > 1:
        print_table(_cell_table(comparison), console)
    for line in notes(comparison):
        console.print(line, style="dim", highlight=False, soft_wrap=True)


def _planner_table(comparison: Comparison, title: str) -> Table:
    table = _table(f"{title} [95 % interval]", "planner", "seeds", "SR %", "IQM %", "CR %", "preventable / not")
    for heading in ("AS m/s", "TS s"):
        table.add_column(heading, justify="right")
    routes = any("leaderboard-2.1" in one.summaries[-1].metrics for one in comparison.planners)
    if routes:
        table.add_column("DS 2.1", justify="right")
    for one in comparison.planners:
        metrics = one.summaries[-1].metrics
        row = [_text(metrics.get("AS"), 1.0, 2), _text(metrics.get("TS"), 1.0, 1)]
        row += [_text(metrics.get("leaderboard-2.1"), 1.0, 1)] if routes else []
        success = (_text(one.success.retried), _text(one.success.iqm), _text(metrics.get("CR")))
        table.add_row(one.name, _seeds(one), *success, _fault(one), *row)
    return table


def _pair_table(comparison: Comparison) -> Table:
    table = _table("pairs on the same episodes", "a - b", "SR points", "p (Holm)", "a alone / b alone", "P(a better)")
    for pair in comparison.pairs:
        alone = "-" if pair.only_a is None else f"{pair.only_a} / {pair.only_b}"
        better = _text(pair.probability_of_improvement)
        table.add_row(f"{pair.a} - {pair.b}", _text(pair.difference, 100.0, 1), _p(pair.p_adjusted), alone, better)
    return table


def _cell_table(comparison: Comparison) -> Table:
    table = _table("SR % by cell", "cell", *(one.name for one in comparison.planners))
    for k, cell in enumerate((*comparison.cells, MEAN)):
        found = [{summary.cell: summary for summary in one.summaries}.get(cell) for one in comparison.planners]
        if k == len(comparison.cells):
            table.add_section()
        table.add_row(cell, *("-" if one is None else _text(one.metrics.get("SR")) for one in found))
    return table


def notes(comparison: Comparison) -> list[str]:
    """Return what must be said below the tables, a line each."""
    lines = [_lost_words(one) for one in comparison.planners if one.infrastructure.lost_attempts]
    lines += [f"{member.unfinished}" for one in comparison.planners for member in one.members if member.unfinished]
    single = [one.name for one in comparison.planners if one.kind == "run" and len(one.members) == 1]
    if single:
        lines.append(
            f"one training seed: {', '.join(single)}; another training of the same may differ by more than its interval"
        )
    if comparison.drift is not None:
        lines.append(comparison.drift.words())
    return lines


def _lost_words(one: PlannerResult) -> str:
    lost = one.infrastructure
    errors = "; ".join(f"{count} x {text}" for text, count in list(lost.errors.items())[:TOLD_ERRORS])
    return (
        f"{one.name}: {lost.lost_attempts} attempts lost to the infrastructure ({errors}). SR % with the "
        f"{lost.episodes_lost_first} episodes driven again {_text(one.success.retried, 100.0, 1)}, with them as "
        f"failures {_text(one.success.counted_as_zero, 100.0, 1)}; recovered {lost.recovered}, given up {lost.given_up}"
    )


def _table(title: str, first: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", pad_edge=False)
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _text(estimate: Estimate | None, factor: float = 100.0, decimals: int = 0) -> str:
    return "-" if estimate is None else estimate_text(estimate, factor, decimals)


def _seeds(one: PlannerResult) -> str:
    return str(len(one.members)) if one.kind == "run" else "-"


def _fault(one: PlannerResult) -> str:
    """Return the collisions that were preventable and that were not, with how many nobody judged."""
    found = one.collisions
    if not set(found) - {"unjudged"}:
        return "-"
    unknown = f" ({found['unjudged']} ?)" if found.get("unjudged") else ""
    return f"{found.get('preventable', 0)} / {found.get('unavoidable', 0)}{unknown}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
