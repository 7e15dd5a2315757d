"""The replay page holds the drive, needs nothing else and runs in a browser; films and pictures show the drive."""

from __future__ import annotations

import base64
import json
import re
import shutil
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab
from playwright.sync_api import TimeoutError as NeverHappened

from envs.recording import DriveLog, DriveMeta
from envs.risk import time_to_collision
from envs.scene import ActorRow, EgoRow, EventRow
from hcrmp.viewer import write_html, write_png, write_video
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.critical import Critical, critical
from hcrmp.viewer.encode import encode_drive, encode_road
from hcrmp.viewer.frames import frames, overlay_of
from hcrmp.viewer.packing import series
from tests.envs.drive_builder import CAR, ONCOMING, PEDESTRIAN, PERIOD_S, UNUSED, make_drive

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
PATIENCE_MS = 60_000
"""How long a test waits for what must happen: a machine may be busy, and a test that passes does not wait it out."""

END_S = 19.9
"""When the drive of these tests ends (s)."""

PIXEL_S = 0.1
"""More than the time that a pixel of a timeline or plot stands for (s)."""

POSITION = "parseFloat(document.getElementById('thumb').style.left)"
"""JavaScript: where the thumb stands on the timeline (percent); unlike the clock it is not rounded."""

PICTURE = "document.getElementById('map').toDataURL()"
"""JavaScript: the picture of the map."""

FIVE_FRAMES = """(onframe) => new Promise((done) => {
  let count = 0;
  const frame = (now) => {
    onframe(now);
    if (++count > 5) done();
    else requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""
"""JavaScript: calls back in six animation frames, after the page's own work in each: five frames pass."""

SPEED = f"""async () => {{
  document.getElementById("play").click();
  const seen = [];
  await ({FIVE_FRAMES})((now) => seen.push([now, {POSITION}]));
  const [[start, from], [end, to]] = [seen[0], seen[5]];
  return (to - from) / (end - start);
}}"""
"""JavaScript: plays, and measures the thumb's speed by the frames' own times (percent in a millisecond)."""

DRAWINGS = f"""async () => {{
  const play = document.getElementById("play");
  for (let i = 0; i < 3; i++) play.click();
  let drawings = 0;
  const each = [];
  const observer = new MutationObserver(() => drawings++);
  observer.observe(document.getElementById("thumb"), {{ attributes: true }});
  await ({FIVE_FRAMES})(() => each.push(drawings));
  return each[5] - each[0];
}}"""
"""JavaScript: plays, pauses and plays again at once, and counts how often the page draws itself in five frames."""

VOID = {"meta", "link", "input", "br", "hr", "img"}


@pytest.fixture(scope="module")
def drive() -> DriveLog:
    return make_drive(200)


class Page(HTMLParser):
    """Collects the elements of a page and checks that they close in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self._current = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(name, value or "") for name, value in attrs]
        name = dict(attrs).get("id")
        self._current = f"#{name}" if name else tag
        if tag not in VOID and not self.get_starttag_text().endswith("/>"):  # type: ignore[union-attr]
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and tag in self.open:
            assert self.open.pop() == tag, f"</{tag}> closes another element"
        self._current = ""

    def handle_data(self, data: str) -> None:
        self.texts[self._current] = self.texts.get(self._current, "") + data


def decoded(packed: dict[str, Any]) -> Any:
    return np.cumsum(packed["d"]) * packed["q"]


def unpacked(page: Page) -> dict[str, Any]:
    """Return the data of a page."""
    data: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(page.texts["#data"], validate=True)))
    return data


def written(drives: list[DriveLog], folder: Path) -> tuple[Path, Page]:
    path = write_html(drives, folder / "replay" / "page.html")
    return path, Page(path.read_text(encoding="utf-8"))


def test_a_series_is_differences_of_whole_multiples() -> None:
    assert series([1.0, 1.25, 0.5], 0.01) == {"q": 0.01, "d": [100, 25, -75]}


def test_quantised_numbers_do_not_drift(drive: DriveLog) -> None:
    data = encode_drive(drive)
    np.testing.assert_allclose(decoded(data["ego"]["x"]), drive.scenes.ego.x, atol=0.0051)
    np.testing.assert_allclose(decoded(data["ego"]["yaw"]), drive.scenes.ego.yaw, atol=0.00051)
    np.testing.assert_allclose(decoded(data["ttc"]), time_to_collision(drive.scenes), atol=0.0051)


def test_road_users_come_with_when_they_were_there_and_seen(drive: DriveLog) -> None:
    tracks = {track["id"]: track for track in encode_drive(drive)["actors"]}
    assert sorted(tracks) == [1, 2, 3, 7], "the unused slot is no road user"
    assert UNUSED not in tracks
    assert (tracks[3]["start"], len(tracks[3]["x"]["d"])) == (20, 180)
    assert tracks[7]["kind"] == "pedestrian"
    np.testing.assert_array_equal(decoded(tracks[7]["seen"]) > 0.5, drive.scenes.actors.visible[:, PEDESTRIAN])


def test_a_slot_that_is_used_again_is_another_road_user(drive: DriveLog) -> None:
    scenes = drive.scenes.copy()
    scenes.actors.block[ActorRow.ID, 50:, CAR] = 12.0
    scenes.actors.block[ActorRow.VALID, 100:110, ONCOMING] = 0.0
    tracks = encode_drive(replace(drive, scenes=scenes))["actors"]
    spans = sorted((track["id"], track["start"], track["start"] + len(track["x"]["d"])) for track in tracks)
    assert spans == [(1, 0, 200), (2, 0, 50), (3, 20, 100), (3, 110, 200), (7, 0, 200), (12, 50, 200)]


def test_a_straight_road_needs_two_points_a_line(drive: DriveLog) -> None:
    road = encode_road(drive)
    assert all(len(stroke["x"]["d"]) == 2 for stroke in road["strokes"])
    assert all(len(area["x"]["d"]) <= 5 for area in road["areas"])


def test_road_far_from_the_drive_is_left_out(drive: DriveLog) -> None:
    scenes = drive.scenes.copy()
    scenes.ego.block[0] += 10_000.0
    assert encode_road(replace(drive, scenes=scenes)) == {"areas": [], "strokes": []}


def test_the_moments_of_a_drive_are_found(drive: DriveLog) -> None:
    ttc_s, slot = np.full(200, 10.0), np.full(200, -1)
    ttc_s[[30, 31, 33]] = 1.0
    ttc_s[32] = 2.0
    ttc_s[60] = 1.2
    slot[ttc_s < 4.0] = CAR
    risk = Critical(ttc_s, slot)
    scenes = drive.scenes.copy()
    scenes.events.block[EventRow.COLLISION, 150:] = 1.0
    scenes.events.block[EventRow.COLLISION_ACTOR, 150:] = PEDESTRIAN
    scenes.ego.block[EgoRow.ACCELERATION] = 0.0
    marks = bookmarks(replace(drive, scenes=scenes), risk)
    assert [(mark["tick"], mark["kind"]) for mark in marks] == [
        (30, "danger"),
        (30, "critical"),
        (60, "danger"),
        (92, "hint"),
        (130, "hint"),
        (150, "collision"),
        (199, "goal"),
    ]
    labels = [mark["label"] for mark in marks]
    assert labels[:2] == ["near miss: 1.0 s to car 2", "critical: car 2, 1.0 s"]
    assert labels[5] == "collision with pedestrian 7"


def test_a_timeout_is_a_moment(drive: DriveLog) -> None:
    late = replace(drive, meta=replace(drive.meta, outcome="timeout"))
    assert {"tick": 199, "kind": "violation", "label": "time is up"} in bookmarks(late, critical(late.scenes))


def test_the_page_is_well_formed_and_holds_the_drive(drive: DriveLog, tmp_path: Path) -> None:
    _, page = written([drive], tmp_path)
    assert page.open == []
    data = unpacked(page)
    assert data["drives"][0]["meta"]["outcome"] == "success"
    assert decoded(data["drives"][0]["time"])[-1] == pytest.approx(19.9)
    assert page.texts["title"] == "occluded pedestrian, medium, seed 41: success"


def test_the_page_refers_to_nothing_outside(drive: DriveLog, tmp_path: Path) -> None:
    path, page = written([drive], tmp_path)
    outside = [value for name, value in page.attributes if name in ("src", "href") and value != "data:,"]
    assert outside == []
    assert not re.search(r"https?://|@import|\bfetch\(|XMLHttpRequest", path.read_text(encoding="utf-8"))
    assert any("default-src 'none'" in value for name, value in page.attributes if name == "content")


def test_texts_cannot_break_out_of_the_data(drive: DriveLog, tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script><!-- \u2028 &amp; {{ 7 * 7 }}"
    trace = replace(drive.trace, hint_text=(evil,) * len(drive))
    meta = replace(drive.meta, scenario=evil, extra={"note": evil})
    path, page = written([replace(drive, trace=trace, meta=meta)], tmp_path)
    assert path.read_text(encoding="utf-8").count("<script") == 2
    assert unpacked(page)["drives"][0]["hints"]["text"] == [evil]


def test_drives_on_one_road_share_it(drive: DriveLog, tmp_path: Path) -> None:
    _, page = written([drive, drive], tmp_path)
    data = unpacked(page)
    assert len(data["roads"]) == 1 and [item["road"] for item in data["drives"]] == [0, 0]


def test_a_page_without_drives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give at least one"):
        write_html([], tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


def bare(drive: DriveLog) -> DriveLog:
    """Return the drive of a planner without hints, weights and values, whose first ticks alone are there."""
    trace = replace(
        drive.trace, hint_state=None, weights=None, values=None, hint_text=("",) * 200, hint_source=("",) * 200
    )
    return replace(drive, trace=trace, meta=DriveMeta("overtaking", outcome="collision"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for this module; its event loop ends with it, before another module's tests begin."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no chromium on this machine")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=BROWSER_OPTIONS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """A fresh page of the browser, without a network; the test fails if the page complains on its console."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    frames_pass(page)
    context.close()
    assert complaints == []


def opened(tab: Tab, drives: list[DriveLog], folder: Path, address: str = "") -> None:
    """Open the drives' page and wait until it has drawn itself."""
    path, _ = written(drives, folder)
    tab.goto(path.as_uri() + address)
    expect(tab.locator("#clock b")).to_be_visible()


def clock_shows(tab: Tab, time_s: float) -> None:
    """Wait until the clock shows a time."""
    expect(tab.locator("#clock b")).to_have_text(f"{time_s:.1f}")


def plots_shown(tab: Tab, count: int) -> None:
    """Wait until the page has so many plots."""
    expect(tab.locator(".plot")).to_have_count(count)


def frames_pass(tab: Tab) -> None:
    """Wait until the page has drawn everything that it was asked for: what the next frame draws is there after two."""
    tab.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def shown_time(tab: Tab) -> float:
    """Return the time that the thumb on the timeline stands at: the clock shows tenths only (s)."""
    frames_pass(tab)
    return float(tab.evaluate(POSITION)) / 100 * END_S


def stands_at(tab: Tab, time_s: float, within_s: float = 1e-4) -> None:
    """Wait until the thumb stands at a time."""
    reached = f"([share, within]) => Math.abs({POSITION} - share) < within"
    with suppress(NeverHappened):  # the assertion below then says where it stands instead
        tab.wait_for_function(reached, arg=[100 * time_s / END_S, 100 * within_s / END_S])
    assert shown_time(tab) == pytest.approx(time_s, abs=within_s)


def goes_on(tab: Tab, time_s: float) -> None:
    """Wait until the thumb has moved past a time."""
    tab.wait_for_function(f"(share) => {POSITION} > share", arg=100 * (time_s + 1e-4) / END_S)


def picture(tab: Tab) -> str:
    """Return the picture of the map."""
    frames_pass(tab)
    return str(tab.evaluate(PICTURE))


def another_picture(tab: Tab, picture: str) -> None:
    """Wait until the map shows another picture."""
    tab.wait_for_function(f"(picture) => {PICTURE} !== picture", arg=picture)


def same_picture(tab: Tab, picture: str) -> None:
    """Wait until the map shows a picture again."""
    tab.wait_for_function(f"(picture) => {PICTURE} === picture", arg=picture)


def press(tab: Tab, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)


def point_of(tab: Tab, selector: str, share: float = 0.5) -> tuple[float, float]:
    """Return a point of the window, scrolled into view: a share of an element's width, half of its height (pixels)."""
    tab.locator(selector).scroll_into_view_if_needed()
    box = tab.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2


def moments(drive: DriveLog) -> list[float]:
    """Return the times of a drive's bookmarks (s)."""
    return [mark["tick"] * PERIOD_S for mark in bookmarks(drive, critical(drive.scenes))]


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


def test_a_film_shows_every_picture_and_holds_the_last(drive: DriveLog) -> None:
    short = make_drive(6)
    pictures = list(frames(short, 10.0, (320, 180)))
    assert len(pictures) == 6 + 10
    assert all(np.array_equal(pictures[5], later) for later in pictures[6:])
    assert not np.array_equal(pictures[4], pictures[5])
    assert len(list(frames(short, 20.0, (320, 180)))) == 11 + 20


@pytest.mark.parametrize("name", ["drive.mp4", "drive.gif"])
def test_a_film_can_be_read_back(tmp_path: Path, name: str) -> None:
    short = make_drive(6)
    path = write_video(short, tmp_path / "films" / name, fps=10.0, size=(320, 180))
    reader: Any = imageio.get_reader(path)
    with reader:
        first = np.asarray(reader.get_data(0))[..., :3].astype(int)
    expected = next(frames(short, 10.0, (320, 180))).astype(int)
    assert first.shape == expected.shape
    assert np.abs(first - expected).mean() < 6.0
    assert [item.name for item in path.parent.iterdir()] == [name]


def test_another_kind_of_film_is_refused(drive: DriveLog, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"'drive.avi': end its name in .mp4 or .gif"):
        write_video(drive, tmp_path / "drive.avi")
    with pytest.raises(ValueError, match="fps is 0"):
        write_video(drive, tmp_path / "drive.gif", fps=0.0)


def test_a_picture_of_a_moment(drive: DriveLog, tmp_path: Path) -> None:
    path = write_png(drive, 10.0, tmp_path / "pictures" / "one.png")
    with Image.open(path) as image:
        assert image.size == (960, 540)


def test_the_outcome_shows_at_the_end_only(drive: DriveLog) -> None:
    assert [overlay_of(drive, tick).outcome for tick in (0, 198, 199)] == ["", "", "success"]
