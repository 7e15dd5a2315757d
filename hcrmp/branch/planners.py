"""Who may take over: the planner of a run, the drive's own, or a scripted driver."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from hcrmp.branch.errors import BranchError
from hcrmp.branch.worlds import Origin
from hcrmp.bundled import BUNDLED_PLANNER
from hcrmp.course import Course, known_hints, trained_config
from hcrmp.drivers import Driver
from hcrmp.evaluation import make_driver
from hcrmp.hinted_env import HintedVecEnv
from hcrmp.locate import locate_planner
from hcrmp.run_folder import RunFolder
from hcrmp.sections import Driver as DriverName
from hcrmp.sections import HintsConfig
from hcrmp.share.opening import is_shared

SCRIPTED = tuple(name for name in get_args(DriverName) if name not in ("planner", "untrained"))
"""Names of drivers that need no run."""
NAMES = (BUNDLED_PLANNER, *SCRIPTED)


@dataclass(frozen=True)
class Successor:
    """Who takes over, and the ``course`` as it sees it: its own observation and hints, the drive's worlds.

    ``name`` in reports; ``driver`` the kind; ``folder`` of the run whose planner it is.
    """

    name: str
    driver: DriverName
    course: Course
    folder: RunFolder
    is_recorded: bool
    """Whether it is who drove, with the same hints."""
    shared: Path | None = None
    """File or folder of a planner that somebody shared, in place of a run's."""

    def drivers(self, env: HintedVecEnv, deterministic: bool = True) -> Driver:
        """Return the driver of the worlds of ``env``, which are of this course."""
        return make_driver(self.driver, self.course, env, self.folder, deterministic, self.shared)


def successor(word: str, origin: Origin, hints: HintsConfig | None, runs_dir: str) -> Successor:
    """Return whom ``word`` names: a scripted driver, a run's folder or name, a shared planner, "": who drove.

    ``bundled`` is the planner in the box.

    ``hints`` replace those that the planner would hear: the drive's where it drove, else those of its training.

    Raises:
        BranchError: it acts within other limits than the drive did.
        RunFolderError: there is no such run.
    """
    drove = origin.drive.meta.planner
    name = word or drove
    if name == BUNDLED_PLANNER:
        word = name  # it is at hand wherever its drive lies
    if name in SCRIPTED:
        course = _hearing(origin, hints)
        recorded = name == drove and hints is None and "branch_of" not in origin.drive.meta.extra
        return Successor(_label(name, hints), name, course, origin.folder, recorded)  # type: ignore[arg-type]
    own = not word or locate_planner(word, runs_dir).resolve() == origin.folder.path.resolve()
    if own and drove != "planner":
        raise BranchError(f"{origin.path.name} was driven by {drove or 'nobody we know'}: name who takes over, "
                          f"planner=RUN or one of {', '.join(NAMES)}")  # fmt: skip
    path = locate_planner(word, runs_dir)
    if own:
        folder = RunFolder.open(origin.folder.path)
        return Successor(_label(folder.name, hints), "planner", _hearing(origin, hints), folder, hints is None)
    shared = path if is_shared(path) else None
    folder = RunFolder(path) if shared else _run_of(path, word)
    trained = trained_config(folder, shared)
    # Where the recorded bodies are put in their places, no action of the past counts.
    if origin.repeats and trained.action != origin.course.config.action:
        raise BranchError(f"{folder.name} acts within other limits than the drive did (its 'action' section): the "
                          "recorded past cannot be driven in its worlds")  # fmt: skip
    config = replace(
        origin.course.config,
        observation=trained.observation,
        action=trained.action,
        algo=trained.algo,
        seed=trained.seed,
    )
    heard = replace(hints or trained.hints, cache_file="")
    course = replace(origin.course, config=config, hints=heard, memory=known_hints(folder, hints, trained.hints))
    return Successor(
        _label(path.stem if path.is_file() else path.name, hints), "planner", course, folder, False, shared
    )


def _run_of(path: Path, word: str) -> RunFolder:
    """Return the run at ``path``; where there is none, a driver whose name is like ``word`` may have been meant."""
    near = difflib.get_close_matches(word, NAMES, n=1)
    if near and not path.is_dir():
        raise BranchError(f"planner={word} is neither a run nor a scripted driver. Did you mean {near[0]}? "
                          f"Drivers: {', '.join(NAMES)}.")  # fmt: skip
    return RunFolder.open(path)


def _label(name: str, hints: HintsConfig | None) -> str:
    """Return what the successor is called: other hints make it another one."""
    return name if hints is None else f"{name}-hints-{hints.words}"


def _hearing(origin: Origin, hints: HintsConfig | None) -> Course:
    """Return the drive's course with ``hints`` in place of its own, where some are asked for."""
    if hints is None:
        return origin.course
    memory = known_hints(origin.folder, hints, origin.course.config.hints)
    return replace(origin.course, hints=replace(hints, cache_file=""), memory=memory)
