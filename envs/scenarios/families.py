"""The paper's four conditions at three densities, as data.

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

    Staying behind them misses the time limit, and so does much hesitation; the second vehicle blocks the other lane
    further on, the third the own lane again, so that high density asks for a slalom through ever shorter gaps, with a
    late swerve into the ego's way. The first weaves in half of the cases: it takes the other lane as the ego comes, and
    goes back when it is near.
    """
    slow = Driver(headway=Range(1.0, 1.6), max_acceleration=Range(0.8, 1.2))
    weave = (
        Script(TriggerKind.EGO_DISTANCE, Range(17.0, 26.0), ActionKind.CHANGE_LANE, exactly(1.0), probability=0.5),
        Script(TriggerKind.EGO_DISTANCE, Range(11.5, 14.5), ActionKind.CHANGE_LANE, exactly(-1.0)),
    )
    swerve = Script(TriggerKind.EGO_ARRIVAL, Range(1.6, 3.0), ActionKind.CHANGE_LANE, exactly(1.0))
    between = Range(18.0, 27.0) if density == "high" else Range(22.0, 34.0)
    ahead = [
        ActorSpec("first", "right", Range(28.0, 45.0), kinds=LARGE, speed=Range(3.0, 4.0), driver=slow,
                  scripts=weave),
        ActorSpec("second", "left", between, after="first", kinds=LARGE, speed=Range(3.5, 5.0), driver=slow),
        ActorSpec("third", "right", Range(20.0, 30.0), after="second", speed=Range(4.0, 5.5), driver=slow,
                  scripts=(swerve,)),
    ]  # fmt: skip
    return Scenario(
        name="overtaking",
        density=density,
        road=RoadSpec(_variants("multi_lane"), {"right": LaneAnchor(1, -2), "left": LaneAnchor(1, -1)}),
        ego_lane="right",
        ego_at=Range(20.0, 40.0),
        ego_speed=Range(8.0, 12.0),
        route=("right",),
        goal=exactly(240.0),
        time_limit=exactly(26.0),
        actors=tuple(ahead[: _count(density, 1, 2, 3)]),
    )


def merging(density: str) -> Scenario:
    """On-ramp onto a main road, 2 / 4 / 8 vehicles on the two lanes beside the ramp lane.

    The ramp lane ends: the ego must find a gap in the right lane, match its speed and change before the end. The gaps
    shrink with density, few drivers open one, and some close theirs when the ego comes near. The denser, the slower the
    column: whoever waits for its end must pass it afterwards, or be late.
    """
    gaps = {"low": Range(13.0, 20.0), "medium": Range(11.5, 16.0), "high": Range(10.5, 14.0)}[density]
    yields = {"low": 0.3, "medium": 0.2, "high": 0.1}[density]
    flow = Driver(
        headway=Range(0.5, 0.8), min_gap=Range(1.5, 2.0), hardest_brake=Range(2.5, 4.0), yield_probability=yields
    )
    through = Driver(headway=Range(0.6, 1.0), changes_lane=True, change_threshold=Range(0.5, 1.0))
    close_up = Script(TriggerKind.EGO_DISTANCE, Range(6.0, 14.0), ActionKind.SPEED, Range(11.5, 13.5), Range(2.0, 3.0),
                      probability=0.5)  # fmt: skip
    right, left = _count(density, 1, 3, 6), _count(density, 1, 1, 2)
    speed = {"low": Range(8.5, 10.5), "medium": Range(7.5, 9.5), "high": Range(6.5, 8.5)}[density]
    actors = [
        ActorSpec(f"right{i}", "main_right", _ahead(density) if i == 0 else _negative(gaps),
                  after="ego" if i == 0 else f"right{i - 1}", speed=speed, desired_speed=speed, driver=flow,
                  scripts=(close_up,))
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

    The leader brakes hard, at a moment that nobody can know, to a crawl behind which the time runs out; the right lane
    is closed by slow lorries; the vehicle behind follows close and brakes weakly; the rival beside the ego sprints or
    does not; the others of the borrowed lane come up fast from behind and brake weakly for whoever pulls out before
    them. Brake harder and be hit from behind, brake less and run into the leader, wait for all to pass and be late, or
    pull out into a gap that closes: speed, gap and lane change must be traded against each other.
    """
    tight = Driver(headway=Range(0.4, 0.7), min_gap=Range(1.0, 1.6), max_acceleration=Range(1.5, 2.5),
                   hardest_brake=Range(2.5, 3.5))  # fmt: skip
    tailgater = Driver(headway=Range(0.3, 0.5), min_gap=Range(1.0, 1.6), hardest_brake=Range(4.0, 5.5))
    late_brake = Script(TriggerKind.TIME, Range(1.0, 5.0), ActionKind.SPEED, Range(1.5, 2.5), Range(5.0, 7.0))
    sprint = Script(TriggerKind.TIME, Range(0.5, 4.0), ActionKind.SPEED, Range(11.5, 13.5), Range(2.0, 3.0),
                    probability=0.6)  # fmt: skip
    pace, rush = Range(8.5, 10.0), Range(11.5, 14.5)
    close = {"low": Range(-36.0, -16.0), "medium": Range(-24.0, -12.0), "high": Range(-16.0, -10.0)}[density]
    actors = [
        ActorSpec("leader", "middle", Range(13.0, 18.0), speed=pace, driver=tight, scripts=(late_brake,), kinds=LARGE),
        ActorSpec("lorry", "right", Range(6.0, 16.0), speed=Range(3.0, 4.0), kinds=(ActorKind.TRUCK, ActorKind.BUS)),
        ActorSpec("second_lorry", "right", Range(16.0, 24.0), after="lorry", speed=Range(2.5, 3.0),
                  kinds=(ActorKind.TRUCK,)),
        ActorSpec("follower", "middle", Range(-13.0, -9.0), speed=pace, desired_speed=Range(10.0, 12.0),
                  driver=tailgater),
        ActorSpec("borrowed0", "left", Range(-2.0, 8.0), speed=pace, desired_speed=Range(9.0, 11.0), driver=tight,
                  scripts=(sprint,)),
    ]  # fmt: skip
    actors += [
        ActorSpec(f"borrowed{i}", "left", close if i == 1 else Range(-36.0, -16.0), after=f"borrowed{i - 1}",
                  speed=rush, desired_speed=rush, driver=tight)
        for i in range(1, _count(density, 2, 3, 4))
    ]  # fmt: skip
    return Scenario(
        name="trilemma",
        density=density,
        road=RoadSpec(_variants("three_lane"), {
            "left": LaneAnchor(1, -1), "middle": LaneAnchor(1, -2), "right": LaneAnchor(1, -3),
        }),
        ego_lane="middle",
        ego_at=Range(150.0, 165.0),
        ego_speed=Range(8.5, 10.0),
        route=("middle",),
        goal=exactly(200.0),
        time_limit=exactly(21.0),
        actors=tuple(actors),
    )  # fmt: skip


def occluded_pedestrian(density: str) -> Scenario:
    """A street with parked vehicles; one sticks out into the lane, and pedestrians may step out from behind them.

    To pass, the ego must borrow the oncoming lane, in which 2 / 3 / 4 vehicles come; going fast past the parked
    vehicles leaves no time to stop for a pedestrian, who starts 1.1-2.4 s before the ego arrives. Nobody can know
    behind which vehicle one stands, and to creep past all of them costs more time than there is.
    """
    gaps = {"low": Range(30.0, 42.0), "medium": Range(23.0, 32.0), "high": Range(17.0, 25.0)}[density]
    oncoming = Driver(headway=Range(0.6, 1.0), max_acceleration=Range(1.0, 2.0), hardest_brake=Range(5.0, 7.0))
    step_out = Script(TriggerKind.EGO_ARRIVAL, Range(1.1, 2.4), ActionKind.WALK, Range(1.4, 2.5), exactly(9.0))
    high_sided = (ActorKind.TRUCK, ActorKind.BUS, ActorKind.CAR)

    def pedestrian(name: str, hidden_by: str, distance: Range, probability: float) -> ActorSpec:
        return ActorSpec(
            name, "own", distance, after=hidden_by, kinds=(ActorKind.PEDESTRIAN,), lateral=Range(-3.4, -2.8),
            yaw=Range(0.5 * math.pi - 0.2, 0.5 * math.pi + 0.2), scripts=(step_out,), probability=probability,
        )  # fmt: skip

    actors = [
        ActorSpec("parked_before", "own", Range(26.0, 36.0), lateral=exactly(-2.85), parked=True),
        ActorSpec("intruding", "own", Range(11.0, 14.0), after="parked_before", kinds=(ActorKind.CAR, ActorKind.TRUCK),
                  lateral=Range(-2.2, -1.7), parked=True),
        ActorSpec("parked_after", "own", Range(13.0, 17.0), after="intruding", kinds=high_sided,
                  lateral=exactly(-2.85), parked=True),
        pedestrian("pedestrian_before", "parked_before", Range(3.5, 4.5), 0.4),
        pedestrian("pedestrian", "parked_after", Range(7.0, 8.0), 0.7),
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
        time_limit=exactly(21.0),
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
    """Return where the first of the right lane drives.

    An ego that goes flat out meets the middle of the column at the end of the ramp, some 100 m and 8.5 s away.
    """
    return {"low": Range(8.0, 30.0), "medium": Range(30.0, 52.0), "high": Range(55.0, 80.0)}[density]


def _count(density: str, low: int, medium: int, high: int) -> int:
    return {"low": low, "medium": medium, "high": high}[density]


def _variants(road: str) -> tuple[str, ...]:
    return tuple(f"{road}_{i}" for i in range(4))


def _negative(interval: Range) -> Range:
    return Range(-interval.high, -interval.low)
