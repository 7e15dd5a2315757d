"""``hcrmp import`` and ``hcrmp export`` as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from envs.recording import DriveLog
from hcrmp.cli import main
from tests.envs.drive_builder import make_drive
from tests.envs.recording.recordings import MKZ, Moment, actor, written


def moving() -> list[Moment]:
    moments = [Moment(0.1 * k, {7: (2000.0 + 80.0 * k, 0.0, 0.0, 0.0)}) for k in range(8)]
    moments[0].new = [actor(7, MKZ, "hero")]
    return moments


def test_a_recording_becomes_a_drive_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, moving(), "street_0")
    assert main(["import", str(source)]) == 0
    told = capsys.readouterr()
    assert told.out.split() == [str(tmp_path / "drive.arrow")] and "8 ticks in 0.7 s" in told.err
    drive = DriveLog.read(tmp_path / "drive.arrow")
    assert drive.scenes.ego.speed == pytest.approx([8.0] * 8, abs=1e-3) and drive.meta.map_name == "street_0"
    assert main(["export", str(tmp_path / "drive.arrow"), "to=log", f"output={tmp_path / 'again.log'}"]) == 0
    assert main(["import", str(tmp_path / "again.log"), "period_s=0.2"]) == 0
    assert len(DriveLog.read(tmp_path / "again.arrow")) == 4


def test_a_map_comes_from_a_folder_by_its_recorded_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from envs.roads.generate import Street

    source = written(tmp_path, moving(), "/Game/Carla/Maps/Town77_Opt")
    (tmp_path / "maps").mkdir()
    assert main(["import", str(source), f"map_folder={tmp_path / 'maps'}"]) == 2
    assert "'Town77_Opt', and" in (said := capsys.readouterr().err) and "has no Town77.xodr (maps: none)" in said
    (tmp_path / "maps" / "Town77.xodr").write_text(Street(length_m=60.0).opendrive(), "utf-8")
    assert main(["import", str(source), f"map_folder={tmp_path / 'maps'}"]) == 0
    drive = DriveLog.read(tmp_path / "drive.arrow")
    assert drive.scenes.road.lane_width.all() and drive.meta.map_name == str(tmp_path / "maps" / "Town77.xodr")


def test_nothing_is_overwritten_unless_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = written(tmp_path, moving())
    assert main(["import", str(source)]) == 0
    assert "no map Nowhere: the drive has no road" in capsys.readouterr().err
    before = source.read_bytes()
    assert main(["export", str(tmp_path / "drive.arrow"), "to=log"]) == 2
    assert "drive.log is there already: give another with output=..., or replace=true" in capsys.readouterr().err
    assert source.read_bytes() == before
    assert main(["import", str(source)]) == 2
    assert main(["import", str(source), "replace=true"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["import"], "a recording must be given"),
        (["import", "none.log"], "cannot read the recording none.log"),
        (["import", "none.log", "map=town", "map_folder=x"], "map came with map_folder"),
        (["import", "none.log", "period_s=-1"], "period_s must be 0 to 10"),
        (["export"], "a drive must be given"),
        (["export", "none.arrow"], "there is no drive at none.arrow"),
        (["export", "none.arrow", "to=mcpa"], "Did you mean to=mcap?"),
    ],
)
def test_wrong_words_are_told_in_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_tables_lie_beside_the_drive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive = make_drive(3).save(tmp_path / "drive.arrow")
    assert main(["export", str(drive), "to=csv"]) == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "drive.csv"), str(tmp_path / "drive_actors.csv")]
    (tmp_path / "drive.csv").unlink()
    assert main(["export", str(drive), "to=csv"]) == 2
    assert not (tmp_path / "drive.csv").exists()
