"""Pages of the viewer as the tests see them: their data, and how they behave in a browser."""

from __future__ import annotations

import base64
import json
import zlib
from contextlib import suppress
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page as Tab
from playwright.sync_api import TimeoutError as NeverHappened
from playwright.sync_api import expect

from envs.recording import DriveLog, DriveMeta
from hcrmp.viewer import write_html
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.critical import critical
from tests.envs.drive_builder import PERIOD_S

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


def bare(drive: DriveLog) -> DriveLog:
    """Return the drive of a planner without hints, weights and values, whose first ticks alone are there."""
    trace = replace(
        drive.trace, hint_state=None, weights=None, values=None, hint_text=("",) * 200, hint_source=("",) * 200
    )
    return replace(drive, trace=trace, meta=DriveMeta("overtaking", outcome="collision"))


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
