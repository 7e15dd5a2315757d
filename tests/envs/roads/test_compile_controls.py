"""Gates, groups and programs of a small junction, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.controls import GateKind, TrafficControls, signal_state
from envs.roads.elements import OpenDriveError
from envs.roads.generate import OnRampRoad
from envs.roads.lane_graph import LaneGraph, concatenate
from envs.roads.opendrive import parse_opendrive
from envs.scene import SignalState
from tests.envs.roads.crossing import controller, crossing, reference, signal, signalised, signals

AHEAD, LEFT, BACK = (21, -1), (22, -1), (23, 1)


def compiled(text: str) -> LaneGraph:
    return compile_lane_graph(parse_opendrive(text, "crossing"))


def gates(graph: LaneGraph) -> dict[tuple[int, int], GateKind]:
    controls = graph.controls
    lanes = np.flatnonzero(controls.gate != GateKind.OPEN)
    return {(int(graph.road[lane]), int(graph.lane[lane])): GateKind(int(controls.gate[lane])) for lane in lanes}


def stop_gap(graph: LaneGraph, lane: tuple[int, int]) -> float:
    return float(graph.controls.stop_gap[graph.find(*lane)])


def test_references_on_connecting_roads_govern_their_lanes() -> None:
    graph = compiled(signalised())
    assert gates(graph) == {AHEAD: GateKind.SIGNAL, LEFT: GateKind.SIGNAL, BACK: GateKind.SIGNAL}
    controls = graph.controls
    ahead, left, back = (int(controls.group[graph.find(*lane)]) for lane in (AHEAD, LEFT, BACK))
    assert (ahead, left, back) == (1, 1, 0)  # the junction lets c2 go first
    assert controls.signal_ids == (("B",), ("A",))
    assert controls.plan.tolist() == [10, 10]
    assert controls.programs.tolist() == [[30.0, 0.0, 10.0, 13.0], [30.0, 15.0, 25.0, 28.0]]
    assert not controls.stop_gap.any()


def test_never_two_groups_of_a_plan_go_at_once() -> None:
    programs = compiled(signalised()).controls.programs
    for time_s in np.arange(0.0, 60.0, 0.25):
        going = [signal_state(programs, group, time_s, 0.0) != SignalState.RED for group in range(2)]
        assert sum(going) == (0 if 13.0 <= time_s % 15.0 else 1)


def test_a_head_on_the_road_before_governs_all_ways_on() -> None:
    graph = compiled(crossing(r1=signals(signal("A", 94, "+"))))
    assert gates(graph) == {AHEAD: GateKind.SIGNAL, LEFT: GateKind.SIGNAL}
    assert stop_gap(graph, AHEAD) == stop_gap(graph, LEFT) == pytest.approx(6.0)
    assert graph.controls.signal_ids == (("A",),)
    assert graph.controls.programs.tolist() == [[15.0, 0.0, 10.0, 13.0]]


def test_the_gap_runs_over_the_sections_of_the_road() -> None:
    """At s = 60 in the first section 10 m are left of it and all 30 m of the second."""
    assert stop_gap(compiled(crossing(r1=signals(signal("A", 60, "+")))), AHEAD) == pytest.approx(40.0)


def test_a_head_far_before_the_end_is_not_for_that_end() -> None:
    assert gates(compiled(crossing(r1=signals(signal("A", 40, "+"))))) == {}


@pytest.mark.parametrize(
    ("header", "orientation"), [("", "+"), ("", "none"), ('vendor="VectorZero"', "-"), ('vendor="other"', "+")]
)
def test_orientation_says_whom_a_signal_is_for(header: str, orientation: str) -> None:
    assert gates(compiled(crossing(header=header, r1=signals(signal("A", 99, orientation, kind="206"))))) == {
        AHEAD: GateKind.STOP,
        LEFT: GateKind.STOP,
    }


@pytest.mark.parametrize(("header", "orientation"), [("", "-"), ('vendor="VectorZero"', "+")])
def test_a_signal_for_the_other_direction_holds_nobody_here(header: str, orientation: str) -> None:
    assert gates(compiled(crossing(header=header, r1=signals(signal("A", 99, orientation))))) == {}


def test_validity_counts_before_orientation() -> None:
    text = crossing(r3=signals(signal("A", 2, "+", kind="205", validity=(1, 1))))
    graph = compiled(text)
    assert gates(graph) == {BACK: GateKind.YIELD}
    assert stop_gap(graph, BACK) == pytest.approx(2.0)


def test_a_head_that_is_referred_to_holds_only_there() -> None:
    """It stands on the far side, where its own place would stop road 1's lane 1 from leaving."""
    text = crossing(r3=signals(signal("A", 1, "-")), r21=signals(reference("A", 0.5, "+", validity=(-1, -1))))
    assert gates(compiled(text)) == {AHEAD: GateKind.SIGNAL}


def test_a_light_counts_before_signs() -> None:
    signs = signal("S", 98, "+", kind="206") + signal("Y", 97, "+", kind="205")
    light = reference("A", 0, "+", validity=(-1, -1))
    graph = compiled(crossing(r1=signals(signs), r3=signals(signal("A", 1, "+", validity=(0, 0))), r21=signals(light)))
    assert gates(graph) == {AHEAD: GateKind.SIGNAL, LEFT: GateKind.STOP}


@pytest.mark.parametrize(
    ("line", "gap"),
    [
        ('name="StopLine" type="-1" s="97" t="-1.75" hdg="1.5707963" length="3.4" width="0.3"', 3.0),
        ('name="x" type="roadMark" subtype="signalLines" s="97.5" t="-1.75" hdg="0" length="0.3" width="3.4"', 2.5),
        ('name="StopLine" type="-1" s="97" t="1.75" hdg="1.5707963" length="3.4" width="0.3"', 1.0),  # the other lane
        ('name="StopLine" type="-1" s="20" t="-1.75" hdg="1.5707963" length="3.4" width="0.3"', 1.0),  # far away
        ('name="Tree" type="vegetation" s="97" t="-1.75" hdg="1.5707963" length="3.4" width="0.3"', 1.0),
    ],
)
def test_a_stop_line_says_where_to_stop(line: str, gap: float) -> None:
    objects = f'<objects><object id="1" {line}/></objects>'
    graph = compiled(crossing(r1=objects + signals(signal("A", 99, "+"))))
    assert stop_gap(graph, AHEAD) == pytest.approx(gap)


def test_the_outline_of_a_stop_line_counts_before_its_size() -> None:
    corners = '<outline><cornerLocal u="-1.5" v="0" z="0"/><cornerLocal u="1.5" v="0" z="0"/></outline>'
    line = f'<object id="1" name="StopLine" s="96" t="-1.75" hdg="1.5707963" length="0" width="0">{corners}</object>'
    graph = compiled(crossing(r1=f"<objects>{line}</objects>" + signals(signal("A", 99, "+"))))
    assert stop_gap(graph, AHEAD) == pytest.approx(4.0)


def test_the_word_stop_on_a_lane_is_a_stop_sign() -> None:
    word = '<objects><object id="7" name="Stencil_STOP" s="98" t="-1.75" orientation="-" type="-1"/></objects>'
    graph = compiled(crossing(header='vendor="VectorZero"', r1=word))
    assert gates(graph) == {AHEAD: GateKind.STOP, LEFT: GateKind.STOP}
    assert stop_gap(graph, AHEAD) == pytest.approx(2.0)


def test_heads_without_controller_take_turns_in_the_order_of_lanes() -> None:
    graph = compiled(crossing(r1=signals(signal("A", 99, "+")), r3=signals(signal("B", 1, "-"))))
    assert graph.controls.signal_ids == (("A",), ("B",))
    assert graph.controls.programs[:, 1].tolist() == [0.0, 15.0]


def test_an_atlas_numbers_groups_on_and_leaves_the_clocks_of_its_maps_as_they_are() -> None:
    ramp = compile_lane_graph(parse_opendrive(OnRampRoad().opendrive(), "ramp"))
    town = compiled(signalised())
    atlas, offsets = concatenate([town, ramp, town])
    controls, count = atlas.controls, town.lane_count
    assert controls.group[:count].tolist() == town.controls.group.tolist()
    expected = np.where(town.controls.group >= 0, town.controls.group + 2, -1)
    assert controls.group[offsets[2] :].tolist() == expected.tolist()
    assert controls.plan.tolist() == [10, 10, 10, 10]
    assert controls.signal_ids == town.controls.signal_ids * 2
    assert len(controls.gate) == len(controls.stop_gap) == atlas.lane_count


def test_a_generated_map_has_no_controls() -> None:
    ramp = compile_lane_graph(parse_opendrive(OnRampRoad().opendrive(), "ramp"))
    none = TrafficControls.none(ramp.lane_count)
    assert ramp.controls.gate.tolist() == none.gate.tolist() and ramp.controls.programs.shape == (0, 4)


SIGN = '<signal id="{id}" s="{s}" t="-4" orientation="{o}" type="274" dynamic="no" {more}/>'


@pytest.mark.parametrize(
    ("sign", "first", "second", "back"),
    [
        (SIGN.format(id=1, s=10, o="+", more='value="36" unit="km/h"'), 10.0, 10.0, 50 / 3.6),
        (SIGN.format(id=1, s=10, o="+", more='value="36"'), 10.0, 10.0, 50 / 3.6),
        (SIGN.format(id=1, s=10, o="+", more='value="10" unit="m/s"'), 10.0, 10.0, 50 / 3.6),
        (SIGN.format(id=1, s=36, o="+", more='value="36"'), 50 / 3.6, 10.0, 50 / 3.6),  # behind the first middle
        (SIGN.format(id=1, s=60, o="-", more='value="36"'), 50 / 3.6, 50 / 3.6, 10.0),
        (SIGN.format(id=1, s=10, o="-", more='value="36"'), 50 / 3.6, 50 / 3.6, 50 / 3.6),  # behind the middle
        (SIGN.format(id=1, s=10, o="+", more='value="-1"'), 50 / 3.6, 50 / 3.6, 50 / 3.6),
        (SIGN.format(id=1, s=10, o="+", more='value="36"') + SIGN.format(id=2, s=80, o="+", more='value="72"'),
         10.0, 20.0, 50 / 3.6),
    ],
)  # fmt: skip
def test_speed_signs_hold_from_where_they_stand(sign: str, first: float, second: float, back: float) -> None:
    graph = compiled(crossing(r1=signals(sign)))
    assert graph.speed_limit[graph.find(1, -1, 0)] == pytest.approx(first)
    assert graph.speed_limit[graph.find(1, -1, 1)] == pytest.approx(second)
    assert graph.speed_limit[graph.find(*AHEAD)] == pytest.approx(second)  # says nothing itself
    assert graph.speed_limit[graph.find(3, -1)] == pytest.approx(50 / 3.6)
    assert graph.speed_limit[graph.find(1, 1, 0)] == pytest.approx(back)


def test_carlas_speed_objects_are_signs_in_kilometres_per_hour() -> None:
    board = '<objects><object id="7" name="Speed_30" s="5" t="-4.4" orientation="-" type="-1"/></objects>'
    graph = compiled(crossing(header='vendor="VectorZero"', r1=board))
    assert graph.speed_limit[graph.find(1, -1, 0)] == pytest.approx(30 / 3.6)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('value="36" unit="knots"', "road 1: signal 1: speed unit 'knots'"),
        ('value="1e5" unit="km/h"', "road 1: signal 1: speed limit of 27777.8 m/s"),
    ],
)
def test_a_broken_speed_sign_is_one_clear_line(more: str, message: str) -> None:
    with pytest.raises(OpenDriveError, match=message):
        compiled(crossing(r1=signals(SIGN.format(id=1, s=10, o="+", more=more))))


def test_a_controller_shared_by_two_heads_is_one_group() -> None:
    heads = signals(signal("A", 99, "+")), signals(signal("B", 1, "-"))
    graph = compiled(crossing(r1=heads[0], r3=heads[1], controllers=controller("c", 0, "A", "B")))
    assert graph.controls.signal_ids == (("A", "B"),)
    assert set(graph.controls.group[graph.controls.gate == GateKind.SIGNAL].tolist()) == {0}


def test_a_road_of_very_many_sections() -> None:
    """Two lanes that change places at each of 1,500 sections: neither deep recursion nor 2^1500 ways."""
    width = '<width sOffset="0" a="3" b="0" c="0" d="0"/>'
    lane = '<lane id="{0}" type="driving"><link><predecessor id="{1}"/><successor id="{0}"/></link>{2}</lane>'
    lanes = lane.format(-1, -2, width) + lane.format(-2, -1, width)
    section = '<laneSection s="{}"><center><lane id="0" type="none"/></center><right>{}</right></laneSection>'
    sections = "".join(section.format(0.08 * index, lanes) for index in range(1500))
    line = '<planView><geometry s="0" x="{x}" y="0" hdg="0" length="{m}"><line/></geometry></planView>'
    follow = '<link><successor elementType="road" elementId="2" contactPoint="start"/></link>'
    road = '<road id="{id}" length="{m}" junction="-1">{link}' + line + "<lanes>{lanes}</lanes>{more}</road>"
    light = signals(signal("A", 119.0, "+", validity=(-1, -1)))
    one = road.format(id=1, m=120, x=0, link=follow, lanes=sections, more=light)
    two = road.format(id=2, m=50, x=120, link="", lanes=section.format(0, lanes), more="")
    graph = compiled(f"<OpenDRIVE>{one}{two}</OpenDRIVE>")
    assert gates(graph) == {(2, -1): GateKind.SIGNAL, (2, -2): GateKind.SIGNAL}
    assert stop_gap(graph, (2, -1)) == pytest.approx(1.0)
    assert graph.controls.plan.tolist() == [0]
