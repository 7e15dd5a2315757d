"""Between samples a lane's centre and heading are what the geometry says, also where a line meets an arc."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from envs.roads.compiler import SAMPLE_SPACING_M, compile_lane_graph
from envs.roads.elements import OpenDrive
from envs.roads.generate import Street
from envs.roads.opendrive import parse_opendrive
from envs.roads.projection import pose_at
from envs.roads.section_sampling import FINEST_M, sample_section

RADIUS, WIDTH = 8.0, 3.5


def bend(line_m: float, turns: int = 0) -> OpenDrive:
    """A line from the origin east, then a quarter turn to the left, with one lane on each side.

    The arc's heading is written with so many full turns.
    """
    arc_m = 0.5 * math.pi * RADIUS
    lane = f'<width sOffset="0" a="{WIDTH}" b="0" c="0" d="0"/>'
    text = f"""<OpenDRIVE><road id="1" length="{line_m + arc_m}" junction="-1"><planView>
     <geometry s="0" x="0" y="0" hdg="0" length="{line_m}"><line/></geometry>
     <geometry s="{line_m}" x="{line_m}" y="0" hdg="{turns * math.tau}" length="{arc_m}">
     <arc curvature="{1 / RADIUS}"/></geometry>
     </planView><lanes><laneSection s="0"><left><lane id="1" type="driving">{lane}</lane></left>
     <center><lane id="0" type="none"/></center><right><lane id="-1" type="driving">{lane}</lane></right>
     </laneSection></lanes></road></OpenDRIVE>"""
    return parse_opendrive(text, "bend")


@pytest.mark.parametrize("line_m", [0.06, 4.3, 7.77, 30.5])
def test_a_line_that_meets_an_arc(line_m: float) -> None:
    """Lane -1 lies outside (radius 9.75 m): east along y = -1.75, then around (line_m, 8)."""
    graph = compile_lane_graph(bend(line_m))
    lane, outside = graph.find(1, -1), RADIUS + 0.5 * WIDTH
    for s in np.linspace(0.0, graph.length[lane], 1000):
        x, y, heading = pose_at(graph.samples, graph.start, graph.step, lane, s, 0.0)
        if x <= line_m:
            away, expected = y + 0.5 * WIDTH, 0.0
        else:
            away = math.hypot(x - line_m, y - RADIUS) - outside
            expected = math.atan2(x - line_m, RADIUS - y)
        assert abs(away) < 0.005
        assert abs(math.remainder(heading - expected, math.tau)) < math.radians(0.1)


def test_samples_lie_on_kinks_and_are_even_between() -> None:
    s = sample_section(bend(4.3).roads["1"], 0, SAMPLE_SPACING_M).s
    kink = int(np.argmin(np.abs(s - 4.3)))
    assert s[kink] == pytest.approx(4.3, abs=1e-9)
    for part in (s[: kink + 1], s[kink:]):
        assert np.diff(part) == pytest.approx((part[-1] - part[0]) / (len(part) - 1))
    assert np.diff(s).max() < 0.6 * SAMPLE_SPACING_M
    assert np.diff(s).min() > FINEST_M


def test_full_turns_of_a_heading_are_no_kink() -> None:
    once, twice = (sample_section(bend(4.3, turns).roads["1"], 0, SAMPLE_SPACING_M).s for turns in (0, -2))
    assert np.array_equal(once, twice)


@pytest.mark.parametrize(("curvature", "even"), [(0.0025, True), (0.01, False)])
def test_only_a_jump_that_matters_moves_samples(curvature: float, even: bool) -> None:
    """Interpolated over a metre, the two jumps turn the heading by up to 0.6 and 2.5 mrad; 1 mrad is let pass."""
    pieces = (
        '<geometry s="0" x="0" y="0" hdg="0" length="40.5"><line/></geometry>'
        f'<geometry s="40.5" x="40.5" y="0" hdg="0" length="59.5"><arc curvature="{curvature}"/></geometry>'
    )
    text = re.sub("<geometry.*</geometry>", pieces, Street(length_m=100.0).opendrive())
    s = sample_section(parse_opendrive(text, "x").roads["1"], 0, SAMPLE_SPACING_M).s
    assert (s == np.linspace(0.0, 100.0, 101)).all() == even
    assert bool(np.any(s == 40.5)) != even


def test_neighbours_are_sampled_at_the_same_places() -> None:
    graph = compile_lane_graph(bend(4.3))
    right, left = graph.lane_samples(graph.find(1, -1)), graph.lane_samples(graph.find(1, 1))[::-1]
    assert np.hypot(*(right - left)[:, :2].T) == pytest.approx(WIDTH)


def test_a_gentle_road_is_sampled_every_metre() -> None:
    road = parse_opendrive(Street(curvature=1 / 150).opendrive(), "street").roads["1"]
    assert np.diff(sample_section(road, 0, SAMPLE_SPACING_M).s) == pytest.approx(1.0)
