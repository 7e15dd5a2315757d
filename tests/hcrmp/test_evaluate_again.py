"""The evaluation of one run, typed again: it goes on, tells what is finished, or begins anew, and says which."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from envs.recording import DriveLog
from hcrmp.comparison.protocol import Protocol
from hcrmp.comparison.results_file import read_results
from hcrmp.evaluate import evaluate
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.evaluation import evaluate_driver
from hcrmp.run_folder import RunFolder
from hcrmp.sections import HintsConfig
from tests.hcrmp.tiny import MERGING, ROLLOUT, evaluate_config, quiet, tiny_run

DRIVER: dict[str, Any] = {"driver": "full_throttle", "density": "low", "scenario": MERGING, "episodes": 4}


@pytest.fixture(autouse=True)
def committed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever state this checkout is in."""
    monkeypatch.setattr("hcrmp.run_folder._git_commit", lambda folder: "one")


@pytest.fixture
def driven(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The episodes of each piece that is driven."""
    pieces: list[int] = []

    def counted(env: Any, driver: Any, course: Any, **options: Any) -> Any:
        pieces.append(len(course.episodes))
        return evaluate_driver(env, driver, course, **options)

    monkeypatch.setattr("hcrmp.comparison.driving.evaluate_driver", counted)
    return pieces


def folder_of(config: EvaluateConfig) -> RunFolder:
    return RunFolder(config.run_path)


def said(config: EvaluateConfig, folder: RunFolder) -> str:
    console = Console(file=StringIO(), width=200)
    evaluate(replace(config, progress=True), folder, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def test_what_is_finished_is_told_and_not_driven_again(tmp_path: Path, driven: list[int]) -> None:
    config = EvaluateConfig(runs_dir=str(tmp_path), progress=False, **DRIVER)
    folder = folder_of(config)
    first, drives = evaluate(config, folder, quiet())
    told = said(config, folder)
    assert "4 episodes were driven before, nothing is missing (repeat=true drives them again)" in told
    assert evaluate(config, folder, quiet()) == (first, drives) and driven == [4]
    repeated, _ = evaluate(replace(config, repeat=True), folder, quiet())
    assert repeated.traces == first.traces and driven == [4, 4]


def test_a_repetition_that_was_interrupted_goes_on(tmp_path: Path, driven: list[int]) -> None:
    config = EvaluateConfig(runs_dir=str(tmp_path), progress=False, repeat=True, **DRIVER)
    folder = folder_of(config)
    for _ in range(2):
        evaluate(config, folder, quiet())
    journal = folder.evaluation / "full_throttle-merging-low.journal.jsonl"
    head, *lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(head + "".join(lines[:3]))
    evaluate(config, folder, quiet())
    assert driven == [4, 4, 1]
    assert read_results(folder.evaluation / "full_throttle-merging-low.json")["drift"] == {"compared": 4, "changed": []}


def test_another_program_drives_it_again_and_tells_of_drift(
    tmp_path: Path, driven: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EvaluateConfig(runs_dir=str(tmp_path), progress=False, record=0, **DRIVER)
    folder = folder_of(config)
    evaluate(config, folder, quiet())
    for commit, why in (
        ("two", "the program has changed"),
        ("two-dirty", "changed"),
        ("two-dirty", "changed checkout"),
    ):
        monkeypatch.setattr("hcrmp.run_folder._git_commit", lambda folder, name=commit: name)
        assert why in said(config, folder)
    assert driven == [4] * 4
    drift = read_results(folder.evaluation / "full_throttle-merging-low.json")["drift"]
    assert drift == {"compared": 4, "changed": []}


def test_a_planner_that_was_trained_further_is_evaluated_anew(tmp_path: Path, driven: list[int]) -> None:
    folder = tiny_run(tmp_path)
    config = evaluate_config(folder, record="all")
    before, drives = evaluate(config, folder, quiet())
    tiny_run(tmp_path, resume=True, total_steps=3 * ROLLOUT)
    assert "begun anew: tiny has been trained or changed since" in said(config, folder)
    after, _ = evaluate(config, folder, quiet())
    assert driven == [2, 2] and after.traces != before.traces
    checkpoints = {DriveLog.read_meta(path).checkpoint for path in drives}
    (member,) = read_results(folder.evaluation / "planner-merging-low.json")["planners"][0]["members"]
    assert checkpoints == {member["checksum"]}, "no drive of the earlier planner is left"


def test_other_settings_of_the_same_name_begin_anew_and_the_rest_of_the_drives_goes(
    tmp_path: Path, driven: list[int]
) -> None:
    config = EvaluateConfig(runs_dir=str(tmp_path), progress=False, **DRIVER)
    folder = folder_of(config)
    evaluate(config, folder, quiet())
    assert "begun anew: episodes 2 instead of 4" in said(replace(config, episodes=2), folder)
    assert driven == [4, 2] and len(list(folder.drives.glob("*.arrow"))) == 2


def test_hints_from_a_bank_that_has_grown_are_other_settings(tmp_path: Path) -> None:
    bank = tmp_path / "bank.npz"
    config = EvaluateConfig(hints=HintsConfig(cache_file=str(bank)), **DRIVER)
    hashes = set()
    for content in (b"some", b"more", b"some"):
        bank.write_bytes(content)
        hashes.add(Protocol.of(config).hash)
    assert len(hashes) == 2


def test_recordings_that_are_asked_for_later_are_driven_for(tmp_path: Path, driven: list[int]) -> None:
    """Without the rest, and without another attempt in the results."""
    config = EvaluateConfig(runs_dir=str(tmp_path), progress=False, record=0, **DRIVER)
    folder = folder_of(config)
    first, none = evaluate(config, folder, quiet())
    assert "1 recordings are missing" in said(replace(config, record=1), folder)
    again, drives = evaluate(replace(config, record="all"), folder, quiet())
    assert (len(none), len(drives)) == (0, 4) and driven == [4, 1, 3] and again.records == first.records
    written = read_results(folder.evaluation / "full_throttle-merging-low.json")
    assert [row["attempts"] for row in written["episodes"]] == [1] * 4
    for failure in written["planners"][0]["failures"]:
        assert DriveLog.read_meta(folder.evaluation / failure["drive"]).seed == failure["seed"]


def test_a_killed_command_goes_on_and_every_drive_is_there(tmp_path: Path) -> None:
    """SIGKILL in the middle; what it ends with is what an undisturbed evaluation has."""
    words = ["driver=cruise", f"runs_dir={tmp_path / 'killed'}", "scenario=merging", "density=low", "episodes=8"]
    journal = tmp_path / "killed" / "cruise" / "evaluation" / "cruise-merging-low.journal.jsonl"
    command = [sys.executable, "-m", "hcrmp.cli", "evaluate", *words, "worlds=1", "progress=false"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while (not journal.is_file() or journal.read_bytes().count(b"\n") < 4) and process.poll() is None:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert not journal.with_name("cruise-merging-low.json").exists()
    config = EvaluateConfig(
        runs_dir=str(tmp_path / "killed"), driver="cruise", density="low", scenario=MERGING, episodes=8, progress=False
    )
    whole = replace(config, runs_dir=str(tmp_path / "whole"))
    (went_on, drives), (undisturbed, _) = (evaluate(one, folder_of(one), quiet()) for one in (config, whole))
    assert went_on.traces == undisturbed.traces and went_on.summaries == undisturbed.summaries
    assert len(drives) == 8
