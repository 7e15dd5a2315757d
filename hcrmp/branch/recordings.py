"""Drives that were recorded elsewhere: what they are as drives of ours, and the worlds to drive them on in."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from envs.driving_env import DrivingConfig, DrivingVectorEnv
from envs.embedded.simulator import EmbeddedConfig, EmbeddedSimulator
from envs.recording import DriveLog, PlannerTrace
from envs.recording.recorded_case import a_slot_each, at_decisions, case_of
from envs.scenarios.maps import MapLibrary, is_own_map
from envs.scenarios.scenario import ConcreteScenario
from envs.scene import IntArray
from envs.simulator import DECISION_PERIOD_S
from hcrmp.branch.errors import BranchError
from hcrmp.build import build_service
from hcrmp.evaluation import Course, Episode
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.train_config import TrainConfig


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
        config = TrainConfig()
        recording = OneCase(case_of(drive.scenes, maps, name), maps)
        labels = (("recording", ""),)
        return cls(config, config.hints, (Episode(0, 0, 0),), labels, {}, "collision", recording=recording)

    def environment(self, worlds: int) -> HintedVecEnv:
        """Return ``worlds`` worlds of the recording's case."""
        config, maps = self.config, self.recording.maps
        slots = EmbeddedConfig(actors=self.recording.case.agents.shape[1])
        driving = DrivingVectorEnv(
            EmbeddedSimulator(worlds, maps, slots),
            self.recording,
            [0],
            DrivingConfig(config.action, config.observation, config.reward, self.ends_at),
        )
        return HintedVecEnv(driving, build_service(self.hints, worlds, config.seed))


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
        if isinstance(values, tuple):
            chosen[item.name] = tuple(values[tick] for tick in ticks.tolist())
        else:
            chosen[item.name] = None if values is None else values[ticks]
    return PlannerTrace(**chosen)
