"""The maps that the server can load: OpenDRIVE files of a folder by their name, and the generated ones."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import atan
from pathlib import Path

import numpy as np

from envs.carla_server.ground import Ground
from envs.carla_server.navigation.corridors import corridors
from envs.carla_server.navigation.detour import MeshTooLargeError, mesh_bytes
from envs.carla_server.navigation.ways import walk_ways
from envs.carla_server.sensors.scenery import Scenery
from envs.errors import UnknownChoiceError
from envs.roads.compile_controls import signal_of_lane
from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import OpenDrive, OpenDriveError
from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.map_file import FILE_SUFFIX
from envs.roads.opendrive import parse_opendrive
from envs.scenarios.maps import generated_maps
from envs.scene import FloatArray

LOG = logging.getLogger(__name__)
NAVIGATION_VERSION = 1
"""Raised with every change of the mesh that a map gets: clients keep meshes by their names."""

LAYERED = "_Opt"
"""What ends the names of CARLA's maps in layers."""

OPENDRIVE_MAP = "OpenDriveMap"
"""The name under which a client loads the map that it has sent."""

SPAWN_EVERY_M, SPAWN_FROM_END_M, SPAWN_HEIGHT_M = 20.0, 10.0, 0.3
"""Distance of spawn points along a lane and from its ends, and their height above the road (m; ours)."""


@dataclass(frozen=True, slots=True, eq=False)
class TownMap:
    """One map, read and compiled: ``signal_of_lane`` the head that holds at the entry of a lane.

    ``spawn_points`` ``(n, 6)`` poses in our frame.
    """

    name: str
    text: str
    opendrive: OpenDrive
    graph: LaneGraph
    ground: Ground
    signal_of_lane: Mapping[int, str]
    spawn_points: FloatArray
    _scenery: list[Scenery] = field(default_factory=list)
    _navigation: list[bytes] = field(default_factory=list)

    def scenery(self) -> Scenery:
        """Return the map seen from above, made when it is first asked for."""
        if not self._scenery:
            self._scenery.append(Scenery.of(self.graph.drawing))
        return self._scenery[0]

    def navigation(self) -> bytes:
        """Return the navigation mesh as the client loads it, made when it is first asked for; b"" where it has none."""
        if not self._navigation:
            try:
                self._navigation.append(mesh_bytes(corridors(walk_ways(self.opendrive, self.graph))))
            except (OpenDriveError, MeshTooLargeError) as error:
                LOG.warning("map %s: there is no navigation for walkers: %s", self.name, error)
                self._navigation.append(b"")
        return self._navigation[0]

    @property
    def navigation_file(self) -> str:
        """Name of the file of the navigation mesh: clients keep it, so that another mesh needs another name."""
        content = f"{NAVIGATION_VERSION} {self.text}".encode("utf-8", "surrogateescape")
        return f"Carla/Maps/Nav/hcrmp-{hashlib.sha256(content).hexdigest()[:16]}.bin"

    @property
    def path(self) -> str:
        """The name as the client is told it."""
        return f"Carla/Maps/{self.name}"


def compile_town(name: str, text: str) -> TownMap:
    """Return the map in an OpenDRIVE text; ``OpenDriveError`` says what is wrong with it."""
    opendrive = parse_opendrive(text, name)
    graph = compile_lane_graph(opendrive)
    ground, signals = Ground.of(graph), signal_of_lane(opendrive, graph)
    return TownMap(name, text, opendrive, graph, ground, signals, _spawns(graph, ground.arrays.slope))


def _spawns(graph: LaneGraph, slope: FloatArray) -> FloatArray:
    """Return the poses ``(n, 6)`` at which vehicles may begin: on lanes outside junctions."""
    poses = []
    for lane in np.flatnonzero(graph.junction < 0).tolist():
        rows, step, length = graph.lane_samples(lane), graph.step[lane], float(graph.length[lane])
        for s in np.arange(SPAWN_FROM_END_M, length - SPAWN_FROM_END_M + 1e-9, SPAWN_EVERY_M).tolist():
            sample = rows[round(s / step)]
            height = graph.height[graph.start[lane] + round(s / step)]
            pitch = -atan(slope[graph.start[lane] + round(s / step)])
            place = [sample[SampleColumn.X], sample[SampleColumn.Y], height + SPAWN_HEIGHT_M]
            poses.append([*place, 0.0, pitch, sample[SampleColumn.HEADING]])
    return np.array(poses).reshape(-1, 6)


class TownLibrary:
    """Maps by name: generated ones and the ``.xodr`` files of ``folder`` (None: no folder); each is compiled once."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self._compiled: dict[str, TownMap] = {}

    def names(self) -> list[str]:
        """Return the names of all maps."""
        files = [] if self.folder is None else [path.stem for path in self.folder.glob(f"*{FILE_SUFFIX}")]
        return sorted({*files, *generated_maps()})

    def load(self, name: str) -> TownMap:
        """Return a map by its name, with or without folders before it; ``UnknownChoiceError`` lists the names."""
        short = name.rpartition("/")[2]
        if short not in self._compiled:
            self._compiled[short] = compile_town(short, self._text(short))
        return self._compiled[short]

    def _text(self, name: str) -> str:
        files = set() if self.folder is None else {path.stem for path in self.folder.glob(f"*{FILE_SUFFIX}")}
        # CARLA's maps in layers are the same roads under a second name.
        stem = name if name in files else name.removesuffix(LAYERED)
        if self.folder is not None and stem in files:
            return (self.folder / f"{stem}{FILE_SUFFIX}").read_text("utf-8")
        generated = generated_maps()
        if name not in generated:
            raise UnknownChoiceError("map", name, self.names())
        return generated[name].opendrive()
