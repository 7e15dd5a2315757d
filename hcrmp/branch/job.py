"""``hcrmp replay DRIVE --from 12.4 --planner other``: another driver from a recorded moment on, or from many."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch as th

from envs.recording.names import DRIVE_SUFFIX
from hcrmp.branch.drive_on import Branch, drive_on
from hcrmp.branch.errors import BranchError
from hcrmp.branch.measures import avoids
from hcrmp.branch.on_carla import drive_on_carla
from hcrmp.branch.planners import Successor, successor
from hcrmp.branch.report import as_dict, print_report
from hcrmp.branch.worlds import Origin, origin_of
from hcrmp.consoles import stdout_console
from hcrmp.replay_config import ReplayConfig
from hcrmp.run_folder import write_json
from hcrmp.sections import CarlaOptions
from hcrmp.viewer import write_comparison

REPORT_FILE = "branches.json"


def run(config: ReplayConfig, path: Path) -> int:
    """Drive the branches, write them, a report and pages, and print the report and where all is."""
    console = stdout_console()
    th.set_num_threads(1)
    origin = origin_of(path, config.map)
    ticks = moments(config, origin)
    successors = [successor(word, origin, config.hints, config.runs_dir) for word in config.successors]
    names = [one.name for one in successors]
    if len(set(names)) < len(names):
        raise BranchError(
            f"planner names somebody twice: {', '.join(names)}; runs of one name need output=... of their own"
        )
    branches = [branch for one in successors for branch in _driven(config, origin, one, ticks)]
    place = folder_of(config, path)
    files = write(origin, successors, branches, place, config.others)
    print_report(origin, branches, console, config.others)
    for file in files:
        console.print(str(file), soft_wrap=True, highlight=False)
    return 0


def _driven(config: ReplayConfig, origin: Origin, one: Successor, ticks: Sequence[int]) -> list[Branch]:
    """Return the branches of one who takes over, here or on a server."""
    if isinstance(config.simulator, CarlaOptions):
        return drive_on_carla(origin, one, ticks, config.simulator, config.others)
    return drive_on(origin, one, ticks, config.others)


def moments(config: ReplayConfig, origin: Origin) -> list[int]:
    """Return the ticks from which branches begin, each once, in order.

    Raises:
        BranchError: a time is outside the drive.
    """
    drive = origin.drive
    last = len(drive) - 2
    if last < 0:
        raise BranchError(f"{origin.path.name} has one tick alone: there is nothing to branch from")
    times = drive.scenes.time_s
    for moment in config.moments:
        if not times[0] - 1e-6 <= moment <= times[last] + 1e-6:
            raise BranchError(f"{moment:g} s is outside the drive: {origin.path.name} goes from {times[0]:.1f} to "
                              f"{times[-1]:.1f} s, and can be branched up to {times[last]:.1f} s")  # fmt: skip
    ticks = {drive.tick_at(moment) for moment in config.moments}
    if config.every > 0.0:
        step = max(1, round(config.every / drive.meta.decision_period_s))
        ticks |= set(range(0, last + 1, step))
    return sorted(ticks)


def folder_of(config: ReplayConfig, path: Path) -> Path:
    """Return where the branches go: to ``output``, or beside the run's drives, or beside a drive elsewhere."""
    if config.output:
        return Path(config.output)
    folder = path.absolute().parent
    return (folder.parent / "branches" if folder.name == "drives" else folder) / path.stem


def write(
    origin: Origin, successors: Sequence[Successor], branches: Sequence[Branch], place: Path, others: str
) -> list[Path]:
    """Write every branch as a drive, the report, and a page for each who took over; return report and pages."""
    names = [f"{branch.name}-from-{branch.start_s:.1f}{DRIVE_SUFFIX}" for branch in branches]
    for branch, name in zip(branches, names, strict=True):
        branch.drive.save(place / name)
    report = place / REPORT_FILE
    write_json(report, as_dict(origin, branches, names, others))
    pages = [_page(origin, [b for b in branches if b.name == one.name], place, one.name) for one in successors]
    return [report, *pages]


def _page(origin: Origin, branches: Sequence[Branch], place: Path, name: str) -> Path:
    telling = most_telling(origin, branches)
    names = (f"{origin.drive.meta.planner} (recorded)", f"{name} from {telling.start_s:.1f} s")
    return write_comparison(origin.drive, telling.drive, place / f"{name}-from-{telling.start_s:.1f}.html", names)


def most_telling(origin: Origin, branches: Sequence[Branch]) -> Branch:
    """Return the last branch that avoids the accident, or the last of all."""
    order = np.argsort([branch.tick for branch in branches])
    good = [k for k in order if avoids(branches[k].drive, origin.drive)]
    return branches[int(good[-1] if good else order[-1])]
