"""Curricula: weights by hand, that they follow success, that a resume is exact, that an evaluation knows none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hcrmp.train
from envs.episodes import EpisodeStream
from envs.errors import InvalidConfigError
from hcrmp.build import build_environment
from hcrmp.checkpoint import read_extra_state
from hcrmp.config import load
from hcrmp.course import make_course
from hcrmp.curriculum import Curriculum, CurriculumConfig
from hcrmp.errors import ConfigError
from hcrmp.evaluation import evaluate_driver, make_driver
from hcrmp.run_folder import RunFolder, load_yaml
from hcrmp.sections import ScenarioConfig
from hcrmp.train import train
from hcrmp.train_config import plain_config
from tests.hcrmp.test_resume import assert_same
from tests.hcrmp.tiny import ROLLOUT, SMALL, quiet, tiny_config, tiny_run

DENSITIES = ("low", "medium", "high")
Name = Literal["none", "density", "success", "progress"]
NAMES: tuple[Name, ...] = ("density", "success", "progress")
SUCCESS = CurriculumConfig("success", window=20)


@pytest.mark.parametrize(
    ("share", "weights"),
    [
        # floor 0.3 of three cells: 0.1 each; the rest goes to those that have begun.
        (0.0, [0.8, 0.1, 0.1]),
        (0.19, [0.8, 0.1, 0.1]),
        (0.2, [0.45, 0.45, 0.1]),
        (0.4, [1 / 3, 1 / 3, 1 / 3]),
        (1.0, [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_density_begins_low_and_ends_even(share: float, weights: list[float]) -> None:
    assert Curriculum(CurriculumConfig("density"), DENSITIES).weights(share) == pytest.approx(weights)


def test_what_fails_is_met_more() -> None:
    curriculum = Curriculum(CurriculumConfig("success", floor=0.2, window=10), DENSITIES)
    assert curriculum.weights(0.0) == pytest.approx([1 / 3] * 3)  # nothing is known yet: 1 - 0 each
    for cell, successes in enumerate((10, 5, 0)):
        for k in range(10):
            curriculum.note(cell, k < successes)
    # Rates 1, 1/2, 0; scores 0, 1/2, 1: 0.2 / 3 + 0.8 x (0, 1/3, 2/3).
    assert curriculum.rates == pytest.approx([1.0, 0.5, 0.0])
    assert curriculum.weights(0.5) == pytest.approx([0.2 / 3, 0.2 / 3 + 0.8 / 3, 0.2 / 3 + 1.6 / 3])


def test_what_changes_is_met_more_for_better_or_worse() -> None:
    curriculum = Curriculum(CurriculumConfig("progress", floor=0.1, window=5), DENSITIES)
    for k in range(40):
        curriculum.note(0, True)  # mastered
        curriculum.note(1, k >= 20)  # being learnt
        curriculum.note(2, k < 20)  # being forgotten
    mastered, learnt, forgotten = curriculum.weights(0.5)
    assert mastered == pytest.approx(0.1 / 3) and learnt == pytest.approx(forgotten) and learnt > 10.0 * mastered
    # The recent rate: nothing succeeded before and everything did for 20 episodes at 1 / 5 each.
    assert curriculum.rates[1] == pytest.approx(1.0 - 0.8**20)


def test_what_was_hardly_met_yet_is_met_as_often_as_the_rest() -> None:
    """The first cell past the window is the only one whose two means can differ: by chance, and not by learning."""
    curriculum = Curriculum(CurriculumConfig("progress", floor=0.1, window=5), DENSITIES)
    for k in range(30):
        curriculum.note(0, k % 2 == 0)
    assert curriculum.weights(0.0) == pytest.approx([1 / 3] * 3)


@given(
    name=st.sampled_from(NAMES),
    floor=st.floats(0.0, 1.0),
    share=st.floats(0.0, 1.0),
    ends=st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=60),
)
def test_weights_are_shares_and_no_cell_falls_below_the_floor(
    name: Name, floor: float, share: float, ends: list[tuple[int, bool]]
) -> None:
    curriculum = Curriculum(CurriculumConfig(name, floor=floor, window=8), DENSITIES)
    for cell, success in ends:
        curriculum.note(cell, success)
    weights = curriculum.weights(share)
    assert weights.sum() == pytest.approx(1.0) and (weights >= floor / 3 - 1e-12).all()
    other = Curriculum(CurriculumConfig(name, floor=floor, window=8), DENSITIES)
    other.set_state(curriculum.state())
    assert np.array_equal(other.weights(share), weights)


def learn_toy_cells(config: CurriculumConfig, episodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return skill ``(3,)`` and times met ``(3,)`` of a learner whom each episode of a cell teaches that cell alone.

    Cell 0 is mastered within 10 episodes, cell 1 within 1,000, cell 2 never.
    """
    rng, stream, curriculum = np.random.default_rng(0), EpisodeStream(1, range(3)), Curriculum(config, DENSITIES)
    stream.start(0)
    met, lessons = np.zeros(3), np.array([10.0, 1000.0, np.inf])
    for k in range(episodes):
        stream.set_weights(curriculum.weights(k / episodes))
        cell = int(stream.draw(np.array([0]))[1][0])
        curriculum.note(cell, bool(rng.random() < min(met[cell] / lessons[cell], 1.0)))
        met[cell] += 1
    return np.minimum(met / lessons, 1.0), met


def test_the_weights_follow_the_learning() -> None:
    evenly, _ = learn_toy_cells(CurriculumConfig("success", floor=1.0), 1500)
    failing, met = learn_toy_cells(SUCCESS, 1500)
    changing, met_changing = learn_toy_cells(CurriculumConfig("progress", floor=0.3, window=50), 1500)
    assert failing[1] > evenly[1] + 0.03 and met[0] < 0.2 * 1500  # what is mastered is left to its floor
    assert met[2] > met[1] > met[0]  # success goes for what fails, the impossible included
    assert changing[1] > evenly[1] + 0.2 and met_changing[2] < 0.2 * 1500  # progress does not waste time on that
    assert (met >= 0.08 * 1500).all() and (met_changing >= 0.08 * 1500).all()  # floor 0.3 / 3, less five deviations


class TestTraining:
    def test_weights_are_logged_for_each_cell_and_follow_the_schedule(self, tmp_path: Path) -> None:
        folder = tiny_run(tmp_path, density="all", curriculum=CurriculumConfig("density", starts=(0.3, 0.6)),
                          total_steps=4 * ROLLOUT, tensorboard=True)  # fmt: skip
        curves = scalars(folder.tensorboard)
        told = {name: values for name, values in curves.items() if name.startswith("curriculum/")}
        # Rollouts begin at 0, 1/4, 2/4 and 3/4 of the budget.
        assert told.keys() == {f"curriculum/merging/{density}" for density in DENSITIES}
        assert told["curriculum/merging/low"] == pytest.approx([0.8, 0.8, 0.45, 1 / 3])
        assert told["curriculum/merging/high"] == pytest.approx([0.1, 0.1, 0.1, 1 / 3])

    def test_the_first_episodes_are_weighed_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        cells: list[int] = []
        draw = EpisodeStream.draw

        def listen(stream: EpisodeStream, rows: Any) -> Any:
            found = draw(stream, rows)
            cells.extend(found[1].tolist())
            return found

        monkeypatch.setattr(EpisodeStream, "draw", listen)
        tiny_run(tmp_path, density="all", curriculum=CurriculumConfig("density", floor=0.0, starts=(1.0, 1.0)),
                 worlds=8, total_steps=8 * 16)  # fmt: skip
        assert len(cells) >= 8 and set(cells) == {0}

    @pytest.mark.parametrize("name", ["density", "success"])
    def test_a_training_that_was_cut_off_goes_on_as_if_nothing_had_been(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Name
    ) -> None:
        # Long rollouts, so that episodes end and weights move.
        setting: dict[str, Any] = {
            "density": "all", "curriculum": CurriculumConfig(name, window=2), "worlds": 8,
            "algo": replace(SMALL, n_steps=64), "total_steps": 4 * 8 * 64,
        }  # fmt: skip
        whole = tiny_run(tmp_path, "whole", **setting)
        save, cuts = hcrmp.train.save, list[bool]()

        def save_and_cut(*arguments: Any) -> None:
            save(*arguments)
            if not cuts:
                cuts.append(True)
                raise KeyboardInterrupt

        monkeypatch.setattr(hcrmp.train, "save", save_and_cut)
        config = tiny_config(tmp_path, "cut", **{**setting, "checkpoint_every": 2 * 8 * 64})
        with pytest.raises(KeyboardInterrupt):
            train(config, quiet())
        resumed = train(replace(config, resume=True), quiet())
        assert_same(whole, resumed)
        ours, theirs = (read_extra_state(folder.latest_checkpoint) for folder in (whole, resumed))
        assert ours["curriculum"]["episodes"].sum() > 0
        for key in ("episodes", "rates"):
            assert np.array_equal(ours["curriculum"][key], theirs["curriculum"][key])

    def test_a_single_cell_is_no_curriculum(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidConfigError, match="chooses among cells .*, and there is one alone"):
            tiny_run(tmp_path, curriculum=SUCCESS)
        assert not (tmp_path / "tiny").exists()


def test_an_evaluation_meets_all_alike_whatever_the_training_did(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, density="all", curriculum=CurriculumConfig("success"))
    plain = make_course(replace(config, curriculum=CurriculumConfig()), config.scenario, "all", 2)
    course = make_course(config, config.scenario, "all", 2)
    assert course.episodes == plain.episodes
    env = course.environment(2)
    driven = evaluate_driver(env, make_driver("keep_lane", course, env, None), course)
    assert env.driving.stream.weights is None
    assert [one.record.density for one in driven] == ["low", "low", "medium", "medium", "high", "high"]
    env.close()


def test_without_a_curriculum_the_stream_has_no_weights(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path, density="all")
    extra = read_extra_state(folder.latest_checkpoint)
    assert "curriculum" not in extra and len(extra["env"]["driving"]["stream"]["weights"]) == 0


class TestCommandLine:
    def test_a_curriculum_is_a_choice_with_keys(self) -> None:
        config = load("train", ["curriculum=success", "curriculum.floor=0.5", "scenario=merging"])
        assert config.curriculum == CurriculumConfig("success", floor=0.5)
        assert config.run == "merging-hcrmp-success-seed0"
        assert load("train").curriculum == CurriculumConfig()

    @pytest.mark.parametrize(
        ("overrides", "told"),
        [
            (["curriculum=sucess"], "unknown value curriculum=sucess. Did you mean curriculum=success?"),
            (["curriculum=density", "density=low"], "curriculum=density goes over all densities, got density=low"),
            (["curriculum=success", "curriculum.floor=2"], "curriculum: floor must be from 0 to 1, got 2.0"),
            (["curriculum=density", "curriculum.starts=[0.5,0.2]"], "starts must be two shares from 0 to 1"),
            (["curriculum=progress", "curriculum.window=0"], "window must be at least 1, got 0"),
        ],
    )
    def test_what_cannot_be_is_one_line(self, overrides: list[str], told: str) -> None:
        with pytest.raises(ConfigError) as error:
            load("train", overrides)
        assert told in str(error.value) and "\n" not in str(error.value)


class TestRandomisedRuns:
    RANGES = {"ego_speed": [6, 7], "actors.*.driver.headway": [0.5, 2.0], "time_limit": 30}

    def test_ways_to_write_it_come_to_the_same(self) -> None:
        flat = load("train", ["randomise={ego_speed: [6, 7], actors.*.driver.headway: [0.5, 2.0], time_limit: 30}"])
        dotted = load("train", ["randomise.ego_speed=[6,7]", "randomise.time_limit=30",
                                "randomise.actors={*: {driver: {headway: [0.5, 2.0]}}}"])  # fmt: skip
        assert flat.randomise == dotted.randomise == self.RANGES
        assert flat.run.endswith("-randomised-seed0") and load("train").randomise == {}

    def test_the_run_keeps_it_and_drives_in_it(self, tmp_path: Path) -> None:
        config = tiny_config(tmp_path, randomise=self.RANGES)
        folder = train(config, quiet())
        assert load_yaml(folder.path / "config.yaml")["randomise"] == self.RANGES
        env = build_environment(config, 4)
        env.reset()
        speeds = [env.driving.scenarios.sample(0, seed).ego_speed for seed in range(9)]
        assert all(6.0 <= speed <= 7.0 for speed in speeds)
        env.close()

    def test_a_resumed_run_takes_what_is_not_given_from_the_run(self, tmp_path: Path) -> None:
        given = ["run=tuned", f"runs_dir={tmp_path}"]
        begun = load("train", [*given, "seed=3", "scenario=merging", "density=low", "total_steps=64",
                               "randomise.ego_speed=[6,7]", "algo.n_steps=32", "progress=false"])  # fmt: skip
        RunFolder.create(begun.run_path, plain_config(begun), seed=3)
        resumed = load("train", [*given, "resume=true"])
        assert resumed == replace(begun, resume=True, progress=True)
        other = load("train", [*given, "resume=true", "seed=4", "total_steps=128"])
        assert (other.seed, other.total_steps, other.algo) == (4, 128, begun.algo)
        assert load("train", [f"runs_dir={tmp_path}", "run=none", "resume=true"]).seed == 0

    def test_a_scenario_choice_that_is_given_is_not_overruled(self, tmp_path: Path) -> None:
        given = ["run=tuned", f"runs_dir={tmp_path}"]
        begun = load("train", [*given, "scenario=merging"])
        RunFolder.create(begun.run_path, plain_config(begun), seed=0)
        asked = load("train", [*given, "scenario=overtaking", "resume=true"])
        assert asked.scenario == ScenarioConfig(("overtaking",))


def scalars(folder: Path) -> dict[str, list[float]]:
    """Return the values of every curve below ``folder``, in the order of their steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found: dict[str, list[float]] = {}
    for file in sorted(folder.rglob("events*")):
        events = EventAccumulator(str(file))
        events.Reload()
        for tag in events.Tags()["scalars"]:
            found.setdefault(tag, []).extend(event.value for event in events.Scalars(tag))
    return found
