"""``hcrmp replay DRIVE --exact``: simulate a drive again from its actions, and tell where it parts from the record."""

from __future__ import annotations

from pathlib import Path

from hcrmp.branch.divergence import Divergence, compared_numbers, first_divergence, without_hints
from hcrmp.branch.errors import BranchError
from hcrmp.branch.resimulate import resimulate
from hcrmp.branch.worlds import Origin, origin_of
from hcrmp.consoles import stdout_console

SHOWN = 12
"""Numbers that are shown of those that differ."""

DIVERGED_STATUS = 1


def run(path: Path) -> int:
    """Simulate the drive again and print the first divergence; 0 where there is none, else 1."""
    origin = origin_of(path)
    if not origin.repeats:
        where = origin.drive.meta.simulator
        raise BranchError(f"{path.name} was recorded in {where}, which does not repeat itself bit for bit: there is "
                          "nothing to compare with; --from lets somebody take over")  # fmt: skip
    again = resimulate(origin)
    parted = first_divergence(origin.drive, again)
    console = stdout_console()
    found = lines(origin, again.meta.outcome, parted)
    if parted is not None and first_divergence(without_hints(origin.drive), again) is None:
        found.append("  All but the hints is the same, to the end.")
    for line in found:
        console.print(line, soft_wrap=True, highlight=False)
    return 0 if parted is None else DIVERGED_STATUS


def lines(origin: Origin, outcome: str, parted: Divergence | None) -> list[str]:
    """Return what is told of a comparison; ``outcome`` of the drive that was simulated again."""
    drive = origin.drive
    name, ticks = origin.path.name, len(drive)
    if parted is None:
        return [
            f"{name}: simulated again without divergence: {ticks} ticks ({drive.duration_s:.1f} s), "
            f"{compared_numbers(drive)} numbers, bit for bit."
        ]
    found = [
        f"{name}: diverges at tick {parted.tick} of {ticks} ({parted.time_s:.1f} s), in "
        f"{len(parted.differences)} numbers; it ended in {drive.meta.outcome}, now in {outcome}."
    ]
    for one in parted.differences[:SHOWN]:
        found.append(
            f"  {one.name}: recorded {one.recorded:.9g}, now {one.again:.9g} ({one.again - one.recorded:+.3g})"
        )
    if len(parted.differences) > SHOWN:
        found.append(f"  and {len(parted.differences) - SHOWN} more")
    return found
