"""The page runs in a browser: keys, pointer, address, and every drive of its list."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from envs.recording import DriveLog
from tests.envs.drive_builder import PERIOD_S, make_drive
from tests.hcrmp.viewer.pages import (
    DRAWINGS,
    END_S,
    PIXEL_S,
    SPEED,
    another_picture,
    bare,
    clock_shows,
    frames_pass,
    goes_on,
    moments,
    opened,
    picture,
    plots_shown,
    point_of,
    press,
    same_picture,
    shown_time,
    stands_at,
)


def test_the_page_runs_in_a_browser_without_errors(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, "#t=10.0")
    clock_shows(tab, 10.0)
    expect(tab.locator(".hinttext")).to_contain_text("safety first")
    expect(tab.locator(".marker")).to_have_count(len(moments(drive)))
    plots_shown(tab, 7)


def test_a_drive_without_hints_runs_in_a_browser(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, "#drive=2&t=3.0")
    clock_shows(tab, 3.0)
    expect(tab.locator(".hinttext")).to_have_text("no hint")
    plots_shown(tab, 5)


def test_a_drive_of_one_tick_runs_in_a_browser(tmp_path: Path, tab: Tab) -> None:
    opened(tab, [make_drive(1)], tmp_path, "#play")
    clock_shows(tab, 0.0)
    press(tab, " ", "ArrowRight", "End", "ArrowLeft")
    clock_shows(tab, 0.0)


def test_the_replay_plays(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=19.7&play")
    stands_at(tab, END_S)
    frames_pass(tab)
    stands_at(tab, END_S)  # it runs to the end of the drive and stops there
    press(tab, "ArrowDown", "ArrowDown", " ")
    expect(tab.locator("#clock b")).not_to_have_text(f"{END_S}")
    assert shown_time(tab) < END_S, "to play at the end is to play again from the start"


def test_space_starts_and_stops_the_replay(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=5.0")
    press(tab, "ArrowDown", "ArrowDown", " ")
    expect(tab.locator("#clock b")).not_to_have_text("5.0")
    press(tab, " ")
    stopped = shown_time(tab)
    assert shown_time(tab) == stopped > 5.0
    press(tab, " ")
    goes_on(tab, stopped)


@pytest.mark.parametrize("button", ["#moments li:nth-child(2) button", "#markers .marker:nth-child(2)", "#zoomin"])
def test_space_plays_after_a_click_on_a_button(drive: DriveLog, tmp_path: Path, tab: Tab, button: str) -> None:
    opened(tab, [drive], tmp_path)
    tab.locator(button).click()
    before = shown_time(tab)
    press(tab, " ")
    goes_on(tab, before)


def test_space_presses_a_button_that_the_keyboard_reached(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    home = picture(tab)
    tab.locator("#zoomin").focus()
    press(tab, " ", " ")
    another_picture(tab, home)
    assert shown_time(tab) == 0.0, "the button keeps the focus, and nothing plays"


def test_play_pressed_again_within_a_frame_draws_each_frame_once(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    frames_pass(tab)
    assert tab.evaluate(DRAWINGS) == 5


@pytest.mark.parametrize(("keys", "rate"), [([], 1.0), (["ArrowUp"], 2.0), (["ArrowDown", "ArrowDown"], 0.25)])
def test_the_rate_is_how_fast_the_replay_plays(
    drive: DriveLog, tmp_path: Path, tab: Tab, keys: list[str], rate: float
) -> None:
    opened(tab, [drive], tmp_path)
    press(tab, *keys)
    assert tab.evaluate(SPEED) * 1000 / 100 * END_S == pytest.approx(rate, rel=1e-3)


def test_up_and_down_change_the_rate(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    rate = tab.locator("#rate")
    for key, expected in (
        *(("ArrowUp", "2"), ("ArrowUp", "3"), ("9", "9"), ("ArrowUp", "9"), ("1", "1")),
        *(("ArrowDown", "0.5"), ("ArrowDown", "0.25"), ("ArrowDown", "0.1"), ("ArrowDown", "0.1"), ("4", "4")),
    ):
        press(tab, key)
        expect(rate).to_have_value(expected)


def test_an_arrow_key_steps_one_tick(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=9.04")
    for key, expected in (
        ("ArrowRight", 9.1),
        ("ArrowRight", 9.2),
        ("ArrowLeft", 9.1),
        ("Shift+ArrowRight", 10.1),
        ("Shift+ArrowLeft", 9.1),
        ("ArrowLeft", 9.0),
    ):
        press(tab, key)
        stands_at(tab, expected)


def test_a_step_back_from_between_two_ticks_ends_on_the_first(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=9.04")
    press(tab, "ArrowLeft")
    stands_at(tab, 9.0)


def test_a_step_stops_the_replay_on_a_tick(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#play")
    press(tab, "ArrowDown", "ArrowRight")
    ticks = shown_time(tab) / PERIOD_S
    assert ticks == pytest.approx(round(ticks), abs=1e-3)
    assert shown_time(tab) == pytest.approx(ticks * PERIOD_S)


def test_home_and_end_are_the_drives_ends(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=9.0")
    for key, expected in (("End", END_S), ("ArrowRight", END_S), ("Home", 0.0), ("ArrowLeft", 0.0)):
        press(tab, key)
        stands_at(tab, expected)


def test_brackets_jump_from_moment_to_moment(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    times = moments(drive)
    assert len(times) >= 3
    for number, expected in enumerate(times):
        press(tab, "]")
        stands_at(tab, expected)
        expect(tab.locator("#moments li").nth(number)).to_have_class("now")
    for expected in [*times[-2::-1], 0.0]:
        press(tab, "[")
        stands_at(tab, expected)


def test_a_click_on_a_moment_goes_there(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    first, second = moments(drive)[:2]
    tab.locator("#moments button").nth(1).click()
    stands_at(tab, second)
    tab.locator(".marker").first.click()
    stands_at(tab, first)


@pytest.mark.parametrize("selector", ["#timeline", ".plot canvas >> nth=1"])
def test_a_drag_along_the_time_seeks_until_it_ends(drive: DriveLog, tmp_path: Path, tab: Tab, selector: str) -> None:
    opened(tab, [drive], tmp_path)
    # A plot has margins left and right of its time.
    left, right = (0.0, 0.0) if selector == "#timeline" else (44.0, 8.0)
    (low, y), (high, _) = point_of(tab, selector, 0.0), point_of(tab, selector, 1.0)
    xs = [low + left + share * (high - low - left - right) for share in (0.25, 0.75, 0.5)]
    tab.mouse.move(xs[0], y)
    assert shown_time(tab) == 0.0, "the mouse alone seeks nothing"
    tab.mouse.down()
    stands_at(tab, 0.25 * END_S, PIXEL_S)
    tab.mouse.move(xs[1], y)
    stands_at(tab, 0.75 * END_S, PIXEL_S)
    tab.mouse.up()
    tab.mouse.move(xs[2], y)
    stands_at(tab, 0.75 * END_S, PIXEL_S)


@pytest.mark.parametrize("selector", ["#timeline", ".plot canvas >> nth=1"])
def test_a_drag_from_elsewhere_seeks_nothing(drive: DriveLog, tmp_path: Path, tab: Tab, selector: str) -> None:
    opened(tab, [drive], tmp_path)
    x, y = point_of(tab, selector)
    tab.mouse.move(*point_of(tab, ".plot h3 >> nth=0"))
    tab.mouse.down()
    tab.mouse.move(x, y)
    assert shown_time(tab) == 0.0


def test_another_drive_can_be_chosen(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, "#t=10.0")
    for label, title, outcome, plots in (
        ("2. overtaking", "overtaking", "collision", 5),
        ("1. occluded pedestrian", "occluded pedestrian, medium", "success", 7),
    ):
        option = tab.locator("#drives option", has_text=label)
        tab.select_option("#drives", value=option.get_attribute("value"))
        plots_shown(tab, plots)
        clock_shows(tab, 0.0)
        expect(tab.locator("#title")).to_have_text(title)
        expect(tab.locator("#outcome")).to_have_text(outcome)


def test_one_drive_leaves_nothing_to_choose(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    expect(tab.locator("#choice")).to_be_hidden()


@pytest.mark.parametrize(
    ("address", "plots", "time_s"),
    [("#drive=2&t=4", 5, 4.0), ("#drive=9&t=99", 5, END_S), ("#drive=-1&t=-5", 7, 0.0), ("#drive=1.5&t=x", 7, 0.0)],
)
def test_the_address_names_a_drive_and_a_time(
    drive: DriveLog, tmp_path: Path, tab: Tab, address: str, plots: int, time_s: float
) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, address)
    plots_shown(tab, plots)
    clock_shows(tab, time_s)


def test_an_address_edited_later_is_followed(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, "#t=10.0")
    tab.evaluate("location.hash = '#drive=2&t=4'")
    plots_shown(tab, 5)
    clock_shows(tab, 4.0)


def test_the_map_zooms_and_follows_the_ego_again(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=10.0")
    home = picture(tab)
    for keys in (["+"], ["="], ["-"], ["+"] * 20, ["-"] * 40):
        press(tab, *keys)
        another_picture(tab, home)
        press(tab, "c")
        same_picture(tab, home)


def test_the_map_is_dragged_and_scrolled(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=10.0")
    home = picture(tab)
    x, y = point_of(tab, "#map")
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 60, y - 30)
    tab.mouse.up()
    another_picture(tab, home)
    tab.locator("#recentre").click()
    same_picture(tab, home)
    tab.mouse.move(x, y)
    tab.mouse.wheel(0, -300)
    another_picture(tab, home)


def test_a_road_user_under_the_mouse_says_what_it_is(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    box = tab.locator("#map").bounding_box()
    assert box is not None
    # The ego stands at a third of the width, 68 m are a width, and car 2 is 30 m ahead of it at the start.
    tab.mouse.move(box["x"] + box["width"] * (1 / 3 + 30 / 68), box["y"] + box["height"] / 2)
    expect(tab.locator("#tip")).to_have_text("car 2: 7.5 m/s, 30.0 m away")
    tab.mouse.move(box["x"] + 5, box["y"] + 5)
    expect(tab.locator("#tip")).to_be_hidden()
