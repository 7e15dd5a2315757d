"""The benchmarks' road: three straight lanes of 8 km, the ego and 20 vehicles that keep with it."""

from __future__ import annotations

from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.generate import ThreeLaneRoad, generate_lane_graph
from envs.scenarios.catalogue import ScenarioSet
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ActorSpec, Driver, LaneAnchor, Range, RoadSpec, Scenario, exactly
from envs.scene import ActorKind
from hcrmp.hinted_env import HintedVecEnv
from llm_hints.providers.rules import RulesProvider
from llm_hints.service import HintService

VEHICLES = 20
MAP = "three_lane"
LANES = ("left", "middle", "right")


class LongRoad(MapLibrary):
    """One long straight map."""

    def __init__(self) -> None:
        self.names = (MAP,)
        self._graphs = {MAP: generate_lane_graph(ThreeLaneRoad(length_m=8000.0))}


def crowd() -> Scenario:
    """Return 20 cars, lorries and buses on three lanes around the ego, 15 to 25 m apart, all free to change lane."""
    kinds = (ActorKind.CAR, ActorKind.CAR, ActorKind.CAR, ActorKind.TRUCK, ActorKind.BUS)
    driver = Driver(changes_lane=True, yield_probability=0.5)
    actors, before = [], dict.fromkeys(LANES, "ego")
    for k in range(VEHICLES):
        lane = LANES[k % 3]
        first = Range(-60.0, -50.0) if lane != "middle" else Range(20.0, 30.0)
        gap = first if before[lane] == "ego" else Range(15.0, 25.0)
        actors.append(
            ActorSpec(f"car{k}", lane, gap, after=before[lane], kinds=kinds, speed=Range(9.0, 11.0),
                      desired_speed=Range(9.0, 12.0), driver=driver)
        )  # fmt: skip
        before[lane] = f"car{k}"
    anchors = {name: LaneAnchor(1, -1 - k) for k, name in enumerate(LANES)}
    return Scenario(
        name="crowd", density="high", road=RoadSpec((MAP,), anchors), ego_lane="middle", ego_at=exactly(100.0),
        ego_speed=exactly(10.0), route=("middle",), goal=exactly(390.0), time_limit=exactly(40.0),
        actors=tuple(actors),
    )  # fmt: skip


def crowded_env(worlds: int) -> HintedVecEnv:
    """Return ``worlds`` crowded roads with everything on: scan observation, reward terms, rules hints, autoreset."""
    source = ScenarioSet((crowd(),), LongRoad())
    simulator = EmbeddedSimulator(worlds, source.maps, EmbeddedConfig(actors=VEHICLES))
    driving = DrivingVectorEnv(simulator, source, [0], DrivingConfig())
    return HintedVecEnv(driving, HintService(RulesProvider(), batch_size=worlds))
