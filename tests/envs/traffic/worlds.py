"""Small worlds on the generated maps, for tests that place every body themselves.

Straight maps start at the origin and run east; their reference line is the carriageway's left edge (on the street its
middle), lanes are 3.5 m wide, so lane -1 lies at y = -1.75, -2 at -5.25, -3 at -8.75 and the street's lane 1 at +1.75.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from envs.embedded.kernel import refresh_worlds
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.embedded.vehicle import VehicleRow
from envs.roads.lane_graph import LaneGraph
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import BODY_SIZES_M, ConcreteScenario
from envs.scene import ActorKind, ActorRow, EgoRow, FloatArray, SceneBatch
from envs.traffic.agents import SCRIPTS_PER_AGENT, ActionKind, AgentMode, AgentRow, ScriptRow, TriggerKind

SLOTS = 6
MAPS = ("multi_lane_0", "on_ramp_0", "three_lane_0", "street_0")


@lru_cache(maxsize=1)
def maps() -> MapLibrary:
    return MapLibrary(MAPS)


def graph(name: str) -> LaneGraph:
    return maps().graph(name)


@dataclass(frozen=True)
class Body:
    """One road user: ``lane`` is the OpenDRIVE (road, lane); the rest as in ``AgentRow``."""

    lane: tuple[int, int]
    s: float
    d: float = 0.0
    speed: float = 0.0
    desired_speed: float | None = None
    kind: ActorKind = ActorKind.CAR
    yaw: float = 0.0
    parked: bool = False
    headway: float = 1.0
    min_gap: float = 2.0
    max_acceleration: float = 1.5
    comfort_brake: float = 2.5
    hardest_brake: float = 8.0
    politeness: float = 0.2
    change_threshold: float = 0.3
    may_change: bool = False
    yields: bool = False
    speed_factor: float = 0.0
    keep_d: float = 0.0
    scripts: tuple[tuple[float, ...], ...] = ()

    @property
    def mode(self) -> AgentMode:
        if self.kind is ActorKind.PEDESTRIAN:
            return AgentMode.WALKER
        return AgentMode.STATIC if self.parked else AgentMode.VEHICLE


def script(
    trigger: TriggerKind, value: float, action: ActionKind, first: float, second: float = 0.0
) -> tuple[float, ...]:
    return (float(int(trigger)), value, float(int(action)), first, second, 0.0)


def case(
    map_name: str,
    ego: tuple[tuple[int, int], float],
    ego_speed: float = 0.0,
    bodies: Sequence[Body] = (),
    route: Sequence[tuple[int, int]] | None = None,
    goal_m: float = 1e4,
    wrong_way_limit_s: float = 1e4,
) -> ConcreteScenario:
    """Return a case with the ego at ((road, lane), s) and ``bodies`` in the slots 0, 1, ..."""
    lanes = graph(map_name)
    agents, shapes = np.zeros((len(AgentRow), len(bodies))), np.zeros((5, len(bodies)))
    scripts = np.zeros((len(bodies), SCRIPTS_PER_AGENT, len(ScriptRow)))
    for i, body in enumerate(bodies):
        desired = body.speed if body.desired_speed is None else body.desired_speed
        agents[AgentRow.MODE, i], agents[AgentRow.LANE, i] = int(body.mode), lanes.find(*body.lane)
        agents[AgentRow.S, i], agents[AgentRow.D, i] = body.s, body.d
        agents[AgentRow.SPEED, i], agents[AgentRow.DESIRED_SPEED, i] = body.speed, desired
        for row in _DRIVER:
            agents[row, i] = float(getattr(body, row.name.lower()))
        shapes[:, i] = (int(body.kind), *BODY_SIZES_M[body.kind], body.yaw, i + 1)
        for k, numbers in enumerate(body.scripts):
            scripts[i, k, : len(numbers)] = numbers
    path = [ego[0]] if route is None else route
    return ConcreteScenario(
        name="test", density="low", cell=0, seed=0, map_name=map_name,
        ego_lane=lanes.find(*ego[0]), ego_s=ego[1], ego_speed=ego_speed,
        route=np.array([lanes.find(*place) for place in path], dtype=np.int64),
        goal_m=goal_m, time_limit_s=1e4, wrong_way_limit_s=wrong_way_limit_s,
        agents=agents, bodies=shapes, scripts=scripts,
    )  # fmt: skip


_DRIVER = (
    AgentRow.HEADWAY, AgentRow.MIN_GAP, AgentRow.MAX_ACCELERATION, AgentRow.COMFORT_BRAKE, AgentRow.HARDEST_BRAKE,
    AgentRow.POLITENESS, AgentRow.CHANGE_THRESHOLD, AgentRow.MAY_CHANGE, AgentRow.YIELDS,
    AgentRow.SPEED_FACTOR, AgentRow.KEEP_D,
)  # fmt: skip


def start(*cases: ConcreteScenario) -> EmbeddedSimulator:
    """Return a simulator with one world for each case, started."""
    simulator = EmbeddedSimulator(len(cases), maps(), EmbeddedConfig(actors=SLOTS))
    simulator.reset(cases)
    return simulator


def hold(simulator: EmbeddedSimulator) -> SceneBatch:
    """Step once with every ego's brake down."""
    return simulator.step(np.tile([0.0, 1.0, 0.0], (simulator.batch_size, 1)))


def coast(simulator: EmbeddedSimulator) -> SceneBatch:
    """Step once with every ego's pedals up."""
    return simulator.step(np.zeros((simulator.batch_size, 3)))


def put_ego(simulator: EmbeddedSimulator, b: int, x: float, y: float, yaw: float, speed: float = 0.0) -> None:
    """Put the ego of world ``b`` anywhere, moving straight ahead; lane, route and sight follow."""
    state = simulator.state()
    state["vehicle"][:, b] = 0.0
    for row, value in ((VehicleRow.X, x), (VehicleRow.Y, y), (VehicleRow.YAW, yaw), (VehicleRow.SPEED, speed)):
        state["vehicle"][row, b] = value
    for ego_row, value in ((EgoRow.X, x), (EgoRow.Y, y), (EgoRow.YAW, yaw), (EgoRow.SPEED, speed)):
        state["ego"][ego_row, b] = value
    simulator.set_state(state)
    refresh_worlds(simulator._roads, simulator._kernel_arrays, np.array([b]))


def agent_rows(simulator: EmbeddedSimulator, row: AgentRow) -> FloatArray:
    """Return one row of the agents' block, ``(B, A)``, in the atlas' lane numbers where it is a lane."""
    values: FloatArray = simulator.state()["agents"][row]
    return values


def lane_of(simulator: EmbeddedSimulator, b: int, i: int) -> tuple[int, int]:
    """Return the OpenDRIVE (road, lane) of agent ``i`` in world ``b``."""
    lane = int(agent_rows(simulator, AgentRow.LANE)[b, i])
    return int(simulator.atlas.road[lane]), int(simulator.atlas.lane[lane])


def corners(x: float, y: float, yaw: float, length: float, width: float) -> FloatArray:
    """Return the corners ``(4, 2)`` of a box, counter-clockwise."""
    along, across = np.array([1, -1, -1, 1]) * 0.5 * length, np.array([1, 1, -1, -1]) * 0.5 * width
    cosine, sine = np.cos(yaw), np.sin(yaw)
    return np.stack([x + along * cosine - across * sine, y + along * sine + across * cosine], axis=1)


def overlap_area(first: FloatArray, second: FloatArray) -> float:
    """Return the area (m2) shared by two convex polygons: ``first`` is cut by each edge of ``second`` in turn."""
    polygon = [tuple(point) for point in first]
    for k in range(len(second)):
        (ax, ay), (bx, by) = second[k], second[(k + 1) % len(second)]
        inside = [(bx - ax) * (y - ay) - (by - ay) * (x - ax) for x, y in polygon]
        cut = []
        for i, (x, y) in enumerate(polygon):
            following = (i + 1) % len(polygon)
            if inside[i] >= 0.0:
                cut.append((x, y))
            if inside[i] * inside[following] < 0.0:
                share = inside[i] / (inside[i] - inside[following])
                cut.append((x + share * (polygon[following][0] - x), y + share * (polygon[following][1] - y)))
        polygon = cut
        if len(polygon) < 3:
            return 0.0
    points = np.array(polygon)
    turned = np.roll(points, -1, axis=0)
    return float(0.5 * abs(np.sum(points[:, 0] * turned[:, 1] - points[:, 1] * turned[:, 0])))


def actor_corners(scene: SceneBatch, b: int, i: int) -> FloatArray:
    block = scene.actors.block[:, b, i]
    rows = (ActorRow.X, ActorRow.Y, ActorRow.YAW, ActorRow.LENGTH, ActorRow.WIDTH)
    return corners(*(float(block[row]) for row in rows))


def ego_corners(scene: SceneBatch, b: int) -> FloatArray:
    block = scene.ego.block[:, b]
    return corners(*(float(block[row]) for row in (EgoRow.X, EgoRow.Y, EgoRow.YAW, EgoRow.LENGTH, EgoRow.WIDTH)))
