"""Drives that were recorded elsewhere: what they are as drives of ours, and the worlds to drive them on in."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from envs.carla_backend.config import first_servers
from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.recording import DriveLog, PlannerTrace
from envs.recording.recorded_case import a_slot_each, at_decisions, case_of
from envs.recording.recorded_worlds import RecordedWorlds
from envs.scenarios.maps import MapLibrary, is_own_map
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import ActorRow, ActorStates, IntArray, SceneBatch, SignalState
from envs.simulator import DECISION_PERIOD_S, Simulator
from hcrmp.branch.errors import BranchError
from hcrmp.build import build_service
from hcrmp.course import Course, Episode
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.sections import CarlaOptions
from hcrmp.train_config import TrainConfig

PHASES_TRIED = 64
"""Seeds that are tried for the clocks of the lights (ours)."""


@dataclass(frozen=True)
class OneCase:
    """A set of scenarios with one case, whatever the seed; ``maps`` holds its map."""

    case: ConcreteScenario
    maps: MapLibrary

    def sample(self, cell: int, seed: int) -> ConcreteScenario:
        """Return the case, in the world of ``seed``: the clocks of its signals follow from that."""
        return replace(self.case, world_seed=seed)


@dataclass(frozen=True)
class RecordingCourse(Course):
    """The course of a drive that was recorded elsewhere: ``recording`` is its one case."""

    recording: OneCase = field(kw_only=True)
    signals_agree: float | None = field(kw_only=True)
    """Share of the recorded states of the ego's lights that ours show at the same time; None: it met no light."""

    @classmethod
    def of(cls, drive: DriveLog, path: Path, map_name: str) -> RecordingCourse:
        """Return the course of a drive (``as_our_drive``) from the file ``path``, on ``map_name`` or its own map."""
        name = map_name or drive.meta.map_name
        if not name or not is_own_map(name):
            raise BranchError(
                f"{path.name} was recorded on {name or 'no map that it names'!r}, which is not known here: it can be "
                "shown, and driven on with map=FILE.xodr"
            )
        maps = MapLibrary([name])
        config, labels = TrainConfig(), (("recording", ""),)
        recording = OneCase(case_of(drive.scenes, maps, name), maps)
        seed, agree = best_phases(drive.scenes, recording)
        return cls(
            config, config.hints, (Episode(0, 0, seed),), labels, {}, "collision",
            recording=recording, signals_agree=agree,
        )  # fmt: skip

    def environment(self, worlds: int) -> HintedVecEnv:
        """Return ``worlds`` embedded worlds of the recording's case."""
        return self._around(EmbeddedSimulator(worlds, self.recording.maps, self._slots))

    def on_carla(self, servers: CarlaOptions) -> HintedVecEnv:
        """Return the world of the first of ``servers``."""
        # Imported here: who has no server needs none of it.
        from envs.carla_backend.farm import CarlaFarm

        return self._around(CarlaFarm(self.recording.maps, self._slots, first_servers(servers, 1)))

    @property
    def _slots(self) -> EmbeddedConfig:
        return EmbeddedConfig(actors=self.recording.case.agents.shape[1])

    def _around(self, simulator: Simulator) -> HintedVecEnv:
        config = self.config
        settings = DrivingConfig(config.action, config.observation, config.reward, self.ends_at)
        driving = DrivingVectorEnv(simulator, self.recording, [0], settings)
        return HintedVecEnv(driving, build_service(self.hints, simulator.batch_size, config.seed))


def best_phases(scenes: SceneBatch, recording: OneCase) -> tuple[int, float | None]:
    """Return the seed whose lights show most of what was recorded at the ego's, and which share; None: it met none.

    A recording does not tell of the clocks of lights: ours are tried with ``PHASES_TRIED`` seeds.
    """
    known = scenes.road.signal != int(SignalState.NONE)
    if not known.any():
        return 0, None
    case, count = recording.case, PHASES_TRIED
    alone = replace(case, agents=case.agents[:, :0], bodies=case.bodies[:, :0], scripts=case.scripts[:0])
    empty = replace(scenes, actors=ActorStates(np.zeros((len(ActorRow), scenes.batch_size, 1))))
    always = np.full(count, scenes.batch_size - 1)
    worlds = RecordedWorlds(count, recording.maps, EmbeddedConfig(actors=1), empty, always, always)
    worlds.reset([replace(alone, world_seed=seed) for seed in range(count)])
    agrees = np.zeros(count)
    for tick in range(1, scenes.batch_size):
        shown = worlds.step(np.zeros((count, 3))).road.signal
        agrees += known[tick] & (shown == scenes.road.signal[tick])
    best = int(agrees.argmax())
    return best, float(agrees[best] / max(known[1:].sum(), 1))


def as_our_drive(drive: DriveLog, path: Path) -> DriveLog:
    """Return a recording at our decisions, up to its first collision, with every road user in a slot of its own.

    Raises:
        BranchError: it is too short.
    """
    ticks = at_decisions(drive.scenes, drive.meta.decision_period_s)
    hits = np.flatnonzero(drive.scenes.events.collision[ticks])
    if len(hits):
        ticks = ticks[: int(hits[0]) + 1]
    if len(ticks) < 3:
        raise BranchError(f"{path.name} has {len(ticks)} ticks before it ends: there is nothing to branch from")
    outcome = "collision" if len(hits) else drive.meta.outcome
    meta = replace(drive.meta, decision_period_s=DECISION_PERIOD_S, outcome=outcome)
    trace = _at(drive.trace, ticks)
    return replace(drive, meta=meta, scenes=a_slot_each(drive.scenes.rows(ticks)), trace=trace, state_hash=None)


def _at(trace: PlannerTrace, ticks: IntArray) -> PlannerTrace:
    """Return what a planner's trace tells at ``ticks``."""
    chosen: dict[str, Any] = {}
    for item in fields(trace):
        values = getattr(trace, item.name)
        if item.name == "more_critics":
            chosen[item.name] = values
        elif isinstance(values, tuple):
            chosen[item.name] = tuple(values[tick] for tick in ticks.tolist())
        else:
            chosen[item.name] = None if values is None else values[ticks]
    return PlannerTrace(**chosen)
