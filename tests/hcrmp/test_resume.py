"""A training that was cut off and resumed ends with the very parameters of one that was not."""

from __future__ import annotations

import io
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch as th
from rich.console import Console

import hcrmp.train
from envs.observation import ObservationConfig
from hcrmp.algorithm import MultiCriticPPO
from hcrmp.baselines import PpoOptions
from hcrmp.checkpoint import PARAMETERS, trained_steps
from hcrmp.checkpoint_files import CheckpointError
from hcrmp.errors import RunFolderError
from hcrmp.run_folder import RunFolder
from hcrmp.sections import HintsConfig
from hcrmp.train import train
from hcrmp.train_config import HcrmpOptions
from llm_hints.providers.faulty import FaultConfig
from tests.hcrmp.tiny import ROLLOUT, SMALL, SMALL_PPO, quiet, tiny_config, tiny_run

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


def interrupt_update(monkeypatch: pytest.MonkeyPatch, number: int, times: int = 1) -> list[int]:
    """Send this process Ctrl-C within its ``number``-th update; return the passes that were ended."""
    train_epoch, ended = MultiCriticPPO._train_epoch, []

    def interrupted(model: MultiCriticPPO, *arguments: Any) -> bool:
        if model._n_updates == number * model.n_epochs:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        finished = train_epoch(model, *arguments)
        ended.append(model._n_updates)
        return finished

    monkeypatch.setattr(MultiCriticPPO, "_train_epoch", interrupted)
    return ended


@pytest.mark.parametrize("number", [2, 5], ids=["within", "last"])
def test_an_update_that_ctrl_c_finds_under_way_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    whole = tiny_run(tmp_path, "whole", total_steps=6 * ROLLOUT)
    handler = signal.getsignal(signal.SIGINT)
    interrupt_update(monkeypatch, number)
    config, said = tiny_config(tmp_path, "cut", total_steps=6 * ROLLOUT), io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        train(config, Console(file=said))
    assert "this update is finished first" in said.getvalue() and signal.getsignal(signal.SIGINT) is handler
    cut = RunFolder.open(tmp_path / "cut")
    assert trained_steps(cut.latest_checkpoint) == (number + 1) * ROLLOUT
    assert_same(whole, train(replace(config, resume=True), quiet()))


def test_a_second_ctrl_c_ends_an_update_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler, ended = signal.getsignal(signal.SIGINT), interrupt_update(monkeypatch, 2, times=2)
    with pytest.raises(KeyboardInterrupt):
        tiny_run(tmp_path, total_steps=6 * ROLLOUT)
    assert ended[-1] == 2 * SMALL.n_epochs - 1 and signal.getsignal(signal.SIGINT) is handler


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
