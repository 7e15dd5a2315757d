"""Reading of signals, controllers, priorities and stop lines."""

from __future__ import annotations

import pytest

from envs.roads.elements import (
    Controller,
    JunctionController,
    OpenDriveError,
    Priority,
    Signal,
    SignalReference,
    StopLine,
)
from envs.roads.opendrive import parse_opendrive
from tests.envs.roads.crossing import controller, crossing, reference, signal, signalised, signals


def test_reads_signals_and_references() -> None:
    more = 'value="7.5" unit="km/h"'
    first, second = signal("A", 94, "+", more=more, validity=(-1, -2)), signal("B", 2, "-")
    road = parse_opendrive(crossing(r1=signals(first + second + reference("A", 3, "-"))), "crossing").roads["1"]
    assert road.signals == (
        Signal("A", 94.0, -4.0, 1, True, "1000001", "-1", 7.5, "km/h", ((-2, -1),)),
        Signal("B", 2.0, -4.0, -1, True, "1000001", "-1", None, "", ()),
    )
    assert road.signal_references == (SignalReference("A", 3.0, 0.0, -1, ()),)


def test_reads_controllers_and_priorities() -> None:
    priorities = '<priority high="1" low="3"/><priority low="3"/>'
    opendrive = parse_opendrive(signalised().replace("</junction>", f"{priorities}</junction>"), "crossing")
    assert opendrive.controllers == {"c1": Controller("c1", 0, ("A",)), "c2": Controller("c2", 1, ("B",))}
    assert opendrive.junctions["10"].controllers == (JunctionController("c1", 1), JunctionController("c2", 0))
    assert opendrive.junctions["10"].priorities == (Priority("1", "3"),)


def test_reads_the_geo_reference() -> None:
    text = crossing().replace("<header />", "<header><geoReference><![CDATA[ +proj=utm ]]></geoReference></header>")
    assert parse_opendrive(text, "crossing").geo_reference == "+proj=utm"
    assert parse_opendrive(crossing(), "crossing").geo_reference == ""


def test_reads_stop_lines() -> None:
    line = '<objects><object name="StopLine" s="97" t="-2" hdg="1.5707963267948966" length="3" width="0.5"/></objects>'
    assert parse_opendrive(crossing(r1=line), "crossing").roads["1"].stop_lines == (StopLine(97.0, -3.5, -0.5),)


def test_a_crosswalk_in_road_coordinates() -> None:
    corners = "".join(f'<cornerRoad s="{s}" t="{t}" dz="0"/>' for s, t in ((50, -3), (54, -3), (54, 3)))
    walk = f'<objects><object id="1" type="crosswalk" s="52" t="0"><outline>{corners}</outline></object></objects>'
    crosswalk = parse_opendrive(crossing(r3=walk), "crossing").roads["3"].crosswalks[0]
    assert crosswalk.outline.tolist() == [[170.0, -3.0], [174.0, -3.0], [174.0, 3.0]]


@pytest.mark.parametrize("place", ['s="1e308" t="1e308"', 's="5" t="-1e9"'])
def test_a_crosswalk_off_the_world(place: str) -> None:
    corners = "".join(f'<cornerLocal u="{u}" v="{v}"/>' for u, v in ((-1, -3), (1, -3), (1, 3)))
    walk = f'<objects><object id="1" type="crosswalk" {place}><outline>{corners}</outline></object></objects>'
    with pytest.raises(OpenDriveError, match="map crossing: road 3: crosswalk: leaves the range of 1e.07 m"):
        parse_opendrive(crossing(r3=walk), "crossing")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('s="5" t="-4"', 's="five" t="-4"', "road 3: signal A: attribute 's' is 'five', expected a finite number"),
        ('orientation="-" dynamic', 'orientation="up" dynamic', "road 3: signal A: orientation is 'up', allowed are"),
        ('fromLane="-1"', 'fromLane="x"', "road 21: signalReference A: validity: attribute 'fromLane' is 'x'"),
        ('<signal id="B"', '<signal id="A"', "road 3: signal A is there twice"),
        ('<signalReference id="B"', '<signalReference id="C"', "road 23: signalReference names signal 'C'"),
        ('signalId="B"', 'signalId="C"', "controller c2: control names signal 'C', which is not there"),
        ('<controller id="c2" name', '<controller id="c1" name', "controller c1 is there twice"),
        ('<controller id="c2" type', '<controller id="c3" type', "junction 10 names controller 'c3', not there"),
        ('sequence="0"/>', 'sequence="first"/>', "junction 10: controller: attribute 'sequence' is 'first'"),
    ],
)
def test_a_broken_signal_is_one_clear_line(old: str, new: str, message: str) -> None:
    text = signalised()
    assert old in text
    with pytest.raises(OpenDriveError) as caught:
        parse_opendrive(text.replace(old, new, 1), "crossing")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_unused_controller_is_no_problem() -> None:
    opendrive = parse_opendrive(crossing(controllers=controller("c", 0)), "crossing")
    assert opendrive.controllers["c"].signal_ids == ()
