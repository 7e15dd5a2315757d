"""The same town in SUMO: its network from the OpenDRIVE file, with our speeds and signals, and the same drivers.

``netconvert`` reads the map; ways that it has lost are joined again (a ramp that ends within another road). Then every
lane takes the speed that ours advises there (limit and curve), every junction our right of way and every signal our
phases (``sumo_rules``), so that what differs is how vehicles follow, cross and give way. Needs ``eclipse-sumo`` and
``libsumo`` (extra ``bench``).
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.projection import pose_at
from envs.scene import FloatArray
from envs.traffic.network import RoadArrays
from tests.benchmarks.sumo_rules import Agreement, entries, junction_types, show_signs, take_phases, take_rules
from tests.benchmarks.town_traffic import PERIOD_S, FlowMeter, TownFlow, lane_kinds, sections


def has_sumo() -> bool:
    """Return whether both packages are there."""
    return all(find_spec(name) is not None for name in ("sumo", "libsumo"))


@dataclass(frozen=True, slots=True)
class SumoTown:
    """The network's file, the lane of ours that each of its lanes is, and whether netconvert had the rules of ours."""

    net: Path
    ours: dict[str, int]
    rules: Agreement


def write_network(text: str, graph: LaneGraph, roads: RoadArrays, folder: Path) -> SumoTown:
    """Write the town's SUMO network into ``folder``. Raises ``CalledProcessError``."""
    source, target = folder / "town.xodr", folder / "town.net.xml"
    source.write_text(text)
    _netconvert("--opendrive-files", source, "-o", target, "--no-turnarounds", "true")
    _amend(target, graph, roads)
    tree = ElementTree.parse(target)
    net = tree.getroot()
    ours = _our_lanes(net, graph)
    for lane in net.iter("lane"):
        lane.set("speed", f"{roads.advised[ours[lane.get('id', '')]]:.3f}")
    links = _our_ways(net, graph)
    rules = take_rules(net, links, roads)
    show_signs(net, links, roads)
    take_phases(net, links, roads)
    tree.write(target)
    return SumoTown(target, ours, rules)


def _netconvert(*options: str | Path) -> None:
    import sumo

    program = Path(sumo.SUMO_HOME) / "bin" / "netconvert"
    subprocess.run([str(program), *map(str, options), "--no-warnings", "true"], check=True, capture_output=True)


def _amend(target: Path, graph: LaneGraph, roads: RoadArrays) -> None:
    """Let netconvert build the network once more, with the lanes joined that it had lost and the kinds of junctions."""
    net = ElementTree.parse(target).getroot()
    nodes, edges, links = Element("nodes"), Element("edges"), Element("connections")
    for name, kind in junction_types(_our_ways(net, graph), roads).items():
        nodes.append(Element("node", {"id": name, "type": kind}))
    _join_loose_ends(net, graph, nodes, edges, links)
    patches = [target.with_name(f"amended.{kind}.xml") for kind in ("nod", "edg", "con")]
    for path, root in zip(patches, (nodes, edges, links), strict=True):
        ElementTree.ElementTree(root).write(path)
    _netconvert("-s", target, "-n", patches[0], "-e", patches[1], "-x", patches[2], "-o", target)


def _join_loose_ends(net: Element, graph: LaneGraph, nodes: Element, edges: Element, links: Element) -> None:
    """Connect the lanes that go on in the map and not in the network: a ramp that joins a road within its course."""
    ours, offset = _our_lanes(net, graph), _offset(net)
    streets = [edge for edge in net.findall("edge") if edge.get("function") is None]
    begins = {lane.get("id", ""): _shape(lane, offset)[0] for edge in streets for lane in edge.findall("lane")}
    going_on = {link.get("from") for link in net.findall("connection")}
    for edge in (item for item in streets if item.get("id") not in going_on):
        lane = edge.findall("lane")[0].get("id", "")
        following = int(graph.successors[ours[lane], 0])
        if following < 0:
            continue
        start = graph.samples[graph.start[following], :2]
        joined = min(begins, key=lambda name: float(np.hypot(*(begins[name] - start))))
        name, number = joined.rsplit("_", 1)
        node = next(item.get("from", "") for item in streets if item.get("id") == name)
        edges.append(Element("edge", {"id": edge.get("id", ""), "from": edge.get("from", ""), "to": node}))
        nodes.append(Element("node", {"id": edge.get("to", ""), "remove": "true"}))
        link = {"from": edge.get("id", ""), "to": name, "fromLane": lane.rsplit("_", 1)[1], "toLane": number}
        links.append(Element("connection", link))


def _our_lanes(net: Element, graph: LaneGraph) -> dict[str, int]:
    offset = _offset(net)
    return {
        lane.get("id", ""): _nearest_lane(graph, _dense(_shape(lane, offset), 5)[1:-1]) for lane in net.iter("lane")
    }


def _our_ways(net: Element, graph: LaneGraph) -> dict[str, dict[int, int]]:
    """Return our lane of each way into a junction, by junction and link index."""
    offset = _offset(net)
    shapes = {lane.get("id", ""): _shape(lane, offset) for lane in net.iter("lane")}
    ways: dict[str, dict[int, int]] = {}
    for name, index, link in entries(net):
        way = shapes[link.get("via", "")]
        points = np.array([way[0], way[len(way) // 2], shapes[f"{link.get('to')}_{link.get('toLane')}"][0]])
        ways.setdefault(name, {})[index] = _nearest_lane(graph, points)
    return ways


def _offset(net: Element) -> FloatArray:
    location = net.find("location")
    text = "0,0" if location is None else location.get("netOffset", "0,0")
    return np.array([float(number) for number in text.split(",")])


def _shape(lane: Element, offset: FloatArray) -> FloatArray:
    points = [[float(number) for number in point.split(",")[:2]] for point in lane.get("shape", "").split()]
    return np.array(points) - offset


def _nearest_lane(graph: LaneGraph, points: FloatArray) -> int:
    """Return the lane whose centre is nearest to the ``points`` ``(N, 2)``, all together."""
    x, y = graph.samples[:, SampleColumn.X], graph.samples[:, SampleColumn.Y]
    apart = np.zeros(graph.lane_count)
    for px, py in points:
        apart += np.minimum.reduceat(np.hypot(x - px, y - py), graph.start[:-1])
    return int(apart.argmin())


def start(net: Path, drivers: Path, seed: int) -> Any:
    """Start SUMO in this process and return the ``libsumo`` module, which is it. Nobody is teleported."""
    import libsumo

    command = ["sumo", "-n", str(net), "-r", str(drivers), "--step-length", str(PERIOD_S), "--seed", str(seed)]
    quiet = ["--no-step-log", "true", "--no-warnings", "true", "--time-to-teleport", "-1"]
    libsumo.start([*command, *quiet, "--collision.action", "none"])
    return libsumo


def sumo_flow(simulation: Any, town: SumoTown, graph: LaneGraph, warm_up: int, ticks: int) -> TownFlow:
    """Let a started SUMO drive for ``warm_up`` ticks, and count over the ``ticks`` after them."""
    for _ in range(warm_up):
        simulation.simulationStep()
    vehicles = simulation.vehicle
    names, places, kinds = sorted(vehicles.getIDList()), _places(town.net, graph), lane_kinds(graph)
    kind_of = {lane: int(kinds[ours]) for lane, ours in town.ours.items()}
    meter = FlowMeter(len(sections(graph)), len(names))
    driven = sum(vehicles.getDistance(name) for name in names)
    before = {name: (vehicles.getLaneID(name), vehicles.getLanePosition(name)) for name in names}
    for _ in range(ticks):
        simulation.simulationStep()
        passed = []
        for name in names:
            now = vehicles.getLaneID(name), vehicles.getLanePosition(name)
            (lane, s), before[name] = before[name], now
            left = now[0].rsplit("_", 1)[0] != lane.rsplit("_", 1)[0]
            passed += [c for c, at in places.get(lane, ()) if s < at and (left or now[1] >= at)]
        speeds = np.array([vehicles.getSpeed(name) for name in names])
        meter.see(np.array(passed, dtype=np.int64), speeds, np.array([kind_of[before[name][0]] for name in names]))
    return meter.result(sum(vehicles.getDistance(name) for name in names) - driven, ticks)


def _places(net: Path, graph: LaneGraph) -> dict[str, list[tuple[int, float]]]:
    """Return by SUMO's lanes the counted cross-sections on them and where they lie (m)."""
    root, found = ElementTree.parse(net).getroot(), dict[str, list[tuple[int, float]]]()
    offset = _offset(root)
    streets = [edge for edge in root.findall("edge") if edge.get("function") is None]
    lanes = [(lane, _dense(_shape(lane, offset))) for edge in streets for lane in edge.findall("lane")]
    for c, ours in enumerate(sections(graph)):
        middle = 0.5 * float(graph.length[ours])
        x, y, _ = pose_at(graph.samples, graph.start, graph.step, int(ours), middle, 0.0)
        apart = [np.hypot(points[:, 0] - x, points[:, 1] - y) for _, points in lanes]
        best = int(np.argmin([distances.min() for distances in apart]))
        share = apart[best].argmin() / (len(apart[best]) - 1)
        theirs = lanes[best][0]
        found.setdefault(theirs.get("id", ""), []).append((c, share * float(theirs.get("length", "0"))))
    return found


def _dense(shape: FloatArray, points: int = 501) -> FloatArray:
    """Return so many points along a line ``(N, 2)``, equally far from each other."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(shape, axis=0).T))])
    at = np.linspace(0.0, along[-1], points)
    return np.column_stack([np.interp(at, along, shape[:, 0]), np.interp(at, along, shape[:, 1])])
