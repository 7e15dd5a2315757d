"""The job end to end on tiny planners: what is measured, what is not measured again, what is refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from hcrmp import cli
from hcrmp.config import load
from hcrmp.errors import RunFolderError, UserError
from hcrmp.evaluate import evaluate
from hcrmp.robustness import job
from hcrmp.robustness.config import RobustnessConfig
from hcrmp.robustness.job import hints_with, measure_curves
from hcrmp.robustness.measurements import LETTERS
from hcrmp.robustness.planners import Faults, Planner, group, method_words
from hcrmp.run_folder import RunFolder, read_json
from hcrmp.sections import HintsConfig
from llm_hints.providers.faulty import FaultConfig
from llm_hints.service_config import HintServiceConfig
from tests.hcrmp.tiny import MERGING, ROLLOUT, SMALL, evaluate_config, quiet, tiny_run

INVERTED = HintsConfig(provider="faulty", faults=FaultConfig(wrong=1.0, wrong_mode="inverted"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds with right hints, one with inverted ones, one whose reward is weighed."""
    folder = tmp_path_factory.mktemp("runs")
    tiny_run(folder, "plain-seed0")
    tiny_run(folder, "plain-seed1", seed=1)
    tiny_run(folder, "inverted-seed0", hints=INVERTED)
    tiny_run(folder, "reward-seed0", algo=replace(SMALL, weights_on="reward"))
    return folder


def config_of(runs_dir: Path, output: Path, **changes: Any) -> RobustnessConfig:
    config = RobustnessConfig(
        runs=("plain-*",), runs_dir=str(runs_dir), output=str(output), rates=(0.0, 1.0), wrong_modes=("inverted",),
        density="low", episodes=3, worlds=3, progress=False, scenario=MERGING,
    )  # fmt: skip
    return replace(config, **changes)


def test_each_measurement_is_what_an_evaluation_with_those_faults_finds(runs: Path, tmp_path: Path) -> None:
    """The same episodes with the same endings as ``hcrmp evaluate run=... hints=faulty hints.faults.wrong=1``."""
    path, plot, table = measure_curves(config_of(runs, tmp_path / "out", runs=("plain-seed0",)), quiet())
    rows = {row["rate"]: row["outcomes"] for row in read_json(path)["measurements"]}
    for rate in (0.0, 1.0):
        hints = HintsConfig(provider="faulty", faults=FaultConfig(wrong=rate, wrong_mode="inverted"))
        folder = RunFolder.open(runs / "plain-seed0")
        results, _ = evaluate(replace(evaluate_config(folder, episodes=3, record=0), hints=hints), folder, quiet())
        assert rows[rate] == {"merging/low": "".join(LETTERS[record.outcome] for record in results.records)}
    assert "HCRMP" in plot.read_text() and "| HCRMP (1 seed) |" in table.read_text()


def test_what_was_measured_is_not_measured_again(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that was cut off goes on; more runs and rates add to the file; nothing is driven twice."""
    driven: list[tuple[str, float]] = []
    drive = job.drive

    def counted(config: Any, planner: Any, faults: Faults, on_end: Any) -> Any:
        if len(driven) == 3:
            driven.append(("cut", 0.0))
            raise KeyboardInterrupt
        driven.append((planner.folder.name, faults.rate))
        return drive(config, planner, faults, on_end)

    monkeypatch.setattr(job, "drive", counted)
    config = config_of(runs, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        measure_curves(config, quiet())
    first = [("plain-seed0", 0.0), ("plain-seed1", 0.0), ("plain-seed0", 1.0)]
    assert driven == [*first, ("cut", 0.0)]
    kept = read_json(tmp_path / "robustness.json")["measurements"]
    measure_curves(config, quiet())
    assert driven[4:] == [("plain-seed1", 1.0)]
    content = read_json(tmp_path / "robustness.json")
    assert content["measurements"][:3] == kept and len(content["measurements"]) == 4
    measure_curves(replace(config, runs=("plain-*", "reward-seed0"), rates=(0.0,)), quiet())
    assert driven[5:] == [("reward-seed0", 0.0)]
    assert len(read_json(tmp_path / "robustness.json")["measurements"]) == 5


def test_a_training_that_is_not_over_is_told_of(tmp_path: Path) -> None:
    tiny_run(tmp_path, "half", total_steps=4 * ROLLOUT, time_limit_s=1e-9)
    tiny_run(tmp_path, "whole", seed=1, total_steps=4 * ROLLOUT)
    said = io.StringIO()
    config = config_of(tmp_path, tmp_path / "out", runs=("half", "whole"), rates=(0.0,), episodes=1)
    measure_curves(config, Console(file=said))
    told = said.getvalue()
    assert told.startswith("half was trained for ") and "of its 256 decisions: it is measured" in told
    assert "whole" not in told


def test_a_planner_that_was_trained_further_is_measured_anew(tmp_path: Path) -> None:
    tiny_run(tmp_path, "one")
    config = config_of(tmp_path, tmp_path / "out", runs=("one",), rates=(0.0,))
    for steps, measurements in ((None, 1), (None, 1), (256, 2)):
        if steps is not None:
            tiny_run(tmp_path, "one", total_steps=steps, resume=True)
        path, _, _ = measure_curves(config, quiet())
        assert len(read_json(path)["measurements"]) == measurements


def test_another_protocol_does_not_mix_with_what_was_measured(runs: Path, tmp_path: Path) -> None:
    measure_curves(config_of(runs, tmp_path, rates=(0.0,)), quiet())
    with pytest.raises(RunFolderError, match=r"measured with episodes 3 instead of 4: choose another output="):
        measure_curves(config_of(runs, tmp_path, rates=(0.0,), episodes=4), quiet())


def test_faults_in_training_make_a_curve_over_the_runs(runs: Path, tmp_path: Path) -> None:
    """Each run meets its own faults, and nobody else's."""
    config = config_of(runs, tmp_path, runs=("plain-*", "inverted-*"), when="training")
    content = read_json(measure_curves(config, quiet())[0])
    assert [(row["run"], row["rate"]) for row in content["measurements"]] == [
        ("plain-seed0", 0.0), ("plain-seed1", 0.0), ("inverted-seed0", 1.0)
    ]  # fmt: skip
    (curve,) = content["curves"]
    assert curve["method"] == "HCRMP"
    seeds = {point["rate"]: sorted(point["success"]["seeds"]) for point in curve["points"]}
    assert seeds == {0.0: ["0", "1"], 1.0: ["0"]}


def test_hints_keep_everything_but_their_faults() -> None:
    trained = load("train", ["hints=faulty", "hints.service.period_s=2", "hints.faults.late=0.3"]).hints
    spoilt = hints_with(trained, Faults(0.75, "inverted"))
    assert spoilt.service == trained.service and spoilt.provider == "faulty"
    assert spoilt.faults == replace(trained.faults, wrong=0.75, wrong_mode="inverted", late=0.0)
    assert hints_with(trained, Faults(0.75), check_scene=True).faults.check_scene
    first = replace(trained, service=HintServiceConfig(policy="cache_first", on_event="lookup"))
    asked = hints_with(first, Faults(0.75)).service  # else a bank of right hints would answer
    assert (asked.policy, asked.on_event) == ("fallback", "ask")
    checked = replace(trained, faults=replace(trained.faults, check_scene=True))
    assert hints_with(checked, Faults(0.75)).faults.check_scene  # as its training's were


def test_runs_that_missed_answers_are_another_method(tmp_path: Path) -> None:
    """They were taken for the same training as those that got every answer."""
    full = load("train", ["hints=rules"])
    missing = load("train", ["hints=faulty", "hints.faults.missing=0.4", "hints.faults.wrong=0"])
    assert method_words(missing) == "HCRMP, 40 % missing"
    planners = [Planner(RunFolder(tmp_path / name), one, name, 1) for name, one in (("a", full), ("b", missing))]
    assert set(group(planners, over_training=False)) == {"HCRMP", "HCRMP, 40 % missing"}


def test_runs_whose_wrong_hints_were_checked_are_another_method() -> None:
    plain, checked = (
        load("train", ["hints=faulty", f"hints.faults.check_scene={word}"]) for word in ("false", "true")
    )
    assert method_words(plain) != method_words(checked) == "HCRMP, hints checked"
    configs = (RobustnessConfig(runs=("a",), check_scene=check) for check in (False, True))
    assert len({json.dumps(config.protocol) for config in configs}) == 2


@pytest.mark.parametrize(
    ("trained", "answers"),
    [
        (HintsConfig(), "rules"),
        (HintsConfig(provider="none"), "rules"),
        (HintsConfig(provider="openai"), "openai"),
        (HintsConfig(provider="faulty", faulty_of="openai", faults=FaultConfig(wrong=0.5)), "openai"),
    ],
)
def test_whoever_answered_in_training_is_spoilt(trained: HintsConfig, answers: str) -> None:
    assert hints_with(trained, Faults(0.5)).faulty_of == answers


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs=[]"], "runs must be given: add runs="),
        (["runs=[a]", "rates=[0,2]"], r"rates must be shares in [0, 1], got [0.0, 2.0]"),
        (["runs=[a]", "rates=[0,0]"], "rates must name each value once"),
        (["runs=[a]", "wrong_modes=[inverterd]"], "Did you mean wrong_modes[0]=inverted?"),
        (["runs=['*']", "runs_dir=nowhere"], "no run in nowhere is named like *"),
        (["runs=[a]", "runs_dir=nowhere"], "no run folder at"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["robustness", *words]) == cli.USER_ERROR_STATUS
    printed = capsys.readouterr().err
    assert message in printed and printed.count("\n") == 1


def test_the_same_training_does_not_count_twice(tmp_path: Path) -> None:
    tiny_run(tmp_path, "one")
    tiny_run(tmp_path, "two")
    with pytest.raises(UserError, match="are the same training"):
        measure_curves(config_of(tmp_path, tmp_path / "out", runs=("one", "two")), quiet())
