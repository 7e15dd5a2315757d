"""The same town in SUMO: its network from the OpenDRIVE file, with our speeds and signals, and the same drivers.

``netconvert`` reads the map; then every lane takes the speed that ours advises there (limit and curve) and every
signal our phases, so that what differs is how vehicles follow, cross and give way. Needs ``eclipse-sumo`` and
``libsumo`` (extra ``bench``).
"""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ElementTree
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from envs.roads.lane_graph import LaneGraph, SampleColumn
from envs.roads.projection import pose_at
from envs.scene import FloatArray, SignalState
from envs.traffic.agents import AgentRow
from envs.traffic.lights import light
from envs.traffic.network import RoadArrays
from tests.benchmarks.town_traffic import PERIOD_S, FlowMeter, TownFlow, sections
from tests.gates.population import Worlds

LETTERS = {SignalState.NONE: "G", SignalState.GREEN: "G", SignalState.YELLOW: "y", SignalState.RED: "r"}
"""SUMO's letters. Where two approaches have green together, a turn that netconvert has give way gets ``g``."""

ROUTE_M = 40_000.0
"""Length of the random walk that each vehicle is given (m): more than it drives in any measurement."""


def has_sumo() -> bool:
    """Return whether both packages are there."""
    return all(find_spec(name) is not None for name in ("sumo", "libsumo"))


def write_network(text: str, graph: LaneGraph, roads: RoadArrays, folder: Path) -> Path:
    """Write the town's SUMO network into ``folder`` and return its file. Raises ``CalledProcessError``."""
    import sumo

    source, target = folder / "town.xodr", folder / "town.net.xml"
    source.write_text(text)
    netconvert = Path(sumo.SUMO_HOME) / "bin" / "netconvert"
    options = ["--no-turnarounds", "true", "--no-warnings", "true"]
    command = [str(netconvert), "--opendrive-files", str(source), "-o", str(target), *options]
    subprocess.run(command, check=True, capture_output=True)
    tree = ElementTree.parse(target)
    _match(tree.getroot(), graph, roads)
    tree.write(target)
    return target


def _match(net: Element, graph: LaneGraph, roads: RoadArrays) -> None:
    """Give the network our speeds and signals."""
    offset = _offset(net)
    shapes = {lane.get("id", ""): _shape(lane, offset) for lane in net.iter("lane")}
    for lane in net.iter("lane"):
        ours = _nearest_lane(graph, _dense(shapes[lane.get("id", "")], 5)[1:-1])
        lane.set("speed", f"{roads.advised[ours]:.3f}")
    signals: dict[str, dict[int, int]] = {}
    for link in (item for item in net.findall("connection") if item.get("tl") is not None):
        way = shapes[link.get("via", "")]
        points = np.array([way[0], way[len(way) // 2], shapes[f"{link.get('to')}_{link.get('toLane')}"][0]])
        ours = _nearest_lane(graph, points)
        signals.setdefault(link.get("tl", ""), {})[int(link.get("linkIndex", "0"))] = ours
    for logic in net.findall("tlLogic"):
        _take_phases(logic, signals[logic.get("id", "")], roads)


def _take_phases(logic: Element, lanes: dict[int, int], roads: RoadArrays) -> None:
    """Replace the phases of a signal by ours; ``lanes`` are our ways by the signal's links."""
    theirs = logic.findall("phase")
    giving_way = [all(phase.get("state", "")[link] != "G" for phase in theirs) for link in range(max(lanes) + 1)]
    for phase in theirs:
        logic.remove(phase)
    logic.set("offset", "0")
    groups = [int(roads.group[lane]) for lane in lanes.values() if roads.group[lane] >= 0]
    cycle = float(roads.programs[groups[0], 0]) if groups else 10.0
    ticks = [_letters(lanes, giving_way, roads, k * PERIOD_S) for k in range(round(cycle / PERIOD_S))]
    begin = 0
    for k in range(1, len(ticks) + 1):
        if k == len(ticks) or ticks[k] != ticks[begin]:
            logic.insert(0 if begin == 0 else len(logic.findall("phase")), Element(
                "phase", {"duration": f"{(k - begin) * PERIOD_S:.1f}", "state": ticks[begin]}))  # fmt: skip
            begin = k


def _letters(lanes: dict[int, int], giving_way: list[bool], roads: RoadArrays, now: float) -> str:
    states = [SignalState(light(roads, lanes[link], now, 0)) for link in range(max(lanes) + 1)]
    green = {int(roads.group[lanes[link]]) for link, state in enumerate(states) if state is SignalState.GREEN}
    return "".join(
        "g" if state is SignalState.GREEN and giving_way[link] and len(green) > 1 else LETTERS[state]
        for link, state in enumerate(states)
    )


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


def write_drivers(net: Path, worlds: Worlds, seed: int, model: str) -> Path:
    """Write vehicles with the drivers of ``worlds`` (its first) on random walks from random places; return the file."""
    root, rng = Element("routes"), np.random.default_rng(seed)
    edges = _edges(net)
    names = sorted(edges)
    share = np.array([edges[name][0] for name in names])
    agents = worlds.agents[:, 0]
    for i in range(agents.shape[1]):
        root.append(Element("vType", _driver(agents[:, i], i, model)))
    for i in range(agents.shape[1]):
        begin = names[int(rng.choice(len(names), p=share / share.sum()))]
        vehicle = Element("vehicle", {"id": str(i), "type": str(i), "depart": "0", "departLane": "random",
                                      "departPos": "random_free", "departSpeed": "0"})  # fmt: skip
        vehicle.append(Element("route", {"edges": " ".join(_random_walk(edges, begin, rng))}))
        root.append(vehicle)
    path = net.with_name(f"drivers_{model}_{seed}.rou.xml")
    ElementTree.ElementTree(root).write(path)
    return path


def _driver(agent: FloatArray, i: int, model: str) -> dict[str, str]:
    numbers = {
        "accel": agent[AgentRow.MAX_ACCELERATION], "decel": agent[AgentRow.COMFORT_BRAKE],
        "emergencyDecel": agent[AgentRow.HARDEST_BRAKE], "tau": agent[AgentRow.HEADWAY],
        "minGap": agent[AgentRow.MIN_GAP], "length": 4.6, "width": 1.9,
        "speedFactor": agent[AgentRow.SPEED_FACTOR], "speedDev": 0.0, "maxSpeed": 40.0,
    }  # fmt: skip
    return {"id": str(i), "carFollowModel": model} | {name: f"{value:.3f}" for name, value in numbers.items()}


def _edges(net: Path) -> dict[str, tuple[float, list[str]]]:
    """Return length and followers of each edge from which one can go on for ever."""
    root = ElementTree.parse(net).getroot()
    lengths = {
        edge.get("id", ""): float(edge.findall("lane")[0].get("length", "0"))
        for edge in root.findall("edge")
        if edge.get("function") is None
    }
    following: dict[str, set[str]] = {name: set() for name in lengths}
    for link in root.findall("connection"):
        if link.get("from") in lengths:
            following[link.get("from", "")].add(link.get("to", ""))
    while dead := {name for name, others in following.items() if not others}:
        following = {name: others - dead for name, others in following.items() if name not in dead}
    return {name: (lengths[name], sorted(others)) for name, others in following.items()}


def _random_walk(edges: dict[str, tuple[float, list[str]]], begin: str, rng: np.random.Generator) -> list[str]:
    walk, length = [begin], 0.0
    while length < ROUTE_M:
        others = edges[walk[-1]][1]
        walk.append(others[int(rng.integers(len(others)))])
        length += edges[walk[-1]][0]
    return walk


def start(net: Path, drivers: Path, seed: int) -> Any:
    """Start SUMO in this process and return the ``libsumo`` module, which is it. Nobody is teleported."""
    import libsumo

    command = ["sumo", "-n", str(net), "-r", str(drivers), "--step-length", str(PERIOD_S), "--seed", str(seed)]
    quiet = ["--no-step-log", "true", "--no-warnings", "true", "--time-to-teleport", "-1"]
    libsumo.start([*command, *quiet, "--collision.action", "none"])
    return libsumo


def sumo_flow(simulation: Any, net: Path, graph: LaneGraph, warm_up: int, ticks: int) -> TownFlow:
    """Let a started SUMO drive for ``warm_up`` ticks, and count over the ``ticks`` after them."""
    for _ in range(warm_up):
        simulation.simulationStep()
    vehicles = simulation.vehicle
    names, places = sorted(vehicles.getIDList()), _places(net, graph)
    meter = FlowMeter(len(sections(graph)), len(names))
    driven = sum(vehicles.getDistance(name) for name in names)
    before = {name: (vehicles.getLaneID(name), vehicles.getLanePosition(name)) for name in names}
    for _ in range(ticks):
        simulation.simulationStep()
        passed = []
        for name in names:
            now = vehicles.getLaneID(name), vehicles.getLanePosition(name)
            (lane, s), before[name] = before[name], now
            passed += [c for c, at in places.get(lane, ()) if s < at and (now[0] != lane or now[1] >= at)]
        meter.see(np.array(passed, dtype=np.int64), np.array([vehicles.getSpeed(name) for name in names]))
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
