"""The worlds that a recorded drive was driven in, built again from what its file and its run's folder say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from envs.recording import DriveLog
from envs.scenarios.catalogue import FAMILIES, ROUTE
from hcrmp.branch.errors import BranchError
from hcrmp.config import HintsConfig, ScenarioConfig
from hcrmp.evaluation import Course, Episode, known_hints, make_course
from hcrmp.hinted_env import HintedVecEnv, Observation
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.train_config import TrainConfig, load_train


@dataclass(frozen=True)
class Origin:
    """A recorded ``drive``, the file ``path`` that holds it, and where it was driven.

    ``course`` has the drive's episode alone; ``folder`` is the run that it lies in, whose planner may have driven it.
    """

    drive: DriveLog
    path: Path
    course: Course
    folder: RunFolder


def origin_of(path: Path) -> Origin:
    """Read the drive at ``path`` and find out where it was driven.

    Raises:
        DriveLogError: it is no drive.
        BranchError: it comes from a world that cannot be built here.
    """
    drive = DriveLog.read(path)
    folder = RunFolder(path.absolute().parent.parent)
    trained = load_train(folder.config()) if (folder.path / CONFIG_FILE).is_file() else TrainConfig()
    if drive.meta.scenario not in (*FAMILIES, ROUTE):
        raise BranchError(
            f"{path.name} shows {drive.meta.scenario or 'no scenario'!r}, which is none of ours: it can be shown, but "
            "not simulated again"
        )
    hints = _hints_of(drive, trained)
    course = make_course(
        trained,
        ScenarioConfig((drive.meta.scenario,)),  # type: ignore[arg-type]
        drive.meta.density,  # type: ignore[arg-type]
        1,
        hints=hints,
        memory=known_hints(folder, None),
        ends_at="collision" if drive.meta.scenario == ROUTE else "violation",
    )
    episode = Episode(0, int(drive.meta.extra.get("episode", "0")), drive.meta.seed)
    return Origin(drive, path, replace(course, episodes=(episode,)), folder)


def _hints_of(drive: DriveLog, trained: TrainConfig) -> HintsConfig:
    """Return the hints that the drive heard: those of its run, unless its file names another provider."""
    provider = drive.meta.extra.get("hints", trained.hints.provider)
    return trained.hints if provider == trained.hints.provider else replace(trained.hints, provider=provider)  # type: ignore[arg-type]


def worlds_of(course: Course, worlds: int) -> tuple[HintedVecEnv, Observation]:
    """Return ``worlds`` worlds that stand at the beginning of the course's one episode, and what is observed there."""
    env = course.environment(worlds)
    episode = course.episodes[0]
    env.reset()
    everyone = np.ones(env.num_envs, np.bool_)
    seeds, cells = np.full(env.num_envs, episode.seed), np.full(env.num_envs, episode.cell)
    return env, env.restart(everyone, seeds, cells)
