"""``hcrmp train``: a configuration becomes a run folder with a trained planner."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch as th
from rich.console import Console
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm

from envs.errors import EnvsError
from hcrmp.build import build_algorithm, build_curriculum, build_environment
from hcrmp.callbacks import (
    CheckpointCallback,
    CurriculumCallback,
    HintsCallback,
    OutcomeCallback,
    ProgressCallback,
)
from hcrmp.checkpoint import load_checkpoint, load_networks, save_checkpoint
from hcrmp.config import FREE_ON_RESUME
from hcrmp.consoles import stderr_console
from hcrmp.curriculum import Curriculum
from hcrmp.ending import EndCallback
from hcrmp.errors import RunFolderError
from hcrmp.first_use import compilation_note
from hcrmp.hinted_env import FlatObservation, HintedVecEnv
from hcrmp.locate import locate_run
from hcrmp.run_folder import RunFolder, provenance
from hcrmp.scenario_options import scenario_override
from hcrmp.train_config import TrainConfig, load_train, plain_config
from hcrmp.training_recorder import TrainingRecorder
from llm_hints.counters import HintCounters


def run(config: TrainConfig) -> int:
    """Train, with a progress bar; Ctrl-C leaves a loadable checkpoint and returns through KeyboardInterrupt."""
    console = stderr_console()
    folder = train(config, console)
    told = f"trained: {folder.path}\nnext:    hcrmp evaluate run={folder.path} {' '.join(own_words(config))}"
    console.print(told, soft_wrap=True, highlight=False)
    return 0


def own_words(config: TrainConfig) -> list[str]:
    """Return the words with which an evaluation drives what was trained: it drives every family without them."""
    words = [scenario_override(config.scenario.families)]
    words += [f"density={config.density}"] if config.density != "all" else []
    return words + ([f"map={config.map}"] if config.map else [])


def train(config: TrainConfig, console: Console) -> RunFolder:
    """Train the planner of ``config`` and return its run folder."""
    th.set_num_threads(config.torch_threads)
    begun_by = RunFolder.open(locate_run(config.start_from, config.runs_dir)) if config.start_from else None
    # Before the run's folder is made: a map or a network that is wrong leaves none behind.
    env = build_environment(config, config.worlds)
    try:
        curriculum = build_curriculum(config, env)
        tensorboard = RunFolder(config.run_path).tensorboard if config.tensorboard else None
        model = build_algorithm(config, env, tensorboard)
        folder = _open(config)
        if config.resume:
            _resume(folder, model, env, curriculum)
        elif begun_by is not None:
            load_networks(begun_by.latest_checkpoint, model, env.driving.layout.as_dict())
        _learn(config, folder, model, env, curriculum, console)
        tell_of_silence(env.service.counters, console)
    finally:
        env.close()
    return folder


def tell_of_silence(counters: HintCounters, console: Console) -> None:
    """Say so where a model was asked and never answered: the planner has learnt without it."""
    if counters.asked and not counters.answered:
        console.print(
            f"none of {counters.asked:,} questions was answered, {counters.errors:,} of them because the model failed: "
            "this planner has learnt without hints. See that it answers ('hcrmp hints ask'), then train another run",
            style="red", soft_wrap=True, highlight=False,
        )  # fmt: skip


def _open(config: TrainConfig) -> RunFolder:
    if not config.resume:
        hint = f"go on with 'hcrmp train run={config.run} resume=true', choose another run=NAME, or remove it"
        return RunFolder.create(config.run_path, plain_config(config), seed=config.seed, resume_hint=hint)
    folder = RunFolder.open(config.run_path)
    # Through the dataclass: keys that are newer than the run stand at their defaults.
    changed = changes(plain_config(load_train(folder.config())), plain_config(config))
    if changed:
        raise RunFolderError(
            f"{folder.path} was trained with other settings ({', '.join(changed)}): resume with the settings of its "
            "config.yaml, or choose another run=NAME"
        )
    return folder


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return the settings, of those that a resumed training must keep, that are not as before."""
    return [key for key in now if key not in FREE_ON_RESUME and before.get(key) != now[key]]


def _resume(folder: RunFolder, model: BaseAlgorithm, env: HintedVecEnv, curriculum: Curriculum | None) -> None:
    seen = env.reset()
    extra = load_checkpoint(folder.latest_checkpoint, model, layout=env.driving.layout.as_dict())
    if "env" in extra:
        seen = env.set_state(extra["env"])
        ended = env.driving.waiting
        if ended.any():  # it was cut off in the middle of a step
            seen = env.restart(ended)
    if isinstance(model, OffPolicyAlgorithm):
        model.learning_starts += model.num_timesteps  # its replay buffer is empty
    # Not what the model saw last: cut off within a rollout, it is a step behind its worlds.
    view = model.get_env()
    model._last_obs = view.flatten(seen) if isinstance(view, FlatObservation) else seen
    model._last_episode_starts = env.lengths == 0
    if curriculum is not None:
        curriculum.set_state(extra["curriculum"])


def save(folder: RunFolder, model: BaseAlgorithm, env: HintedVecEnv, curriculum: Curriculum | None = None) -> None:
    """Write the checkpoint that training goes on from; without the worlds, where one of them has broken down."""
    extra = {} if curriculum is None else {"curriculum": curriculum.state()}
    try:
        extra["env"] = env.state()
    except EnvsError as lost:
        warnings.warn(f"the checkpoint is written without its worlds, which begin anew on resume: {lost}", stacklevel=2)
    layout, made_by = env.driving.layout.as_dict(), provenance(model.seed or 0)
    save_checkpoint(folder.latest_checkpoint, model, extra, layout, made_by)


def _save_all(
    config: TrainConfig, folder: RunFolder, model: BaseAlgorithm, env: HintedVecEnv, curriculum: Curriculum | None
) -> None:
    """Write the checkpoint, and the hints' memory bank where it has a file."""
    save(folder, model, env, curriculum)
    if config.hints.cache_file and env.service.cache is not None:
        env.service.cache.save(Path(config.hints.cache_file))


def _learn(
    config: TrainConfig,
    folder: RunFolder,
    model: BaseAlgorithm,
    env: HintedVecEnv,
    curriculum: Curriculum | None,
    console: Console,
) -> None:
    remaining = config.total_steps - model.num_timesteps
    if remaining <= 0:
        console.print(f"{folder.path} has its {model.num_timesteps:,} steps already; raise total_steps to go on")
        return
    outcomes = OutcomeCallback(env)
    end = EndCallback(console, config.time_limit_s)
    progress = ProgressCallback(config.total_steps, outcomes, console, config.progress)
    callbacks: list[BaseCallback] = [
        end,
        CheckpointCallback(lambda: _save_all(config, folder, model, env, curriculum), config.checkpoint_every),
        outcomes,
        HintsCallback(env),
        progress,
    ]
    if curriculum is not None:
        weighing = CurriculumCallback(curriculum, env, config.total_steps)
        weighing.apply(model.num_timesteps)  # before the first episodes are drawn
        callbacks.append(weighing)
    if note := compilation_note():
        console.print(note, highlight=False, soft_wrap=True)
    try:
        with _recording(config, folder, model, env), progress, end:
            model.learn(remaining, callback=CallbackList(callbacks), reset_num_timesteps=model.num_timesteps == 0,
                        tb_log_name="train")  # fmt: skip
    finally:
        # Ctrl-C and failures included: what was learnt is kept, and the error goes on its way.
        if model.num_timesteps > 0 and is_finite(model):
            _save_all(config, folder, model, env, curriculum)


def is_finite(model: BaseAlgorithm) -> bool:
    """Whether the networks are worth keeping: those of a training that diverged would replace the good ones."""
    return all(bool(th.isfinite(parameter).all()) for parameter in model.policy.parameters())


@contextmanager
def _recording(config: TrainConfig, folder: RunFolder, model: BaseAlgorithm, env: HintedVecEnv) -> Iterator[None]:
    """Record a sample of the episodes meanwhile."""
    if not config.record:
        yield
        return
    commit = str(folder.provenance().get("commit") or "")
    recorder, failed = TrainingRecorder(env, model, config, folder.drives / "training", commit), True
    try:
        yield
        failed = False
    except KeyboardInterrupt:
        failed = False
        raise
    finally:
        recorder.close(failed=failed)
