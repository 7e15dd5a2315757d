"""Speed limits from signs (type 274)."""

from __future__ import annotations

from collections.abc import Iterable

from envs.roads.elements import OpenDriveError, Road
from envs.roads.opendrive_signals import SPEED_SIGN
from envs.roads.signal_places import SignalPlace

_UNITS = {"": 1.0 / 3.6, "km/h": 1.0 / 3.6, "mph": 0.44704, "m/s": 1.0}
"""To m/s. Without a unit the number on the sign is in km/h, as on the German sign that the type is named after."""

_FASTEST_MPS = 150.0


def sign_limit(road: Road, index: int, lane: int, places: Iterable[SignalPlace]) -> float:
    """Return the limit (m/s) that signs set on a lane of section ``index``; 0: none does.

    A lane has one limit: that of the last sign that its traffic has passed at the section's middle, on this road. The
    next road begins with its own limit (its type record); one that says nothing takes this lane's. ``carla.Map`` itself
    gives no limit of a lane, only landmarks; the limit of a CARLA vehicle changes at a sign and stays until the next.
    """
    section = road.sections[index]
    middle = 0.5 * (section.s_start + section.s_end)
    onward = 1.0 if lane < 0 else -1.0
    signs = [place for place in places if place.signal.kind == SPEED_SIGN and place.is_for(lane)]
    passed = [place for place in signs if onward * place.s <= onward * middle]
    if not passed:
        return 0.0
    return _limit_mps(road, max(passed, key=lambda place: onward * place.s))


def _limit_mps(road: Road, place: SignalPlace) -> float:
    where = f"road {road.id}: signal {place.signal.id}"
    unit, value = place.signal.unit, place.signal.value
    if unit not in _UNITS:
        raise OpenDriveError(f"{where}: speed unit {unit!r}, allowed are m/s, km/h and mph")
    limit = (value or 0.0) * _UNITS[unit]
    if limit > _FASTEST_MPS:
        raise OpenDriveError(f"{where}: speed limit of {limit:g} m/s, allowed is 0 to {_FASTEST_MPS:g} m/s")
    return max(limit, 0.0)  # -1 stands for no number
