"""Two drives on one clock: when their egos part, what came of each, and a page that shows both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from envs.recording import DriveLog, PlannerTrace
from envs.scene import EgoRow, EventRow
from hcrmp.viewer import write_comparison
from hcrmp.viewer.comparison import ego_distance, encode_comparison, facts, parting_time_s
from tests.envs.drive_builder import PERIOD_S
from tests.hcrmp.viewer.pages import clock_shows, picture, press, shown_time, stands_at

PARTS_AT = 80
"""Tick from which the branch drives farther to the left."""


def cut(drive: DriveLog, start: int, end: int) -> DriveLog:
    """Return the drive's ticks from ``start`` to before ``end``, at their own times."""
    when = slice(start, end)
    kept: dict[str, Any] = {
        name: None if (values := getattr(drive.trace, name)) is None else values[when]
        for name in PlannerTrace.__slots__
    }
    return replace(drive, scenes=drive.scenes.rows(when), trace=PlannerTrace(**kept))


@pytest.fixture(scope="module")
def branch(drive: DriveLog) -> DriveLog:
    """The drive from tick 50 on; from ``PARTS_AT`` on its ego moves 0.3 m/s to the left, and it ends in a collision."""
    scenes = drive.scenes.copy()
    scenes.ego.block[EgoRow.Y] += 0.03 * np.maximum(0, np.arange(len(drive)) - PARTS_AT)
    scenes.events.block[EventRow.GOAL_REACHED] = 0.0
    scenes.events.block[EventRow.COLLISION, 149] = 1.0
    return cut(replace(drive, scenes=scenes, meta=replace(drive.meta, outcome="collision")), 50, 150)


def test_the_egos_part_when_they_are_a_hand_s_breadth_apart(drive: DriveLog, branch: DriveLog) -> None:
    time_s, apart_m = ego_distance(drive, branch)
    np.testing.assert_allclose(time_s, PERIOD_S * np.arange(50, 150))
    np.testing.assert_allclose(apart_m, 0.03 * np.maximum(0, np.arange(50, 150) - PARTS_AT), atol=1e-9)
    # 0.03 m a tick: 0.12 m, the first distance from 0.1 m on, four ticks later.
    assert parting_time_s(time_s, apart_m) == pytest.approx(PERIOD_S * (PARTS_AT + 4))


def test_a_drive_never_parts_from_itself(drive: DriveLog) -> None:
    assert encode_comparison(drive, drive, ("a", "b"))["parted"] is None


def test_drives_without_a_common_moment_have_no_distance(drive: DriveLog) -> None:
    told = encode_comparison(cut(drive, 0, 50), cut(drive, 60, 90), ("a", "b"))
    assert told["parted"] is None and told["apart"]["time"]["d"] == []


def test_drives_of_other_periods_are_compared_at_the_first_one_s_moments(drive: DriveLog) -> None:
    every_third = replace(drive, scenes=drive.scenes.rows(np.arange(0, 200, 3)))
    time_s, apart_m = ego_distance(drive, every_third)
    # The ego's acceleration is at most 1.7 m/s2: over 0.3 s a straight line is never farther off than 1.7 / 8 * 0.3^2.
    assert len(time_s) == 199 and apart_m.max() < 1.7 / 8 * 0.3**2 + 0.01


def test_the_facts_are_those_of_the_drive(drive: DriveLog, branch: DriveLog) -> None:
    told = {name: (unit, value) for name, unit, value in facts(branch)}
    assert told["outcome"] == ("", "collision")
    assert told["ended at"] == ("s", "14.9")
    driven = float(np.hypot(np.diff(branch.scenes.ego.x), np.diff(branch.scenes.ego.y)).sum())
    assert told["driven"] == ("m", f"{driven:.0f}")
    assert told["reward"] == ("sum", f"{branch.trace.reward_terms.sum():.1f}")
    route_less = replace(drive, scenes=drive.scenes.copy())
    route_less.scenes.route.block[:] = 0.0
    assert ("of the route", "%", "\u2013") in facts(route_less)


def opened(tab: Tab, first: DriveLog, second: DriveLog, folder: Path, address: str = "") -> None:
    path = write_comparison(first, second, folder / "beside.html", ("recorded", "branch"))
    tab.goto(path.as_uri() + address)
    expect(tab.locator("#clock b")).not_to_be_empty()


def test_two_maps_follow_one_clock(drive: DriveLog, branch: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, drive, branch, tmp_path, "#t=10")
    clock_shows(tab, 10.0)
    assert tab.title() == "recorded and branch: occluded pedestrian, medium, seed 41: success"
    expect(tab.locator(".mapbox")).to_have_count(2)
    expect(tab.locator(".maphead >> nth=1")).to_contain_text("branch")
    expect(tab.locator(".mapnote >> visible=true")).to_have_count(0)
    expect(tab.locator(".plot h3").nth(2)).to_contain_text("Distance between the egos")
    for address, note in (("#t=2", "begins at 5.0 s"), ("#t=18", "ended at 14.9 s: collision")):
        tab.evaluate(f"location.hash = '{address}'")
        expect(tab.locator(".mapnote >> visible=true")).to_have_text(note)


def test_the_difference_is_told_and_leads_to_where_the_egos_part(
    drive: DriveLog, branch: DriveLog, tmp_path: Path, tab: Tab
) -> None:
    opened(tab, drive, branch, tmp_path)
    expect(tab.locator("#facts2 tr", has_text="outcome")).to_have_text("outcomesuccesscollision")
    expect(tab.locator("#facts2 tr.differs", has_text="outcome")).to_be_visible()
    assert tab.locator("#parting").get_attribute("style") == f"left: {100 * 8.4 / 19.9:.4f}%;"
    tab.locator("#parted button").click()
    stands_at(tab, 8.4)


def test_moments_of_both_are_marked_named_and_jumped_to(
    drive: DriveLog, branch: DriveLog, tmp_path: Path, tab: Tab
) -> None:
    opened(tab, drive, branch, tmp_path, "#t=14.5")
    expect(tab.locator("#moments li", has_text="branch collision")).to_have_count(1)
    expect(tab.locator(".marker.below .collision")).to_have_count(1)
    press(tab, "]")
    stands_at(tab, 14.9)


def test_both_maps_zoom_together(drive: DriveLog, branch: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, drive, branch, tmp_path, "#t=10")
    both = "document.getElementById('map2').toDataURL()"
    before, other = picture(tab), tab.evaluate(both)
    press(tab, "-")
    assert picture(tab) != before and tab.evaluate(both) != other
    press(tab, "ArrowRight")
    assert shown_time(tab) == pytest.approx(10.1)


def test_the_same_drive_twice_says_so(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, drive, drive, tmp_path)
    expect(tab.locator("#parted")).to_have_text("The egos never part: they drive the same way.")
    expect(tab.locator("#facts2 tr.differs")).to_have_count(0)
    expect(tab.locator("#parting")).to_be_hidden()
