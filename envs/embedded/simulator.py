"""The embedded simulator: B worlds in one process, stepped by compiled kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.embedded.crowd import Crowd
from envs.embedded.followed import follow_agents
from envs.embedded.kernel import WorldArrays, move_others, refresh_worlds, settle_worlds, step_worlds
from envs.embedded.levels import ego_level, ego_slope
from envs.embedded.vehicle import VehicleParameters, VehicleRow
from envs.embedded.visibility import BINS
from envs.embedded.world_rows import WorldRow
from envs.roads.lane_graph import LaneGraph, concatenate
from envs.roads.projection import pose_at, poses_at
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import ROUTE_LANES, ConcreteScenario
from envs.scene import ActorRow, BoolArray, EgoRow, EventRow, FloatArray, IntArray, RouteRow, SceneBatch
from envs.simulator import DECISION_PERIOD_S
from envs.traffic.agents import SCRIPTS_PER_AGENT, AgentMode, AgentRow, ScriptRow
from envs.traffic.network import road_arrays
from envs.traffic.scratch import traffic_arrays

_WORLDS_FIRST = (
    "routes", "route_spans", "paths", "grants", "occupied", "scripts", "points", "time_s", "step", "cell", "seed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class EmbeddedConfig:
    """What the embedded simulator is made of.

    Every world has ``actors`` slots for agents, and behind them ``pedestrians`` for those who roam the sidewalks,
    ``jaywalkers`` among them or not.
    """

    actors: int = 12
    pedestrians: int = 0
    jaywalkers: bool = False
    vehicle: VehicleParameters = field(default_factory=VehicleParameters)


class EmbeddedSimulator:
    """B worlds in one process; implements ``envs.simulator.Simulator``.

    Worlds are independent: a world's future depends on its scenario and controls alone, bit for bit.

    Args:
        batch_size: number of worlds B.
        maps: the maps that scenarios may name; they are joined in one atlas.
        config: slots and vehicle.
    """

    def __init__(self, batch_size: int, maps: MapLibrary, config: EmbeddedConfig | None = None) -> None:
        self.config = config or EmbeddedConfig()
        self.maps = maps
        graphs = [maps.graph(name) for name in maps.names]
        self.atlas, offsets = concatenate(graphs)
        self._first_lane = dict(zip(maps.names, (int(offset) for offset in offsets), strict=False))
        self._crowd = Crowd(batch_size, self.config.pedestrians, maps, self.atlas, offsets, self.config.jaywalkers)
        self._roads = self._crowd.roads(road_arrays(self.atlas, graphs))
        slots = self.config.actors
        scene = self._scene = SceneBatch.empty(batch_size, slots + self.config.pedestrians)
        self._vehicle = np.zeros((len(VehicleRow), batch_size))
        self._worlds = np.zeros((len(WorldRow), batch_size))
        self._routes = np.zeros((batch_size, ROUTE_LANES), dtype=np.int64)
        self._route_spans = np.zeros((batch_size, ROUTE_LANES, 2))
        self._agents = np.zeros((len(AgentRow), batch_size, slots))
        self._scripts = np.zeros((batch_size, slots, SCRIPTS_PER_AGENT, len(ScriptRow)))
        traffic = traffic_arrays(batch_size, slots, self.atlas.lane_count, self._crowd.arrays)
        self._paths, self._grants = traffic.paths, traffic.grants
        # Every array is written in place from here on, so that this view of them stays valid.
        self._kernel_arrays = WorldArrays(
            parameters=self.config.vehicle.array(),
            seeds=scene.seed,
            worlds=self._worlds,
            vehicle=self._vehicle,
            agents=self._agents,
            scripts=self._scripts,
            traffic=traffic,
            routes=self._routes,
            spans=self._route_spans,
            ego=scene.ego.block,
            actors=scene.actors.block,
            road=scene.road.block,
            route=scene.route.block,
            points=scene.route.points,
            events=scene.events.block,
            before=np.zeros((3, scene.actor_slots)),
            levels=np.zeros(scene.actor_slots),
            nearness=np.zeros(BINS),
            nearest=np.zeros(BINS),
        )
        self._all_rows = np.arange(batch_size)
        self._map_names = [""] * batch_size
        self._closed = False

    @property
    def batch_size(self) -> int:
        """Number of worlds B."""
        return self._scene.batch_size

    @property
    def scene(self) -> SceneBatch:
        """The present scene; the simulator writes into it."""
        return self._scene

    def map_name(self, world: int) -> str:
        """Return the name of the map that ``world`` is on."""
        return self._map_names[world]

    def reset(self, scenarios: Sequence[ConcreteScenario], mask: BoolArray | None = None) -> SceneBatch:
        """Start ``scenarios``, one for each true row of ``mask`` (all rows by default), in row order."""
        self._require_open()
        rows = np.flatnonzero(mask) if mask is not None else np.arange(self.batch_size)
        if len(scenarios) != len(rows):
            raise ValueError(f"reset got {len(scenarios)} scenarios for {len(rows)} worlds; give one for each")
        for row, scenario in zip(rows, scenarios, strict=True):
            self._start(int(row), scenario)
        refresh_worlds(self._roads, self._kernel_arrays, rows)
        return self._scene

    def step(self, control: FloatArray) -> SceneBatch:
        """Advance every world by one decision period; ``control`` ``(B, 3)`` throttle, brake, steer."""
        return self._advance(control, self._all_rows, True)

    def step_rows(self, control: FloatArray, rows: IntArray) -> SceneBatch:
        """Advance the worlds ``rows`` alone, without looking around: for looking ahead in copies (``load_rows``).

        ``control`` ``(B, 3)`` as for all of them. ``actors.visible`` stays as it was.
        """
        return self._advance(control, rows, False)

    def _advance(self, control: FloatArray, rows: IntArray, looks: bool) -> SceneBatch:
        self._require_open()
        control = np.asarray(control, dtype=np.float64)
        if control.shape != (self.batch_size, 3):
            raise ValueError(f"the control has shape {control.shape}; expected ({self.batch_size}, 3)")
        step_worlds(self._roads, self._kernel_arrays, control, rows, DECISION_PERIOD_S, looks)
        self._scene.time_s[:] = self._worlds[WorldRow.TIME]
        self._scene.step[rows] += 1
        return self._scene

    @property
    def levels(self) -> FloatArray:
        """``(slots,)`` the heights of the actors of the world that was moved last (m); 0 on flat maps."""
        return self._kernel_arrays.levels

    def ego_height(self, world: int) -> float:
        """Return the height of the road below the ego of ``world`` (m); 0 on flat maps."""
        return float(ego_level(self._worlds, self._roads, world))

    def ego_slope(self, world: int) -> float:
        """Return how steeply the road rises ahead of the ego of ``world`` (m per m); 0 on flat maps."""
        return float(ego_slope(self._worlds, self._roads, world))

    def refresh(self) -> SceneBatch:
        """Derive all anew that follows from the poses and sizes in the scene's blocks."""
        refresh_worlds(self._roads, self._kernel_arrays, self._all_rows)
        return self._scene

    def prepare(self) -> None:
        """Load the kernels of the two halves of a step, or compile them, which takes minutes."""
        nobody = self._all_rows[:0]
        refresh_worlds(self._roads, self._kernel_arrays, nobody)
        move_others(self._roads, self._kernel_arrays, nobody, DECISION_PERIOD_S)
        settle_worlds(self._roads, self._kernel_arrays, nobody, DECISION_PERIOD_S)

    def move_others(self) -> SceneBatch:
        """Make the first half of a step, for egos that move elsewhere: the others decide on what they see, and move.

        Then write to ``scene.ego.block`` where the egos have come to, to ``scene.events.block`` whom they hit, and call
        ``settle``.
        """
        self._require_open()
        move_others(self._roads, self._kernel_arrays, self._all_rows, DECISION_PERIOD_S)
        return self._scene

    def agents(self, world: int) -> FloatArray:
        """Return the agents ``(len(AgentRow), slots)`` of ``world``, to be read."""
        return self._agents[:, world]

    def follow(self, world: int, slots: IntArray, poses: FloatArray, speed: FloatArray) -> None:
        """Put agents of ``world`` where another simulator has driven them, between the halves of a step.

        ``poses`` ``(3, n)`` x, y (m), yaw (rad) and ``speed`` ``(n,)`` (m/s) of the agents in ``slots`` ``(n,)``.
        """
        follow_agents(
            self._agents[:, world], self._scene.actors.block[:, world], self._roads, slots, poses, speed
        )

    def settle(self) -> SceneBatch:
        """Make the second half of a step: the clock, and all that follows from where the egos are now."""
        settle_worlds(self._roads, self._kernel_arrays, self._all_rows, DECISION_PERIOD_S)
        self._scene.time_s[:] = self._worlds[WorldRow.TIME]
        self._scene.step[:] += 1
        return self._scene

    def state(self) -> dict[str, Any]:
        """Return copies of every array that the future depends on."""
        return {name: array.copy() for name, array in self._arrays().items()} | {"map_names": np.array(self._map_names)}

    def set_state(self, state: dict[str, Any]) -> SceneBatch:
        """Restore what ``state`` returned (of a simulator with the same batch, slots and maps)."""
        self._require_open()
        for name, array in self._arrays().items():
            if state[name].shape != array.shape:
                raise ValueError(f"state {name!r} has shape {state[name].shape}, this simulator {array.shape}")
            array[...] = state[name]
        self._map_names = [str(name) for name in state["map_names"]]
        return self._scene

    def blank(self, batch_size: int) -> EmbeddedSimulator:
        """Return another simulator of ``batch_size`` worlds that can hold copies of these (``load_rows``)."""
        return EmbeddedSimulator(batch_size, self.maps, self.config)

    def load_rows(self, other: EmbeddedSimulator, rows: Sequence[int] | np.ndarray[Any, Any]) -> SceneBatch:
        """Copy world ``rows[k]`` of ``other`` (same slots and maps) into world k: for looking ahead and branching."""
        index = np.asarray(rows)
        if len(index) != self.batch_size:
            raise ValueError(f"load_rows got {len(index)} rows for {self.batch_size} worlds; give one for each")
        mine, theirs = self._arrays(), other._arrays()
        for name, array in mine.items():
            axis = 0 if name in _WORLDS_FIRST else 1
            array[...] = np.take(theirs[name], index, axis=axis)
        self._map_names = [other._map_names[row] for row in index]
        return self._scene

    def close(self) -> None:
        """Refuse further calls; there is nothing outside the process to release."""
        self._closed = True

    def _arrays(self) -> dict[str, np.ndarray[Any, Any]]:
        scene = self._scene
        return {
            "vehicle": self._vehicle,
            "worlds": self._worlds,
            "routes": self._routes,
            "route_spans": self._route_spans,
            "agents": self._agents,
            "paths": self._paths,
            "grants": self._grants,
            "scripts": self._scripts,
            "people": self._crowd.arrays.people,
            "occupied": self._crowd.arrays.occupied,
            "ego": scene.ego.block,
            "actors": scene.actors.block,
            "road": scene.road.block,
            "route": scene.route.block,
            "points": scene.route.points,
            "events": scene.events.block,
            "time_s": scene.time_s,
            "step": scene.step,
            "cell": scene.cell,
            "seed": scene.seed,
        }

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("this EmbeddedSimulator is closed; make a new one")

    def _start(self, b: int, scenario: ConcreteScenario) -> None:
        count = scenario.agents.shape[1]
        if count > self.config.actors:
            raise ValueError(
                f"scenario {scenario.name} has {count} actors, the simulator {self.config.actors} slots; "
                "raise EmbeddedConfig.actors"
            )
        if len(scenario.route) > ROUTE_LANES:
            raise ValueError(
                f"scenario {scenario.name} has a route of {len(scenario.route)} lanes; at most {ROUTE_LANES}"
            )
        first = self._first_lane[scenario.map_name]
        graph = self.maps.graph(scenario.map_name)
        self._map_names[b] = scenario.map_name
        self._scene.time_s[b], self._scene.step[b] = 0.0, 0
        self._scene.cell[b] = scenario.cell
        self._scene.seed[b] = scenario.seed if scenario.world_seed is None else scenario.world_seed
        self._start_agents(b, scenario, graph, first)
        self._crowd.start(self._scene.actors.block, b, scenario)
        self._start_ego(b, scenario, graph, first)

    def _start_ego(self, b: int, scenario: ConcreteScenario, graph: LaneGraph, first: int) -> None:
        ego, vehicle, worlds = self._scene.ego.block, self._vehicle, self._worlds
        ego[:, b], vehicle[:, b], worlds[:, b] = 0.0, 0.0, 0.0
        self._scene.route.block[:, b] = 0.0
        self._scene.events.block[:, b] = 0.0
        self._scene.events.block[EventRow.COLLISION_ACTOR, b] = -1.0
        x, y, heading = pose_at(graph.samples, graph.start, graph.step, scenario.ego_lane, scenario.ego_s, 0.0)
        vehicle[VehicleRow.X, b], vehicle[VehicleRow.Y, b], vehicle[VehicleRow.YAW, b] = x, y, heading
        vehicle[VehicleRow.SPEED, b] = scenario.ego_speed
        ego[EgoRow.X, b], ego[EgoRow.Y, b], ego[EgoRow.YAW, b] = x, y, heading
        ego[EgoRow.SPEED, b] = scenario.ego_speed
        ego[EgoRow.LENGTH, b], ego[EgoRow.WIDTH, b] = self.config.vehicle.length_m, self.config.vehicle.width_m
        worlds[WorldRow.LANE, b], worlds[WorldRow.S, b] = first + scenario.ego_lane, scenario.ego_s
        worlds[WorldRow.ROUTE_COUNT, b] = len(scenario.route)
        worlds[WorldRow.ROUTE_S, b] = worlds[WorldRow.START_S, b] = scenario.ego_s
        worlds[WorldRow.WRONG_WAY_LIMIT, b] = scenario.wrong_way_limit_s
        self._start_route(b, scenario, graph, first)
        self._scene.route.block[RouteRow.LENGTH, b] = scenario.goal_m
        self._scene.route.block[RouteRow.TIME_LIMIT, b] = scenario.time_limit_s

    def _start_route(self, b: int, scenario: ConcreteScenario, graph: LaneGraph, first: int) -> None:
        count = len(scenario.route)
        self._routes[b, :count] = scenario.route + first
        if scenario.route_spans is None:
            self._route_spans[b, :count, 0], self._route_spans[b, :count, 1] = 0.0, graph.length[scenario.route]
        else:
            self._route_spans[b, :count] = scenario.route_spans

    def _start_agents(self, b: int, scenario: ConcreteScenario, graph: LaneGraph, first: int) -> None:
        count = scenario.agents.shape[1]
        agents, actors = self._agents[:, b], self._scene.actors.block[:, b]
        agents[:], actors[:], self._scripts[b] = 0.0, 0.0, 0.0
        self._paths[b], self._grants[b] = -1, -1.0
        self._paths[b, : len(scenario.paths)] = np.where(scenario.paths >= 0, scenario.paths + first, -1)
        agents[:, :count] = scenario.agents
        agents[AgentRow.LANE, :count] += first
        self._scripts[b, :count] = scenario.scripts
        used = np.flatnonzero(scenario.agents[AgentRow.MODE] != AgentMode.UNUSED)
        rows = scenario.agents[:, used]
        kind, length, width, yaw, identity = scenario.bodies[:, used]
        lanes = rows[AgentRow.LANE].astype(np.int64)
        poses = np.empty((3, len(used)))
        poses_at(graph.samples, graph.start, graph.step, lanes, rows[AgentRow.S], rows[AgentRow.D], poses)
        x, y, heading = poses
        speed, facing = rows[AgentRow.SPEED], heading + yaw
        shown = {
            ActorRow.VALID: 1.0, ActorRow.KIND: kind, ActorRow.ID: identity, ActorRow.X: x, ActorRow.Y: y,
            ActorRow.YAW: facing, ActorRow.LENGTH: length, ActorRow.WIDTH: width, ActorRow.SPEED: speed,
            ActorRow.VX: speed * np.cos(facing), ActorRow.VY: speed * np.sin(facing),
        }  # fmt: skip
        for row, values in shown.items():
            actors[row, used] = values
