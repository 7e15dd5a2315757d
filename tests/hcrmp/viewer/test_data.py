"""The page holds the drive, its moments and its road, needs nothing else, and no text breaks out of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.recording import DriveLog
from envs.risk import time_to_collision
from envs.scene import ActorRow, EgoRow, EventRow
from hcrmp.viewer import write_html
from hcrmp.viewer.bookmarks import bookmarks
from hcrmp.viewer.critical import Critical, critical
from hcrmp.viewer.encode import encode_drive, encode_road
from hcrmp.viewer.packing import series
from tests.envs.drive_builder import CAR, ONCOMING, PEDESTRIAN, UNUSED
from tests.hcrmp.viewer.pages import decoded, unpacked, written


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
