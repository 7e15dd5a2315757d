"""A fourth critic by configuration: trained, weighed, recorded, evaluated and resumed as the three are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from envs.recording import DriveLog
from envs.reward import RewardConfig
from hcrmp.build import build_environment, load_planner
from hcrmp.comparison.contestants import the_one
from hcrmp.config import load
from hcrmp.errors import ConfigError
from hcrmp.evaluate import evaluate
from hcrmp.exports.series import planner_columns
from hcrmp.results import read_records
from hcrmp.run_folder import RunFolder
from hcrmp.train_config import load_train, plain_config
from hcrmp.viewer.encode import encode_drive
from tests.hcrmp.own import FOUR, SHARE, four_critics, own_file, run_of_four
from tests.hcrmp.test_resume import assert_same, parameters
from tests.hcrmp.tiny import ROLLOUT, evaluate_config, quiet, tiny_config, tiny_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return run_of_four(tmp_path_factory.mktemp("four"), tensorboard=True, record=1, total_steps=40 * ROLLOUT)


def test_the_weights_are_the_hints_scaled_to_the_rest_and_the_share(tmp_path: Path) -> None:
    env = build_environment(tiny_config(tmp_path, **four_critics(own_file(tmp_path))), 3)
    weights = env.reset()["critic_weights"]
    assert env.critics == FOUR and weights.shape == (3, 4)
    assert np.allclose(weights[:, :3], (1.0 - SHARE) * env.service.hints.weights)
    assert np.allclose(weights[:, 3], SHARE) and np.allclose(weights.sum(axis=1), 1.0)
    _, rewards, _, _ = env.step(np.zeros((3, 2), np.float32))
    assert np.allclose(env.reward_terms[:, 3], -np.abs(env.driving.scene.ego.speed - 8.0) / 8.0)
    assert np.allclose(rewards, env.reward_terms @ [0.8, 1.0, 0.1, SHARE], atol=1e-5)
    env.close()


def test_three_critics_have_the_hints_very_weights(tmp_path: Path) -> None:
    env = build_environment(tiny_config(tmp_path), 3)
    observed = env.reset()["critic_weights"]
    assert np.array_equal(observed, env.service.hints.weights.astype(np.float32)) and env.reward_terms.shape == (3, 3)
    env.close()


def test_tensorboard_shows_it(run: RunFolder) -> None:
    events = EventAccumulator(str(next(run.path.glob("tensorboard/*"))))
    events.Reload()
    tags = {f"critics/{what}_pace" for what in ("reward", "weight", "value_loss", "explained_variance", "return")}
    assert tags <= set(events.Tags()["scalars"])
    assert {round(event.value, 6) for event in events.Scalars("critics/weight_pace")} == {SHARE}


def test_its_network_learns_from_its_term_and_the_planner_from_it(run: RunFolder, tmp_path: Path) -> None:
    """The same training without the term's function: its critic and the actor end elsewhere."""
    config = load_train(run.config())
    term = config.reward.extra_terms["pace"]
    silent = RewardConfig(extra_terms={"pace": replace(term, function="")})
    other = tiny_run(tmp_path, reward=silent, algo=config.algo, total_steps=config.total_steps)
    here, there = (parameters(folder) for folder in (run, other))
    heads = [found["/policy/value_net.weight"] for found in (here, there)]
    assert heads[0].shape[0] == 4 and not heads[0][3].equal(heads[1][3])
    assert not here["/policy/action_net.weight"].equal(there["/policy/action_net.weight"])


def test_it_is_in_records_drives_exports_and_the_replay_page(run: RunFolder) -> None:
    evaluate(evaluate_config(run), run, quiet())
    drive = DriveLog.read(run.drives / "merging-low-0.arrow")
    trace = drive.trace
    assert trace.more_critics == ("pace",) and trace.weights is not None and trace.values is not None
    assert trace.more_weights is not None and trace.more_values is not None and trace.more_reward_terms is not None
    assert np.allclose(trace.weights.sum(axis=1) + trace.more_weights[:, 0], 1.0)
    earned = -np.abs(drive.scenes.ego.speed[1:] - 8.0) / 8.0
    assert np.allclose(trace.more_reward_terms[1:, 0], earned) and trace.more_reward_terms[0, 0] == 0.0
    assert len(np.unique(trace.more_values)) > 5
    record = read_records(run.evaluation / "planner-merging-low.json")[0]
    assert record.more_reward_terms["pace"] == pytest.approx(trace.more_reward_terms.sum(), rel=1e-6)
    columns = planner_columns(drive)
    assert np.array_equal(columns["more_values_pace"], trace.more_values[:, 0]) and "more_critics" not in columns
    assert set(encode_drive(drive)["trace"]["rewards"]) == set(FOUR)
    in_training = DriveLog.read(next(run.drives.glob("training/*.arrow"))).trace
    assert in_training.more_critics == ("pace",) and in_training.more_values is not None


def test_an_evaluation_knows_that_its_code_has_changed(tmp_path: Path) -> None:
    run = run_of_four(tmp_path)
    before = the_one(evaluate_config(run)).checksum
    assert the_one(evaluate_config(run)).checksum == before
    file = own_file(tmp_path)
    file.write_text(file.read_text("utf-8").replace("8.0", "7.0"), "utf-8")
    assert the_one(evaluate_config(run)).checksum != before


def test_it_is_loaded_as_it_was_saved(run: RunFolder) -> None:
    config = load_train(run.config())
    assert load_train(plain_config(config)) == config
    env = build_environment(config, 2)
    model = load_planner(run, env)
    assert model.policy.critics == 4
    env.close()


def test_half_and_the_other_half_is_the_whole(tmp_path: Path) -> None:
    constant = four_critics(own_file(tmp_path), final_learning_rate_share=1.0)
    whole = run_of_four(tmp_path, "whole", **constant, total_steps=4 * ROLLOUT)
    run_of_four(tmp_path, "half", **constant, total_steps=2 * ROLLOUT)
    assert_same(whole, run_of_four(tmp_path, "half", **constant, total_steps=4 * ROLLOUT, resume=True))


@pytest.mark.parametrize("csa", ["equal", "attention", "mean_anchored"])
def test_other_weights_work_with_four(tmp_path: Path, csa: str) -> None:
    changes = four_critics(own_file(tmp_path), csa=csa, anchor_prior=(0.3, 0.4, 0.1, 0.2))
    run = run_of_four(tmp_path, **changes)
    assert run.latest_checkpoint.is_dir()


def test_one_critic_learns_from_the_sum(tmp_path: Path) -> None:
    changes = four_critics(own_file(tmp_path))
    run = run_of_four(tmp_path, **(changes | {"algo": replace(changes["algo"], critics=("reward",), csa="equal")}))
    assert run.latest_checkpoint.is_dir()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["reward.extra_terms={d: {function: a.b:c}}"], r"give each a critic, algo\.critics=\[safety,.*,d\]"),
        (["algo.critics=[safety,efficiency,comfort,d]"], r"the reward has the terms \['safety', 'efficiency', 'comf"),
        (["reward.extra_terms={d: {functoin: a.b:c}}"], r"Did you mean reward\.extra_terms\.d\.function"),
        (["scenario=mine:py:f"], r"scenario\.families\[0\] names code as FILE\.py:name"),
    ],
)
def test_what_does_not_fit_together_is_told_in_one_line(overrides: list[str], words: str) -> None:
    with pytest.raises((ConfigError, ValueError), match=words):
        load("train", overrides)


def test_the_command_line_keeps_absolute_paths_and_names_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load("train", ["scenario=mine.py:delivery", "observation.extra_blocks={gap: mine.py:Gap}"])
    assert config.scenario.families == (f"{tmp_path}/mine.py:delivery",) and config.run == "delivery-hcrmp-seed0"
    assert config.observation.extra_blocks == {"gap": f"{tmp_path}/mine.py:Gap"}
