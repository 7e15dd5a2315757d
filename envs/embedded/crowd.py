"""Pedestrians in the embedded simulator: the walk graphs of its maps, and how a world's pedestrians begin."""

from __future__ import annotations

import numpy as np

from envs.roads.lane_graph import LaneGraph
from envs.roads.walk_graph import concatenate_walk_graphs
from envs.scenarios.maps import MapLibrary
from envs.scenarios.scenario import BODY_SIZES_M, ConcreteScenario
from envs.scene import ActorKind, ActorRow, FloatArray, IntArray
from envs.traffic.crowd import CrowdArrays, crowd_arrays, nobody, stop_before_crosswalks
from envs.traffic.jaywalk_places import join_places
from envs.traffic.network import RoadArrays
from envs.traffic.walk_state import PedestrianPhase, PedestrianRow


class Crowd:
    """The pedestrians of B worlds.

    Args:
        worlds: number of worlds B.
        slots: pedestrians P of each world; with 0 no walk graph is compiled.
        maps: the maps of the atlas, whose lanes are those of ``atlas``, at ``lane_offsets`` ``(M + 1,)``.
        jaywalkers: whether some may cross away from crosswalks; without them no such place is looked for.
    """

    def __init__(
        self, worlds: int, slots: int, maps: MapLibrary, atlas: LaneGraph, lane_offsets: IntArray,
        jaywalkers: bool = False,
    ) -> None:  # fmt: skip
        self.slots, self._jaywalkers = slots, jaywalkers
        self._first: dict[str, tuple[int, int]] = dict.fromkeys(maps.names, (0, 0))
        self.arrays: CrowdArrays = nobody(worlds)
        if slots > 0:
            graphs = [maps.walk_graph(name) for name in maps.names]
            walk, nodes, crosswalks = concatenate_walk_graphs(graphs, lane_offsets)
            self._first = {name: (int(nodes[m]), int(crosswalks[m])) for m, name in enumerate(maps.names)}
            places = None
            if jaywalkers:
                places = join_places([maps.jaywalk_places(name) for name in maps.names], nodes, lane_offsets)
            self.arrays = crowd_arrays(worlds, slots, walk, atlas, places)
            self._walk = walk

    def roads(self, roads: RoadArrays) -> RoadArrays:
        """Return the roads as they are with pedestrians: nobody waits on a crosswalk."""
        return roads if self.slots == 0 else stop_before_crosswalks(roads, self._walk)

    def start(self, actors: FloatArray, b: int, scenario: ConcreteScenario) -> None:
        """Put the pedestrians of ``scenario`` into world ``b``; ``actors`` is the block that shows them, slots last."""
        count = scenario.pedestrians.shape[1]
        if count > self.slots:
            raise ValueError(
                f"scenario {scenario.name} has {count} pedestrians, the simulator {self.slots} slots for them; "
                "raise EmbeddedConfig.pedestrians"
            )
        if not self._jaywalkers and (scenario.pedestrians[PedestrianRow.JAYWALKS] > 0.0).any():
            raise ValueError(
                f"scenario {scenario.name} has jaywalkers, the simulator no places for them; "
                "set EmbeddedConfig.jaywalkers"
            )
        people, begin = self.arrays.people[:, b], actors.shape[2] - self.slots
        first_node, first_crosswalk = self._first[scenario.map_name]
        people[:] = 0.0
        people[:, :count] = scenario.pedestrians
        people[[PedestrianRow.PREVIOUS, PedestrianRow.TARGET], :count] += first_node
        crosswalk = people[PedestrianRow.CROSSWALK, :count]
        crosswalk[crosswalk >= 0.0] += first_crosswalk
        length, width = BODY_SIZES_M[ActorKind.PEDESTRIAN]
        used = np.flatnonzero(people[PedestrianRow.PHASE] != PedestrianPhase.UNUSED)
        slots, yaw, speed = begin + used, people[PedestrianRow.YAW, used], people[PedestrianRow.SPEED, used]
        shown = {
            ActorRow.VALID: 1.0, ActorRow.KIND: float(ActorKind.PEDESTRIAN), ActorRow.ID: slots + 1.0,
            ActorRow.X: people[PedestrianRow.X, used], ActorRow.Y: people[PedestrianRow.Y, used],
            ActorRow.YAW: yaw, ActorRow.SPEED: speed, ActorRow.LENGTH: length, ActorRow.WIDTH: width,
            ActorRow.VX: speed * np.cos(yaw), ActorRow.VY: speed * np.sin(yaw),
        }  # fmt: skip
        for row, values in shown.items():
            actors[row, b, slots] = values
