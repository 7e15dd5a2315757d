"""The whole work in small: trainings, an evaluation, tables; begun again it trains nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hcrmp.cli import main
from hcrmp.errors import RunFolderError
from hcrmp.paper.clock import EPISODES_PER_S, OTHER_EVALUATIONS_S, Speeds, evaluation_seconds, seconds_of, told
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.trainings import finished, training, trainings
from hcrmp.run_folder import dump_yaml, load_yaml, read_json
from tests.llm_hints.small_models import english_model


def small(tmp_path: Path, **changes: object) -> PaperConfig:
    settings = {"total_steps": 1, "seeds": (0,), "methods": ("hcrmp",), "runs_dir": str(tmp_path / "runs")}
    return PaperConfig(**{**settings, **changes})  # type: ignore[arg-type]


def words(tmp_path: Path, table: str, *more: str) -> list[str]:
    folders = [f"runs_dir={tmp_path / 'runs'}", f"output={tmp_path / 'tables'}"]
    usual = ["total_steps=1", "seeds=[0]", "methods=[hcrmp]", "episodes=1", "progress=false", "processes=1"]
    return ["reproduce", "paper", f"table={table}", *folders, *usual, *more]


def test_a_table_from_nothing_and_again_from_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(tmp_path, "1", "only_tell=true")) == 0
    assert "1 trainings, 1 of them unfinished" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs" / "hcrmp-0").exists()
    assert main(words(tmp_path, "1")) == 0
    assert "hcrmp, seed 0: trained in" in capsys.readouterr().err
    numbers = read_json(tmp_path / "tables" / "table1.json")["methods"]
    assert numbers["reference"]["success"]["value"] > 0.9 and numbers["full_throttle"]["success"]["value"] < 0.2
    assert set(numbers["hcrmp"]["cells"]) >= {"merging/high", "mean"}
    assert main(words(tmp_path, "learning")) == 0
    assert "trained in" not in capsys.readouterr().err
    assert "0 of 1" in (tmp_path / "tables" / "learning.md").read_text("utf-8")
    assert main(words(tmp_path, "3", "methods=[no_asr]", "only_finished=true")) == 2
    assert "no planner of this table is trained yet" in capsys.readouterr().err
    model = english_model(tmp_path / "some_model")
    assert main(words(tmp_path, "3b", f"model={model}")) == 0
    styles = read_json(tmp_path / "tables" / "table3b.json")["styles"]
    assert set(styles) == {"original", "detailed", "concise"}
    for style in styles.values():  # its answers are among the allowed ones, so that the cache is not called
        assert style["served"]["asked_per_episode"] > 1.0 and style["served"]["calls"] == 0.0

    done = training(small(tmp_path), "hcrmp", 0)
    assert done.steps >= 1 and not done.left and finished([done]) == [done]
    assert Speeds(tmp_path / "runs").measured["hcrmp"] > 0.0
    one_changed(done.folder.path)
    with pytest.raises(RunFolderError, match="other settings.*algo"):
        done.check()


def test_a_language_model_that_is_missing_is_told_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for model, told_so in (("", "give model=FOLDER"), (f"model={tmp_path / 'none'}", "no tokenizer could be loaded")):
        assert main(words(tmp_path, "3b", *filter(None, [model]))) == 2
        assert told_so in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "runs").exists()
    assert "3b" not in small(tmp_path, table="all").tables
    assert "3b" in small(tmp_path, table="all", model="somewhere").tables


def one_changed(folder: Path) -> None:
    content = load_yaml(folder / "config.yaml")
    content["algo"]["gamma"] = 0.5
    (folder / "config.yaml").write_text(dump_yaml(content), "utf-8")


def test_what_was_stopped_before_its_first_checkpoint_begins_anew(tmp_path: Path) -> None:
    one = training(small(tmp_path), "hcrmp", 0)
    one.folder.path.mkdir(parents=True)
    (one.folder.path / "config.yaml").write_text("{}", "utf-8")
    one.check()
    assert one.folder.path.exists(), "a table of what is finished leaves alone what another process trains"
    one.make_room()
    assert not one.folder.path.exists()
    assert "resume=false" in one.command() and one.left == 1
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)


def test_seeds_come_before_methods_so_that_an_early_end_leaves_whole_rows(tmp_path: Path) -> None:
    config = small(tmp_path, seeds=(0, 1), methods=("ppo", "hcrmp"))
    assert [(one.method, one.seed) for one in trainings(config, ["1"])] == [
        ("hcrmp", 0), ("ppo", 0), ("hcrmp", 1), ("ppo", 1),
    ]  # fmt: skip


def test_the_time_is_that_of_the_work_and_never_less_than_the_longest_training(tmp_path: Path) -> None:
    config = small(tmp_path, total_steps=1_000_000, seeds=(0, 1), methods=("hcrmp",))
    speeds = Speeds(tmp_path)
    speeds.measured["hcrmp"] = 1000.0
    two = trainings(config, ["1"])
    assert seconds_of(two, speeds, 1) == pytest.approx(2000.0)
    assert seconds_of(two, speeds, 8) == pytest.approx(1000.0)
    assert (told(30.0), told(600.0), told(7200.0)) == ("30 s", "10 minutes", "2.0 hours")


def test_evaluations_beyond_the_papers_cells_are_counted_and_questions_to_a_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, both = PaperConfig(table="1", processes=2), PaperConfig(table="transfer", processes=2)
    assert evaluation_seconds(alone, 10) == pytest.approx(10 * 12 * 100 / EPISODES_PER_S / 2)
    assert evaluation_seconds(both, 10) - evaluation_seconds(alone, 10) == OTHER_EVALUATIONS_S["transfer"] / 2
    shorter = replace(both, episodes=10)
    assert evaluation_seconds(shorter, 10) == pytest.approx(evaluation_seconds(both, 10) / 10)
    model = str(english_model(tmp_path / "some_model"))
    assert main(words(tmp_path, "3b", f"model={model}", "only_tell=true")) == 0
    assert "720 questions to some_model" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize(
    ("word", "message"),
    [("table=7", "table must be one of"), ("seeds=[1,1]", "once"), ("episodes=0", "at least 1"), ("tabel=1", "table"),
     ("methods=[hcrmp,anchored_mean_wrong]", "got anchored_mean_wrong")],  # fmt: skip
)
def test_what_is_no_table_is_refused_in_one_line(word: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "paper", word]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
