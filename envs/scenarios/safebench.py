"""SafeBench's eight scenarios, as data on our own maps.

What happens in each is that of Xu et al. (2022), "SafeBench: a benchmarking platform for safety evaluation of
autonomous vehicles" (NeurIPS), section 3 and appendix; places, numbers and the three densities are ours. SafeBench
lets an adversary be optimised against the planner; here the adversary is drawn, and where it must meet the ego it
adapts its speed until a second before (``ActionKind.MEET``), so that no timing of the ego's makes it miss by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from envs.scenarios.others import BRISK, oncoming, one_two_three
from envs.scenarios.scenario import ActorSpec, Driver, PlaceSpec, Range, Scenario, Script, exactly
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, TriggerKind

TOWNS = ("town", "large_town")
STREETS = ("town", *(f"street_{i}" for i in range(4)))
MULTI_LANE = ("town", *(f"{road}_{i}" for road in ("multi_lane", "three_lane") for i in range(4)))

CARS = (ActorKind.CAR, ActorKind.CAR, ActorKind.TRUCK)
LARGE = (ActorKind.CAR, ActorKind.TRUCK, ActorKind.BUS)
ON_FOOT = (ActorKind.PEDESTRIAN, ActorKind.PEDESTRIAN, ActorKind.CYCLIST)

_HEEDLESS = Driver(heedless=True, max_acceleration=Range(3.0, 4.0), comfort_brake=Range(3.0, 4.0),
                   headway=Range(0.5, 0.8))  # fmt: skip
_QUARTER = 0.5 * math.pi


def straight_obstacle(density: str) -> Scenario:
    """Somebody comes out from between parked vehicles into the ego's lane, and stays there.

    It cannot be seen until it is near. Whoever has stopped must then pass it on the other lane, between 1 / 2 / 3
    oncoming vehicles.
    """
    steps_out = Script(TriggerKind.ROUTE_ARRIVAL, Range(1.3, 2.4), ActionKind.WALK, Range(1.6, 2.6), Range(2.2, 3.2))
    actors = [
        ActorSpec("parked_before", "ego", Range(24.0, 40.0), kinds=LARGE, lateral=exactly(-2.85), parked=True),
        ActorSpec("parked_after", "ego", Range(18.0, 26.0), after="parked_before", kinds=LARGE, lateral=exactly(-2.85),
                  parked=True),
        ActorSpec("obstacle", "ego", Range(6.5, 8.0), after="parked_after", kinds=ON_FOOT, walks=True,
                  lateral=Range(-3.3, -2.8), yaw=Range(_QUARTER - 0.3, _QUARTER + 0.3), scripts=(steps_out,)),
    ]  # fmt: skip
    return _street("straight_obstacle", density, [*actors, *_oncoming(density, Range(70.0, 100.0))])


def turning_obstacle(density: str) -> Scenario:
    """The ego turns, and meets 1 / 2 / 3 people crossing the road that it turns into; at high density one stands still.

    They step out as the ego comes, from either side.
    """

    def crossing(i: int) -> ActorSpec:
        side = -1.0 if i != 1 else 1.0
        stops = i == 2
        walk = Script(TriggerKind.ROUTE_ARRIVAL, Range(1.4, 2.1), ActionKind.WALK, Range(1.5, 2.4),
                      Range(2.6, 3.4) if stops else exactly(9.0))  # fmt: skip
        return ActorSpec(
            f"crossing{i}", "ego", Range(3.0, 7.0) if i == 0 else Range(2.0, 5.0), after="exit" if i == 0 else
            f"crossing{i - 1}", kinds=ON_FOOT, walks=True, lateral=Range(-3.4, -2.8) if side < 0.0 else Range(4.6, 6.2),
            yaw=Range(-0.25 - side * _QUARTER, 0.25 - side * _QUARTER), scripts=(walk,),
        )  # fmt: skip

    actors = [crossing(i) for i in range(one_two_three(density))]
    return _junction("turning_obstacle", density, "turn", actors, green=True)


def lane_changing(density: str) -> Scenario:
    """The leader is too slow and brakes; the ego must change to the left lane, where 1 / 2 / 3 others drive.

    One comes up from behind, the next drives ahead at less than the ego's speed, the third closes the gap behind them.
    """
    brakes = Script(TriggerKind.EGO_DISTANCE, Range(14.0, 24.0), ActionKind.SPEED, Range(0.5, 2.0), Range(3.0, 6.0))
    pace = Range(9.0, 12.0)
    others = [
        ActorSpec("from_behind", "left", Range(-30.0, -9.0), speed=pace, desired_speed=Range(10.0, 13.0),
                  driver=BRISK),
        ActorSpec("ahead", "left", Range(14.0, 34.0), kinds=CARS, speed=Range(6.0, 8.0), driver=BRISK),
        ActorSpec("third", "left", Range(-22.0, -12.0), after="from_behind", speed=pace,
                  desired_speed=Range(11.0, 14.0), driver=BRISK),
    ]  # fmt: skip
    leader = ActorSpec("leader", "ego", Range(24.0, 38.0), kinds=LARGE, speed=Range(4.0, 6.5), scripts=(brakes,))
    return Scenario(
        name="lane_changing",
        density=density,
        road=PlaceSpec(MULTI_LANE, "left_lane", 240.0),
        ego_lane="ego",
        ego_at=Range(58.0, 68.0),
        ego_speed=Range(8.0, 12.0),
        route=("ego",),
        goal=exactly(170.0),
        time_limit=exactly(24.0),
        actors=(leader, *others[: one_two_three(density)]),
    )


def vehicle_passing(density: str) -> Scenario:
    """A vehicle has broken down in the ego's lane; past it leads the other lane alone, with 1 / 2 / 3 oncoming ones."""
    stopped = ActorSpec("broken_down", "ego", Range(32.0, 55.0), kinds=LARGE, lateral=Range(-0.6, 0.0), parked=True,
                        yaw=Range(-0.04, 0.04))  # fmt: skip
    return _street("vehicle_passing", density, [stopped, *_oncoming(density, Range(58.0, 90.0))])


def red_light_running(density: str) -> Scenario:
    """The ego's light is green; somebody runs the red one on the road across, at high density another behind it.

    At medium and high density somebody else comes from the other side and waits as it should, or does not.
    """
    actors = [_runner("runner", "cross", Range(-0.2, 0.2))]
    if density != "low":
        actors.append(_runner("from_far_side", "far", Range(-0.6, 0.9), heedless=density == "high"))
    if density == "high":
        actors.append(_runner("second", "cross", Range(1.0, 1.8), after="runner"))
    return _junction("red_light_running", density, "signalled_crossing", actors, green=True)


def unprotected_left_turn(density: str) -> Scenario:
    """The ego turns left across 2 / 3 / 4 oncoming vehicles that go first; the gaps between most are too short."""
    actors = [_runner("oncoming0", "oncoming", Range(-0.3, 0.3))]
    actors += [
        _stream(f"oncoming{i}", "oncoming", f"oncoming{i - 1}", Range(1.3, 2.4))
        for i in range(1, 1 + one_two_three(density))
    ]
    # Long enough to wait for the next green.
    return _junction("unprotected_left_turn", density, "unprotected_left_turn", actors, green=True, limit_s=42.0)


def right_turn(density: str) -> Scenario:
    """The ego turns right into a street on which 2 / 3 / 4 vehicles come from the left, close behind one another."""
    actors = [_runner("cross0", "cross", Range(-0.2, 0.5))]
    actors += [
        _stream(f"cross{i}", "cross", f"cross{i - 1}", Range(1.3, 2.4)) for i in range(1, 1 + one_two_three(density))
    ]
    return _junction("right_turn", density, "right_turn", actors)


def crossing_negotiation(density: str) -> Scenario:
    """A crossing without signals: 1 / 2 / 3 vehicles cross the ego's way and do not give way."""
    actors = [_runner("cross0", "cross", Range(-0.2, 0.2))]
    if density != "low":
        actors.append(_runner("far0", "far", Range(-0.8, 1.2)))
    if density == "high":
        actors.append(_runner("cross1", "cross", Range(1.2, 2.2), after="cross0"))
    return _junction("crossing_negotiation", density, "open_crossing", actors)


SAFEBENCH: dict[str, Callable[[str], Scenario]] = {
    "straight_obstacle": straight_obstacle,
    "turning_obstacle": turning_obstacle,
    "lane_changing": lane_changing,
    "vehicle_passing": vehicle_passing,
    "red_light_running": red_light_running,
    "unprotected_left_turn": unprotected_left_turn,
    "right_turn": right_turn,
    "crossing_negotiation": crossing_negotiation,
}
"""SafeBench's scenarios by name, in its order."""


def _runner(name: str, way: str, arrives: Range, after: str = "ego", heedless: bool = True) -> ActorSpec:
    """Return somebody who crosses the ego's way straight on, ``arrives`` (s) later than ``after`` does."""
    meets = Script(TriggerKind.TIME, exactly(0.0), ActionKind.MEET, arrives, Range(8.0, 10.5))
    return ActorSpec(
        name, way, arrives=arrives, after=after, kinds=CARS, speed=Range(7.5, 9.5), desired_speed=Range(8.5, 10.5),
        driver=_HEEDLESS if heedless else BRISK, scripts=(meets,) if heedless and after == "ego" else (),
    )  # fmt: skip


def _stream(name: str, way: str, after: str, gap_s: Range) -> ActorSpec:
    """Return somebody who follows another one through the junction."""
    return ActorSpec(name, way, arrives=gap_s, after=after, kinds=CARS, speed=Range(7.5, 9.5),
                     desired_speed=Range(9.0, 11.0), driver=_HEEDLESS)  # fmt: skip


def _oncoming(density: str, first: Range) -> list[ActorSpec]:
    gap = {"low": Range(30.0, 42.0), "medium": Range(22.0, 34.0), "high": Range(17.0, 27.0)}[density]
    return oncoming(density, first, gap, Range(7.0, 9.0), Range(8.0, 10.0), CARS)


def _street(name: str, density: str, actors: list[ActorSpec]) -> Scenario:
    """Return a scenario on a street of one lane a direction."""
    return Scenario(
        name=name,
        density=density,
        road=PlaceSpec(STREETS, "two_way_street", 140.0),
        ego_lane="ego",
        ego_at=Range(10.0, 20.0),
        ego_speed=Range(6.0, 9.0),
        route=("ego",),
        goal=exactly(110.0),
        time_limit=exactly(28.0),
        actors=tuple(actors),
        wrong_way_limit_s=12.0,
    )


def _junction(
    name: str, density: str, place: str, actors: list[ActorSpec], green: bool = False, limit_s: float = 30.0
) -> Scenario:
    """Return a scenario at a junction: the ego comes from some 35 m before it and leaves it by 18 m."""
    return Scenario(
        name=name,
        density=density,
        road=PlaceSpec(TOWNS, place, 30.0),
        ego_lane="ego",
        ego_at=Range(-40.0, -27.0),
        ego_speed=Range(6.0, 8.5),
        route=("ego",),
        goal=Range(16.0, 20.0),
        time_limit=exactly(limit_s),
        actors=tuple(actors),
        ego_after="entry",
        goal_after="exit",
        green=green,
    )
