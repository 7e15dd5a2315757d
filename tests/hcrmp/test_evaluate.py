"""Evaluation: the same episodes for everybody, whatever the number of worlds; results and drives are told truly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.recording import DriveLog, state_hash
from hcrmp import cli
from hcrmp.build import build_environment
from hcrmp.comparison.places import in_run, label
from hcrmp.comparison.recordings import choose_drives
from hcrmp.comparison.results_file import read_results
from hcrmp.config import load
from hcrmp.course import FIRST_SEED, Course, make_course, stored_memory
from hcrmp.drive_recorder import EvaluationRecorder
from hcrmp.drivers import CHUNK, PlannerDriver, in_chunks
from hcrmp.episode_plan import Driven
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import ConfigError, RunFolderError
from hcrmp.evaluate import evaluate, open_folder
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.evaluation import evaluate_driver, make_driver
from hcrmp.mapping import from_mapping
from hcrmp.memory import read_only_memory
from hcrmp.results import estimate_text, read_records, summarise
from hcrmp.run_folder import RunFolder, dump_yaml, read_json, write_text
from hcrmp.sections import HintsConfig
from hcrmp.statistics import Estimate
from hcrmp.train_config import load_train
from llm_hints.cache import CacheConfig, SemanticCache
from llm_hints.providers.faulty import FaultConfig
from tests.hcrmp.tiny import MERGING, SMALL, SMALL_PPO, all_of, evaluate_config, quiet, tiny_config, tiny_run

FAULTS = HintsConfig(provider="faulty", faults=FaultConfig(wrong=0.2, malformed=0.2, late=0.2, missing=0.2))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny_run(tmp_path_factory.mktemp("runs"))


def course_of(folder: RunFolder, episodes: int = 3, hints: HintsConfig | None = None) -> Course:
    config = tiny_config(folder.path.parent)
    return make_course(config, MERGING, "low", episodes, hints=hints, memory=stored_memory(folder))


def driven_by(name: str, folder: RunFolder, course: Course, worlds: int) -> list[Driven]:
    env = course.environment(worlds)
    try:
        return evaluate_driver(env, make_driver(name, course, env, folder), course)  # type: ignore[arg-type]
    finally:
        env.close()


def records(driven: list[Driven]) -> list[EpisodeRecord]:
    return [one.record for one in driven]


def test_the_result_does_not_depend_on_the_number_of_worlds(run: RunFolder) -> None:
    course = course_of(run, 5, FAULTS)
    alone, few, many = (driven_by("planner", run, course, worlds) for worlds in (1, 2, 8))
    assert records(alone) == records(few) == records(many)
    assert all(np.array_equal(one.actions, other.actions) for one, other in zip(alone, many, strict=True))
    assert sum(record.cache_calls for record in records(alone)) > 0


def test_every_episode_is_driven_once_and_none_was_trained_on(run: RunFolder) -> None:
    course = course_of(run, 5)
    found = records(driven_by("full_throttle", run, course, 3))
    assert [record.seed for record in found] == [FIRST_SEED + k for k in range(5)]
    assert {(record.scenario, record.density) for record in found} == {("merging", "low")}
    assert FIRST_SEED == 2**31, "training draws its seeds below"


def test_what_a_training_was_randomised_with_does_not_leak_into_its_evaluation(tmp_path: Path) -> None:
    """Unless it is asked for with the same key, and then its results have a name of their own."""
    ranges = {"ego_speed": 3}
    plain, wide = tiny_run(tmp_path, "plain"), tiny_run(tmp_path, "wide", randomise=ranges)
    asked = replace(evaluate_config(wide, driver="keep_lane"), randomise=ranges)
    there, here, with_ranges = (
        evaluate(config, folder, quiet())[0].records
        for folder, config in (
            (plain, evaluate_config(plain, driver="keep_lane")),
            (wide, evaluate_config(wide, driver="keep_lane")),
            (wide, asked),
        )
    )
    assert there == here != with_ranges
    assert sorted(path.name for path in wide.evaluation.glob("*.json")) == [
        "keep_lane-merging-low-randomised.json", "keep_lane-merging-low.json"
    ]  # fmt: skip
    assert read_json(wide.evaluation / "keep_lane-merging-low-randomised.json")["config"]["randomise"] == ranges


def test_another_evaluation_seed_shares_no_episode(run: RunFolder) -> None:
    config = tiny_config(run.path.parent)
    first, second = (make_course(config, MERGING, "all", 10, seed=seed).episodes for seed in (0, 1))
    assert not {episode.seed for episode in first} & {episode.seed for episode in second}
    assert len(first) == 30


def without_hints(record: EpisodeRecord) -> EpisodeRecord:
    return replace(record, cache_calls=0, hint_counts={})


@pytest.mark.parametrize("fault", ["missing", "late", "malformed"])
def test_hints_that_fail_never_end_an_episode(run: RunFolder, fault: str) -> None:
    """A driver that does not listen drives the same episodes, whatever becomes of the hints."""
    faults = HintsConfig(provider="faulty", faults=all_of(fault))
    heard = records(driven_by("keep_lane", run, course_of(run, 2), 2))
    unheard = records(driven_by("keep_lane", run, course_of(run, 2, faults), 2))
    assert [without_hints(record) for record in unheard] == [without_hints(record) for record in heard]
    assert all(record.cache_calls > 0 for record in unheard)
    assert all(record.hints_due == pytest.approx(record.time_s, abs=1.01) for record in heard), "one a second is due"


def recorded(
    name: str, folder: RunFolder, course: Course, place: Path, worlds: int = 2
) -> tuple[list[Driven], list[DriveLog]]:
    """Return the drives of a course as measured and as recorded while they happened."""
    env = course.environment(worlds)
    try:
        driver = make_driver(name, course, env, folder)  # type: ignore[arg-type]
        with EvaluationRecorder(env, driver, course, place, lambda episode: f"{episode.number}") as recorder:
            driven = evaluate_driver(env, driver, course, recorder=recorder)
    finally:
        env.close()
    return driven, [DriveLog.read(place / f"{one.episode.number}.arrow") for one in driven]


@pytest.mark.parametrize("name", ["planner", "keep_lane", "reference"])
def test_a_recorded_drive_is_the_one_that_was_measured(run: RunFolder, tmp_path: Path, name: str) -> None:
    for one, log in zip(*recorded(name, run, course_of(run, 5), tmp_path), strict=True):
        assert log.meta.outcome == one.record.outcome and log.meta.seed == one.record.seed
        assert log.duration_s == pytest.approx(one.record.time_s)
        assert log.trace.reward_terms.sum(0) == pytest.approx(one.record.reward_terms)
        assert np.array_equal(log.trace.action[1:], one.actions)
        assert log.scenes.route.progress_m[-1] / log.scenes.route.length_m[-1] == pytest.approx(one.record.progress)
        assert all(log.trace.hint_text)
        assert (log.trace.values is None) == (log.trace.weights is None) == (name != "planner")
        assert (log.trace.distribution is None) == (name != "planner")
        assert log.hints == () and log.meta.trace_hash


def test_a_drive_holds_the_weather_of_a_simulator_that_has_one(run: RunFolder, tmp_path: Path) -> None:
    course = course_of(run, 2)
    env = course.environment(2)
    env.driving.simulator.weather = lambda world: {"wetness": 12.5 * world, "fog_density": 1.0}  # type: ignore[attr-defined]
    driver = make_driver("keep_lane", course, env, run)
    with EvaluationRecorder(env, driver, course, tmp_path, lambda episode: f"{episode.number}") as recorder:
        evaluate_driver(env, driver, course, recorder=recorder)
    env.close()
    extras = [DriveLog.read(path).meta.extra for path in sorted(recorder.paths)]
    assert {extra["weather_wetness"] for extra in extras} == {"0", "12.5"}
    assert {extra["weather_fog_density"] for extra in extras} == {"1"}


def test_what_was_recorded_of_the_planner_says_what_it_did(run: RunFolder, tmp_path: Path) -> None:
    """From the recorded observation and hint, the same networks give the recorded numbers and the next action."""
    course = course_of(run, 3)
    _, logs = recorded("planner", run, course, tmp_path)
    env = course.environment(1)
    driver = make_driver("planner", course, env, run)
    assert isinstance(driver, PlannerDriver)
    for log in logs:
        trace = log.trace
        assert trace.observation is not None and trace.hint_state is not None and trace.hint_weights is not None
        seen = {
            "state": trace.observation,
            "hint": trace.hint_state.astype(np.float32),
            "critic_weights": trace.hint_weights.astype(np.float32),
        }
        assert np.array_equal(driver.act(seen, log.scenes)[:-1], trace.action[1:])
        told = driver.decide(seen, log.scenes).told
        for name, recorded_numbers in (("values", trace.values), ("distribution", trace.distribution)):
            assert recorded_numbers is not None
            assert np.array_equal(told[name][:-1], recorded_numbers[:-1])
            np.testing.assert_allclose(told[name][-1], recorded_numbers[-1], rtol=1e-4, atol=1e-5)
        alpha, beta = trace.distribution[:-1, 0::2], trace.distribution[:-1, 1::2]  # type: ignore[index]
        np.testing.assert_allclose(2 * (alpha - 1) / (alpha + beta - 2) - 1, trace.action[1:], atol=1e-4)
    env.close()


def test_a_recorded_drive_says_how_to_simulate_it_again(run: RunFolder, tmp_path: Path) -> None:
    course = course_of(run, 2)
    _, logs = recorded("planner", run, course, tmp_path)
    for log in logs:
        config = load_train(log.meta.configuration["config"])
        assert replace(config, hints=course.hints) == replace(course.config, hints=course.hints)
        env = build_environment(config, 1, ends_at=log.meta.configuration["ends_at"])
        env.reset()
        env.restart(np.ones(1, np.bool_), [log.meta.seed], [log.meta.cell])
        hashes = [state_hash(env.driving.scene)[0]]
        for action in log.trace.action[1:]:
            env.advance(action[None])
            hashes.append(state_hash(env.driving.scene)[0])
        assert np.array_equal(hashes, log.state_hash)  # type: ignore[arg-type]
        env.close()


def test_a_baseline_is_driven_by_its_own_view(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path, algo=replace(SMALL_PPO, hint_in_state=True))
    config = tiny_config(tmp_path, algo=replace(SMALL_PPO, hint_in_state=True))
    course = make_course(config, MERGING, "low", 2)
    trained, untrained = (records(driven_by(name, folder, course, 2)) for name in ("planner", "untrained"))
    assert trained != untrained


def test_a_planner_whose_reward_was_weighed_is_measured_by_the_environments_own(tmp_path: Path) -> None:
    """Its drive shows the weights that it was given, and no critics' values: it has one critic, of the weighted sum."""
    algo = replace(SMALL, weights_on="reward")
    folder = tiny_run(tmp_path, algo=algo)
    course = make_course(tiny_config(tmp_path, algo=algo), MERGING, "low", 1)
    (one,), (log,) = recorded("planner", folder, course, tmp_path / "drives", 1)
    assert log.trace.reward_terms.sum(0) == pytest.approx(one.record.reward_terms)
    assert log.trace.values is None
    assert log.trace.weights is not None and log.trace.weights.sum(1) == pytest.approx(1.0, abs=1e-5)


def test_numbers_of_a_row_do_not_depend_on_the_rows_beside_it() -> None:
    seen: list[int] = []

    def double(rows: np.ndarray) -> np.ndarray:
        seen.append(len(rows))
        return 2 * rows

    for count in (1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 3):
        rows = np.arange(3.0 * count).reshape(count, 3)
        assert np.array_equal(in_chunks(double, rows), 2 * rows)
        assert np.array_equal(in_chunks(lambda part: double(part["x"]), {"x": rows}), 2 * rows)
    assert set(seen) == {CHUNK}


def test_a_measured_planner_does_not_add_to_its_memory() -> None:
    keys, buckets = np.eye(3, 36), np.zeros(3, dtype=np.int64)
    bank = SemanticCache(CacheConfig())
    bank.insert(keys[:2], buckets[:2], np.ones((2, 13)), np.full((2, 3), 1 / 3))
    memory = read_only_memory(CacheConfig(capacity=1), bank.state())
    memory.insert(keys[2:], buckets[2:], np.ones((1, 13)), np.full((1, 3), 1 / 3))
    assert memory.lookup(keys, buckets).hit.tolist() == [True, True, False]
    assert len(read_only_memory(CacheConfig(), {})) == 0
    of_another_version = {**bank.state(), "version": np.array(2)}
    assert len(read_only_memory(CacheConfig(), of_another_version)) == 0


def test_drives_are_chosen_by_kind_of_ending_failures_first(run: RunFolder) -> None:
    (one,) = driven_by("full_throttle", run, course_of(run, 1), 1)
    ends = ["success", "collision", "collision", "off_road", "success"]
    driven = [
        replace(one, episode=replace(one.episode, number=k), record=replace(one.record, outcome=end))  # type: ignore[arg-type]
        for k, end in enumerate(ends)
    ]
    assert [chosen.episode.number for chosen in choose_drives(driven, 4)] == [1, 3, 0, 2]
    assert choose_drives(driven, 0) == []


@pytest.mark.parametrize("worlds", [1, 4])
def test_only_drives_that_may_be_kept_are_written(run: RunFolder, tmp_path: Path, worlds: int) -> None:
    """Whichever world is done first: all that are chosen in the end are among them."""
    course = course_of(run, 8)
    env = course.environment(worlds)
    driver = make_driver("full_throttle", course, env, run)
    with EvaluationRecorder(env, driver, course, tmp_path, lambda one: f"{one.number}", most=1) as recorder:
        driven = evaluate_driver(env, driver, course, recorder=recorder)
    env.close()
    written = {path.stem for path in tmp_path.glob("*.arrow")}
    assert {f"{one.episode.number}" for one in choose_drives(driven, 1)} <= written
    assert len(written) < len(driven)


def test_results_and_drives_are_written_and_replaced(run: RunFolder) -> None:
    config = evaluate_config(run, record=2, label="mine")
    results, paths = evaluate(config, run, quiet())
    written = read_json(in_run(config, run).results)
    assert written["config"]["episodes"] == 2 and written["provenance"]["packages"]["torch"]
    assert [summary["cell"] for summary in written["planners"][0]["summaries"]] == ["merging/low", "mean"]
    assert tuple(read_records(in_run(config, run).results)) == results.records
    assert sorted(path.stem for path in paths) == ["mine-merging-low-0", "mine-merging-low-1"]
    assert {DriveLog.read(path).meta.outcome for path in paths} == {record.outcome for record in results.records}
    other = run.drives / "somebody-elses.arrow"
    other.touch()
    _, fewer = evaluate(replace(config, record=1), run, quiet())
    assert len(fewer) == 1 and set(run.drives.glob("mine-*")) == set(fewer) and other.exists()
    other.unlink()


def test_the_file_of_one_planner_has_the_shape_of_many_and_a_repetition_tells_of_drift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "driver=cruise", f"runs_dir={tmp_path}", "scenario=merging", "density=low", "episodes=2"]
    assert cli.main([*words, "record=0"]) == 0 and "drift" not in capsys.readouterr().err
    written = read_results(tmp_path / "cruise" / "evaluation" / "cruise-merging-low.json")
    assert written["cells"] == ["merging/low"] and written["protocol"]["episodes"] == 2
    (planner,) = written["planners"]
    successes = 2 * planner["success"]["retried"]["value"]
    assert planner["members"][0]["name"] == "cruise" and len(planner["failures"]) == 2 - successes
    again = [*words, "record=0", "repeat=true"]
    assert cli.main(again) == 0
    assert "drift: none, all 2 episodes went exactly as before" in capsys.readouterr().err
    monkeypatch.setattr("hcrmp.comparison.driving.trace_hash", lambda driven: "another")
    assert cli.main(again) == 0
    assert "drift: 2 of 2 episodes went otherwise than before, 0 ended otherwise" in capsys.readouterr().err


def test_a_failure_names_the_drive_of_its_own_episode(tmp_path: Path) -> None:
    config = EvaluateConfig(
        driver="full_throttle", runs_dir=str(tmp_path), density="low", scenario=MERGING, episodes=3, progress=False
    )
    folder = open_folder(config)
    evaluate(config, folder, quiet())
    (planner,) = read_results(in_run(config, folder).results)["planners"]
    assert len(planner["failures"]) >= 2
    for failure in planner["failures"]:
        meta = DriveLog.read_meta(folder.evaluation / failure["drive"])
        assert (meta.seed, meta.outcome) == (failure["seed"], failure["outcome"])
        assert failure["number"] == failure["seed"] - FIRST_SEED


def test_the_files_name_says_what_was_chosen() -> None:
    usual = EvaluateConfig(run="x")
    assert label(usual) == "planner-paper"
    assert label(replace(usual, density="high", scenario=MERGING, seed=3)) == "planner-merging-high-seed3"
    assert label(replace(usual, driver="keep_lane", hints=HintsConfig(provider="none"))) == "keep_lane-paper-hints-none"


def test_what_no_cells_name_tells_sets_the_drives_of_a_run_apart(tmp_path: Path) -> None:
    """Two evaluations of one run leave their drives in one folder: neither takes the other's place."""
    key = ("x", "merging/high", 3, 0)
    given = {
        "": "merging-high-3",
        "scenario=merging density=high": "merging-high-3",
        "ends_at=collision": "planner-all-ends-collision-merging-high-3",
        "scenario=route map=town": "planner-route-town-merging-high-3",
        "simulator=carla": "planner-all-carla-merging-high-3",
        "deterministic=false": "planner-all-sampled-merging-high-3",
        "seed=2": "planner-all-seed2-merging-high-3",
        "driver=cruise": "cruise-merging-high-3",
        "driver=cruise seed=2": "cruise-all-seed2-merging-high-3",
        "label=mine ends_at=collision": "mine-merging-high-3",
    }
    folder = RunFolder(tmp_path)
    found = {words: in_run(load("evaluate", ["run=x", *words.split()]), folder).drive_file(key).stem for words in given}
    assert found == given


def test_hints_with_other_faults_are_another_result() -> None:
    """Two rates, or two ways of being wrong, do not overwrite each other."""
    words = {
        "planner-paper-hints-faulty-wrong0.42": ["hints=faulty"],
        "planner-paper-hints-faulty-wrong0.8": ["hints=faulty", "hints.faults.wrong=0.8"],
        "planner-paper-hints-faulty-wrong0.8-inverted": [
            "hints=faulty", "hints.faults.wrong=0.8", "hints.faults.wrong_mode=inverted"
        ],
        "planner-paper-hints-faulty-late0.5": ["hints=faulty", "hints.faults.wrong=0", "hints.faults.late=0.5"],
        "planner-paper-hints-faulty": ["hints=faulty", "hints.faults.wrong=0"],
    }  # fmt: skip
    assert {label(load("evaluate", ["run=x", "scenario=paper", *given])): given for given in words.values()} == words


def test_a_mean_without_any_success_still_has_an_interval() -> None:
    record = EpisodeRecord("merging", "low", 0, "timeout", 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    rate = summarise("x", [replace(record, seed=k) for k in range(10)], 0).mean.metrics["SR"]
    assert (rate.value, rate.low) == (0.0, 0.0) and 0.2 < rate.high < 0.3
    assert estimate_text(Estimate(0.5, 0.25, 0.75), 100.0) == "50 (25..75)"
    assert estimate_text(Estimate(float("nan"), 0.0, 0.0)) == "-"


def test_a_scripted_driver_needs_no_run(tmp_path: Path) -> None:
    config = EvaluateConfig(
        runs_dir=str(tmp_path), driver="full_throttle", episodes=1, density="low", scenario=MERGING, progress=False
    )
    folder = open_folder(config)
    evaluate(config, folder, quiet())
    assert folder.path == tmp_path / "full_throttle" and len(list(folder.drives.iterdir())) == 1
    for driver in ("planner", "untrained"):
        with pytest.raises(ConfigError, match="run must be given"):
            from_mapping(EvaluateConfig, {"driver": driver})


def test_a_run_without_a_checkpoint_can_be_compared_with_but_not_evaluated(tmp_path: Path) -> None:
    from hcrmp.train_config import plain_config

    folder = RunFolder.create(tmp_path / "tiny", plain_config(tiny_config(tmp_path)), seed=0)
    with pytest.raises(RunFolderError, match="no checkpoint"):
        open_folder(evaluate_config(folder))
    for driver in ("untrained", "keep_lane"):
        assert open_folder(evaluate_config(folder, driver=driver)).path == folder.path
    with pytest.raises(RunFolderError, match="no run folder"):
        open_folder(evaluate_config(RunFolder(tmp_path / "tinny"), driver="untrained"))


def test_a_checkpoint_of_another_observation_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_run(tmp_path)
    changed = folder.config()
    changed["observation"]["perception"] = "agents"
    write_text(folder.path / "config.yaml", dump_yaml(changed))
    assert cli.main(["evaluate", f"run={folder.path}", "scenario=merging", "density=low", "episodes=1"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and "another observation layout" in captured.err
    assert not list(folder.evaluation.glob("*.json")) and not list(folder.drives.glob("*.arrow"))


def test_the_command_prints_the_tables(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", f"run={run.path}", "scenario=merging", "density=low", "episodes=2", "record=1"]) == 0
    captured = capsys.readouterr()
    for word in ("SR %", "CR %", "AS m/s", "TD m", "TS s", "SV", "AV", "coll. / mile", "merging/low", "mean"):
        assert word in captured.out, word
    assert "planner-merging-low.json" in captured.err and "hcrmp replay" in captured.err
