"""The drift in words, on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hcrmp.reproduce.drift import EvaluationDrift, TrainingDrift
from hcrmp.reproduce.surroundings import Change

TOLD = 10
"""Episodes that are told one by one; the JSON has all."""


def tell_changes(found: Sequence[Change], console: Console) -> None:
    """Print in what code, versions and machine differ from those of the run."""
    if not found:
        console.print("code, versions and machine are those of the run", highlight=False)
        return
    table = Table(title="not as when the run was made", title_justify="left", pad_edge=False)
    for heading in ("", "then", "now"):
        table.add_column(heading, overflow="fold")
    for change in found:
        table.add_row(*map(escape, (change.what, change.then, change.now)))
    console.print(table)


def tell_training(drift: TrainingDrift, console: Console) -> None:
    """Print how the parameters differ."""
    found = drift.parameters
    if found.identical:
        console.print(f"training: identical, all {found.tensors} tensors bit by bit", highlight=False)
        return
    told = f"training: {found.changed} of {found.tensors} tensors differ, by up to {found.largest:.3g} in {found.where}"
    if drift.diverged_at is not None:
        told += f"; the logs part at step {drift.diverged_at:,} ({drift.diverged_in})"
    if drift.steps_then != drift.steps_now:
        told += f"; {drift.steps_then:,} decisions then, {drift.steps_now:,} now"
    console.print(told, highlight=False, soft_wrap=True)


def tell_evaluation(found: EvaluationDrift, console: Console) -> None:
    """Print how the episodes of an evaluation differ."""
    if found.problem:
        console.print(f"{found.label}: not repeated, {found.problem}", highlight=False, soft_wrap=True)
        return
    same = found.episodes - len(found.changed)
    told = f"{found.label}: {same} of {found.episodes} episodes identical"
    if found.drives:
        told += f", {found.drives - len(found.drives_changed)} of {found.drives} drives"
    console.print(told, highlight=False, soft_wrap=True)
    for one in found.changed[:TOLD]:
        ends = one.then if one.then == one.now else f"{one.then} then, {one.now} now"
        fields = ", ".join(one.fields[:4]) + (f" and {len(one.fields) - 4} more" if len(one.fields) > 4 else "")
        console.print(f"  {one.cell} seed {one.seed}: {ends}; differs in {fields}", highlight=False)
    if len(found.changed) > TOLD:
        console.print(f"  and {len(found.changed) - TOLD} more", highlight=False)


def tell_end(identical: bool, look_at: Sequence[str], path: Path, console: Console) -> None:
    """Print what it comes to."""
    console.print("identical" if identical else "it differs", highlight=False)
    for line in look_at:
        console.print(f"look at {line}", highlight=False, soft_wrap=True)
    console.print(str(path), highlight=False, soft_wrap=True)
