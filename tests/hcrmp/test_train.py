"""The training job: what a run holds, what is refused, how it ends early."""

from __future__ import annotations

import io
import math
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch as th
from rich.console import Console
from stable_baselines3.common.vec_env.base_vec_env import VecEnvStepReturn

from envs.errors import EnvsError
from hcrmp import callbacks, ending
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.baselines import PpoOptions, SacOptions, Td3Options
from hcrmp.buffer import Minibatch
from hcrmp.build import build_environment, load_planner
from hcrmp.checkpoint import META
from hcrmp.errors import RunFolderError, TrainingDivergedError
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.run_folder import RunFolder, read_json
from hcrmp.sections import ScenarioConfig
from hcrmp.train import own_words, train
from hcrmp.train_config import Algorithm, HcrmpOptions, load_train
from tests.hcrmp.tiny import ROLLOUT, SMALL, SMALL_PPO, quiet, tiny_config, tiny_run

OFF_POLICY: dict[str, Any] = {"buffer_size": 200, "learning_starts": 16, "batch_size": 8, "net_arch": (8,)}


@pytest.mark.parametrize("algo", [SMALL_PPO, SacOptions(**OFF_POLICY), Td3Options(**OFF_POLICY)], ids=lambda a: a.name)
def test_every_baseline_becomes_a_run_that_can_be_loaded(tmp_path: Path, algo: Algorithm) -> None:
    folder = tiny_run(tmp_path, algo=algo)
    assert load_train(folder.config()).algo == algo
    env = build_environment(load_train(folder.config()), 2)
    assert load_planner(folder, env).num_timesteps == 2 * ROLLOUT
    env.close()


def test_a_run_holds_its_configuration_provenance_events_and_checkpoint(tmp_path: Path) -> None:
    config = tiny_config(tmp_path, tensorboard=True)
    folder = train(config, quiet())
    assert load_train(folder.config()) == config
    assert folder.provenance()["seed"] == config.seed
    assert list(folder.tensorboard.rglob("events.out.*"))
    assert RunFolder.open(folder.path).has_checkpoint()


def test_an_existing_run_is_not_overwritten(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path)
    before = (folder.latest_checkpoint / META).read_bytes()
    with pytest.raises(RunFolderError, match="exists already.*resume=true"):
        tiny_run(tmp_path)
    assert (folder.latest_checkpoint / META).read_bytes() == before


def test_a_run_goes_on_with_its_own_settings_only(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path)
    with pytest.raises(RunFolderError, match="other settings .*scenario"):
        tiny_run(tmp_path, resume=True, scenario=ScenarioConfig(("overtaking",)))
    train(replace(tiny_config(tmp_path), resume=True), quiet())  # nothing is left to do
    assert trained_steps(folder) == 2 * ROLLOUT
    tiny_run(tmp_path, resume=True, total_steps=3 * ROLLOUT)
    assert trained_steps(folder) == 3 * ROLLOUT


@pytest.mark.parametrize("algo", [SMALL, SMALL_PPO], ids=["hcrmp", "ppo"])
def test_what_was_learnt_is_kept_where_the_worlds_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algo: HcrmpOptions | PpoOptions
) -> None:
    def lost(env: HintedVecEnv) -> dict[str, Any]:
        raise EnvsError("its server is gone")

    with monkeypatch.context() as broken, pytest.warns(UserWarning, match="begin anew on resume: its server is gone"):
        broken.setattr(HintedVecEnv, "state", lost)
        folder = tiny_run(tmp_path, algo=algo)
    assert trained_steps(folder) == 2 * ROLLOUT
    assert trained_steps(tiny_run(tmp_path, algo=algo, resume=True, total_steps=3 * ROLLOUT)) == 3 * ROLLOUT


def test_networks_that_are_of_no_use_replace_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = MultiCriticPPO._loss

    def diverging(model: MultiCriticPPO, minibatch: Minibatch) -> tuple[th.Tensor, th.Tensor]:
        value, numbers = loss(model, minibatch)
        return (value, numbers) if model._n_updates < 2 * SMALL.n_epochs else (value * math.nan, numbers * math.nan)

    monkeypatch.setattr(MultiCriticPPO, "_loss", diverging)
    with pytest.raises(TrainingDivergedError, match="not finite any more, after 192 decisions"):
        tiny_run(tmp_path, total_steps=6 * ROLLOUT, checkpoint_every=1)
    folder = RunFolder.open(tmp_path / "tiny")
    assert trained_steps(folder) == 2 * ROLLOUT
    monkeypatch.undo()
    assert trained_steps(tiny_run(tmp_path, total_steps=3 * ROLLOUT, resume=True)) == 3 * ROLLOUT


def test_the_time_limit_ends_a_training_with_a_checkpoint(tmp_path: Path) -> None:
    folder = tiny_run(tmp_path, total_steps=10_000_000, time_limit_s=1e-3)
    assert 0 < trained_steps(folder) < 10_000_000


def test_time_before_the_first_decision_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels may be compiled meanwhile, for minutes: neither the time limit nor the speed told is about that."""
    now = [1000.0]
    step_wait = HintedVecEnv.step_wait

    def timed_step(env: HintedVecEnv) -> VecEnvStepReturn:
        now[0] += 100.0 if now[0] == 1000.0 else 0.5
        return step_wait(env)

    for module in (callbacks, ending):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(HintedVecEnv, "step_wait", timed_step)
    said = io.StringIO()
    folder = train(tiny_config(tmp_path, time_limit_s=12.0, progress=True), Console(file=said, width=200))
    # A rollout takes 7.5 s: in the 4.5 s that are left after the first one another would not end.
    assert now[0] == 1100.0 + 7.5 and trained_steps(folder) == ROLLOUT
    assert f"train {ROLLOUT}/{2 * ROLLOUT} steps  8/s" in said.getvalue()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ["scenario=merging", "density=low"]),
        ({"density": "all", "scenario": ScenarioConfig(("cut_in", "route"))}, ["'scenario.families=[cut_in,route]'"]),
        ({"scenario": ScenarioConfig(("route",)), "map": "town"}, ["scenario=route", "density=low", "map=town"]),
    ],
)
def test_what_comes_next_is_an_evaluation_in_what_was_trained(
    tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    assert own_words(tiny_config(tmp_path, **changes)) == words


def test_ctrl_c_leaves_a_loadable_checkpoint_and_status_130(tmp_path: Path) -> None:
    words = [f"runs_dir={tmp_path}", "run=cut", "scenario=merging", "density=low", "worlds=4", "algo.n_steps=16"]
    words += ["algo.batch_size=32", "total_steps=10_000_000", "tensorboard=false"]
    # A shell starts a job in its background deaf to Ctrl-C, and every process below inherits that: hear it again.
    hear = "import signal, runpy; signal.signal(signal.SIGINT, signal.default_int_handler); "
    hear += "runpy.run_module('hcrmp.cli', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", hear, "train", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as job, deadline(job, 120.0):
        assert job.stderr is not None
        told = job.stderr.readline()
        while told and "\ntrain " not in f"\n{told}":  # the first line of progress comes after the first rollout
            told += job.stderr.readline()
            assert job.poll() is None, told
        job.send_signal(signal.SIGINT)
        told += job.stderr.read()
    assert job.returncode == 130 and told.endswith("hcrmp: interrupted.\n") and "Traceback" not in told, told
    folder = RunFolder.open(tmp_path / "cut")
    env = build_environment(load_train(folder.config()), 4)
    assert load_planner(folder, env).num_timesteps > 0
    env.close()


@contextmanager
def deadline(job: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """Kill ``job`` when the time is up: a pipe that nobody closes is read for ever."""
    timer = threading.Timer(seconds, job.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def trained_steps(folder: RunFolder) -> int:
    return int(read_json(folder.latest_checkpoint / META)["state"]["model"]["counters"]["num_timesteps"])
