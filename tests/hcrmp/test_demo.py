"""The demo: all three jobs in one go, and what it says about the difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hcrmp import cli
from hcrmp.demo import DRIVERS, comparison_lines, cut_short, make_room, one_per_condition, success_gain, train_config
from hcrmp.demo_config import DemoConfig
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError
from hcrmp.results import read_records, summarise
from hcrmp.run_folder import RunFolder
from tests.envs.drive_builder import make_drive


def record(seed: int, outcome: str, density: str = "low") -> EpisodeRecord:
    return EpisodeRecord("merging", density, seed, outcome, 10.0, 50.0, 5.0, 1.0, 1.0, 1.0, 3.0)  # type: ignore[arg-type]


def test_the_demo_trains_compares_and_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["demo", f"runs_dir={tmp_path}", "total_steps=1024", "worlds=8", "episodes=1"]
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    folder = RunFolder.open(tmp_path / "demo")
    assert all(name in told for name in DRIVERS.values())
    for name in ("demo.html", "demo.gif"):
        assert (folder.path / "replay" / name).is_file() and name in told
    assert "8 drives" in (folder.path / "replay" / "demo.html").read_text(encoding="utf-8")
    places = {driver: folder.evaluation / f"{driver}-paper.json" for driver in DRIVERS}
    places["bundled"] = tmp_path / "bundled" / "evaluation" / "demo.json"
    results = {driver: read_records(place) for driver, place in places.items()}
    assert {len(records) for records in results.values()} == {12}
    assert len({tuple(r.seed for r in records) for records in results.values()}) == 1, "all met the same episodes"
    assert "points" in told and "95 % interval" in told and "hcrmp replay run=" in told


def test_an_earlier_demo_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    earlier = RunFolder.create(tmp_path / "demo", {"run": "demo"}, seed=0)
    with pytest.raises(RunFolderError, match="exists already"):
        make_room(earlier.path, may_replace=False)
    make_room(earlier.path, may_replace=True)
    assert list(tmp_path.iterdir()) == []
    make_room(earlier.path, may_replace=False)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("dear")
    with pytest.raises(RunFolderError, match="is no run"):
        make_room(tmp_path / "thesis", may_replace=True)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "dear"


def test_the_learning_rate_reaches_its_end_with_the_demos_steps() -> None:
    config = train_config(DemoConfig(total_steps=5000, minutes=2.0, seed=3))
    assert (config.total_steps, config.time_limit_s, config.seed, config.run) == (5000, 120.0, 3, "demo")
    assert config.algo.name == "hcrmp" and len(config.scenario.families) == 4 and config.density == "all"


def test_a_training_that_its_time_ended_is_told_of() -> None:
    config = DemoConfig(total_steps=3_000_000, minutes=4.0)
    assert cut_short(3_000_064, config) == []
    (line,) = cut_short(1_421_312, config)
    assert "its 4 minutes after 1,421,312 of 3,000,000 decisions" in line and line.endswith("minutes=8.")


def test_the_gain_is_the_mean_over_cells_of_paired_differences() -> None:
    ours = [record(0, "success"), record(1, "success"), record(0, "collision", "high")]
    theirs = [record(0, "success"), record(1, "timeout"), record(0, "collision", "high")]
    gain = success_gain(ours, theirs, np.random.default_rng(0))
    assert gain.value == 0.25, "half of the first cell, nothing of the second"
    assert -1.0 <= gain.low < gain.value < gain.high <= 1.0


def test_an_episode_that_the_infrastructure_ended_is_not_paired() -> None:
    ours = [record(0, "success"), record(1, "infrastructure")]
    theirs = [record(0, "timeout"), record(1, "success")]
    assert success_gain(ours, theirs, np.random.default_rng(0)).value == 1.0


def test_the_words_say_by_how_much() -> None:
    good = [record(seed, "success" if seed % 10 else "collision") for seed in range(100)]
    bad = [record(seed, "collision") for seed in range(100)]
    better = [record(seed, "success") for seed in range(100)]
    rows = {"planner": good, "bundled": good, "untrained": bad, "keep_lane": bad, "full_throttle": better}
    lines = comparison_lines({name: summarise(name, rows[name], 0) for name in DRIVERS}, seed=0)
    assert "90 % of the episodes" in lines[0]
    assert lines[1].startswith("  0 points more") and "the planner in the box" in lines[1]
    assert lines[2].startswith("  90 points more") and "untrained" in lines[2]
    assert lines[4].startswith("  10 points fewer") and "full throttle" in lines[4]


def test_a_success_in_dense_traffic_is_shown_for_each_condition(tmp_path: Path) -> None:
    base = make_drive(5)

    def drive(name: str, scenario: str, density: str, outcome: str) -> Path:
        path = tmp_path / f"{name}.arrow"
        replace(base, meta=replace(base.meta, scenario=scenario, density=density, outcome=outcome)).save(path)
        return path

    drives = [
        drive("a", "merging", "high", "collision"),
        drive("b", "merging", "low", "success"),
        drive("c", "merging", "medium", "success"),
        drive("d", "trilemma", "low", "collision"),
    ]
    assert one_per_condition(drives) == [drives[2], drives[3]]
