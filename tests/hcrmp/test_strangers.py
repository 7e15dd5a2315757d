"""Code that a stranger's file names is never imported: not from a shared planner, a drive or a protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.observation import ObservationConfig, Observer
from envs.recording import DriveLog
from hcrmp.branch.errors import BranchError
from hcrmp.branch.worlds import origin_of, worlds_of
from hcrmp.config import load
from hcrmp.errors import ConfigError
from hcrmp.evaluate import evaluate, open_folder
from hcrmp.replay import replay
from hcrmp.replay_config import ReplayConfig
from hcrmp.results import read_records
from hcrmp.run_folder import RUN, RunFolder
from hcrmp.sections import HintsConfig, ScenarioConfig
from hcrmp.share.config import ShareConfig
from hcrmp.share.document import CARD_FILE, DOCUMENT_FILE, SharedPlannerError
from hcrmp.share.job import share
from hcrmp.strangers import without_code, without_folders
from hcrmp.train_config import TrainConfig, load_train, plain_config
from hcrmp.viewer.told import scan_in
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.providers.transformers_config import TransformersConfig
from tests.envs.scenarios.test_own_scenario import MINE
from tests.hcrmp.own import FOUR, four_critics, own_file, run_of_four, was_imported
from tests.hcrmp.tiny import MERGING, evaluate_config, quiet, tiny_config


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return run_of_four(tmp_path_factory.mktemp("four"))


@pytest.fixture(scope="module")
def shared(run: RunFolder) -> Path:
    share(ShareConfig(run=str(run.path)))
    return run.path / "shared"


def naming(planner: Path, target: Path, code: str) -> Path:
    """Return a copy of a shared planner in whose document every place for code names ``code``."""
    target.mkdir()
    for file in planner.glob("planner.*"):
        (target / file.name).write_bytes(file.read_bytes())
    document = json.loads((target / DOCUMENT_FILE).read_text("utf-8"))
    document["world"]["reward"]["extra_terms"]["pace"]["function"] = code
    document["world"]["scenario"]["families"] = [code]
    (target / DOCUMENT_FILE).write_text(json.dumps(document), "utf-8")
    return target


def test_its_card_tells_of_an_own_scenario_without_its_folder(run: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE, "utf-8")
    evaluate(replace(evaluate_config(run, label="own"), scenario=ScenarioConfig((f"{file}:mine",))), run, quiet())
    share(ShareConfig(run=str(run.path), output=str(tmp_path / "shared")))
    card = (tmp_path / "shared" / CARD_FILE).read_text("utf-8")
    assert "scenario.families=[mine.py:mine]" in card and str(tmp_path) not in card


def test_a_shared_planner_tells_of_code_without_folders_and_drives_without_it(
    run: RunFolder, shared: Path, tmp_path: Path
) -> None:
    told = json.loads((shared / DOCUMENT_FILE).read_text("utf-8"))
    assert (
        told["critics"] == list(FOUR) and told["world"]["reward"]["extra_terms"]["pace"]["function"] == "pace.py:pace"
    )
    assert str(run.path.parent) not in (shared / DOCUMENT_FILE).read_text("utf-8")
    evaluate(evaluate_config(run), run, quiet())
    config = replace(evaluate_config(run), run=str(shared))
    evaluate(config, open_folder(config), quiet())
    own, there = (read_records(folder / "evaluation" / "planner-merging-low.json") for folder in (run.path, shared))
    assert [one.distance_m for one in there] == [one.distance_m for one in own], "it drives the same"
    assert own[0].more_reward_terms["pace"] != 0.0 and there[0].more_reward_terms == {"pace": 0.0}
    trace = DriveLog.read(shared / "drives" / "merging-low-0.arrow").trace
    assert trace.more_critics == ("pace",) and trace.more_values is not None and trace.more_values.any()


def test_code_that_a_shared_planner_names_is_not_imported(shared: Path, tmp_path: Path) -> None:
    trap = own_file(tmp_path, "trap.py")
    config = replace(evaluate_config(RunFolder(shared)), run=str(naming(shared, tmp_path / "planted", f"{trap}:pace")))
    evaluate(config, open_folder(config), quiet())
    assert not was_imported(trap)


def test_a_planner_that_sees_through_code_says_that_it_cannot_drive(shared: Path, tmp_path: Path) -> None:
    planted = naming(shared, tmp_path / "seeing", "a.b:c")
    document = json.loads((planted / DOCUMENT_FILE).read_text("utf-8"))
    document["world"]["observation"]["extra_blocks"] = {"mine": f"{own_file(tmp_path, 'eyes.py')}:pace"}
    document["layout"]["blocks"].append(["mine", [1]])
    document["layout"]["features"].append("mine.gap")
    (planted / DOCUMENT_FILE).write_text(json.dumps(document), "utf-8")
    config = replace(evaluate_config(RunFolder(shared)), run=str(planted))
    with pytest.raises(SharedPlannerError):
        evaluate(config, open_folder(config), quiet())
    assert not was_imported(tmp_path / "eyes.py")


def test_code_that_a_drive_names_is_imported_only_for_the_own_run(run: RunFolder, tmp_path: Path) -> None:
    evaluate(evaluate_config(run), run, quiet())
    own = origin_of(run.drives / "merging-low-0.arrow")
    assert own.course.config.reward.extra_terms["pace"].function.endswith("pace.py:pace")
    trap = own_file(tmp_path, "trap.py")
    config = replace(load_train(run.config()), **{"reward": four_critics(trap)["reward"]})
    meta = replace(own.drive.meta, extra={}, configuration={"config": plain_config(config), "ends_at": "violation"})
    origin = origin_of(replace(own.drive, meta=meta).save(tmp_path / "drive.arrow"))
    env, observation = worlds_of(origin.course, 1)
    assert observation["critic_weights"].shape == (1, 4) and np.isfinite(observation["state"]).all()
    env.close()
    assert not was_imported(trap) and origin.course.config.reward.extra_terms["pace"].function == ""


def stranger(drive: DriveLog, path: Path, config: TrainConfig, **extra: str) -> Path:
    """Write ``drive`` as somebody might who says that it was driven with ``config``."""
    told = {"config": plain_config(config), "ends_at": "violation"}
    return replace(drive, meta=replace(drive.meta, extra=extra, configuration=told)).save(path)


def test_showing_a_drive_imports_nothing_and_keeps_within_bounds(run: RunFolder, tmp_path: Path) -> None:
    evaluate(evaluate_config(run), run, quiet())
    drive = DriveLog.read(run.drives / "merging-low-0.arrow")
    config, trap = load_train(run.config()), own_file(tmp_path, "trap.py")
    seen = replace(config, observation=ObservationConfig(extra_blocks={"mine": f"{trap}:pace"}))
    assert replay(ReplayConfig(drive=str(stranger(drive, tmp_path / "eyes.arrow", seen))), quiet())
    assert not was_imported(trap)
    huge = replace(config, observation=ObservationConfig(rays=10**9))
    path = stranger(drive, tmp_path / "huge.arrow", huge)
    assert replay(ReplayConfig(drive=str(path)), quiet())
    with pytest.raises(BranchError, match="worlds are not built: its observation remembers"):
        origin_of(path)


def test_own_blocks_stand_behind_the_scan_that_is_shown() -> None:
    layout = Observer(ObservationConfig(), 1).layout
    seen = np.zeros((2, layout.size + 3), np.float32)
    shown = scan_in(seen, ObservationConfig(extra_blocks={"mine": "not.there:Mine"}))
    assert shown is not None and shown.ranges_m.shape == (2, 72)
    assert scan_in(seen, ObservationConfig()) is None, "numbers that nobody named"


def test_a_drive_asks_nobody_that_its_maker_names(run: RunFolder, tmp_path: Path) -> None:
    evaluate(evaluate_config(run), run, quiet())
    drive = DriveLog.read(run.drives / "merging-low-0.arrow")
    config = load_train(run.config())
    endpoint = OpenAiConfig(base_url="http://127.0.0.1:9/v1", model="m", api_key_env="SOMEBODYS_SECRET")
    for hints in (
        HintsConfig(provider="openai", openai=endpoint),
        HintsConfig(provider="faulty", faulty_of="openai", openai=endpoint),
        HintsConfig(provider="transformers", transformers=TransformersConfig(model="somebody/model")),
    ):
        path = stranger(drive, tmp_path / "asking.arrow", replace(config, hints=hints))
        course = origin_of(path).course
        assert "openai" not in (course.hints.provider, course.hints.faulty_of)
        assert course.hints.transformers.model == "bundled" and course.hints.openai == OpenAiConfig()
        assert course.config.hints == course.hints, "both are asked"
    path = stranger(drive, tmp_path / "box.arrow", replace(config, hints=HintsConfig(provider="transformers")))
    assert origin_of(path).course.hints.provider == "transformers", "the model in the box is at hand"


def test_a_run_that_a_drive_names_vouches_for_nothing(run: RunFolder, tmp_path: Path) -> None:
    evaluate(evaluate_config(run), run, quiet())
    drive = DriveLog.read(run.drives / "merging-low-0.arrow")
    path = stranger(drive, tmp_path / "drive.arrow", load_train(run.config()), **{RUN: str(run.path)})
    origin = origin_of(path)
    assert origin.folder.path == run.path, "its planner may drive"
    assert origin.course.config.reward.extra_terms["pace"].function == "", "its word is the drive's own"


def test_a_drive_of_an_own_scenario_is_a_recording_from_elsewhere(run: RunFolder, tmp_path: Path) -> None:
    evaluate(evaluate_config(run), run, quiet())
    drive = DriveLog.read(run.drives / "merging-low-0.arrow")
    trap = own_file(tmp_path, "trap.py")
    config = replace(load_train(run.config()), scenario=ScenarioConfig((f"{trap}:pace",)))
    meta = replace(drive.meta, map_name="on_ramp_0")
    meta = replace(meta, configuration={"config": plain_config(config), "ends_at": "violation"})
    origin = origin_of(replace(drive, meta=meta).save(tmp_path / "drive.arrow"))
    assert not origin.repeats and not was_imported(trap)


def test_a_protocol_names_no_code(tmp_path: Path) -> None:
    trap = own_file(tmp_path, "trap.py")
    for place in (
        f"scenario: {trap}:pace",
        f"scenario.families: ['{trap}:pace']",
        f"scenario: {{families: ['{trap}:p']}}",
    ):
        (tmp_path / "mine.yaml").write_text(f"version: 1\n{place}\n")
        with pytest.raises(ConfigError, match="names code as a scenario"):
            load("evaluate", ["planners=[law_abiding]", f"protocol={tmp_path / 'mine.yaml'}"])
    assert not was_imported(trap)


def test_what_is_taken_out_is_all_that_names_code(tmp_path: Path) -> None:
    file = own_file(tmp_path)
    config = replace(
        tiny_config(tmp_path, **four_critics(file)),
        observation=ObservationConfig(extra_blocks={"mine": f"{file}:Mine"}),
        scenario=ScenarioConfig(("merging", f"{file}:mine")),
    )
    assert str(plain_config(config)).count("pace.py:") == 3
    assert "pace.py" not in str(plain_config(without_code(config))) and without_code(config).scenario == MERGING
    plain = str(plain_config(replace(without_folders(config), runs_dir="")))
    assert plain.count("pace.py:") == 3 and str(tmp_path) not in plain
