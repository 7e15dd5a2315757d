"""The planner in the box: small, whole, told of by its card, and found wherever a planner is named."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from envs.recording import DriveLog
from envs.scenarios.catalogue import FAMILIES, ROUTE
from hcrmp import bundled, cli
from hcrmp.bundled import BUNDLED_FOLDER, BUNDLED_PLANNER, bundled_planner
from hcrmp.command_words import as_overrides
from hcrmp.comparison.contestants import find_contestants
from hcrmp.comparison.protocol import Protocol
from hcrmp.config import load
from hcrmp.errors import UserError
from hcrmp.evaluate import evaluate, open_folder
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.locate import locate_planner
from hcrmp.results import read_records
from hcrmp.run_folder import RunFolder, read_json
from hcrmp.scenario_options import scenario_option, scenario_override
from hcrmp.sections import Family, ScenarioConfig
from hcrmp.share import load_policy
from hcrmp.share.again import SECTIONS, training_command
from hcrmp.share.document import CARD_FILE, DOCUMENT_FILE, WEIGHTS_FILE
from hcrmp.share.opening import read_document
from tests.benchmarks import make_bundled_planner
from tests.hcrmp.share.planners import ALGORITHMS, document_of, observation
from tests.hcrmp.share.planners import shared as shared_planner
from tests.hcrmp.tiny import MERGING, quiet, tiny_run

MOST_BYTES = 5_000_000


def asked(folder: Path, **changes: object) -> EvaluateConfig:
    usual = {"run": BUNDLED_PLANNER, "runs_dir": str(folder), "density": "low", "episodes": 1, "worlds": 1}
    return EvaluateConfig(**{**usual, "scenario": MERGING, "progress": False, **changes})  # type: ignore[arg-type]


# ---- what is in the box


def test_it_is_small_and_holds_no_code() -> None:
    files = list(BUNDLED_FOLDER.iterdir())
    assert {path.name for path in files} == {CARD_FILE, DOCUMENT_FILE, WEIGHTS_FILE}
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_it_was_trained_on_everything_and_drives() -> None:
    world = read_document(BUNDLED_FOLDER).world
    assert set(world.scenario.families) == {*FAMILIES, ROUTE} and world.density == "all"
    policy = load_policy(BUNDLED_PLANNER)
    assert policy.name == BUNDLED_PLANNER
    rows = observation(policy.parts)
    actions = policy.act(rows)
    assert np.array_equal(actions, load_policy(BUNDLED_FOLDER).act(rows))
    assert actions.shape == (5, 2) and np.abs(actions).max() <= 1.0


def test_its_card_says_how_it_was_made_where_it_fails_and_what_it_never_drove() -> None:
    card, document = (BUNDLED_FOLDER / CARD_FILE).read_text(encoding="utf-8"), read_document(BUNDLED_FOLDER)
    told = document.training
    for words in (f"`{training_command(document)}`", str(told["commit"]), f"seed {document.seed}", "Apache-2.0",
                  f"{told['decisions']:,} decisions", "Unreal Engine", "## Where it fails"):  # fmt: skip
        assert words in card, words
    measured = card.partition("## Measured")[2].partition("## Where it fails")[0]
    assert all(f"\n| {family} |" in measured for family in (*FAMILIES, ROUTE)), "each family has its row"


def test_the_package_brings_it_along() -> None:
    """The patterns of pyproject.toml, which setuptools takes relative to the package's folder."""
    here = Path(__file__).parents[2]
    (patterns,) = re.findall(r'^"hcrmp" = (\[.*\])$', (here / "pyproject.toml").read_text(), re.MULTILINE)
    installed = {path for pattern in json.loads(patterns) for path in (here / "hcrmp").glob(pattern)}
    assert installed == set(BUNDLED_FOLDER.iterdir())


def test_an_installation_without_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundled, "BUNDLED_FOLDER", tmp_path)
    (tmp_path / DOCUMENT_FILE).write_text("{}")
    with pytest.raises(UserError, match="lacks planner.safetensors.*install hcrmp again"):
        bundled_planner()
    assert cli.main(["evaluate", "planner=bundled", "episodes=1"]) == cli.USER_ERROR_STATUS
    assert cli.main(["demo", f"runs_dir={tmp_path}"]) == cli.USER_ERROR_STATUS
    assert [path.name for path in tmp_path.iterdir()] == [DOCUMENT_FILE], "nothing was begun"


# ---- its name


def test_the_word_means_the_box_and_a_path_means_a_run(tmp_path: Path) -> None:
    assert locate_planner(BUNDLED_PLANNER, str(tmp_path)) == BUNDLED_FOLDER
    run = str(tmp_path / BUNDLED_PLANNER)
    assert locate_planner(run, "runs") == Path(run) and locate_planner("mine", "runs") == Path("runs/mine")


def test_it_is_evaluated_and_nothing_is_written_where_it_lies(tmp_path: Path) -> None:
    before = sorted(BUNDLED_FOLDER.rglob("*"))
    config = asked(tmp_path)
    results, drives = evaluate(config, open_folder(config), quiet())
    assert sorted(BUNDLED_FOLDER.rglob("*")) == before
    file = tmp_path / BUNDLED_PLANNER / "evaluation" / "planner-merging-low.json"
    assert read_records(file) == list(results.records)
    (planner,) = read_json(file)["planners"]
    assert (planner["name"], planner["kind"]) == (BUNDLED_PLANNER, "file")
    assert DriveLog.read_meta(drives[0]).planner == BUNDLED_PLANNER


def test_a_run_of_that_name_is_not_mixed_with_it(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / BUNDLED_PLANNER, {}, seed=0)
    with pytest.raises(UserError, match=r"where a run of that name is.*run=.*bundled"):
        open_folder(asked(tmp_path))


def test_it_is_compared_with_others(tmp_path: Path) -> None:
    config = EvaluateConfig(planners=("cruise", BUNDLED_PLANNER), runs_dir=str(tmp_path))
    driver, box = find_contestants(config, Protocol.of(config))
    assert (driver.name, box.name, box.kind, box.path) == ("cruise", BUNDLED_PLANNER, "file", str(BUNDLED_FOLDER))
    with pytest.raises(UserError, match="Did you mean bundled"):
        find_contestants(EvaluateConfig(planners=("bundeld",), runs_dir=str(tmp_path)), Protocol.of(config))


@pytest.mark.parametrize("words", [["planner=bundled"], ["--planner", "bundled"], ["planner=[bundled]"]])
def test_one_planner_is_a_list_of_one(words: list[str]) -> None:
    config = load("evaluate", as_overrides("evaluate", words))
    assert config.planners == (BUNDLED_PLANNER,) and not config.run


def test_results_and_cards_do_not_make_it_another_planner(tmp_path: Path) -> None:
    folder = shared_planner(tmp_path / "small", ALGORITHMS["hcrmp"])

    def checksum() -> str:
        config = EvaluateConfig(planners=(str(folder),))
        return find_contestants(config, Protocol.of(config))[0].checksum

    before = checksum()
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "x.json").write_text("{}")
    (folder / CARD_FILE).write_text("another card")
    assert checksum() == before
    (folder / WEIGHTS_FILE).write_bytes(b"other weights")
    assert checksum() != before


def test_it_takes_over_a_drive_and_goes_on_with_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = asked(tmp_path)
    _, (drive,) = evaluate(config, open_folder(config), quiet())
    capsys.readouterr()
    for named in ([], ["--planner", BUNDLED_PLANNER]):
        assert cli.main(["replay", str(drive), "--from", "1", *named]) == 0
        branch = drive.parents[1] / "branches" / drive.stem / "bundled-from-1.0.arrow"
        assert np.array_equal(DriveLog.read(branch).trace.action, DriveLog.read(drive).trace.action)
    tiny = tiny_run(tmp_path / "runs")
    own = asked(tmp_path, run=str(tiny.path), record=1)
    _, (other,) = evaluate(own, tiny, quiet())
    assert cli.main(["replay", str(other), "--from", "0.5", "--planner", "bundeld"]) == cli.USER_ERROR_STATUS
    assert "Did you mean bundled?" in capsys.readouterr().err


# ---- the card's command, and the choices of scenarios


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_cards_command_asks_for_the_same_training(name: str) -> None:
    document = document_of(ALGORITHMS[name])
    told = load("train", shlex.split(training_command(document))[2:])
    meant = document.train_config()
    for section in SECTIONS:
        assert getattr(told, section) == getattr(meant, section), section


@pytest.mark.parametrize("option", ["everything", "all", "paper", "r157", "road_works"])
def test_a_choice_of_scenarios_is_found_by_its_families(option: str) -> None:
    assert scenario_option(load("train", [f"scenario={option}"]).scenario.families) == option


def test_families_that_no_option_stands_for_are_named() -> None:
    few: tuple[Family, ...] = ("merging", "route")
    assert scenario_option(few) == ""
    assert load("train", shlex.split(scenario_override(few))).scenario == ScenarioConfig(few)


# ---- how it is made


def test_a_run_becomes_the_planner_in_the_box_with_its_results_in_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make_bundled_planner, "COURSES", ("cut_in",))
    run, box = tiny_run(tmp_path), tmp_path / "box"
    make_bundled_planner.main([str(run.path), "--episodes", "1", "--output", str(box)])
    card = (box / CARD_FILE).read_text(encoding="utf-8")
    (result,) = run.evaluation.glob("*.json")
    (planner,) = read_json(result)["planners"]
    assert f"| cut_in/low | 1 | {100 * planner['summaries'][0]['metrics']['SR']['value']:.0f} (" in card
    assert card.startswith("# bundled") and load_policy(box).name == BUNDLED_PLANNER
    written = result.stat().st_mtime_ns
    make_bundled_planner.main([str(run.path), "--episodes", "1", "--output", str(box)])
    assert result.stat().st_mtime_ns == written, "what is measured is not driven again"
    make_bundled_planner.main([str(run.path), "--episodes", "2", "--output", str(box)])
    assert "| cut_in/low | 2 |" in (box / CARD_FILE).read_text(encoding="utf-8")
