"""Tiny trainings for the tests of the jobs: few worlds, small networks, one cell."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from hcrmp.baselines import PpoOptions
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.policy import PolicyConfig
from hcrmp.run_folder import RunFolder
from hcrmp.sections import ScenarioConfig
from hcrmp.train import train
from hcrmp.train_config import HcrmpOptions, TrainConfig
from llm_hints.providers.faulty import FaultConfig

MERGING = ScenarioConfig(("merging",))
WORLDS, N_STEPS = 4, 16
ROLLOUT = WORLDS * N_STEPS
SMALL = HcrmpOptions(
    n_steps=N_STEPS, batch_size=32, n_epochs=2, policy=PolicyConfig(actor_layers=(16,), critic_layers=(16,))
)
SMALL_PPO = PpoOptions(n_steps=N_STEPS, batch_size=32, n_epochs=2, net_arch=(16,))


def all_of(fault: str) -> FaultConfig:
    """Return the setting in which every answer has the one ``fault``."""
    rates: dict[str, Any] = {fault: 1.0}
    return FaultConfig(**rates)


def quiet() -> Console:
    return Console(quiet=True)


def tiny_config(runs_dir: Path, run: str = "tiny", **changes: Any) -> TrainConfig:
    """Return a training of two rollouts in merging at low density."""
    config = TrainConfig(
        run=run,
        runs_dir=str(runs_dir),
        density="low",
        total_steps=2 * ROLLOUT,
        worlds=WORLDS,
        tensorboard=False,
        progress=False,
        scenario=MERGING,
        algo=SMALL,
    )
    return replace(config, **changes)


def tiny_run(runs_dir: Path, run: str = "tiny", **changes: Any) -> RunFolder:
    """Return the run of a tiny training."""
    return train(tiny_config(runs_dir, run, **changes), quiet())


def evaluate_config(folder: RunFolder, **changes: Any) -> EvaluateConfig:
    """Return an evaluation of two episodes in merging at low density."""
    config = EvaluateConfig(
        run=str(folder.path), density="low", episodes=2, worlds=2, record=1, progress=False, scenario=MERGING
    )
    return replace(config, **changes)
