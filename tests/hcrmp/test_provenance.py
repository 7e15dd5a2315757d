"""Every artefact that is found alone tells how it was made."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from envs.recording import DriveLog
from hcrmp.checkpoint import META
from hcrmp.evaluate import evaluate
from hcrmp.robustness.plot import svg
from hcrmp.run_folder import MADE_BY, RunFolder, provenance, provenance_line, read_json
from hcrmp.viewer import write_html, write_png, write_video
from tests.envs.drive_builder import make_drive
from tests.hcrmp.tiny import evaluate_config, quiet, tiny_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tiny_run(tmp_path_factory.mktemp("runs"))
    evaluate(evaluate_config(folder), folder, quiet())
    return folder


def test_runs_checkpoints_and_evaluations_hold_it_whole(folder: RunFolder) -> None:
    checkpoint = read_json(folder.latest_checkpoint / META)["provenance"]
    evaluation = read_json(folder.evaluation / "planner-merging-low.json")["provenance"]
    for told in (folder.provenance(), checkpoint, evaluation):
        assert {"created", "command", "seed", "commit", "python", "packages", "machine"} <= set(told)


def test_drives_pages_films_pictures_and_plots_hold_it_in_a_line(folder: RunFolder, tmp_path: Path) -> None:
    short = make_drive(4)
    line = provenance_line(provenance(short.meta.seed))
    (drive, *_) = folder.drives.glob("*.arrow")
    assert DriveLog.read(drive).meta.extra[MADE_BY] == provenance_line(provenance(0))
    assert 'name="generator"' in write_html([short], tmp_path / "page.html").read_text(encoding="utf-8")
    with Image.open(write_png(short, 0.0, tmp_path / "one.png")) as picture:
        assert picture.info["Comment"] == line
    with Image.open(write_video(short, tmp_path / "film.gif", size=(320, 180))) as film:
        assert film.info["comment"].decode() == line
    assert line.encode() in write_video(short, tmp_path / "film.mp4", size=(320, 180)).read_bytes()
    assert f"<metadata>{line.split(':')[0]}" in svg([], "title", "x", line)
