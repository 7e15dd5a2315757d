"""Record drives after they are over: their actions are known, so they are driven again, exactly, and written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from envs.recording import DriveLog, DriveMeta, DriveRecorder, Tick
from envs.roads.drawing import RoadDrawing
from envs.scenarios.catalogue import ScenarioSet
from envs.scene import IntArray
from envs.termination import Outcome
from hcrmp.drivers import Driver, Numbers
from hcrmp.evaluation import Course, Driven
from hcrmp.hinted_env import HintedVecEnv, Observation
from llm_hints.hint import HintBatch, HintSource


def record_drives(
    course: Course, driver: Driver, chosen: Sequence[Driven], commit: str | None = None
) -> list[DriveLog]:
    """Return the ``chosen`` drives of ``driver`` on ``course`` as logs, in their order."""
    if not chosen:
        return []
    env = course.environment(len(chosen))
    try:
        return _record(env, course, driver, chosen, commit or "")
    finally:
        env.close()


def _record(env: HintedVecEnv, course: Course, driver: Driver, chosen: Sequence[Driven], commit: str) -> list[DriveLog]:
    env.reset()
    seeds, cells = (np.array([getattr(one.episode, name) for one in chosen]) for name in ("seed", "cell"))
    observation = env.restart(np.ones(len(chosen), np.bool_), seeds, cells)
    recorders = [_recorder(env, course, driver, one, commit) for one in chosen]
    words = _HintWords(len(chosen))
    _append(env, recorders, _ticks(env, driver, observation, words), np.arange(len(chosen)))
    lengths = np.array([len(one.actions) for one in chosen])
    for step in range(int(lengths.max())):
        actions = np.stack([one.actions[min(step, len(one.actions) - 1)] for one in chosen])
        made = env.advance(actions)
        ticks = _ticks(env, driver, env.observe(made.observation), words, actions, made.reward_terms)
        _append(env, recorders, ticks, np.flatnonzero(step < lengths))
        _check(chosen, np.flatnonzero(step == lengths - 1), made.outcome)
        if made.any_ended:
            # A world that is done waits for the longest drive with another round of its own.
            env.restart(made.ended, seeds[made.ended], cells[made.ended])
    return [recorder.finish(one.record.outcome) for recorder, one in zip(recorders, chosen, strict=True)]


def _recorder(env: HintedVecEnv, course: Course, driver: Driver, one: Driven, commit: str) -> DriveRecorder:
    case = env.driving.scenarios.sample(one.episode.cell, one.episode.seed)
    scenario, density = course.labels[one.episode.cell]
    meta = DriveMeta(
        scenario=scenario,
        density=density,
        seed=one.episode.seed,
        planner=driver.name,
        map_name=Path(case.map_name).stem,
        simulator=course.config.simulator.name,
        commit=commit,
        extra={"hints": course.hints.provider, "episode": str(one.episode.number)},
    )
    return DriveRecorder(meta, _drawing(env, case.map_name))


def _drawing(env: HintedVecEnv, map_name: str) -> RoadDrawing:
    scenarios = env.driving.scenarios
    assert isinstance(scenarios, ScenarioSet)
    return scenarios.maps.drawing(map_name)


def _append(env: HintedVecEnv, recorders: Sequence[DriveRecorder], ticks: Sequence[Tick], rows: IntArray) -> None:
    for world in rows:
        recorders[world].append(env.driving.scene, int(world), ticks[world])


def _ticks(
    env: HintedVecEnv,
    driver: Driver,
    observation: Observation,
    words: _HintWords,
    actions: Numbers | None = None,
    terms: Numbers | None = None,
) -> list[Tick]:
    """Return what is to be told of every world at its present scene."""
    hints, weights, values = env.service.hints, driver.weights(observation), driver.values(observation)
    texts, ages = words.of(hints), hints.age_s(env.driving.scene.time_s)
    nothing = np.zeros((env.num_envs, 3))
    return [
        Tick(
            action=(0.0, 0.0) if actions is None else actions[b],
            control=nothing[b] if actions is None else env.driving.last_control[b],
            reward_terms=nothing[b] if terms is None else terms[b],
            hint_state=hints.state[b],
            weights=None if weights is None else weights[b],
            values=None if values is None else values[b],
            hint_text=texts[b],
            hint_source=HintSource(int(hints.source[b])).name.lower(),
            hint_age_s=float(ages[b]),
        )
        for b in range(env.num_envs)
    ]


@dataclass
class _HintWords:
    """The hints of ``worlds`` worlds in words, worded anew only where one has changed."""

    worlds: int

    def __post_init__(self) -> None:
        self._seen: list[bytes] = [b""] * self.worlds
        self._texts = [""] * self.worlds

    def of(self, hints: HintBatch) -> list[str]:
        """Return the texts of ``hints``."""
        for world in range(self.worlds):
            numbers = hints.state[world].tobytes() + hints.weights[world].tobytes()
            if numbers != self._seen[world]:
                self._seen[world], self._texts[world] = numbers, hints.hint(world).text()
        return list(self._texts)


def _check(chosen: Sequence[Driven], finished: IntArray, outcomes: Any) -> None:
    for world in finished:
        told, found = chosen[world].record.outcome, Outcome(int(outcomes[world])).word
        if found != told:
            raise RuntimeError(
                f"{chosen[world].record.cell} seed {chosen[world].episode.seed} ended in {told}, and driven again in "
                f"{found}: the simulator does not repeat itself, which is a fault of the program"
            )
