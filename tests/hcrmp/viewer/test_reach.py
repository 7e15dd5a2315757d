"""The page for everybody: keys for all that it does, names for what is not text, small screens, paper, old browsers."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import expect

from envs.recording import DriveLog
from hcrmp.viewer import write_comparison
from tests.hcrmp.viewer.pages import (
    another_picture,
    bare,
    clock_shows,
    frames_pass,
    moments,
    opened,
    picture,
    press,
    same_picture,
    stands_at,
    written,
)

NAMELESS = """[...document.querySelectorAll("button, select, canvas, [role], summary")].filter((one) =>
  !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length) && one.id !== "spoken")
  .map((one) => one.outerHTML.slice(0, 90))"""
"""JavaScript: what a screen reader would find no name for."""


def test_a_question_mark_shows_every_key_and_again_hides_them(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path, "#t=5")
    press(tab, "?")
    expect(tab.locator("#help")).to_be_visible()
    expect(tab.locator("#keylist dt")).to_have_count(14)
    press(tab, "ArrowRight", "]")
    stands_at(tab, 5.0)  # behind the list of keys nothing moves
    press(tab, "?")
    expect(tab.locator("#help")).to_be_hidden()
    press(tab, "?", "Escape", "ArrowRight")
    stands_at(tab, 5.1)


def test_numbers_of_road_users_come_on_demand(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    without = picture(tab)
    press(tab, "i")
    another_picture(tab, without)
    expect(tab.locator("#ids")).to_have_attribute("aria-pressed", "true")
    tab.locator("#ids").click()
    same_picture(tab, without)


def test_the_stage_fills_the_screen_and_leaves_it(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    press(tab, "f")
    tab.wait_for_function("() => document.fullscreenElement?.id === 'stage'")
    press(tab, "f")
    tab.wait_for_function("() => document.fullscreenElement === null")


def test_d_shows_the_next_drive_and_after_the_last_the_first(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, "#t=3")
    for title in ("overtaking", "occluded pedestrian, medium"):
        press(tab, "d")
        expect(tab.locator("#title")).to_have_text(title)
        clock_shows(tab, 0.0)


def test_the_address_follows_the_moment(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path, "#drive=2&t=3")
    press(tab, "ArrowRight", "ArrowRight")
    tab.wait_for_function("() => location.hash === '#drive=2&t=3.2'")
    tab.reload()
    clock_shows(tab, 3.2)
    expect(tab.locator("#title")).to_have_text("overtaking")


def test_a_kind_of_moment_that_is_switched_off_is_neither_shown_nor_jumped_to(
    drive: DriveLog, tmp_path: Path, tab: Tab
) -> None:
    opened(tab, [drive], tmp_path)
    times = moments(drive)
    hints = [9.2, 13.0]
    assert all(any(abs(time - hint) < 1e-6 for time in times) for hint in hints)
    chip = tab.locator(".kind", has=tab.locator(".hint"))
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "false")
    expect(tab.locator("#moments li >> visible=true")).to_have_count(len(times) - 2)
    expect(tab.locator(".marker >> visible=true")).to_have_count(len(times) - 2)
    tab.evaluate("location.hash = '#t=12.5'")
    press(tab, "]")
    stands_at(tab, times[-1])
    chip.click()
    expect(tab.locator(".marker >> visible=true")).to_have_count(len(times))


def test_whoever_cannot_see_the_page_is_told_where_it_stands(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive, bare(drive)], tmp_path)
    assert tab.evaluate(NAMELESS) == []
    timeline = tab.get_by_role("slider", name="Time")
    timeline.focus()
    press(tab, "End")
    expect(timeline).to_have_attribute("aria-valuetext", "19.9 seconds")
    expect(tab.get_by_role("status")).to_have_text("19.9 seconds. goal reached")
    press(tab, "Home", " ")
    expect(tab.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_nothing_is_wider_than_the_screen(drive: DriveLog, tmp_path: Path, tab: Tab, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    opened(tab, [drive, bare(drive)], tmp_path, "#t=9")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    path = write_comparison(drive, bare(drive), tmp_path / "two.html", ("a drive with a long name", "another one"))
    tab.goto(path.as_uri() + "#t=9")
    clock_shows(tab, 9.0)
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_whoever_wants_less_motion_gets_no_sliding_bars(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    opened(tab, [drive], tmp_path)
    duration = "getComputedStyle(document.querySelector('.bar i')).transitionDuration"
    assert tab.evaluate(duration) != "0s"
    tab.emulate_media(reduced_motion="reduce")
    assert tab.evaluate(duration) == "0s"


def test_a_dark_screen_s_page_is_dark_and_light_on_paper(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--ground')"
    opened(tab, [drive], tmp_path)
    light, light_picture = tab.evaluate(ground), picture(tab)
    tab.emulate_media(color_scheme="dark")
    another_picture(tab, light_picture)
    assert tab.evaluate(ground) != light
    for event, on_paper in (("beforeprint", True), ("afterprint", False)):
        tab.evaluate(f"window.dispatchEvent(new Event('{event}'))")
        assert (tab.evaluate(ground) == light) == on_paper
        # Drawn for the paper's width, a curve's pixels are as wide as its box.
        drawn, shown = tab.evaluate("[(c => [c.width, c.clientWidth])(document.querySelector('.plot canvas'))][0]")
        assert drawn == shown


def test_an_old_browser_is_told_so(drive: DriveLog, tmp_path: Path, tab: Tab) -> None:
    tab.add_init_script("delete window.DecompressionStream")
    path, _ = written([drive], tmp_path)
    tab.goto(path.as_uri())
    frames_pass(tab)
    expect(tab.locator("#title")).to_contain_text("This browser is too old")
