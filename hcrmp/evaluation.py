"""Drive a fixed list of episodes and measure each: the same ones for every driver, however many worlds there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from envs.metrics.infraction_log import InfractionLog
from envs.metrics.r157 import Outcome as CarefulOutcome
from envs.metrics.r157_watch import SITUATIONS, R157Watch
from envs.reward import REWARD_TERMS
from envs.scene import BoolArray, IntArray
from envs.termination import EndsAt, Outcome
from hcrmp.build import build_environment
from hcrmp.checkpoint import has_checkpoint, load_checkpoint, read_extra_state
from hcrmp.drivers import Driver, Numbers, PlannerDriver, decide, planner_without_training, scripted_driver
from hcrmp.episode_meter import EpisodeMeter
from hcrmp.episode_record import EpisodeRecord, Verdict
from hcrmp.errors import UserError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.looking_on import NotRecording, Recorder
from hcrmp.memory import read_only_memory
from hcrmp.route_scores import score_route
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.sections import CarlaOptions, Density, HintsConfig, ScenarioConfig, Simulator
from hcrmp.sections import Driver as DriverName
from hcrmp.share.driver import open_planner
from hcrmp.share.opening import shared_config
from hcrmp.train_config import TrainConfig, load_train
from llm_hints.cache import SemanticCache

FIRST_SEED = 2**31
"""Evaluation seeds begin where those of training end (``envs.episodes`` draws below it): no case is in both."""

VERDICTS: dict[CarefulOutcome, Verdict] = {
    CarefulOutcome.NO_CONFLICT: "no_conflict",
    CarefulOutcome.PREVENTABLE: "preventable",
    CarefulOutcome.UNAVOIDABLE: "unavoidable",
}

SEEDS_APART = 100_000
"""Episodes of one evaluation seed in a cell, so that two evaluation seeds share no case."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode to drive: the ``number``-th of a cell. ``cell`` is its index in the environment's scenario set."""

    cell: int
    number: int
    seed: int


@dataclass(frozen=True, slots=True)
class Driven:
    """A driven episode: its measures, and the actions ``(T, 2)`` by which it can be driven again, exactly."""

    episode: Episode
    record: EpisodeRecord
    actions: Numbers


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
        known_hints(folder, config.hints), config.map, config.ending,
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


def known_hints(folder: RunFolder | None, hints: HintsConfig | None) -> dict[str, Any]:
    """Return what the semantic cache of an evaluation holds: the file that ``hints`` name, else the training's."""
    if hints is None or not hints.cache_file:
        return stored_memory(folder)
    return SemanticCache.load(Path(hints.cache_file)).state()


def episode_seed(seed: int, number: int) -> int:
    """Return the seed of the ``number``-th episode of a cell under the evaluation seed ``seed``."""
    return FIRST_SEED + seed * SEEDS_APART + number


def make_driver(
    name: DriverName,
    course: Course,
    env: HintedVecEnv,
    folder: RunFolder | None,
    deterministic: bool = True,
    file: Path | None = None,
) -> Driver:
    """Return the driver of that name for ``env``; ``planner`` is read from the run ``folder``, or from the ``file``."""
    if file is not None:
        return open_planner(file, course, env, deterministic)
    if name not in ("planner", "untrained"):
        return scripted_driver(name, course.config, env)
    model = planner_without_training(course.config, env)
    if name == "planner":
        assert folder is not None
        load_checkpoint(folder.latest_checkpoint, model, layout=env.driving.layout.as_dict())
    return PlannerDriver(name, model, deterministic)


def evaluate_driver(
    env: HintedVecEnv,
    driver: Driver,
    course: Course,
    *,
    planner_seed: int = 0,
    on_end: Callable[[Driven], None] | None = None,
    on_decision: Callable[[], None] | None = None,
    recorder: Recorder | None = None,
) -> list[Driven]:
    """Drive every episode of ``course`` once and return them in its order; ``recorder`` records them as they happen.

    A world whose episode ends takes the next of the list: a driver that crashes early does not drive more episodes.
    """
    plan = _Plan(course.episodes, env.num_envs)
    meter = EpisodeMeter(env.num_envs, env.critics[len(REWARD_TERMS) :])
    log, watch = InfractionLog(env.num_envs), R157Watch(env.num_envs)
    env.reset()
    observation = env.restart(np.ones(env.num_envs, np.bool_), plan.seeds, plan.cells)
    log.start(np.arange(env.num_envs), env.driving.scene)
    _watch_situations(watch, course, plan, np.arange(env.num_envs))
    drives = recorder or NotRecording()
    drives.begin(*plan.under_way(np.ones(env.num_envs, np.bool_)))
    while plan.open:
        if on_decision is not None:
            on_decision()
        actions, told = decide(driver, observation, env.driving.scene, told=recorder is not None)
        drives.tick(observation, told)
        made = env.advance(actions)
        meter.update(env.driving.scene, made.reward_terms)
        log.update(env.driving.scene)
        watch.update(env.driving.scene)
        plan.note(actions)
        observation = env.observe(made.observation)
        drives.advanced(actions, made)
        if made.any_ended:
            drives.last_tick(np.flatnonzero(made.ended & plan.measured), observation)
            for world in np.flatnonzero(made.ended & plan.measured):
                record = _record(env, meter, course, plan.episode(world), int(world), made.outcome, planner_seed,
                                 _verdict(watch, int(world)))  # fmt: skip
                record = score_route(record, log.of(int(world)), env, int(world))
                driven = plan.finish(int(world), record)
                drives.end(int(world), record)
                if on_end is not None:
                    on_end(driven)
            _next_episodes(env, meter, plan, made.ended)
            log.start(np.flatnonzero(made.ended), env.driving.scene)
            _watch_situations(watch, course, plan, np.flatnonzero(made.ended))
            observation = env.observe(made.observation)
            drives.begin(*plan.under_way(made.ended))
    return plan.driven()


def _next_episodes(env: HintedVecEnv, meter: EpisodeMeter, plan: _Plan, ended: BoolArray) -> None:
    rows = np.flatnonzero(ended)
    plan.assign(rows)
    meter.start(rows)
    env.restart(ended, plan.seeds[rows], plan.cells[rows])


def _watch_situations(watch: R157Watch, course: Course, plan: _Plan, rows: IntArray) -> None:
    """Tell what is to be watched in the worlds ``rows``, whose episodes begin."""
    names = [course.labels[int(cell)][0] for cell in plan.cells[rows]]
    watch.start(rows, np.array([SITUATIONS.index(name) if name in SITUATIONS else -1 for name in names]))


def _verdict(watch: R157Watch, world: int) -> Verdict:
    verdict = watch.verdict(world)
    return "" if verdict is None else VERDICTS[verdict]


def _record(
    env: HintedVecEnv,
    meter: EpisodeMeter,
    course: Course,
    episode: Episode,
    world: int,
    outcomes: IntArray,
    planner_seed: int,
    careful_driver: Verdict,
) -> EpisodeRecord:
    counters = env.service.episode_counters(world)
    scenario, density = course.labels[episode.cell]
    return meter.record(
        world,
        scenario=scenario,
        density=density,
        seed=episode.seed,
        outcome=Outcome(int(outcomes[world])).word,  # type: ignore[arg-type]
        planner_seed=planner_seed,
        hints_due=counters.due,
        cache_calls=counters.calls,
        hint_counts=asdict(counters),
        careful_driver=careful_driver,
    )


class _Plan:
    """Which episode each world drives, and what came of those that are over."""

    def __init__(self, episodes: Sequence[Episode], worlds: int) -> None:
        self._episodes = episodes
        self._next = 0
        self._driven: dict[int, Driven] = {}
        self._index = np.zeros(worlds, np.int64)
        self._actions: list[list[Numbers]] = [[] for _ in range(worlds)]
        self.measured = np.zeros(worlds, np.bool_)
        """``(B,)`` worlds that drive an episode of the list; the others have nothing left to do."""
        self.seeds, self.cells = np.zeros(worlds, np.int64), np.zeros(worlds, np.int64)
        self.assign(np.arange(worlds))

    @property
    def open(self) -> bool:
        """Whether episodes are still to be driven."""
        return len(self._driven) < len(self._episodes)

    def episode(self, world: int | np.integer[Any]) -> Episode:
        """Return the episode of a world."""
        return self._episodes[int(self._index[world])]

    def under_way(self, worlds: BoolArray) -> tuple[IntArray, list[Episode]]:
        """Return those of the mask ``worlds`` ``(B,)`` that drive an episode of the list, and the episodes."""
        rows = np.flatnonzero(worlds & self.measured)
        return rows, [self.episode(world) for world in rows]

    def assign(self, rows: IntArray) -> None:
        """Give each of the worlds ``rows`` its next episode."""
        for world in rows:
            self.measured[world] = self._next < len(self._episodes)
            # A batch steps as a whole: a world with nothing left to do drives the last episode again, unmeasured.
            self._index[world] = min(self._next, len(self._episodes) - 1)
            self._next += 1
            self._actions[world] = []
            self.seeds[world], self.cells[world] = self.episode(world).seed, self.episode(world).cell

    def note(self, actions: Numbers) -> None:
        """Keep the actions ``(B, 2)`` of one step."""
        for world in np.flatnonzero(self.measured):
            self._actions[world].append(actions[world].copy())

    def finish(self, world: int, record: EpisodeRecord) -> Driven:
        """Keep the record of the episode that a world has ended, and return all of it."""
        driven = Driven(self.episode(world), record, np.stack(self._actions[world]))
        self._driven[int(self._index[world])] = driven
        return driven

    def driven(self) -> list[Driven]:
        """Return all episodes in the order of the list."""
        return [self._driven[index] for index in range(len(self._episodes))]
