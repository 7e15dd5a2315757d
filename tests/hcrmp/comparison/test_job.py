"""Comparisons end to end: the same whatever drives them, through faults and kills, and told truly."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.untrusted import UntrustedFileError
from hcrmp import cli
from hcrmp.branch.divergence import first_divergence
from hcrmp.branch.resimulate import resimulate
from hcrmp.branch.worlds import origin_of
from hcrmp.comparison.job import compare
from hcrmp.comparison.results_file import Comparison, read_results
from hcrmp.errors import UserError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.hinted_env import HintedVecEnv
from tests.hcrmp.tiny import MERGING, quiet, tiny_run

EPISODES = 10


def config_of(output: Path, *planners: str, **changes: Any) -> EvaluateConfig:
    config = EvaluateConfig(
        planners=planners, output=str(output), density="low", episodes=EPISODES, worlds=4, processes=1, progress=False,
        scenario=MERGING,
    )  # fmt: skip
    return replace(config, **changes)


def compared(config: EvaluateConfig) -> Comparison:
    return compare(config, quiet())[0]


def told(comparison: Comparison) -> Any:
    """What must be the same whoever drives."""
    return [(one.name, one.summaries, one.success) for one in comparison.planners], comparison.pairs


def hashes(comparison: Comparison) -> dict[Any, str]:
    return {key: tried[-1].trace_hash for method in comparison.methods for key, tried in method.attempts.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compared(config_of(tmp_path_factory.mktemp("undisturbed"), "cruise", "keep_lane"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainings that differ in their seed alone."""
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        tiny_run(folder, f"tiny-{seed}", seed=seed)
    return folder


def dying(monkeypatch: pytest.MonkeyPatch, when: Callable[[int], bool]) -> None:
    """Let the worlds die in every episode whose seed ``when`` picks, after a second of it."""
    advance = HintedVecEnv.advance

    def dies(env: HintedVecEnv, actions: Any) -> Any:
        made = advance(env, actions)
        late = env.driving.scene.time_s > 1.0
        if any(when(int(seed)) for seed in env.driving.episode_seeds[late]):
            raise RuntimeError("the simulator is gone")
        return made

    monkeypatch.setattr(HintedVecEnv, "advance", dies)


def test_a_world_that_dies_once_costs_a_retry_and_both_numbers_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: Comparison
) -> None:
    config = config_of(tmp_path, "cruise", "keep_lane")
    fifth = sorted({record.seed for record in undisturbed.methods[0].records})[4]
    left = {fifth: 1}

    def once(seed: int) -> bool:
        return seed in left and left.pop(seed) == 1

    dying(monkeypatch, once)
    comparison = compared(config)
    assert hashes(comparison) == hashes(undisturbed)
    lost = comparison.planners[0].infrastructure
    # Four worlds drove when the fifth episode's died.
    assert (lost.lost_attempts, lost.recovered, lost.given_up) == (4, 4, 0)
    assert lost.errors == {"RuntimeError: the simulator is gone": 4}
    won = {one.seed for one in undisturbed.methods[0].records if one.outcome == "success"}
    first_lost = [tried for tried in comparison.methods[0].attempts.values() if tried[0].lost]
    lost_wins = sum(tried[-1].record is not None and tried[-1].record.seed in won for tried in first_lost)
    success = comparison.planners[0].success
    assert success.retried == undisturbed.planners[0].success.retried
    assert success.counted_as_zero.value == pytest.approx(success.retried.value - lost_wins / EPISODES)
    assert comparison.planners[1].infrastructure.lost_attempts == 0


def test_an_episode_that_always_dies_is_given_up_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: Comparison, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = sorted({record.seed for record in undisturbed.methods[0].records})
    dying(monkeypatch, lambda seed: seed == seeds[2])
    config = config_of(tmp_path, "cruise", "keep_lane", retries=1, worlds=1)
    comparison = compared(config)
    cruise = comparison.planners[0]
    lost = cruise.infrastructure
    assert (lost.lost_attempts, lost.episodes_lost_first, lost.recovered, lost.given_up) == (2, 1, 0, 1)
    (told_failure,) = [one for one in cruise.failures if one.outcome == "infrastructure"]
    assert (told_failure.number, told_failure.cause) == (2, "RuntimeError: the simulator is gone")
    assert {pair.episodes for pair in comparison.pairs} == {EPISODES - 1}
    written = read_results(tmp_path / "results.json")
    assert len(written["episodes"]) == 2 * EPISODES, "nothing is dropped"
    monkeypatch.undo()
    assert told(compared(config)) == told(comparison), "what was given up stays so"


def test_the_same_command_goes_on_after_a_kill(tmp_path: Path, undisturbed: Comparison) -> None:
    """SIGKILL in the middle loses what was running, and nothing else; the end is the same."""
    words = ["planners=[cruise,keep_lane]", f"output={tmp_path}", "scenario=merging", "density=low"]
    words += [f"episodes={EPISODES}", "worlds=2", "processes=1", "progress=false"]
    journal = tmp_path / "journal.jsonl"
    process = subprocess.Popen([sys.executable, "-m", "hcrmp.cli", "evaluate", *words], stderr=subprocess.DEVNULL)
    try:
        while (not journal.is_file() or journal.read_bytes().count(b"\n") < 4) and process.poll() is None:
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    held = journal.read_bytes().count(b"\n") - 1
    assert held >= 3 and not (tmp_path / "results.json").exists()
    comparison = compared(config_of(tmp_path, "cruise", "keep_lane"))
    assert told(comparison) == told(undisturbed) and hashes(comparison) == hashes(undisturbed)
    files = sorted((tmp_path / "drives").rglob("*.arrow"))
    kept = [file for file in files if not file.stem.endswith("-cut")]
    assert len(kept) == 2 * EPISODES, "an episode whose recording the kill cost was driven again for it"


def test_trainings_that_differ_in_their_seed_are_one_planner(tmp_path: Path, runs: Path) -> None:
    config = config_of(tmp_path, str(runs / "tiny-0"), "cruise", str(runs / "tiny-1"), episodes=3)
    comparison = compared(config)
    method, cruise = comparison.planners
    assert [one.name for one in method.members] == ["tiny-0", "tiny-1"]
    assert [one.planner_seed for one in method.members] == [0, 1] and set(method.success.seeds) == {0, 1}
    assert method.summaries[-1].episodes == 6 and cruise.summaries[-1].episodes == 3
    (pair,) = comparison.pairs
    assert (pair.a, pair.b, pair.episodes, pair.only_a) == (method.name, "cruise", 3, None)
    with pytest.raises(UserError, match="training seeds 0, 1, protocol own wants 0, 1, 2"):
        compared(replace(config, train_seeds=(0, 1, 2)))
    pattern = replace(config, planners=("tiny-*", "cruise"), runs_dir=str(runs))
    assert told(compared(pattern)) == told(comparison), "nothing is driven again for another spelling"


def test_the_order_in_which_seeds_are_named_does_not_move_an_interval(tmp_path: Path, runs: Path) -> None:
    names = [str(runs / "tiny-0"), str(runs / "tiny-1")]
    first = compared(config_of(tmp_path / "first", *names, "cruise"))
    other = compared(config_of(tmp_path / "other", *reversed(names), "cruise"))
    assert told(first) == told(other)
    assert [one.planner_seed for one in other.methods[0].members] == [0, 1]


def test_a_repetition_tells_what_went_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = config_of(tmp_path, "cruise", episodes=4)
    assert compared(config).drift is None
    again = compared(replace(config, repeat=True)).drift
    assert again is not None and (again.compared, again.changed) == (4, ())
    advance = HintedVecEnv.advance

    def a_little_off(env: HintedVecEnv, actions: Any) -> Any:
        return advance(env, np.asarray(actions) * np.float32(1.0 - 1e-4))

    monkeypatch.setattr(HintedVecEnv, "advance", a_little_off)
    drift = compared(replace(config, repeat=True)).drift
    assert drift is not None and len(drift.changed) == 4 and "4 of 4 episodes went otherwise" in drift.words()


def test_the_command_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"output={tmp_path}", "scenario=merging", "density=low", "episodes=2", "progress=false"]
    assert cli.main(["evaluate", "planners=[cruise,full_throttle]", *words]) == 0
    captured = capsys.readouterr()
    for word in ("cruise - full_throttle", "SR %", "p (Holm)", "AS m/s"):
        assert word in captured.out, word
    written = read_results(tmp_path / "results.json")
    assert [one["name"] for one in written["planners"]] == ["cruise", "full_throttle"]
    assert written["protocol"]["hash"] and written["provenance"]["packages"]["torch"]
    assert {row["trace_hash"] for row in written["episodes"]} and len(written["pairs"]) == 1
    assert cli.main(["evaluate", "planners=[cruise]", *words[:-2], "episodes=3"]) == 2
    assert "begun otherwise: episodes 3 instead of 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "message"),
    [("refrence", "Did you mean reference"), ("no/such", "no planner at no/such"), ("no-*", "no run in")],
)
def test_a_planner_that_does_not_exist_is_one_line(tmp_path: Path, word: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compared(config_of(tmp_path, word, runs_dir=str(tmp_path)))


def test_a_file_that_is_no_planner_is_refused_and_never_run(tmp_path: Path) -> None:
    file = tmp_path / "planner.zip"
    file.write_bytes(b"no planner")
    with pytest.raises(UntrustedFileError, match=r"planner\.zip"):
        compared(config_of(tmp_path / "out", str(file)))


def test_jobs_of_a_cluster_drive_the_same(tmp_path: Path, undisturbed: Comparison) -> None:
    """A job of submitit's own executor; what an earlier start's job had driven is taken over."""
    pytest.importorskip("submitit")
    config = config_of(tmp_path, "cruise", "keep_lane", cluster="local", shards=1)
    comparison = compared(config)
    assert told(comparison) == told(undisturbed) and hashes(comparison) == hashes(undisturbed)
    assert not list((tmp_path / "shards").glob("*.jsonl")) and list((tmp_path / "shards" / "logs").glob("*.out"))
    journal = tmp_path / "journal.jsonl"
    head, *lines = [line for line in journal.read_text().splitlines(keepends=True) if '"absorbed"' not in line]
    (tmp_path / "shards" / "0.jsonl").write_text(head + "".join(lines[:7]))
    journal.write_text(head + "".join(lines[7:]))
    assert told(compared(replace(config, cluster="none"))) == told(undisturbed)
    driven = [line for line in journal.read_text().splitlines(keepends=True) if '"absorbed"' not in line]
    assert sorted(driven) == sorted([head, *lines]), "nothing was driven again"


def test_wrong_parameters_of_a_cluster_are_one_line(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    with pytest.raises(UserError, match="cluster_parameters"):
        compared(config_of(tmp_path, "cruise", cluster="local", cluster_parameters={"slurm_partitoin": "x"}))


def test_every_drive_is_recorded_and_repeats_itself(tmp_path: Path, runs: Path) -> None:
    """Failures name their recording, which leads to the planner's run, and so to what its cache knew."""
    config = config_of(tmp_path / "results", "tiny-0", "cruise", runs_dir=str(runs), episodes=2)
    comparison = compared(config)
    files = sorted((tmp_path / "results" / "drives").rglob("*.arrow"))
    assert [file.parent.name for file in files] == ["cruise", "cruise", "tiny-0", "tiny-0"]
    failures = [failure for one in comparison.planners for failure in one.failures]
    assert failures
    for failure in failures:
        assert failure.drive is not None and tmp_path / "results" / failure.drive in files
    origin = origin_of(files[-1])
    assert origin.folder.path == (runs / "tiny-0").resolve()
    assert first_divergence(origin.drive, resimulate(origin)) is None


def test_so_many_drives_of_a_cell_are_kept_as_are_asked_for(tmp_path: Path) -> None:
    compared(config_of(tmp_path, "cruise", "keep_lane", record=1))
    kept = sorted(file.parent.name for file in (tmp_path / "drives").rglob("*.arrow"))
    assert kept == ["cruise", "keep_lane"]
