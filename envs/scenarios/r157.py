"""The critical situations of UN Regulation No. 157 (ALKS): cut-in, cut-out, deceleration.

What happens in each is that of Annex 4, Appendix 3 of the regulation (in later series Annex 3), which also defines the
careful driver who tells a preventable collision from an unavoidable one (``envs.metrics.r157``). The parameters are
drawn around what that driver can just avoid: with density (here: criticality) the gaps shrink. Unlike an ALKS, the ego
may steer. Roads, speeds of 30 to 50 km/h and the ranges are ours; the regulation goes to 60 km/h, later 130.
"""

from __future__ import annotations

from collections.abc import Callable

from envs.scenarios.others import one_two_three
from envs.scenarios.safebench import LARGE, MULTI_LANE
from envs.scenarios.scenario import ActorSpec, Driver, PlaceSpec, Range, Scenario, Script, exactly
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, TriggerKind

_STEADY = Driver(headway=Range(0.8, 1.2), max_acceleration=Range(1.0, 1.5))


def cut_in(density: str) -> Scenario:
    """A slower vehicle of the left lane moves in before the ego; others drive behind it in that lane.

    It crosses as the ego is 2.4 ... 1.0 s behind it, the later the more critical.
    """
    arrival = {"low": Range(1.9, 2.6), "medium": Range(1.5, 2.2), "high": Range(1.1, 1.7)}[density]
    crosses = Script(TriggerKind.EGO_ARRIVAL, arrival, ActionKind.CHANGE_LANE, exactly(-1.0))
    slows = Script(TriggerKind.EGO_ARRIVAL, exactly(0.9), ActionKind.SPEED, Range(3.0, 5.0), Range(1.5, 3.0))
    actors = [
        ActorSpec("cutter", "left", Range(26.0, 44.0), speed=Range(4.5, 6.5), driver=_STEADY, scripts=(crosses, slows)),
        ActorSpec("behind", "left", Range(-34.0, -20.0), after="cutter", speed=Range(8.0, 10.5), driver=_STEADY),
        ActorSpec("last", "left", Range(-22.0, -14.0), after="behind", speed=Range(8.0, 10.5), driver=_STEADY),
    ]
    return _alks("cut_in", density, actors[: one_two_three(density)])


def cut_out(density: str) -> Scenario:
    """The leader swerves to the left lane before the tail of a queue that it has hidden; the queue moves on later."""
    left = {"low": Range(2.4, 3.0), "medium": Range(2.0, 2.6), "high": Range(1.6, 2.2)}[density]
    moves_on = Script(TriggerKind.TIME, Range(11.0, 14.0), ActionKind.SPEED, Range(8.0, 10.0), exactly(2.0))
    ahead = Range(62.0, 80.0)
    leader_gap = Range(11.0, 16.0)
    # The leader drives some 9 m/s towards a tail some 55 m ahead: it swerves ``left`` seconds before it.
    swerve = Script(TriggerKind.TIME, Range(4.6 - left.high, 5.4 - left.low), ActionKind.CHANGE_LANE, exactly(1.0))
    actors = [
        ActorSpec("leader", "ego", leader_gap, kinds=LARGE, speed=Range(8.0, 10.0), driver=Driver(headway=exactly(0.1)),
                  scripts=(swerve,)),
        ActorSpec("tail", "ego", ahead, kinds=(ActorKind.CAR,), desired_speed=exactly(0.0), driver=_STEADY,
                  scripts=(moves_on,)),
        ActorSpec("beside", "left", Range(-26.0, -12.0), speed=Range(8.0, 10.0), driver=_STEADY),
        ActorSpec("beside_last", "left", Range(-24.0, -14.0), after="beside", speed=Range(8.0, 10.0), driver=_STEADY),
    ]  # fmt: skip
    return _alks("cut_out", density, actors[: one_two_three(density) + 1])


def deceleration(density: str) -> Scenario:
    """The leader brakes hard without a cause that could be seen, and drives on some seconds later."""
    brake = {"low": Range(3.5, 5.0), "medium": Range(4.5, 6.5), "high": Range(6.0, 8.0)}[density]
    gap = {"low": Range(14.0, 19.0), "medium": Range(12.0, 16.0), "high": Range(10.0, 14.0)}[density]
    brakes = Script(TriggerKind.TIME, Range(1.5, 5.0), ActionKind.SPEED, exactly(0.0), brake)
    drives_on = Script(TriggerKind.TIME, Range(9.5, 12.0), ActionKind.SPEED, Range(8.0, 10.0), exactly(2.0))
    able = Driver(headway=Range(0.8, 1.2), max_acceleration=Range(1.0, 1.5), hardest_brake=exactly(8.0))
    actors = [
        ActorSpec("leader", "ego", gap, kinds=LARGE, speed=Range(8.5, 10.5), driver=able, scripts=(brakes, drives_on)),
        ActorSpec("beside", "left", Range(-20.0, -8.0), speed=Range(8.0, 10.0), driver=_STEADY),
        ActorSpec("beside_last", "left", Range(-24.0, -14.0), after="beside", speed=Range(8.0, 10.0), driver=_STEADY),
    ]
    return _alks("deceleration", density, actors[: one_two_three(density)])


R157: dict[str, Callable[[str], Scenario]] = {"cut_in": cut_in, "cut_out": cut_out, "deceleration": deceleration}
"""The regulation's situations by name."""


def _alks(name: str, density: str, actors: list[ActorSpec]) -> Scenario:
    return Scenario(
        name=name,
        density=density,
        road=PlaceSpec(MULTI_LANE, "left_lane", 240.0),
        ego_lane="ego",
        ego_at=Range(58.0, 68.0),
        ego_speed=Range(8.5, 13.0) if name == "cut_in" else Range(8.5, 10.5),
        route=("ego",),
        goal=exactly(160.0),
        time_limit=exactly(32.0),
        actors=tuple(actors),
    )
