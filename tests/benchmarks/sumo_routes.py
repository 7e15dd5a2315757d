"""The same drivers on the same ways in SUMO: what our vehicles drove, as SUMO's routes."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import deque
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from envs.scene import FloatArray
from envs.traffic.agents import AgentRow
from tests.benchmarks.sumo_town import SumoTown
from tests.benchmarks.town_traffic import drive
from tests.gates.population import Worlds

ROUTE_M = 40_000.0
"""Length of each vehicle's route (m), more than it drives in any measurement; a random walk where ours was shorter."""


def driven_lanes(worlds: Worlds, ticks: int) -> list[list[int]]:
    """Let the traffic drive for so many ticks and return the lanes outside junctions that each vehicle was on."""
    agents, junction = worlds.agents[:, 0], worlds.graph.junction
    driven: list[list[int]] = [[] for _ in range(agents.shape[1])]
    for k in range(ticks):
        for i, lane in enumerate(agents[AgentRow.LANE].astype(int).tolist()):
            if junction[lane] < 0 and driven[i][-1:] != [lane]:
                driven[i].append(lane)
        drive(worlds, k, 1)
    return driven


def write_drivers(town: SumoTown, worlds: Worlds, driven: list[list[int]], seed: int, model: str) -> Path:
    """Write vehicles with the drivers of ``worlds`` (its first) who drive as ``driven``; return the file."""
    root, rng = Element("routes"), np.random.default_rng(seed)
    edges, agents = _edges(town.net), worlds.agents[:, 0]
    streets = _streets(town, edges)
    for i in range(agents.shape[1]):
        root.append(Element("vType", _driver(agents[:, i], i, model)))
    for i in range(agents.shape[1]):
        way = _connected([streets[lane] for lane in driven[i] if lane in streets], edges)
        vehicle = Element("vehicle", {"id": str(i), "type": str(i), "depart": "0", "departLane": "random",
                                      "departPos": "random_free", "departSpeed": "0"})  # fmt: skip
        vehicle.append(Element("route", {"edges": " ".join(_random_walk(edges, way, rng))}))
        root.append(vehicle)
    path = town.net.with_name(f"drivers_{model}_{seed}.rou.xml")
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


Edges = dict[str, tuple[float, list[str]]]


def _edges(net: Path) -> Edges:
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


def _streets(town: SumoTown, edges: Edges) -> dict[int, str]:
    """Return the edge that each of our lanes is on."""
    return {lane: name for place, lane in town.ours.items() if (name := place.rsplit("_", 1)[0]) in edges}


def _connected(way: list[str], edges: Edges) -> list[str]:
    """Return the edges of ``way``, each once where it follows itself, with those between that it leaves out."""
    whole = way[:1]
    for name in way[1:]:
        if name != whole[-1]:
            whole += _shortest(edges, whole[-1], name)
    return whole


def _shortest(edges: Edges, begin: str, end: str) -> list[str]:
    """Return the fewest edges from ``begin`` (left out) to ``end``. Raises ``ValueError`` where there is no way."""
    before, queue = {begin: ""}, deque([begin])
    while queue and (name := queue.popleft()) != end:
        for following in edges[name][1]:
            if following not in before:
                before[following] = name
                queue.append(following)
    if end not in before:
        raise ValueError(f"the SUMO network has no way from edge {begin} to edge {end}; ours has: compare the two nets")
    way = [end]
    while before[way[-1]] != begin:
        way.append(before[way[-1]])
    return way[::-1]


def _random_walk(edges: Edges, way: list[str], rng: np.random.Generator) -> list[str]:
    """Return ``way`` and what comes after it, drawn with equal chances, until it is ``ROUTE_M`` long."""
    walk, length = list(way), sum(edges[name][0] for name in way)
    while length < ROUTE_M:
        others = edges[walk[-1]][1]
        walk.append(others[int(rng.integers(len(others)))])
        length += edges[walk[-1]][0]
    return walk
