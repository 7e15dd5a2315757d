"""Where signals hold: every signal and every reference to one as a place on a road, with the lanes that it is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from envs.roads.elements import LaneSection, OpenDrive, Road, Signal


@dataclass(frozen=True, slots=True)
class SignalPlace:
    """A ``signal`` that holds at ``s`` (m) of a road, for traffic of ``direction`` (1: along s, -1: against, 0: both).

    ``validity``: inclusive ranges of lane ids; empty: all lanes of that direction.
    """

    signal: Signal
    s: float
    direction: int
    validity: tuple[tuple[int, int], ...]

    def is_for(self, lane: int) -> bool:
        """Say whether it holds for the lane of this id."""
        if self.validity:
            return any(first <= lane <= last for first, last in self.validity)
        return self.direction != (1 if lane > 0 else -1)  # lanes of negative ids run along s


def signal_places(opendrive: OpenDrive) -> dict[str, tuple[SignalPlace, ...]]:
    """Return the places of all signals by road id.

    A signal that is referred to and names no lanes itself holds only where it is referred to: it may stand anywhere,
    often on the far side of its junction.
    """
    signals = {signal.id: signal for road in opendrive.roads.values() for signal in road.signals}
    referred = {item.signal_id for road in opendrive.roads.values() for item in road.signal_references}
    return {road.id: tuple(_places(road, signals, referred)) for road in opendrive.roads.values()}


def _places(road: Road, signals: dict[str, Signal], referred: set[str]) -> Iterable[SignalPlace]:
    for signal in road.signals:
        if signal.validity or signal.id not in referred:
            yield SignalPlace(signal, signal.s, signal.direction, signal.validity)
    for item in road.signal_references:
        yield SignalPlace(signals[item.signal_id], item.s, item.direction, item.validity)


def section_at(road: Road, s: float) -> int:
    """Return the index of the lane section at ``s`` (m); beyond the ends the outer ones."""
    return max((index for index, section in enumerate(road.sections) if section.s_start <= s), default=0)


def share_ahead(section: LaneSection, lane: int, s: float) -> float:
    """Return which share of a lane of the section lies ahead of ``s`` for its traffic, 0 to 1."""
    along = (section.s_end - s) if lane < 0 else (s - section.s_start)
    return min(max(along / (section.s_end - section.s_start), 0.0), 1.0)
