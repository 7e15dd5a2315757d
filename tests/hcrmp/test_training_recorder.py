"""A sample of a training's episodes is recorded, and nothing of the training changes by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from envs.recording import DriveLog, state_hash
from hcrmp.build import build_environment
from hcrmp.checkpoint import parameters_checksum
from hcrmp.run_folder import RunFolder
from hcrmp.train import train
from hcrmp.train_config import load_train
from tests.hcrmp.tiny import ROLLOUT, SMALL_PPO, quiet, tiny_config, tiny_run

STEPS, RECORDED = 40 * ROLLOUT, 4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return tiny_run(tmp_path_factory.mktemp("runs"), total_steps=STEPS, record=RECORDED)


def drives_of(run: RunFolder) -> list[DriveLog]:
    return [DriveLog.read(path) for path in sorted((run.drives / "training").glob("*.arrow"))]


def test_episodes_are_recorded_evenly_and_no_more_of_them_than_asked_for(run: RunFolder) -> None:
    begun = [int(drive.meta.extra["steps"]) for drive in drives_of(run)]
    assert 2 <= len(begun) <= RECORDED
    assert all(steps >= k * STEPS / RECORDED for k, steps in enumerate(begun))
    assert not list((run.drives / "training").glob(".journal-*"))


def test_a_recorded_training_episode_happened_so(run: RunFolder) -> None:
    """Its actions, simulated again from its seed, lead through the same states; the planner saw what it acted on."""
    config = load_train(run.config())
    for drive in drives_of(run):
        assert load_train(drive.meta.configuration["config"]) == config
        assert drive.meta.outcome != "running" and drive.meta.scenario == "merging" and drive.meta.density == "low"
        env = build_environment(config, 1)
        env.reset()
        env.restart(np.ones(1, np.bool_), [drive.meta.seed], [drive.meta.cell])
        seen, hashes = [env.driving._observation.copy()], [state_hash(env.driving.scene)[0]]
        for action in drive.trace.action[1:]:
            seen.append(env.advance(action[None]).observation.copy())
            hashes.append(state_hash(env.driving.scene)[0])
        env.close()
        assert np.array_equal(hashes, drive.state_hash)  # type: ignore[arg-type]
        assert drive.trace.observation is not None
        np.testing.assert_array_equal(np.concatenate(seen), drive.trace.observation)
        assert drive.trace.values is not None and len(np.unique(drive.trace.values, axis=0)) > 1
        alpha, beta = drive.trace.distribution[:, 0::2], drive.trace.distribution[:, 1::2]  # type: ignore[index]
        assert (alpha > 1.0).all() and (beta > 1.0).all()


def test_what_is_learnt_is_the_same_with_and_without(run: RunFolder) -> None:
    plain = tiny_run(run.path.parent, "plain", total_steps=STEPS, record=0)
    assert parameters_checksum(plain.latest_checkpoint) == parameters_checksum(run.latest_checkpoint)
    assert not (plain.drives / "training").exists()


def test_a_resumed_training_records_what_is_left(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, total_steps=STEPS // 2, record=RECORDED // 2)
    folder = train(config, quiet())
    before = {path.name for path in (folder.drives / "training").iterdir()}
    train(replace(config, total_steps=STEPS, record=RECORDED, resume=True), quiet())
    after = {path.name for path in (folder.drives / "training").iterdir()}
    assert before < after and len(after) <= RECORDED


def test_a_baselines_episodes_are_recorded_without_what_it_does_not_know(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path, algo=SMALL_PPO, total_steps=STEPS // 2, record=2)
    drives = drives_of(folder)
    assert drives
    for drive in drives:
        assert drive.trace.observation is not None and drive.trace.action[1:].any()
        assert drive.trace.values is None and drive.trace.distribution is None
