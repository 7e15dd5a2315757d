"""What drivers see of the signals, and who has to stop for them."""

from __future__ import annotations

from envs.compiled import njit
from envs.roads.controls import clock_offset, signal_state, time_to_red
from envs.scene import SignalState
from envs.traffic.network import RoadArrays

COMFORTABLE_BRAKE = 2.5
"""Deceleration up to which a driver stops for a signal that turns yellow (m/s2)."""

FIRM_BRAKE = 6.0
"""Deceleration up to which a driver stops where it would otherwise cross the line on red (m/s2)."""

SLOWED = 2.0
"""Deceleration that a driver reckons with on its way to the line, by a curve or somebody ahead (m/s2, ours)."""

_DARK, _YELLOW, _RED = int(SignalState.NONE), int(SignalState.YELLOW), int(SignalState.RED)


@njit
def plan_offset(roads: RoadArrays, group: int, seed: int) -> float:
    """Return by how much the clock of a group's plan is ahead in the world of ``seed`` (s)."""
    return float(clock_offset(seed, int(roads.plan[group]), roads.programs[group, 0]))


@njit
def light(roads: RoadArrays, lane: int, time_s: float, seed: int) -> int:
    """Return the ``SignalState`` at the entry of ``lane``."""
    group = int(roads.group[lane])
    if group < 0:
        return _DARK
    return int(signal_state(roads.programs, group, time_s, plan_offset(roads, group, seed)))


@njit
def must_stop(roads: RoadArrays, lane: int, time_s: float, seed: int, speed: float, to_line: float) -> bool:
    """Return whether the signal at the entry of ``lane`` holds a driver whose front is ``to_line`` (m) before its line.

    Yellow means stop, unless one is so near that one cannot stop in safety (Vienna Convention on Road Signs and
    Signals 1968, article 23): more gently than ``COMFORTABLE_BRAKE``, or than ``FIRM_BRAKE`` if the line would not be
    reached before red. Whoever has crossed the line goes on.
    """
    state = light(roads, lane, time_s, seed)
    if to_line <= 0.0 or (state != _RED and state != _YELLOW):
        return False
    needed = speed * speed / (2.0 * max(to_line, 0.05))
    if needed < COMFORTABLE_BRAKE:
        return True
    group = int(roads.group[lane])
    left = time_to_red(roads.programs, group, time_s, plan_offset(roads, group, seed))
    reached = max(speed - 0.5 * SLOWED * left, 0.0) * left
    return bool(needed < FIRM_BRAKE and to_line > reached)
