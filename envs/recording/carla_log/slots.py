"""Which slot of the scene each body has: as few as there are bodies at once."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from envs.carla_recording import CarlaLogError
from envs.recording.carla_log.tracks import Track
from envs.scene import ActorRow

MOST_BYTES = 2**31
"""A drive of a larger scene is refused (2 GiB, ours): a file of some kilobytes can ask for any size."""


def slots_of(tracks: Sequence[Track], ticks: int) -> tuple[list[int], int]:
    """Return the slot of each track, and how many there are (one at least); one is used again when its body is gone.

    Raises:
        CarlaLogError: ``ticks`` scenes of so many slots would take more than ``MOST_BYTES``.
    """
    order = sorted(range(len(tracks)), key=lambda k: (int(tracks[k].ticks[0]), tracks[k].body.id))
    slots, count = [0] * len(tracks), 0
    taken: list[tuple[int, int]] = []
    free: list[int] = []
    for k in order:
        while taken and taken[0][0] < tracks[k].ticks[0]:
            heapq.heappush(free, heapq.heappop(taken)[1])
        if not free:
            heapq.heappush(free, count)
            count += 1
        slots[k] = heapq.heappop(free)
        heapq.heappush(taken, (int(tracks[k].ticks[-1]), slots[k]))
    count = max(count, 1)
    size = ticks * count * len(ActorRow) * 8
    if size > MOST_BYTES:
        raise CarlaLogError(
            f"{ticks} frames of {count} bodies at once are {size / 2**30:.1f} GiB of scenes, at most "
            f"{MOST_BYTES / 2**30:.0f} are read: record a shorter drive"
        )
    return slots, count
