"""Films and pictures show the drive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image

from envs.recording import DriveLog
from hcrmp.viewer import write_png, write_video
from hcrmp.viewer.critical import critical
from hcrmp.viewer.frames import frames, overlay_of
from tests.envs.drive_builder import make_drive


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
    risk = critical(drive.scenes)
    assert [overlay_of(drive, tick, risk).outcome for tick in (0, 198, 199)] == ["", "", "success"]
