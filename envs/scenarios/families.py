"""The four conditions of PAPER.md section 7 at three densities, as data.

The numbers of vehicles are the paper's; everything else is ours: the paper does not give it. What makes each condition
hard, and what a driver must do, stands beside it. ``tests/envs/scenarios/test_solvable.py`` holds the proof that each
cell can be driven and that driving without looking fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from envs.scenarios.scenario import ActorSpec, Driver, LaneAnchor, Range, RoadSpec, Scenario, Script, exactly
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, TriggerKind

DENSITIES = ("low", "medium", "high")
"""The paper's three densities."""

LARGE = (ActorKind.CAR, ActorKind.CAR, ActorKind.TRUCK, ActorKind.BUS)
"""Kinds of slow vehicles: half of them large enough to hide what is ahead."""


def overtaking(density: str) -> Scenario:
    """Two lanes one way, 1 / 2 / 3 slower vehicles ahead.

    Staying behind them misses the time limit; the second vehicle blocks the other lane further on, the third the own
    lane again, so that high density asks for a slalom through ever shorter gaps, with a late swerve into the ego's way.
    """
    slow = Driver(headway=Range(1.0, 1.6), max_acceleration=Range(0.8, 1.2))
    swerve = Script(TriggerKind.EGO_ARRIVAL, Range(1.6, 3.0), ActionKind.CHANGE_LANE, exactly(1.0))
    ahead = [
        ActorSpec("first", "right", Range(28.0, 45.0), kinds=LARGE, speed=Range(3.0, 4.0), driver=slow),
        ActorSpec("second", "left", Range(26.0, 38.0), after="first", kinds=LARGE, speed=Range(4.0, 5.0), driver=slow),
        ActorSpec(
            "third", "right", Range(20.0, 30.0), after="second", speed=Range(4.5, 5.5), driver=slow, scripts=(swerve,)
        ),
    ]
    if density == "high":
        ahead[1] = ActorSpec(
            "second", "left", Range(18.0, 27.0), after="first", kinds=LARGE, speed=Range(4.0, 5.0), driver=slow
        )
    return Scenario(
        name="overtaking",
        density=density,
        road=RoadSpec(_variants("multi_lane"), {"right": LaneAnchor(1, -2), "left": LaneAnchor(1, -1)}),
        ego_lane="right",
        ego_at=Range(20.0, 40.0),
        ego_speed=Range(8.0, 12.0),
        route=("right",),
        goal=exactly(240.0),
        time_limit=exactly(28.0),
        actors=tuple(ahead[: _count(density, 1, 2, 3)]),
    )


def merging(density: str) -> Scenario:
    """On-ramp onto a main road, 2 / 4 / 8 vehicles on the two lanes beside the ramp lane.

    The ramp lane ends: the ego must find a gap in the right lane, match its speed and change before the end. The gaps
    shrink with density, and few drivers open one.
    """
    gaps = {"low": Range(16.0, 26.0), "medium": Range(12.5, 18.0), "high": Range(10.5, 14.0)}[density]
    yields = {"low": 0.4, "medium": 0.2, "high": 0.1}[density]
    flow = Driver(
        headway=Range(0.5, 0.8), min_gap=Range(1.5, 2.0), hardest_brake=Range(2.5, 4.0), yield_probability=yields
    )
    through = Driver(headway=Range(0.6, 1.0), changes_lane=True, change_threshold=Range(0.5, 1.0))
    right, left = _count(density, 1, 3, 5), _count(density, 1, 1, 3)
    speed = Range(8.5, 10.5)
    actors = [
        ActorSpec(f"right{i}", "main_right", _ahead(density) if i == 0 else _negative(gaps),
                  after="ego" if i == 0 else f"right{i - 1}", speed=speed, desired_speed=Range(9.0, 11.0), driver=flow)
        for i in range(right)
    ]  # fmt: skip
    actors += [
        ActorSpec(f"left{i}", "main_left", Range(-10.0, 20.0) if i == 0 else _negative(gaps),
                  after="ego" if i == 0 else f"left{i - 1}", speed=Range(9.5, 12.0),
                  desired_speed=Range(10.0, 13.0), driver=through)
        for i in range(left)
    ]  # fmt: skip
    return Scenario(
        name="merging",
        density=density,
        road=RoadSpec(_variants("on_ramp"), {
            "ramp": LaneAnchor(4, -1), "acceleration": LaneAnchor(2, -3),
            "main_right": LaneAnchor(2, -2), "main_left": LaneAnchor(2, -1), "beyond": LaneAnchor(3, -2),
        }),
        ego_lane="ramp",
        ego_at=Range(25.0, 45.0),
        ego_speed=Range(7.0, 10.0),
        route=("ramp", "main_right", "beyond"),
        goal=exactly(230.0),
        time_limit=exactly(26.0),
        actors=tuple(actors),
    )  # fmt: skip


def trilemma(density: str) -> Scenario:
    """Three lanes, ego in the middle and boxed in; 2 / 3 / 4 vehicles in the borrowed (left) lane.

    The leader brakes late and hard to a crawl behind which the time runs out; the right lane is closed by a slow lorry;
    the borrowed lane does not yield, its gaps are short, and the rival beside the ego sprints after one
    to three seconds.
    Brake, let the column pass or slip into a gap, then go: speed, gap and lane change must be traded against each
    other.
    """
    gaps = {"low": Range(14.0, 20.0), "medium": Range(12.0, 16.0), "high": Range(10.5, 13.5)}[density]
    tight = Driver(
        headway=Range(0.4, 0.7),
        min_gap=Range(1.0, 1.6),
        max_acceleration=Range(1.5, 2.5),
        hardest_brake=Range(2.5, 3.5),
    )
    late_brake = Script(TriggerKind.TIME, Range(1.5, 4.0), ActionKind.SPEED, Range(1.5, 2.5), Range(4.5, 6.5))
    sprint = Script(TriggerKind.TIME, Range(1.0, 3.0), ActionKind.SPEED, Range(11.5, 13.5), Range(2.0, 3.0))
    pace = Range(8.5, 10.0)
    actors = [
        ActorSpec("leader", "middle", Range(14.0, 19.0), speed=pace, driver=tight, scripts=(late_brake,), kinds=LARGE),
        ActorSpec("lorry", "right", Range(6.0, 16.0), speed=Range(3.0, 4.0), kinds=(ActorKind.TRUCK, ActorKind.BUS)),
        ActorSpec(
            "second_lorry", "right", Range(16.0, 24.0), after="lorry", speed=Range(2.5, 3.0), kinds=(ActorKind.TRUCK,)
        ),
        ActorSpec("follower", "middle", Range(-15.0, -11.0), speed=pace, desired_speed=Range(10.0, 12.0)),
    ]
    actors += [
        ActorSpec(f"borrowed{i}", "left", Range(2.0, 8.0) if i == 0 else _negative(gaps),
                  after="ego" if i == 0 else f"borrowed{i - 1}", speed=pace,
                  desired_speed=Range(9.0, 11.0), driver=tight,
                  scripts=(sprint,) if i == 0 else ())
        for i in range(_count(density, 2, 3, 4))
    ]  # fmt: skip
    return Scenario(
        name="trilemma",
        density=density,
        road=RoadSpec(_variants("three_lane"), {
            "left": LaneAnchor(1, -1), "middle": LaneAnchor(1, -2), "right": LaneAnchor(1, -3),
        }),
        ego_lane="middle",
        ego_at=Range(60.0, 80.0),
        ego_speed=Range(8.5, 10.0),
        route=("middle",),
        goal=exactly(200.0),
        time_limit=exactly(25.0),
        actors=tuple(actors),
    )  # fmt: skip


def occluded_pedestrian(density: str) -> Scenario:
    """A street with parked vehicles; one sticks out into the lane, and a pedestrian steps out from behind another.

    To pass, the ego must borrow the oncoming lane, in which 2 / 3 / 4 vehicles come; going fast past the parked
    vehicles leaves no time to stop for the pedestrian, who starts 1.2-2.6 s before the ego arrives.
    """
    gaps = {"low": Range(30.0, 42.0), "medium": Range(23.0, 32.0), "high": Range(17.0, 25.0)}[density]
    oncoming = Driver(headway=Range(0.6, 1.0), max_acceleration=Range(1.0, 2.0), hardest_brake=Range(3.0, 4.5))
    step_out = Script(TriggerKind.EGO_ARRIVAL, Range(1.2, 2.6), ActionKind.WALK, Range(1.4, 2.5), exactly(9.0))
    high_sided = (ActorKind.TRUCK, ActorKind.BUS, ActorKind.CAR)
    actors = [
        ActorSpec("parked_before", "own", Range(26.0, 36.0), lateral=exactly(-2.85), parked=True),
        ActorSpec("intruding", "own", Range(11.0, 14.0), after="parked_before", kinds=(ActorKind.CAR, ActorKind.TRUCK),
                  lateral=Range(-2.2, -1.7), parked=True),
        ActorSpec("parked_after", "own", Range(13.0, 17.0), after="intruding", kinds=high_sided,
                  lateral=exactly(-2.85), parked=True),
        ActorSpec("pedestrian", "own", Range(7.0, 8.0), after="parked_after", kinds=(ActorKind.PEDESTRIAN,),
                  lateral=Range(-3.4, -2.8), yaw=Range(0.5 * math.pi - 0.2, 0.5 * math.pi + 0.2), scripts=(step_out,)),
    ]  # fmt: skip
    actors += [
        ActorSpec(f"oncoming{i}", "oncoming", Range(60.0, 85.0) if i == 0 else gaps,
                  after="ego" if i == 0 else f"oncoming{i - 1}", speed=Range(7.5, 9.0), desired_speed=Range(8.0, 10.0),
                  driver=oncoming)
        for i in range(_count(density, 2, 3, 4))
    ]  # fmt: skip
    return Scenario(
        name="occluded_pedestrian",
        density=density,
        road=RoadSpec(_variants("street"), {"own": LaneAnchor(1, -1), "oncoming": LaneAnchor(1, 1)}),
        ego_lane="own",
        ego_at=Range(20.0, 35.0),
        ego_speed=Range(6.0, 9.0),
        route=("own",),
        goal=exactly(120.0),
        time_limit=exactly(28.0),
        actors=tuple(actors),
        wrong_way_limit_s=12.0,
    )


CONDITIONS: dict[str, Callable[[str], Scenario]] = {
    "overtaking": overtaking,
    "merging": merging,
    "trilemma": trilemma,
    "occluded_pedestrian": occluded_pedestrian,
}
"""The paper's conditions by name, in its order of tables."""


def _ahead(density: str) -> Range:
    """Return where the first vehicle of the right lane drives: the longer the column, the further it reaches ahead."""
    return {"low": Range(-6.0, 10.0), "medium": Range(4.0, 18.0), "high": Range(14.0, 30.0)}[density]


def _count(density: str, low: int, medium: int, high: int) -> int:
    return {"low": low, "medium": medium, "high": high}[density]


def _variants(road: str) -> tuple[str, ...]:
    return tuple(f"{road}_{i}" for i in range(4))


def _negative(interval: Range) -> Range:
    return Range(-interval.high, -interval.low)
