"""The moments of a drive as lines of a log: those that the replay page lists."""

from __future__ import annotations

from envs.recording import DriveLog
from hcrmp.exports.foxglove import ERROR, INFO, WARNING
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.critical import critical

_LEVELS = {"collision": ERROR, "violation": WARNING, "danger": WARNING}


def moments(drive: DriveLog) -> list[tuple[int, int, str]]:
    """Return (tick, level, words) of what happened, in the order of time."""
    found = bookmarks(drive, critical(drive.scenes))
    return [(int(one["tick"]), _LEVELS.get(one["kind"], INFO), str(one["label"])) for one in found]
