"""A training that was cut off and resumed ends with the very parameters of one that was not."""

from __future__ import annotations

import io
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch as th
from rich.console import Console

import hcrmp.train
from envs.observation import ObservationConfig
from hcrmp import ending
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.baselines import PpoOptions
from hcrmp.checkpoint import PARAMETERS, trained_steps
from hcrmp.checkpoint_files import CheckpointError
from hcrmp.errors import RunFolderError
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.run_folder import RunFolder
from hcrmp.sections import HintsConfig
from hcrmp.train import train
from hcrmp.train_config import HcrmpOptions, TrainConfig
from llm_hints.providers.faulty import FaultConfig
from tests.hcrmp.tiny import N_STEPS, ROLLOUT, SMALL, SMALL_PPO, WORLDS, quiet, tiny_config, tiny_run

FAULTS = HintsConfig(provider="faulty", faults=FaultConfig(wrong=0.2, malformed=0.2, late=0.2, missing=0.2))


def parameters(folder: RunFolder) -> dict[str, th.Tensor]:
    """Return every tensor of a run's networks and optimisers by its place."""
    found: dict[str, th.Tensor] = {}

    def collect(node: Any, place: str) -> None:
        if isinstance(node, th.Tensor):
            found[place] = node
        elif isinstance(node, dict):
            for key, item in node.items():
                collect(item, f"{place}/{key}")

    collect(th.load(folder.latest_checkpoint / PARAMETERS, weights_only=True), "")
    return found


def assert_same(first: RunFolder, second: RunFolder) -> None:
    ours, theirs = parameters(first), parameters(second)
    assert ours.keys() == theirs.keys() and len(ours) > 10
    assert all(th.equal(ours[place], theirs[place]) for place in ours)


@pytest.mark.parametrize(
    "algo",
    [
        SMALL,
        replace(SMALL, noise_colour=0.0),
        replace(SMALL, csa="mean_anchored"),
        replace(SMALL, weights_on="reward", scale_terms=True),
        SMALL_PPO,
    ],
    ids=["hcrmp", "white", "anchored", "llm_reward", "ppo"],
)
def test_half_and_the_other_half_is_the_whole(tmp_path: Path, algo: HcrmpOptions | PpoOptions) -> None:
    # A constant step size: otherwise half a training is not the first half of the whole.
    constant = replace(algo, final_learning_rate_share=1.0)
    whole = tiny_run(tmp_path, "whole", algo=constant, hints=FAULTS, total_steps=6 * ROLLOUT)
    half = tiny_run(tmp_path, "half", algo=constant, hints=FAULTS, total_steps=3 * ROLLOUT)
    assert any(not th.equal(parameters(whole)[place], tensor) for place, tensor in parameters(half).items())
    assert_same(whole, tiny_run(tmp_path, "half", algo=constant, hints=FAULTS, total_steps=6 * ROLLOUT, resume=True))


def test_a_training_that_was_cut_off_goes_on_as_if_nothing_had_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the falling step size of a whole training, cut off at a checkpoint between two updates."""
    whole = tiny_run(tmp_path, "whole", total_steps=6 * ROLLOUT)
    save = hcrmp.train.save
    cuts: list[bool] = []

    def save_and_cut(*arguments: Any) -> None:
        save(*arguments)
        if not cuts:
            cuts.append(True)
            raise KeyboardInterrupt

    monkeypatch.setattr(hcrmp.train, "save", save_and_cut)
    config = tiny_config(tmp_path, "cut", total_steps=6 * ROLLOUT, checkpoint_every=2 * ROLLOUT)
    with pytest.raises(KeyboardInterrupt):
        train(config, quiet())
    assert_same(whole, train(replace(config, resume=True), quiet()))


def interrupt(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, call: int, times: int = 1) -> list[int]:
    """Send this process Ctrl-C when a method is called for the ``call``-th time; return the calls that ended."""
    method, begun, ended = getattr(owner, name), [0], []

    def interrupted(*arguments: Any) -> Any:
        begun[0] += 1
        if begun[0] == call:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        result = method(*arguments)
        ended.append(begun[0])
        return result

    monkeypatch.setattr(owner, name, interrupted)
    return ended


def interrupted_run(tmp_path: Path, **changes: Any) -> tuple[TrainConfig, str]:
    """Return the configuration of a run that Ctrl-C ended, and what was said."""
    config, said = tiny_config(tmp_path, "cut", total_steps=6 * ROLLOUT, **changes), io.StringIO()
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train(config, Console(file=said))
    assert signal.getsignal(signal.SIGINT) is handler
    return replace(config, resume=True), said.getvalue()


@pytest.mark.parametrize(
    ("owner", "name", "call", "rollouts"),
    [
        (MultiCriticPPO, "_train_epoch", 5, 3),
        (MultiCriticPPO, "_train_epoch", 11, 6),
        (MultiCriticPPO, "_settle_weights", 6, 6),
        (HintedVecEnv, "step_wait", 2 * N_STEPS + 5, 3),
    ],
    ids=["update", "last update", "end of the last rollout", "step"],
)
def test_ctrl_c_ends_a_training_between_two_updates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, call: int, rollouts: int
) -> None:
    whole = tiny_run(tmp_path, "whole", total_steps=6 * ROLLOUT)
    interrupt(monkeypatch, owner, name, call)
    config, said = interrupted_run(tmp_path)
    assert "ends after this update" in said
    assert trained_steps(RunFolder.open(config.run_path).latest_checkpoint) == rollouts * ROLLOUT
    assert_same(whole, train(config, quiet()))


def test_where_the_next_update_is_far_a_training_ends_with_its_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "PATIENCE_S", -math.inf)
    interrupt(monkeypatch, HintedVecEnv, "step_wait", 2 * N_STEPS + 5)
    config, _ = interrupted_run(tmp_path)
    cut = RunFolder.open(config.run_path)
    assert trained_steps(cut.latest_checkpoint) == 2 * ROLLOUT + 5 * WORLDS
    assert trained_steps(train(config, quiet()).latest_checkpoint) >= 6 * ROLLOUT


def test_a_second_ctrl_c_ends_an_update_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = interrupt(monkeypatch, MultiCriticPPO, "_train_epoch", 5, times=2)
    interrupted_run(tmp_path)
    assert ended[-1] == 4


@pytest.mark.parametrize("algo", [SMALL, SMALL_PPO], ids=["hcrmp", "ppo"])
def test_a_training_that_was_cut_off_where_an_episode_had_ended_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, algo: HcrmpOptions | PpoOptions
) -> None:
    """In the middle of a step, where no episode runs in some worlds; what it sees first is its worlds' own present."""
    with monkeypatch.context() as cut_off:
        interrupt(cut_off, HintedVecEnv, "_describe_ends", 1, times=2)
        config, _ = interrupted_run(tmp_path, algo=algo)
    first: list[Any] = []
    step_async = HintedVecEnv.step_async

    def noting(env: HintedVecEnv, actions: Any) -> None:
        if not first:
            first.append(env.observe(env.driving._observation)["state"].copy())
        step_async(env, actions)

    monkeypatch.setattr(HintedVecEnv, "step_async", noting)
    seen: list[Any] = []
    resume = hcrmp.train._resume

    def and_look(folder: RunFolder, model: Any, env: HintedVecEnv, curriculum: Any) -> None:
        resume(folder, model, env, curriculum)
        obs = model._last_obs
        seen.append((obs["state"] if isinstance(obs, dict) else obs).copy())
        assert not env.driving.waiting.any() and (model._last_episode_starts == (env.lengths == 0)).all()
        assert model._last_episode_starts.any()

    monkeypatch.setattr(hcrmp.train, "_resume", and_look)
    folder = train(config, quiet())
    assert (first[0] == seen[0]).all()
    assert trained_steps(folder.latest_checkpoint) >= 6 * ROLLOUT


def test_a_time_limit_ends_a_training_between_two_updates(tmp_path: Path) -> None:
    whole = tiny_run(tmp_path, "whole", total_steps=3 * ROLLOUT)
    cut = tiny_run(tmp_path, "cut", total_steps=3 * ROLLOUT, time_limit_s=1e-6)
    assert trained_steps(cut.latest_checkpoint) == ROLLOUT
    assert_same(whole, tiny_run(tmp_path, "cut", total_steps=3 * ROLLOUT, resume=True))


def test_another_seed_is_another_training(tmp_path: Path) -> None:
    first, second = (parameters(tiny_run(tmp_path, f"seed{seed}", seed=seed)) for seed in (0, 1))
    assert any(not th.equal(first[place], second[place]) for place in first)


def test_a_planner_learns_on_where_another_training_ended(tmp_path: Path) -> None:
    still = replace(SMALL, learning_rate=0.0)
    first = tiny_run(tmp_path, "first", total_steps=ROLLOUT)
    fresh = tiny_run(tmp_path, "fresh", algo=still, seed=5, total_steps=ROLLOUT)
    on = tiny_run(tmp_path, "on", algo=still, seed=5, total_steps=ROLLOUT, start_from=str(first.path))
    networks = [place for place in parameters(first) if place.startswith("/policy/") and "net" in place]
    assert networks
    assert all(th.equal(parameters(on)[place], parameters(first)[place]) for place in networks)
    assert any(not th.equal(parameters(fresh)[place], parameters(first)[place]) for place in networks)


def test_a_planner_that_sees_something_else_is_not_learnt_on_with(tmp_path: Path) -> None:
    first = tiny_run(tmp_path, "first", total_steps=ROLLOUT)
    with pytest.raises(CheckpointError, match="first"):
        tiny_run(
            tmp_path, "on", total_steps=ROLLOUT, start_from=str(first.path), observation=ObservationConfig(rays=12)
        )
    with pytest.raises(RunFolderError, match="nobody"):
        tiny_run(tmp_path, "lost", total_steps=ROLLOUT, start_from="nobody")
