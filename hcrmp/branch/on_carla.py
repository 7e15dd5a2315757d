"""Branches on a CARLA server: the past runs here, and its last moment is put onto the server, velocities included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envs.termination import Outcome
from hcrmp.branch.drive_on import Branch, branch_of
from hcrmp.branch.errors import BranchError
from hcrmp.branch.planners import Successor
from hcrmp.branch.recordings import RecordingCourse
from hcrmp.branch.resimulate import recorded_actions, recorder_of
from hcrmp.branch.ticks import TickWriter
from hcrmp.branch.worlds import Origin, worlds_up_to
from hcrmp.drivers import Driver
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.sections import CarlaOptions


def drive_on_carla(
    origin: Origin, successor: Successor, ticks: Sequence[int], servers: CarlaOptions, others: str = "traffic"
) -> list[Branch]:
    """Return what ``successor`` makes of the drive from each of ``ticks`` on, on the first of ``servers``.

    One after the other: a server has one world.

    Raises:
        BranchError: the past does not come out as recorded, or the others are to be ``replayed``.
        CarlaError: the server fails.
    """
    if others == "replayed":
        raise BranchError("others=replayed moves them in the embedded simulator alone: leave simulator=carla out")
    course = successor.course
    if isinstance(course, RecordingCourse):
        env = course.on_carla(servers)
    else:
        env = replace(course, config=replace(course.config, simulator=servers)).environment(1)
    try:
        driver = successor.drivers(env)
        return [_OneBranch(origin, successor, env, driver, tick).run() for tick in ticks]
    finally:
        env.close()


@dataclass
class _OneBranch:
    """One branch: ``env`` is the server's world, ``driver`` takes over at ``tick``."""

    origin: Origin
    successor: Successor
    env: HintedVecEnv
    driver: Driver
    tick: int

    def run(self) -> Branch:
        """Drive until the episode ends."""
        here, observation = worlds_up_to(self.origin, self.successor.course, np.array([self.tick]))
        try:
            self._recorder = recorder_of(here, self.origin)
            self._repeat(here, observation)
            state = here.state()
        finally:
            here.close()
        outcome = self._drive(self.env.set_state(as_farm_state(state)))
        drive = self._recorder.finish(outcome.word)
        drive = replace(drive, meta=replace(drive.meta, simulator="carla"))
        return branch_of(self.origin, self.successor, drive, self.tick, "carla")

    def _repeat(self, here: HintedVecEnv, observation: Observation) -> None:
        """Drive the recorded past in the embedded world ``here``, which whoever takes over watches."""
        writer = TickWriter(here)
        self._recorder.append(here.driving.scene, 0, writer.ticks(self.driver, observation)[0])
        for action in recorded_actions(self.origin.drive)[: self.tick, None]:
            self.driver.act(observation, here.driving.scene)
            made = here.advance(action)
            observation = here.observe(made.observation)
            told = writer.ticks(self.driver, observation, action, made.reward_terms)[0]
            self._recorder.append(here.driving.scene, 0, told)
            if made.any_ended:
                raise BranchError(
                    f"{self.origin.path.name} cannot be restored: in our simulator it ends at "
                    f"{here.driving.scene.time_s[0]:.1f} s, in {Outcome(int(made.outcome[0])).word}; take over earlier"
                )

    def _drive(self, observation: Observation) -> Outcome:
        """Drive on in the server's world; return how it ends."""
        env, writer = self.env, TickWriter(self.env)
        while True:
            action = self.driver.act(observation, env.driving.scene)
            made = env.advance(action)
            observation = env.observe(made.observation)
            told = writer.ticks(self.driver, observation, action, made.reward_terms)[0]
            self._recorder.append(env.driving.scene, 0, told)
            if made.any_ended:
                return Outcome(int(made.outcome[0]))


def as_farm_state(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of one embedded world as that of a farm of one server, all of whose traffic the brain drives."""
    world = state["driving"]["simulator"] | {"ambient": np.zeros(0, np.int64)}
    return {**state, "driving": {**state["driving"], "simulator": {"0": world}}}
