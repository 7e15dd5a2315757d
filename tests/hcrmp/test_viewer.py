"""The replay page holds the drive, needs nothing else and runs in a browser; films and pictures show the drive."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image

from envs.recording import DriveLog, DriveMeta
from envs.risk import time_to_collision
from envs.scene import ActorRow, EventRow
from hcrmp.viewer import write_html, write_png, write_video
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.encode import encode_drive, encode_road, series
from hcrmp.viewer.frames import frames, overlay_of
from tests.envs.drive_builder import CAR, ONCOMING, PEDESTRIAN, UNUSED, make_drive

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
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
    calm = np.full(200, 10.0)
    calm[[30, 31, 33]] = 1.0
    calm[32] = 2.0
    calm[60] = 1.2
    scenes = drive.scenes.copy()
    scenes.events.block[EventRow.COLLISION, 150:] = 1.0
    scenes.events.block[EventRow.COLLISION_ACTOR, 150:] = PEDESTRIAN
    found = [(mark["tick"], mark["kind"]) for mark in bookmarks(replace(drive, scenes=scenes), calm)]
    assert found == [
        (30, "danger"),
        (60, "danger"),
        (92, "hint"),
        (130, "hint"),
        (150, "collision"),
        (199, "goal"),
    ]
    labels = [mark["label"] for mark in bookmarks(replace(drive, scenes=scenes), calm)]
    assert labels[0] == "danger: 1.0 s to a collision" and labels[4] == "collision with pedestrian 7"


def test_a_timeout_is_a_moment(drive: DriveLog) -> None:
    late = replace(drive, meta=replace(drive.meta, outcome="timeout"))
    assert {"tick": 199, "kind": "violation", "label": "time is up"} in bookmarks(late, np.full(200, 10.0))


def test_the_page_is_well_formed_and_holds_the_drive(drive: DriveLog, tmp_path: Path) -> None:
    _, page = written([drive], tmp_path)
    assert page.open == []
    data = json.loads(page.texts["#data"])
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
    assert json.loads(page.texts["#data"])["drives"][0]["hints"]["text"] == [evil]


def test_drives_on_one_road_share_it(drive: DriveLog, tmp_path: Path) -> None:
    _, page = written([drive, drive], tmp_path)
    data = json.loads(page.texts["#data"])
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


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_page_runs_in_a_browser_without_errors(drive: DriveLog, tmp_path: Path) -> None:
    path, _ = written([drive, bare(drive)], tmp_path)
    dom, errors = browse(path, "#t=10.0", tmp_path)
    assert errors == []
    words = Page(dom).texts
    assert "safety first" in words["#hinttext"]
    assert dom.count('class="marker') == len(bookmarks(drive, time_to_collision(drive.scenes)))
    assert dom.count('class="plot"') == 7


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_a_drive_without_hints_runs_in_a_browser(drive: DriveLog, tmp_path: Path) -> None:
    path, _ = written([drive, bare(drive)], tmp_path)
    dom, errors = browse(path, "#drive=2&t=3.0", tmp_path)
    assert errors == []
    assert Page(dom).texts["#hinttext"] == "no hint"
    assert dom.count('class="plot"') == 5


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_the_replay_plays(drive: DriveLog, tmp_path: Path) -> None:
    path, _ = written([drive], tmp_path)
    dom, errors = browse(path, "#t=19.8&play", tmp_path)
    assert errors == []
    clock = re.search(r'id="clock"[^>]*><b>([0-9.]+)</b>', dom)
    assert clock is not None and clock.group(1) == "19.9", "it runs to the end of the drive and stops there"


def browse(path: Path, address: str, folder: Path) -> tuple[str, list[str]]:
    """Open a page in a headless browser; return its elements and the errors on its console."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
        *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"),
        *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=1000", "--dump-dom"),
        path.as_uri() + address,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


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
