"""A recorded drive simulated again from its actions: the same worlds, the same hints, and a recorder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.recording import DriveLog, DriveRecorder
from envs.roads.drawing import RoadDrawing
from envs.termination import Outcome
from hcrmp.branch.ticks import TickWriter
from hcrmp.branch.worlds import Origin, worlds_of
from hcrmp.drivers import Numbers, ScriptedDriver
from hcrmp.hinted_env import HintedVecEnv


def resimulate(origin: Origin) -> DriveLog:
    """Return the drive as it comes out of its recorded actions.

    It ends where an episode ends now, or where the recorded one has no more actions ("running").
    """
    env, observation = worlds_of(origin.course, 1)
    try:
        nobody = ScriptedDriver(origin.drive.meta.planner, lambda scene: np.zeros((1, 2)))
        recorder = recorder_of(env, origin)
        writer = TickWriter(env)
        recorder.append(env.driving.scene, 0, writer.ticks(nobody, observation)[0])
        for action in recorded_actions(origin.drive)[:, None]:
            made = env.advance(action)
            ticks = writer.ticks(nobody, env.observe(made.observation), action, made.reward_terms)
            recorder.append(env.driving.scene, 0, ticks[0])
            if made.any_ended:
                return recorder.finish(Outcome(int(made.outcome[0])).word)
        return recorder.finish(Outcome.RUNNING.word)
    finally:
        env.close()


def recorded_actions(drive: DriveLog) -> Numbers:
    """Return the actions ``(T - 1, 2)``: the k-th was taken at tick k and led to tick k + 1."""
    return drive.trace.action[1:]


def recorder_of(env: HintedVecEnv, origin: Origin) -> DriveRecorder:
    """Return a recorder of a world that begins as the drive of ``origin`` does."""
    episode = origin.course.episodes[0]
    case = env.driving.scenarios.sample(episode.cell, episode.seed)
    meta = replace(origin.drive.meta, map_name=Path(case.map_name).stem)
    return DriveRecorder(meta, drawing_of(env, case.map_name))


def drawing_of(env: HintedVecEnv, map_name: str) -> RoadDrawing:
    """Return what is drawn of a map."""
    drawing: RoadDrawing = env.driving.simulator.maps.drawing(map_name)  # type: ignore[attr-defined]
    return drawing
