"""The gates with an ego among the traffic, and whose fault it is where it touches somebody."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.roads.lane_graph import LaneGraph
from envs.roads.walk_graph import WalkGraph
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import ActorRow
from envs.traffic.agents import SCRIPTS_PER_AGENT, ScriptRow
from envs.traffic.walk_state import PedestrianRow
from tests.gates.ego_driver import Egos, Mood
from tests.gates.population import Worlds
from tests.gates.records import new_watch
from tests.gates.report import Report, summarise
from tests.gates.watch import PERIOD_S, look

STOOD_S = 1.0
"""An ego that has stood this long stands: whoever touches it then has driven into it (s)."""


@dataclass(slots=True)
class Contacts:
    """Contacts of the egos: ``struck`` vehicles that drove into one which stood, ``rear_ended`` into one's rear while
    it moved or had just stopped; ``own`` all others with vehicles, the ego's; ``people`` with pedestrians (they do not
    look out for the ego). ``hours`` that egos were there, ``metres`` that they drove."""

    struck: int = 0
    rear_ended: int = 0
    own: int = 0
    people: int = 0
    hours: float = 0.0
    metres: float = 0.0


class _OneMap(MapLibrary):
    def __init__(self, graph: LaneGraph, walk: WalkGraph | None) -> None:
        self.names = (graph.name,)
        self._graphs = {graph.name: graph}
        self._jaywalk_places = {}
        self._walks = {graph.name: WalkGraph.empty(graph.name) if walk is None else walk}


def run_with_ego(
    worlds: Worlds, walk: WalkGraph | None, minutes: float, awkward: bool
) -> tuple[Report, Contacts, list[str]]:
    """Let every world of ``worlds`` drive for so many minutes with an ego in it."""
    simulator = _simulator(worlds, walk)
    arrays = simulator._kernel_arrays
    present = Worlds(
        worlds.graph, simulator._roads, arrays.traffic, simulator._agents, simulator.scene.actors.block, worlds.seeds
    )
    count, vehicles = present.agents.shape[1:]
    watch, contacts, stories = new_watch(count, vehicles, arrays.traffic.crowd.people.shape[2]), Contacts(), []
    egos = Egos(simulator, awkward, int(worlds.seeds[0]))
    began, ticks = time.perf_counter(), round(60.0 * minutes / PERIOD_S)
    for k in range(ticks):
        simulator.step(egos.control())
        for b in range(count):
            look(
                watch, present.agents, present.actors, arrays.traffic, simulator._roads, k * PERIOD_S,
                int(worlds.seeds[b]), b,
            )  # fmt: skip
            stories += _judge(egos, contacts, b, k * PERIOD_S)
    took = time.perf_counter() - began
    return summarise(present, watch, minutes, count * ticks / max(took, 1e-9)), contacts, stories


def _simulator(worlds: Worlds, walk: WalkGraph | None) -> EmbeddedSimulator:
    count, vehicles = worlds.agents.shape[1:]
    people = worlds.traffic.crowd.people
    jaywalkers = bool((people[PedestrianRow.JAYWALKS] > 0.0).any())
    config = EmbeddedConfig(actors=vehicles, pedestrians=people.shape[2], jaywalkers=jaywalkers)
    simulator = EmbeddedSimulator(count, _OneMap(worlds.graph, walk), config)
    simulator.reset([_scenario(worlds, b) for b in range(count)])
    return simulator


def _scenario(worlds: Worlds, b: int) -> ConcreteScenario:
    rows = worlds.actors[:, b]
    vehicles = rows.shape[1]
    bodies = [rows[ActorRow.KIND], rows[ActorRow.LENGTH], rows[ActorRow.WIDTH], np.zeros(vehicles)]
    return ConcreteScenario(
        name="gates", density="high", cell=0, seed=int(worlds.seeds[b]), map_name=worlds.graph.name, ego_lane=0,
        ego_s=0.0, ego_speed=0.0, route=np.array([0], dtype=np.int64), goal_m=1e9, time_limit_s=1e9,
        wrong_way_limit_s=1e9, agents=worlds.agents[:, b].copy(),
        bodies=np.array([*bodies, 1.0 + np.arange(vehicles)]),
        scripts=np.zeros((vehicles, SCRIPTS_PER_AGENT, len(ScriptRow))),
        pedestrians=worlds.traffic.crowd.people[:, b].copy(),
    )  # fmt: skip


def _judge(egos: Egos, contacts: Contacts, b: int, now: float) -> list[str]:
    """Count what the ego of world ``b`` has done and touched, take it away where it has; return what is to be told."""
    simulator, state = egos.simulator, egos.states[b]
    if state.mood is Mood.AWAY:
        return []
    scene = simulator.scene
    contacts.hours += PERIOD_S / 3600.0
    contacts.metres += PERIOD_S * float(scene.ego.speed[b])
    if not scene.events.collision[b]:
        return []
    slot, stood = int(scene.events.collision_actor[b]), state.stood
    vehicles = simulator._agents.shape[2]
    what = _whose(simulator, b, slot, stood, vehicles)
    setattr(contacts, what, getattr(contacts, what) + 1)
    x, y, yaw = scene.ego.x[b], scene.ego.y[b], scene.ego.yaw[b]
    where = f"at {x:.1f}, {y:.1f}, {yaw:.2f}"
    told = f"seed {scene.seed[b]} t {now:.1f} s ego {what} ({state.mood.value}) by {slot} {where}"
    egos.take_away(b)
    return [told] if what in ("struck", "rear_ended") else []


def _whose(simulator: EmbeddedSimulator, b: int, slot: int, stood: float, vehicles: int) -> str:
    """Return the field of ``Contacts`` under which a contact with the actor in ``slot`` counts."""
    if slot >= vehicles:
        return "people"
    if stood >= STOOD_S:
        return "struck"
    scene = simulator.scene
    dx, dy = scene.actors.x[b, slot] - scene.ego.x[b], scene.actors.y[b, slot] - scene.ego.y[b]
    along = dx * math.cos(scene.ego.yaw[b]) + dy * math.sin(scene.ego.yaw[b])
    faster = scene.actors.speed[b, slot] > scene.ego.speed[b]
    reach = 0.5 * (scene.ego.length[b] + scene.actors.length[b, slot])
    return "rear_ended" if faster and along < -0.8 * reach else "own"
