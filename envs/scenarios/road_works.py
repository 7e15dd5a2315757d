"""Road works: the paper's scene for the stability of the weights (its section 4), as a family of our own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable

from envs.scenarios.others import BRISK, oncoming, one_two_three
from envs.scenarios.safebench import MULTI_LANE, STREETS
from envs.scenarios.scenario import ActorSpec, PlaceSpec, Range, Scenario, Script, exactly
from envs.scene import ActorKind
from envs.traffic.agents import ActionKind, TriggerKind


def road_works(density: str) -> Scenario:
    """The ego's lane is closed by barriers on a taper, a lorry behind them and workers beside it.

    On a street the way past is the oncoming lane, with 1 / 2 / 3 vehicles on it. One of the workers steps back over the
    barriers as the ego passes, in half of the cases.
    """
    gaps = {"low": Range(32.0, 44.0), "medium": Range(24.0, 36.0), "high": Range(18.0, 28.0)}[density]
    coming = oncoming(density, Range(62.0, 92.0), gaps, Range(6.5, 8.5), Range(7.0, 9.0), (ActorKind.CAR,))
    return Scenario(
        name="road_works",
        density=density,
        road=PlaceSpec(STREETS, "two_way_street", 140.0),
        ego_lane="ego",
        ego_at=Range(10.0, 20.0),
        ego_speed=Range(6.0, 9.0),
        route=("ego",),
        goal=exactly(112.0),
        time_limit=exactly(28.0),
        actors=(*_site(), *coming),
        wrong_way_limit_s=14.0,
    )


def lane_closure(density: str) -> Scenario:
    """The same on a road of several lanes: the ego must change to the left one, between 1 / 2 / 3 others."""
    gaps = {"low": Range(-34.0, -24.0), "medium": Range(-26.0, -18.0), "high": Range(-20.0, -13.0)}[density]
    others = [
        ActorSpec(f"beside{i}", "left", Range(-8.0, 14.0) if i == 0 else gaps,
                  after="ego" if i == 0 else f"beside{i - 1}", speed=Range(7.5, 9.5), desired_speed=Range(8.0, 10.5),
                  driver=BRISK)
        for i in range(one_two_three(density))
    ]  # fmt: skip
    return Scenario(
        name="lane_closure",
        density=density,
        road=PlaceSpec(MULTI_LANE, "left_lane", 240.0),
        ego_lane="ego",
        ego_at=Range(58.0, 68.0),
        ego_speed=Range(8.0, 11.0),
        route=("ego",),
        goal=exactly(150.0),
        time_limit=exactly(24.0),
        actors=(*_site(), *others),
    )


ROAD_WORKS: dict[str, Callable[[str], Scenario]] = {"road_works": road_works, "lane_closure": lane_closure}
"""Both kinds of road works by name."""


def _site() -> list[ActorSpec]:
    """Return barriers that close the lane from its right edge on, a lorry behind them and two workers."""
    steps_back = Script(TriggerKind.ROUTE_ARRIVAL, Range(1.2, 2.2), ActionKind.WALK, Range(0.8, 1.4), Range(0.5, 1.0),
                        probability=0.5)  # fmt: skip
    barriers = [
        ActorSpec(f"barrier{i}", "ego", Range(38.0, 52.0) if i == 0 else exactly(3.0),
                  after="ego" if i == 0 else f"barrier{i - 1}", kinds=(ActorKind.STATIC,), parked=True,
                  lateral=exactly(min(-1.2 + 0.8 * i, 1.2)))
        for i in range(5)
    ]  # fmt: skip
    return [
        *barriers,
        ActorSpec("lorry", "ego", Range(9.0, 12.0), after="barrier4", kinds=(ActorKind.TRUCK,),
                  lateral=Range(-0.6, -0.2), parked=True),
        ActorSpec("worker", "ego", Range(4.0, 5.0), after="barrier4", kinds=(ActorKind.PEDESTRIAN,),
                  lateral=Range(0.5, 0.9), yaw=Range(0.5 * math.pi - 0.3, 0.5 * math.pi + 0.3), scripts=(steps_back,)),
        ActorSpec("second_worker", "ego", Range(6.0, 7.0), after="lorry", kinds=(ActorKind.PEDESTRIAN,),
                  lateral=Range(-1.2, 0.2)),
    ]  # fmt: skip
