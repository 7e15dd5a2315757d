"""What is to be driven: the episodes, and the worlds in which they happen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envs.termination import EndsAt
from hcrmp.build import build_environment
from hcrmp.checkpoint import has_checkpoint, read_extra_state
from hcrmp.errors import UserError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.memory import read_only_memory
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.sections import CarlaOptions, Density, HintsConfig, ScenarioConfig, Simulator
from hcrmp.share.opening import shared_config
from hcrmp.train_config import TrainConfig, load_train
from llm_hints.cache import SemanticCache

FIRST_SEED = 2**31
"""Evaluation seeds begin where those of training end (``envs.episodes`` draws below it): no case is in both."""

SEEDS_APART = 100_000
"""Episodes of one evaluation seed in a cell, so that two evaluation seeds share no case."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode to drive: the ``number``-th of a cell. ``cell`` is its index in the environment's scenario set."""

    cell: int
    number: int
    seed: int


@dataclass(frozen=True)
class Course:
    """What every driver of an evaluation meets: the worlds, their hints, the episodes. ``make_course`` makes one."""

    config: TrainConfig
    hints: HintsConfig
    episodes: tuple[Episode, ...]
    labels: tuple[tuple[str, str], ...]
    """(scenario, density) of each cell."""
    memory: dict[str, Any] = field(default_factory=dict)
    """What the semantic cache holds from training."""
    ends_at: EndsAt = "violation"
    """What ends an episode early."""

    def environment(self, worlds: int) -> HintedVecEnv:
        """Return ``worlds`` worlds of this course."""
        env = build_environment(self.config, worlds, self.hints, self.ends_at)
        if self.hints.service.cache:
            env.service.cache = read_only_memory(self.hints.cache, self.memory)
        return env


def make_course(
    trained: TrainConfig,
    scenario: ScenarioConfig,
    density: Density,
    episodes: int,
    seed: int = 0,
    hints: HintsConfig | None = None,
    memory: dict[str, Any] | None = None,
    map_name: str = "",
    ends_at: EndsAt = "violation",
) -> Course:
    """Return ``episodes`` episodes of every cell, in worlds like those of a training but for what is given here.

    ``memory`` is what the training's semantic cache held at its end (``stored_memory``); none: it is empty.
    ``map_name`` of the routes; "": the training's.
    """
    from envs.scenarios.catalogue import ROUTE, templates

    map_name = map_name or (trained.map if ROUTE in scenario.families else "")
    config = replace(trained, scenario=scenario, density=density, map=map_name)
    scenarios = templates(scenario.families, density, map_name)
    listed = [Episode(cell, k, episode_seed(seed, k)) for cell in range(len(scenarios)) for k in range(episodes)]
    labels = tuple((scenario.name, scenario.density) for scenario in scenarios)
    # The bank is ``memory``: a file that a training shares with others may hold more by now.
    hints = replace(hints or trained.hints, cache_file="")
    return Course(config, hints, tuple(listed), labels, memory or {}, ends_at)


def trained_config(folder: RunFolder | None, file: Path | None = None) -> TrainConfig:
    """Return the configuration of the planner in the run ``folder`` or the ``file``; the usual one where neither is."""
    if file is not None:
        return shared_config(file)
    if folder is None or not (folder.path / CONFIG_FILE).is_file():
        return TrainConfig()
    return load_train(folder.config())


def course_of(config: EvaluateConfig, folder: RunFolder | None, file: Path | None = None) -> Course:
    """Return the course that ``config`` lays out for the planner of the run in ``folder``, or for one without a run.

    ``file`` is where a planner lies that was shared without its run.
    """
    # What was trained on does not leak into what is measured: ranges are those that are asked for here.
    trained = replace(trained_config(folder, file), randomise=config.randomise)
    if config.simulator is not None:
        trained = replace(trained, simulator=config.simulator)
    if config.driver == "autopilot":
        trained = replace(trained, simulator=_with_autopilot(trained.simulator))
    return make_course(
        trained, config.scenario, config.density, config.episodes, config.seed, config.hints,
        known_hints(folder, config.hints, trained.hints), config.map, config.ending,
    )  # fmt: skip


def _with_autopilot(simulator: Simulator) -> CarlaOptions:
    """Return the servers, with CARLA's own driver in the ego."""
    if not isinstance(simulator, CarlaOptions):
        raise UserError("driver=autopilot is CARLA's own: use simulator=carla, or another driver, as law_abiding")
    return replace(simulator, server=replace(simulator.server, autopilot=True))


def stored_memory(folder: RunFolder | None) -> dict[str, Any]:
    """Return what the semantic cache of a training held at its last checkpoint; empty where there is none."""
    if folder is None or not has_checkpoint(folder.latest_checkpoint):
        return {}
    env_state = read_extra_state(folder.latest_checkpoint).get("env", {})
    memory: dict[str, Any] = env_state.get("service", {}).get("cache", {})
    return memory


def known_hints(folder: RunFolder | None, hints: HintsConfig | None, trained: HintsConfig) -> dict[str, Any]:
    """Return what the semantic cache of an evaluation holds: the file that ``hints`` name, else the training's.

    Nothing, where another model than that of the training is asked about what the cache does not know alone: the
    training's model would be measured in its place.
    """
    if hints is not None and hints.cache_file:
        return SemanticCache.load(Path(hints.cache_file)).state()
    if hints is not None and hints.service.policy == "cache_first" and hints.words != trained.words:
        return {}
    return stored_memory(folder)


def episode_seed(seed: int, number: int) -> int:
    """Return the seed of the ``number``-th episode of a cell under the evaluation seed ``seed``."""
    return FIRST_SEED + seed * SEEDS_APART + number
