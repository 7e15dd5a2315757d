"""Drive a fixed list of episodes and measure each: the same ones for every driver, however many worlds there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from envs.metrics.infraction_log import InfractionLog
from envs.metrics.r157 import Outcome as CarefulOutcome
from envs.metrics.r157_watch import SITUATIONS, R157Watch
from envs.reward import REWARD_TERMS
from envs.scene import BoolArray, IntArray
from envs.termination import Outcome
from hcrmp.checkpoint import load_checkpoint
from hcrmp.course import Course, Episode
from hcrmp.drivers import Driver, PlannerDriver, decide, planner_without_training, scripted_driver
from hcrmp.episode_meter import EpisodeMeter
from hcrmp.episode_plan import Driven, EpisodePlan
from hcrmp.episode_record import EpisodeRecord, Verdict
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.looking_on import NotRecording, Recorder
from hcrmp.route_scores import score_route
from hcrmp.run_folder import RunFolder
from hcrmp.sections import Driver as DriverName
from hcrmp.share.driver import open_planner

VERDICTS: dict[CarefulOutcome, Verdict] = {
    CarefulOutcome.NO_CONFLICT: "no_conflict",
    CarefulOutcome.PREVENTABLE: "preventable",
    CarefulOutcome.UNAVOIDABLE: "unavoidable",
}


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
    plan = EpisodePlan(course.episodes, env.num_envs)
    meter = EpisodeMeter(env.num_envs, env.critics[len(REWARD_TERMS) :])
    log, watch = InfractionLog(env.num_envs), R157Watch(env.num_envs)
    env.driving.reset()  # the hints of these scenes would be asked for and enter the cache
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


def _next_episodes(env: HintedVecEnv, meter: EpisodeMeter, plan: EpisodePlan, ended: BoolArray) -> None:
    rows = np.flatnonzero(ended)
    plan.assign(rows)
    meter.start(rows)
    env.restart(ended, plan.seeds[rows], plan.cells[rows])


def _watch_situations(watch: R157Watch, course: Course, plan: EpisodePlan, rows: IntArray) -> None:
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
