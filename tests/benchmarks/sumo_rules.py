"""Our right of way in a SUMO network: who yields to whom at each junction, and the phases of its signals.

``netconvert`` reads no sign of an OpenDRIVE file and guesses who goes first. It is told the kinds of junctions; then,
where our ``Conflicts`` say who of two goes first, the junction's response matrix says the same. Where the first to come
goes first, SUMO has all-way stops alone, and elsewhere its guess stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

import numpy as np

from envs.roads.controls import GateKind
from envs.scene import BoolArray, IntArray, SignalState
from envs.traffic.lights import light
from envs.traffic.network import RoadArrays
from tests.benchmarks.town_traffic import PERIOD_S

LETTERS = {SignalState.NONE: "G", SignalState.GREEN: "G", SignalState.YELLOW: "y", SignalState.RED: "r"}
"""SUMO's letters. A link that yields to another that is green (or has no light) at the time gets ``g`` for ``G``."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the pairs of ways that SUMO knows as foes, for how many netconvert said the same as ours."""

    pairs: int
    guessed: int


def junction_types(links: dict[str, dict[int, int]], roads: RoadArrays) -> dict[str, str]:
    """Return SUMO's type of each junction with stop signs or none at all; it decides who may wait inside."""
    types = {}
    for name, lanes in links.items():
        gates = {GateKind(int(roads.gate[lane])) for lane in lanes.values()}
        if GateKind.SIGNAL in gates:
            continue
        if gates == {GateKind.STOP}:
            types[name] = "allway_stop"
        elif GateKind.STOP in gates:
            types[name] = "priority_stop"
        elif gates == {GateKind.OPEN} and any((_ranks(roads, lane) < 0).any() for lane in lanes.values()):
            types[name] = "right_before_left"
    return types


def _ranks(roads: RoadArrays, lane: int) -> IntArray:
    """Return the priority of ``lane`` in each of its conflicts."""
    return roads.conflict_priority[roads.conflict_start[lane] : roads.conflict_start[lane + 1]]


def take_rules(net: Element, links: dict[str, dict[int, int]], roads: RoadArrays) -> Agreement:
    """Give the network our right of way; ``links`` by junction and link index our lanes. Return how it differed."""
    pairs = guessed = 0
    for junction in (item for item in net.findall("junction") if item.get("id") in links):
        lanes = links[junction.get("id", "")]
        gates = {roads.gate[lane] for lane in lanes.values()}
        everybody_stops = gates == {GateKind.STOP}
        for request in junction.findall("request"):
            i = int(request.get("index", "0"))
            response = _bits(request.get("response", ""))
            for j in np.flatnonzero(_bits(request.get("foes", ""))).tolist():
                yields = True if everybody_stops else _yields(roads, lanes[i], lanes[j], bool(response[j]))
                pairs, guessed = pairs + 1, guessed + int(yields == response[j])
                response[j] = yields
            request.set("response", "".join("1" if bit else "0" for bit in response[::-1]))
    return Agreement(pairs, guessed)


def show_signs(net: Element, links: dict[str, dict[int, int]], roads: RoadArrays) -> None:
    """Write the state of each link that no signal governs: stop, all-way stop, yield, right before left, priority."""
    responses = _responses(net)
    for name, index, link in entries(net):
        if link.get("tl") is not None or name not in links:
            continue
        gates = {GateKind(int(roads.gate[lane])) for lane in links[name].values()}
        link.set("state", _sign(roads.gate[links[name][index]], gates, bool(responses[name][index].any())))


def _sign(gate: int, gates: set[GateKind], yields: bool) -> str:
    """Return SUMO's letter for a link whose ``gate`` is one of ``gates`` at the junction."""
    if gate == GateKind.STOP:
        return "w" if gates == {GateKind.STOP} else "s"
    if gates == {GateKind.OPEN} and yields:
        return "="
    return "m" if yields or gate == GateKind.YIELD else "M"


def _yields(roads: RoadArrays, own: int, other: int, guess: bool) -> bool:
    """Return whether ``own`` yields to ``other``; the ``guess`` where ours do not meet or the first to come goes."""
    for z in range(roads.conflict_start[own], roads.conflict_start[own + 1]):
        if roads.conflict_lane[z] == other and roads.conflict_priority[z] != 0:
            return bool(roads.conflict_priority[z] < 0)
    return guess


def take_phases(net: Element, links: dict[str, dict[int, int]], roads: RoadArrays) -> None:
    """Replace the phases of all signals by ours. A signal has the name of its junction, and its links' numbers."""
    responses = _responses(net)
    for logic in net.findall("tlLogic"):
        name = logic.get("id", "")
        for phase in logic.findall("phase"):
            logic.remove(phase)
        logic.set("offset", "0")
        for place, phase in enumerate(_phases(links[name], responses[name], roads)):
            logic.insert(place, phase)


def _phases(lanes: dict[int, int], responses: dict[int, BoolArray], roads: RoadArrays) -> list[Element]:
    groups = [int(roads.group[lane]) for lane in lanes.values() if roads.group[lane] >= 0]
    cycle = float(roads.programs[groups[0], 0]) if groups else 10.0
    ticks = [_letters(lanes, responses, roads, k * PERIOD_S) for k in range(round(cycle / PERIOD_S))]
    phases, begin = [], 0
    for k in range(1, len(ticks) + 1):
        if k == len(ticks) or ticks[k] != ticks[begin]:
            phases.append(Element("phase", {"duration": f"{(k - begin) * PERIOD_S:.1f}", "state": ticks[begin]}))
            begin = k
    return phases


def _letters(lanes: dict[int, int], responses: dict[int, BoolArray], roads: RoadArrays, now: float) -> str:
    letters = [LETTERS[SignalState(light(roads, lanes[link], now, 0))] for link in range(max(lanes) + 1)]
    green = np.array([letter == "G" for letter in letters])
    return "".join(
        "g" if letter == "G" and (responses[link][: len(green)] & green).any() else letter
        for link, letter in enumerate(letters)
    )


def entries(net: Element) -> Iterator[tuple[str, int, Element]]:
    """Yield (junction, link index, connection) of every way into a junction.

    The lane inside is named ``:junction_edge_lane``, and the edges are numbered by their first links.
    """
    for link in net.findall("connection"):
        if not link.get("from", ":").startswith(":") and link.get("via") is not None:
            name, edge, lane = link.get("via", "")[1:].rsplit("_", 2)
            yield name, int(edge) + int(lane), link


def _responses(net: Element) -> dict[str, dict[int, BoolArray]]:
    return {junction.get("id", ""): _rows(junction) for junction in net.findall("junction")}


def _rows(junction: Element) -> dict[int, BoolArray]:
    rows = junction.findall("request")
    return {int(row.get("index", "0")): _bits(row.get("response", "")) for row in rows}


def _bits(text: str) -> BoolArray:
    """Return the bits of a matrix's row, the last letter first."""
    return np.array([letter == "1" for letter in text[::-1]], dtype=np.bool_)
