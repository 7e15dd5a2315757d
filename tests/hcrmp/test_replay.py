"""The replay job: which drive is meant, what is written, and that a broken drive overwrites nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from envs.recording import DriveLog
from hcrmp import cli
from hcrmp.config import load
from hcrmp.errors import ConfigError, RunFolderError
from hcrmp.replay import badness, choose, recorded_drives, replay
from hcrmp.replay_config import ReplayConfig
from hcrmp.run_folder import RunFolder
from tests.envs.drive_builder import make_drive
from tests.hcrmp.tiny import quiet

ENDINGS = {"merging-low-0": "success", "merging-low-1": "collision", "merging-high-7": "timeout"}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run with three drives, the youngest one last in ``ENDINGS``."""
    run = RunFolder(tmp_path / "tuned")
    drive = make_drive(12)
    for age, (name, outcome) in enumerate(ENDINGS.items()):
        path = replace(drive, meta=replace(drive.meta, outcome=outcome)).save(run.drives / f"{name}.arrow")
        os.utime(path, (1000.0 + age, 1000.0 + age))
    return run


def asked(folder: RunFolder, **keys: object) -> ReplayConfig:
    return ReplayConfig(run=str(folder.path), **keys)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("episode", "names"),
    [
        ("worst", ["merging-low-1"]),
        ("best", ["merging-low-0"]),
        ("last", ["merging-high-7"]),
        ("merging-low-0", ["merging-low-0"]),
        ("all", ["merging-low-1", "merging-high-7", "merging-low-0"]),
    ],
)
def test_a_drive_is_named_or_ranked(folder: RunFolder, episode: str, names: list[str]) -> None:
    name, drives = choose(episode, recorded_drives(folder))
    assert [drive.meta.outcome for drive in drives] == [ENDINGS[chosen] for chosen in names]
    assert name == ("all" if episode == "all" else names[0])


def test_a_page_has_room_for_so_many_drives(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hcrmp.replay.MOST", 2)
    _, drives = choose("all", recorded_drives(folder))
    assert [drive.meta.outcome for drive in drives] == [ENDINGS["merging-low-1"], ENDINGS["merging-high-7"]]


def test_of_two_drives_that_ended_alike_the_one_with_less_reward_is_worse() -> None:
    drive = make_drive(12)
    poor = replace(drive, trace=replace(drive.trace, reward_terms=drive.trace.reward_terms - 1.0))
    assert badness(poor) > badness(drive)


def test_an_unknown_drive_names_the_nearest_ones(folder: RunFolder) -> None:
    with pytest.raises(RunFolderError, match=r"no drive 'mergin-low-1' is recorded\. Did you mean merging-low-1 or"):
        choose("mergin-low-1", recorded_drives(folder))


def test_page_and_film_are_written_beside_each_other(folder: RunFolder) -> None:
    page, film = replay(asked(folder, video="gif"), quiet())
    assert page == folder.path / "replay" / "merging-low-1.html" and film == page.with_suffix(".gif")
    assert "collision" in page.read_text(encoding="utf-8")
    with Image.open(film) as picture:
        frames = picture.n_frames
    (elsewhere,) = replay(asked(folder, video="none", output=str(folder.path / "out")), quiet())
    assert elsewhere.parent.name == "out" and elsewhere.read_text() == page.read_text()
    _, fast = replay(asked(folder, video="gif", speed=4.0), quiet())
    with Image.open(fast) as picture:
        assert picture.n_frames < frames


def test_all_drives_share_one_page_without_a_film(folder: RunFolder) -> None:
    (page,) = replay(asked(folder, episode="all"), quiet())
    assert page.name == "all.html" and "3 drives" in page.read_text(encoding="utf-8")


def test_the_command_prints_the_paths(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", f"run={folder.path}", "episode=best", "video=none"]) == 0
    assert capsys.readouterr().out == f"{folder.path / 'replay' / 'merging-low-0.html'}\n"


@pytest.mark.parametrize("episode", ["merging-low-1", "worst"])
def test_a_truncated_drive_is_one_line_and_overwrites_nothing(
    folder: RunFolder, episode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (page,) = replay(asked(folder, episode="merging-low-1", video="none"), quiet())
    before = page.read_bytes()
    damaged = folder.drives / "merging-low-1.arrow"
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert cli.main(["replay", f"run={folder.path}", f"episode={episode}"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "merging-low-1.arrow" in captured.err
    assert page.read_bytes() == before and list(page.parent.iterdir()) == [page]
    assert DriveLog.read(folder.drives / "merging-low-0.arrow").meta.outcome == "success"


def test_a_run_without_drives_says_how_to_record_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tuned").mkdir()
    assert cli.main(["replay", f"run={tmp_path / 'tuned'}"]) == 2
    assert "hcrmp evaluate run=" in capsys.readouterr().err
    assert cli.main(["replay", f"run={tmp_path / 'tuend'}"]) == 2
    assert "no run folder at" in capsys.readouterr().err


def test_a_film_that_stands_still_is_refused() -> None:
    with pytest.raises(ConfigError, match="speed must be more than 0"):
        load("replay", ["run=x", "speed=0"])


def test_a_drive_is_shown_beside_another(folder: RunFolder) -> None:
    (page,) = replay(asked(folder, beside="best"), quiet())
    assert page == folder.path / "replay" / "merging-low-1-beside-merging-low-0.html"
    assert "merging-low-1 and merging-low-0" in page.read_text(encoding="utf-8")
    first, second = (str(folder.drives / f"{name}.arrow") for name in ("merging-low-0", "merging-high-7"))
    (page,) = replay(ReplayConfig(drive=first, beside=second), quiet())
    assert page == folder.drives / "merging-low-0-beside-merging-high-7.html"


def test_beside_is_an_option_of_the_command(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", f"run={folder.path}", "--beside", "merging-high-7"]) == 0
    assert capsys.readouterr().out.endswith("merging-low-1-beside-merging-high-7.html\n")


def test_a_picture_of_a_moment_is_all_that_is_written(folder: RunFolder) -> None:
    (picture,) = replay(asked(folder, frame=0.5), quiet())
    assert picture == folder.path / "replay" / "merging-low-1-0.5s.png"
    with Image.open(picture) as image:
        assert image.size == (1600, 900)
    assert list(picture.parent.iterdir()) == [picture]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"frame": 1.2}, r"frame must lie in the drive, 0\.0 to 1\.1 s, got 1\.2"),
        ({"frame": -0.1}, "got -0.1"),
        ({"frame": 0.5, "episode": "all"}, "frame shows one drive, and episode=all are 3: name one"),
        ({"beside": "best", "episode": "all"}, "beside compares one drive with another, and episode=all are 3"),
        ({"beside": "all"}, "beside compares one drive with another"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_nothing_written(
    folder: RunFolder, keys: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        replay(asked(folder, **keys), quiet())
    assert not (folder.path / "replay").exists()


def test_a_picture_of_two_drives_is_refused() -> None:
    with pytest.raises(ConfigError, match="frame shows one drive, and beside asks for two"):
        load("replay", ["run=x", "beside=best", "frame=1"])


def test_a_drive_beside_that_is_not_there_is_one_line(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", f"run={folder.path}", "beside=merging-low-8"]) == 2
    assert "no drive 'merging-low-8' is recorded. Did you mean merging-low-" in capsys.readouterr().err
    assert cli.main(["replay", f"run={folder.path}", "beside=nowhere.arrow"]) == 2
    assert "there is no drive at nowhere.arrow" in capsys.readouterr().err
