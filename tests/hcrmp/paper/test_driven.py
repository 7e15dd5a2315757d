"""Episodes that were driven elsewhere stand in for planners that are not here."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hcrmp.cli import main
from hcrmp.comparison.journal import Attempt
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.paper import driven
from hcrmp.run_folder import read_json
from tests.hcrmp.paper.test_job import words

RECORD = EpisodeRecord("merging", "low", 2**31 + 1, "success", 12.3, 200.5, 1 / 3, 0.1, 0.2, 0.3, 1e-9)
LOST = Attempt(("hcrmp-3", "merging/low", 1, 0), None, error="it broke")
DRIVEN = driven.Driven(
    "hcrmp-3", 3, "abc", {"total_steps": 5}, {"hash": "0"}, {"commit": "c"},
    (Attempt(("hcrmp-3", "merging/low", 0, 0), RECORD), LOST, replace(LOST, record=RECORD, error="")),
)  # fmt: skip


def test_a_file_gives_back_what_was_written_to_the_digits_of_float32(tmp_path: Path) -> None:
    path = tmp_path / "hcrmp-3.parquet"
    driven.write(path, DRIVEN)
    found = driven.read(path)
    assert replace(found, attempts=()) == replace(DRIVEN, attempts=())
    assert [one.key for one in found.attempts] == [one.key for one in DRIVEN.attempts]
    assert found.attempts[1] == LOST
    record = found.attempts[0].record
    assert record is not None and record.mean_speed_mps == 0.33333334
    assert record == replace(RECORD, mean_speed_mps=0.33333334), "numbers with few digits keep all of them"


@pytest.mark.parametrize("content", [b"", b"no parquet", b"PAR1" + bytes(40) + b"PAR1"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hcrmp-3.parquet"
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match="holds no episodes of a planner"):
        driven.read(path)


def test_a_table_is_made_without_the_planners_and_beside_new_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = "methods=[hcrmp,ppo]"
    assert main(words(tmp_path, "3", "methods=[hcrmp]")) == 0
    before = read_json(tmp_path / "tables" / "table3.json")["methods"]["hcrmp"]
    kept = tmp_path / "tables" / driven.FOLDER / "hcrmp-0.parquet"
    assert kept.is_file()
    shutil.rmtree(tmp_path / "runs" / "evaluations")
    assert main(words(tmp_path, "3", "methods=[hcrmp]", "progress=true")) == 0
    assert "episodes driven" not in capsys.readouterr().err, "the planner is here, and so is what it drove"
    shutil.rmtree(tmp_path / "runs")
    assert main(words(tmp_path, "3", "methods=[hcrmp]")) == 0
    assert not (tmp_path / "runs" / "hcrmp-0").exists()
    capsys.readouterr()

    assert main(words(tmp_path, "3", both)) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "the episodes of 1 more lie beside the tables" in told
    assert not (tmp_path / "runs" / "hcrmp-0").exists() and (tmp_path / "runs" / "ppo-0").exists()
    after = read_json(tmp_path / "tables" / "table3.json")["methods"]
    assert set(after) == {"hcrmp", "ppo"} and after["hcrmp"]["success"] == before["success"]
    for cell, numbers in before["cells"].items():
        for name, estimate in numbers.items():
            assert after["hcrmp"]["cells"][cell][name] == pytest.approx(estimate, rel=1e-6), (cell, name)

    assert main(words(tmp_path, "3", both, "episodes=2", "only_finished=true")) == 2
    assert "it drove episodes 1 instead of 2" in " ".join(capsys.readouterr().err.split())
    assert main(words(tmp_path, "3", both, "total_steps=2", "only_finished=true")) == 2
    assert "other settings (total_steps)" in " ".join(capsys.readouterr().err.split())
    theirs = driven.read(kept)
    driven.write(kept, replace(theirs, settings={**theirs.settings, "gone": 1}))
    assert main(words(tmp_path, "3", both, "only_finished=true")) == 2
    assert "another version of hcrmp" in " ".join(capsys.readouterr().err.split())
    driven.write(kept, theirs)
    assert main(words(tmp_path, "3", "methods=[ppo]", "episodes=2", "only_finished=true")) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "was begun otherwise: episodes" in told and "another runs_dir=..." in told and "label" not in told
    shutil.rmtree(tmp_path / "runs" / "evaluations")
    assert main(words(tmp_path, "3", "methods=[ppo]", "episodes=2", "only_finished=true")) == 0
    theirs = driven.read(kept.with_name("ppo-0.parquet"))
    assert (theirs.protocol["episodes"], len(theirs.attempts)) == (2, 24), "what the planner here drives now is kept"
    shutil.rmtree(tmp_path / "runs")
    driven.write(kept, replace(driven.read(kept), attempts=driven.read(kept).attempts[1:]))
    assert main(words(tmp_path, "3", "methods=[hcrmp]", "only_finished=true")) == 2
    assert "1 of 12 episodes are missing" in " ".join(capsys.readouterr().err.split())
