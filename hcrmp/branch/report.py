"""The report of branches: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from envs.recording import REWARD_NAMES, DriveLog
from hcrmp.branch.drive_on import Branch
from hcrmp.branch.measures import Aftermath, aftermath, avoids, parting
from hcrmp.branch.recordings import RecordingCourse
from hcrmp.branch.worlds import Origin
from hcrmp.results import print_table

MOMENTS_IN_FULL = 3
"""Up to so many moments all is told of each branch; of more, what shows from when on it goes well."""

COLUMNS = ("from s", "driver", "outcome", "time s", "min TTC s", "hit at m/s", "route %", "max jerk", "smooth %",
           "safety efficiency comfort", "apart m (1 m at)")  # fmt: skip


def as_dict(origin: Origin, branches: Sequence[Branch], files: Sequence[str], others: str) -> dict[str, Any]:
    """Return the whole report as plain values for JSON; ``files`` (n,): where the branches are."""
    recorded = origin.drive
    return {
        "drive": str(origin.path),
        "planner": recorded.meta.planner,
        "outcome": recorded.meta.outcome,
        "others": others,
        "branches": [
            {
                "name": branch.name,
                "start_s": round(branch.start_s, 6),
                "tick": branch.tick,
                "file": file,
                "simulator": branch.simulator,
                "avoids": avoids(branch.drive, recorded),
                "branch": aftermath(branch.drive, branch.tick).to_dict(),
                "recorded": aftermath(recorded, branch.tick).to_dict(),
                "parting": parting(branch.drive, recorded, branch.tick).to_dict(),
            }
            for branch, file in zip(branches, files, strict=True)
        ],
        "last_moments": last_moments(origin, branches),
    }


def last_moments(origin: Origin, branches: Sequence[Branch]) -> dict[str, float | None]:
    """Return for each who takes over the last moment from which it avoids the accident (s); None: from none.

    Empty where the recorded drive had no accident.
    """
    found: dict[str, float | None] = {}
    for branch in branches:
        avoided = avoids(branch.drive, origin.drive)
        if avoided is None:
            return {}
        found.setdefault(branch.name, None)
        before = found[branch.name]
        if avoided and (before is None or branch.start_s > before):
            found[branch.name] = round(branch.start_s, 6)
    return found


def print_report(origin: Origin, branches: Sequence[Branch], console: Console, others: str) -> None:
    """Print what came of each branch beside what came of the drive."""
    meta = origin.drive.meta
    end_s = float(origin.drive.scenes.time_s[-1])
    console.print(f"{origin.path.name}: {meta.planner}, {meta.outcome} at {end_s:.1f} s", highlight=False)
    few = len({branch.tick for branch in branches}) <= MOMENTS_IN_FULL
    print_table(_table(origin, branches) if few else _sweep(branches), console)
    if others == "replayed":
        told = (
            f"The others moved as recorded up to {end_s:.1f} s, where the recording ends: they do not react till then."
        )
        console.print(told, highlight=False, soft_wrap=True)
    for line in [*_restored(origin, branches), *verdicts(origin, branches)]:
        console.print(line, highlight=False, soft_wrap=True)


def _restored(origin: Origin, branches: Sequence[Branch]) -> list[str]:
    """Return what is to be known of a moment that was restored somewhere else than it was recorded."""
    told = []
    places = origin.drive.meta.simulator, branches[0].simulator
    if places[0] != places[1] or not origin.repeats:
        told.append(f"Recorded in {places[0]}, driven on in {places[1]}: places and velocities are as recorded.")
    if isinstance(origin.course, RecordingCourse):
        told.append("Where the others want to go is not in a recording: our traffic decides it.")
        agree = origin.course.signals_agree
        told += [] if agree is None else [f"The ego's lights are as recorded in {100.0 * agree:.0f} % of the time."]
    return told


def _table(origin: Origin, branches: Sequence[Branch]) -> Table:
    table = Table()
    for heading in COLUMNS:
        table.add_column(heading, justify="left" if heading in ("driver", "outcome") else "right")
    recorded, before = origin.drive, -1
    for branch in sorted(branches, key=lambda one: one.tick):
        if branch.tick != before:
            told = _cells(aftermath(recorded, branch.tick))
            table.add_row(f"{branch.start_s:.1f}", f"{recorded.meta.planner} (recorded)", *told, style="dim")
        table.add_row("", branch.name, *_cells(aftermath(branch.drive, branch.tick), _apart(branch, recorded)))
        before = branch.tick
    return table


def _sweep(branches: Sequence[Branch]) -> Table:
    """Return a table with a row for each moment and a column for each who takes over."""
    names = list(dict.fromkeys(branch.name for branch in branches))
    found = {(branch.tick, branch.name): branch for branch in branches}
    table = Table()
    table.add_column("from s", justify="right")
    for name in names:
        table.add_column(name)
    for tick in sorted({branch.tick for branch in branches}):
        first = found[tick, names[0]]
        table.add_row(f"{first.start_s:.1f}", *(_in_short(found[tick, name]) for name in names))
    return table


def _in_short(branch: Branch) -> str:
    told = aftermath(branch.drive, branch.tick)
    if told.collision_speed_mps is not None:
        return f"{told.outcome} after {told.time_s:.1f} s at {told.collision_speed_mps:.1f} m/s"
    return f"{told.outcome} after {told.time_s:.1f} s, min TTC {told.min_ttc_s:.1f} s"


def _apart(branch: Branch, recorded: DriveLog) -> str:
    """Return by how much the branch leaves the recorded way, and when."""
    apart = parting(branch.drive, recorded, branch.tick)
    return f"{apart.most_m:.1f}" + ("" if apart.parted_at_s is None else f" ({apart.parted_at_s:.1f} s)")


def verdicts(origin: Origin, branches: Sequence[Branch]) -> list[str]:
    """Return one line for each who takes over: the last moment from which it avoids the accident."""
    lines = []
    outcome, end_s = origin.drive.meta.outcome, float(origin.drive.scenes.time_s[-1])
    for name, last in last_moments(origin, branches).items():
        mine = [branch for branch in branches if branch.name == name]
        if last is None:
            starts = ", ".join(f"{b.start_s:.1f}" for b in (mine if len(mine) < 4 else [mine[0], mine[-1]]))
            lines.append(f"{name}: an accident whenever it takes over ({len(mine)} tried: {starts} s).")
            continue
        fails = [b.start_s for b in mine if b.start_s < last and avoids(b.drive, origin.drive) is False]
        but = f", though not at {_shortened(fails)} s" if fails else ""
        lines.append(f"{name}: no accident if it takes over at {last:.1f} s at the latest, {end_s - last:.1f} s before "
                     f"the {outcome.replace('_', ' ')}{but}.")  # fmt: skip
    return lines


def _shortened(moments: Sequence[float]) -> str:
    """Return moments in words: all of them, or how many there are between the first and the last."""
    if len(moments) <= 4:
        return ", ".join(f"{moment:.1f}" for moment in moments)
    return f"{len(moments)} moments from {moments[0]:.1f} to {moments[-1]:.1f}"


def _cells(told: Aftermath, apart: str = "") -> list[str]:
    hit = "" if told.collision_speed_mps is None else f"{told.collision_speed_mps:.1f}"
    smooth = "" if told.smoothness is None else f"{100.0 * told.smoothness:.0f}"
    rewards = " ".join(f"{told.reward_terms[name]:.1f}" for name in REWARD_NAMES)
    return [told.outcome, f"{told.time_s:.1f}", f"{told.min_ttc_s:.1f}", hit, f"{100.0 * told.completion:.0f}",
            f"{told.max_jerk:.0f}", smooth, rewards, apart]  # fmt: skip
