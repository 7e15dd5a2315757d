"""Branches: worlds that repeat a recorded drive up to a moment, each up to its own, and are driven on by another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from envs.recording import DriveLog, Tick
from envs.scene import ActorRow, BoolArray, EgoRow, IntArray
from envs.termination import Outcome
from hcrmp.branch.divergence import Divergence, first_divergence, without_hints
from hcrmp.branch.errors import BranchError
from hcrmp.branch.planners import Successor
from hcrmp.branch.resimulate import recorded_actions, recorder_of
from hcrmp.branch.ticks import TickWriter
from hcrmp.branch.worlds import Origin, worlds_up_to
from hcrmp.drive_recorder import configuration_of
from hcrmp.drivers import Numbers
from hcrmp.hinted_env import HintedVecEnv

Others = Literal["traffic", "replayed"]
"""What the others do from the moment on at which somebody takes over."""


PLACED = 0.01
"""Bodies that were put where a recording has them are there up to this (m, m/s)."""


@dataclass(frozen=True)
class Branch:
    """A drive that is the recorded one up to ``tick``, and ``name``'s from there on, in ``simulator``."""

    name: str
    tick: int
    drive: DriveLog
    simulator: str = "embedded"

    @property
    def start_s(self) -> float:
        """Simulated time at which it begins."""
        return float(self.drive.scenes.time_s[self.tick])


def drive_on(origin: Origin, successor: Successor, ticks: Sequence[int], others: Others = "traffic") -> list[Branch]:
    """Return what ``successor`` makes of the drive from each of ``ticks`` (n,) on: n worlds, stepped together.

    ``others``: they are traffic, or move as recorded to the end of the recording (and are traffic after it).

    It watches the drive from its beginning: hints, frame stacks and its own memory are what they would be had it
    listened and looked all the time.

    Raises:
        BranchError: the simulator does not repeat the recorded past.
    """
    at = np.array(ticks)
    env, observation = worlds_up_to(origin, successor.course, at, replayed=others == "replayed")
    try:
        return _Drive(origin, successor, env, at).run(observation)
    finally:
        env.close()


class _Drive:
    """All worlds of one environment, from the beginning of the drive to the last end."""

    def __init__(self, origin: Origin, successor: Successor, env: HintedVecEnv, ticks: np.ndarray) -> None:
        self._origin, self._successor, self._env, self._ticks = origin, successor, env, ticks
        self._driver = successor.drivers(env)
        self._writer = TickWriter(env)
        self._recorders = [recorder_of(env, origin) for _ in ticks]
        self._outcomes = np.zeros(len(ticks), np.int64)
        # Who drove from the beginning has its own past; anybody else has somebody else's.
        self._relief = None if successor.is_recorded else getattr(self._driver, "relief", None)
        if self._relief is not None:
            self._relief.stand_by(np.arange(len(ticks)))

    def run(self, observation: dict[str, Numbers]) -> list[Branch]:
        """Drive until every world has ended."""
        env, past = self._env, recorded_actions(self._origin.drive)
        self._append(self._writer.ticks(self._driver, observation), self._running)
        step = 0
        while self._running.any():
            repeats = self._running & (step < self._ticks)
            self._relieve(np.flatnonzero(step == self._ticks))
            actions = self._driver.act(observation, env.driving.scene).copy()
            actions[repeats] = past[min(step, len(past) - 1)]
            made = env.advance(actions)
            observation = env.observe(made.observation)
            ticks = self._writer.ticks(self._driver, observation, actions, made.reward_terms)
            self._append(ticks, self._running)
            self._note_ends(made.outcome, made.ended)
            if made.any_ended:
                # A world that is done waits for the longest with another round of its own.
                self._stand_by(np.flatnonzero(made.ended))
                observation = env.restart(made.ended, *self._episode(int(made.ended.sum())))
            step += 1
        return [self._branch(world) for world in range(len(self._ticks))]

    def _relieve(self, rows: IntArray) -> None:
        """Let a driver that has stood by take over in the worlds ``rows``."""
        if self._relief is not None and len(rows):
            self._relief.take_over(rows, self._env.driving.last_command[rows])

    def _stand_by(self, rows: IntArray) -> None:
        if self._relief is not None:
            self._relief.stand_by(rows)

    @property
    def _running(self) -> BoolArray:
        running: BoolArray = self._outcomes == Outcome.RUNNING
        return running

    def _episode(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        episode = self._origin.course.episodes[0]
        return np.full(count, episode.seed), np.full(count, episode.cell)

    def _append(self, ticks: Sequence[Tick], running: BoolArray) -> None:
        for world in np.flatnonzero(running):
            self._recorders[world].append(self._env.driving.scene, int(world), ticks[int(world)])

    def _note_ends(self, outcomes: np.ndarray, ended: BoolArray) -> None:
        new = ended & self._running
        self._outcomes[new] = outcomes[new]

    def _branch(self, world: int) -> Branch:
        tick = int(self._ticks[world])
        drive = self._recorders[world].finish(Outcome(int(self._outcomes[world])).word)
        return branch_of(self._origin, self._successor, drive, tick)


def branch_of(origin: Origin, successor: Successor, drive: DriveLog, tick: int, simulator: str = "embedded") -> Branch:
    """Return ``drive`` as what ``successor`` made of the drive of ``origin`` from ``tick`` on, in ``simulator``.

    Raises:
        BranchError: its past is not the recorded one.
    """
    _require_past(origin, drive, tick)
    return Branch(successor.name, tick, _labelled(drive, origin, successor, tick), simulator)


def _require_past(origin: Origin, drive: DriveLog, tick: int) -> None:
    """Refuse a branch whose past is not the recorded one: it would answer another question."""
    if len(drive) <= tick:
        raise BranchError(
            f"{origin.path.name} cannot be restored: in our simulator it ends at {drive.scenes.time_s[-1]:.1f} s, in "
            f"{drive.meta.outcome}; take over earlier"
        )
    if not origin.repeats:
        _require_places(origin, drive, tick)
        return
    parted = first_divergence(without_hints(origin.drive), drive, tick + 1)
    if parted is not None:
        raise BranchError(
            f"{origin.path.name} cannot be restored: driven again it differs at {parted.time_s:.1f} s in "
            f"{_names(parted)}; hcrmp replay {origin.path} --exact tells more"
        )


def _require_places(origin: Origin, drive: DriveLog, tick: int) -> None:
    """Refuse a branch that does not begin where the recording was: of bodies that were put there, no more is known."""
    recorded, restored = origin.drive.scenes, drive.scenes
    ego = [EgoRow.X, EgoRow.Y, EgoRow.SPEED, EgoRow.LATERAL_SPEED]
    away = np.abs(recorded.ego.block[ego, tick] - restored.ego.block[ego, tick]).max()
    if recorded.actor_slots == restored.actor_slots:
        rows = [ActorRow.VALID, ActorRow.X, ActorRow.Y, ActorRow.VX, ActorRow.VY]
        away = max(away, np.abs(recorded.actors.block[rows, tick] - restored.actors.block[rows, tick]).max())
    if away > PLACED:
        raise BranchError(f"{origin.path.name} cannot be restored: bodies are {away:.2g} (m, m/s) away from the record")


def _names(parted: Divergence) -> str:
    names = [difference.name for difference in parted.differences]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more numbers" if len(names) > 3 else "")


def _labelled(drive: DriveLog, origin: Origin, successor: Successor, tick: int) -> DriveLog:
    """Return the drive with what it is a branch of in its meta."""
    course, meta = successor.course, origin.drive.meta
    told = {"branch_of": origin.path.name, "branch_tick": str(tick),
            "branch_s": f"{float(drive.scenes.time_s[tick]):.1f}", "hints": course.hints.provider}  # fmt: skip
    made = replace(
        drive.meta,
        planner=successor.name,
        cell=course.episodes[0].cell,
        checkpoint="",
        configuration=configuration_of(replace(course.config, hints=course.hints), course.ends_at),
        extra={**meta.extra, **told},
    )
    return replace(drive, meta=made)
