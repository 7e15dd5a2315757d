"""Small sound maps to mutate: generated ones, a signalised junction, and Town02's junctions where it is there."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from xml.etree.ElementTree import Element

from envs.roads.generate import MultiLaneRoad, OnRampRoad, Street, ThreeLaneRoad
from tests.envs.roads.crossing import controller, crossing, signal, signalised, signals

TOWN = Path(__file__).parents[3] / "shared" / "data" / "carla_maps" / "Town02.xodr"

_STOP_LINE = '<objects><object id="1" name="StopLine" s="97" t="-1.7" hdg="1.57" length="3.4" width="0.3"/></objects>'
_POLYNOMIAL = """<OpenDRIVE><road id="7" length="60" junction="-1"><planView>
 <geometry s="0" x="1" y="2" hdg="0.5" length="20"><spiral curvStart="0.0" curvEnd="0.05"/></geometry>
 <geometry s="20" x="20" y="9" hdg="1.0" length="20"><poly3 a="0" b="0" c="0.005" d="0.0001"/></geometry>
 <geometry s="40" x="30" y="26" hdg="1.1" length="20">
  <paramPoly3 pRange="normalized" aU="0" bU="20" cU="0" dU="0" aV="0" bV="0" cV="1" dV="0.5"/></geometry></planView>
 <lanes><laneOffset s="0" a="0.5" b="0.01" c="0" d="0"/><laneOffset s="30" a="0.8" b="0" c="0" d="0"/>
 <laneSection s="0"><center><lane id="0" type="none"><roadMark sOffset="0" type="solid" color="yellow"/></lane></center>
 <right><lane id="-1" type="driving"><link><successor id="-1"/></link><width sOffset="0" a="3" b="0.01" c="0" d="0"/>
 <speed sOffset="0" max="20" unit="mph"/></lane><lane id="-2" type="parking">
 <border sOffset="0" a="-6" b="0" c="0" d="0"/></lane></right></laneSection>
 <laneSection s="30"><center><lane id="0" type="none"/></center><right>
 <lane id="-1" type="driving"><width sOffset="0" a="3" b="0" c="0" d="0"/></lane></right></laneSection></lanes>
 <objects><object type="crosswalk" id="1" s="8" t="0" hdg="0"><outline><cornerLocal u="-1" v="-3"/>
 <cornerLocal u="1" v="-3"/><cornerLocal u="1" v="3"/></outline></object></objects></road></OpenDRIVE>"""


def corpus() -> dict[str, bytes]:
    """Return the maps by name."""
    signs = signals(signal("S", 98, "+", kind="206") + signal("V", 10, "+", kind="274", more='value="30" unit="km/h"'))
    texts = {
        "multi_lane": MultiLaneRoad(length_m=60.0, curvature=1 / 60).opendrive(),
        "three_lane": ThreeLaneRoad(length_m=40.0).opendrive(),
        "on_ramp": OnRampRoad(approach_m=20.0, ramp_m=30.0, acceleration_m=30.0, after_m=20.0).opendrive(),
        "street": Street(length_m=40.0, crosswalk_s_m=20.0).opendrive(),
        "signalised": signalised(),
        "signs": crossing(r1=_STOP_LINE + signs, r3=signals(signal("A", 1, "-")), controllers=controller("c", 0, "A")),
        "polynomial": _POLYNOMIAL,
    }
    maps = {name: text.encode() for name, text in texts.items()}
    return maps | (town_pieces(TOWN.read_bytes()) if TOWN.exists() else {})


def town_pieces(content: bytes) -> dict[str, bytes]:
    """Return one map per junction of a town: the junction, its ways and the roads that they join."""
    root = ElementTree.fromstring(content)
    return {
        f"junction_{junction.get('id')}": ElementTree.tostring(_piece(root, junction))
        for junction in root.findall("junction")
    }


def _piece(root: Element, junction: Element) -> Element:
    connections = junction.findall("connection")
    ids = {item.get(key, "") for item in connections for key in ("incomingRoad", "connectingRoad")}
    piece = Element("OpenDRIVE")
    piece.append(root.findall("header")[0])
    piece.extend(_without_loose_ends(road, ids, junction) for road in root.findall("road") if road.get("id") in ids)
    heads = {item.get("id") for item in piece.iter("signal")}
    for parent in piece.iter("signals"):
        for item in [ref for ref in parent.findall("signalReference") if ref.get("id") not in heads]:
            parent.remove(item)
    ours = {item.get("id") for item in junction.findall("controller")}
    piece.extend(item for item in root.findall("controller") if item.get("id") in ours)
    piece.append(junction)
    return piece


def _without_loose_ends(road: Element, roads: set[str], junction: Element) -> Element:
    """Return a copy of the road without links to what the piece leaves out."""
    result = ElementTree.fromstring(ElementTree.tostring(road))
    for link in result.findall("link"):
        for end in list(link):
            there = end.get("elementId") in (roads if end.get("elementType") == "road" else {junction.get("id")})
            if not there:
                link.remove(end)
    return result
