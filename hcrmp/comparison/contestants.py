"""Whom an evaluation compares: trained runs, drivers that do not learn, and planners in files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from hcrmp.bundled import BUNDLED_PLANNER
from hcrmp.comparison.protocol import Protocol
from hcrmp.course import trained_config
from hcrmp.errors import UserError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.locate import locate_planner, locate_run
from hcrmp.mapping import unknown
from hcrmp.robustness.planners import Planner, find_planners, group
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.sections import Driver as DriverName
from hcrmp.share.document import DOCUMENT_FILE, ONNX_FILE, WEIGHTS_FILE
from hcrmp.share.opening import is_shared

Kind = Literal["run", "driver", "file"]
PLANNER_FILES = (DOCUMENT_FILE, WEIGHTS_FILE, ONNX_FILE)
"""Files of a shared planner's folder that decide how it drives."""

DRIVERS: tuple[str, ...] = tuple(name for name in get_args(DriverName) if name != "planner")
NAMES = (BUNDLED_PLANNER, *DRIVERS)
"""Words that mean a planner by themselves, before any run of that name."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One that drives: ``planner`` is its method, the row in tables; ``name`` its own, of the run, driver or file.

    ``path`` of the run's folder or the file, "" for a driver, and for a run that drove elsewhere; ``planner_seed`` its
    training seed; ``checksum`` of what decides how it drives; ``unfinished`` what is missing in its training, in words.
    """

    planner: str
    name: str
    kind: Kind
    path: str = ""
    planner_seed: int = 0
    checksum: str = ""
    unfinished: str = ""


def find_contestants(config: EvaluateConfig, protocol: Protocol) -> list[Contestant]:
    """Return all that ``config.planners`` name, in the order in which their methods are first named.

    Where it names none, the one that ``run`` and ``driver`` mean.

    Raises:
        UserError: a name means nothing, two mean the same, or a method lacks a training seed of the protocol.
    """
    if not config.planners:
        found_one = the_one(config)
        _check_simulator([found_one.planner], protocol.simulator)
        return [found_one]
    if config.run:
        RunFolder.open(config.run_path)  # which says what is wrong with it
    found: dict[str, list[Contestant]] = {}
    runs = [word for word in config.planners if kind_of(word, config.runs_dir) == "run"]
    trained = _trained(runs, config.runs_dir)
    _check_train_seeds(trained, protocol)
    for word in config.planners:
        for one in _named(word, config, trained):
            members = found.setdefault(one.planner, [])
            if one not in members:
                members.append(one)
    _check_names(found)
    _check_simulator(found, protocol.simulator)
    return [one for members in found.values() for one in members]


def kind_of(word: str, runs_dir: str) -> Kind:
    """Return what a word among the planners means: a driver's name before a run's, a run's before a file's.

    The planner in the box is one of the files.
    """
    if word in DRIVERS:
        return "driver"
    if word == BUNDLED_PLANNER:
        return "file"
    if "*" in word or (locate_run(word, runs_dir) / CONFIG_FILE).is_file():
        return "run"
    if Path(word).exists():
        return "file"
    if Path(word).name != word:
        raise UserError(f"no planner at {word}: give a run's folder, a planner's file, or one of {', '.join(NAMES)}")
    folder = Path(runs_dir)
    names = [entry.name for entry in folder.iterdir() if (entry / CONFIG_FILE).is_file()] if folder.is_dir() else []
    raise UserError(f"{unknown('planner', word, [*NAMES, *sorted(names)])} Runs are looked for in {runs_dir}.")


def _trained(runs: Sequence[str], runs_dir: str) -> dict[str, list[Planner]]:
    """Return the trained planners by their method."""
    return group(find_planners(runs, runs_dir), over_training=False) if runs else {}


def _named(word: str, config: EvaluateConfig, trained: dict[str, list[Planner]]) -> Iterator[Contestant]:
    kind = kind_of(word, config.runs_dir)
    if kind == "driver":
        yield Contestant(word, word, "driver", checksum=word)
    elif kind == "file":
        yield contestant_of_file(locate_planner(word, config.runs_dir))
    else:
        meant = {one.folder.path for one in find_planners([word], config.runs_dir)}
        for method, members in trained.items():
            # The runs of one method stay together, whichever of them is named first.
            if any(one.folder.path in meant for one in members):
                yield from (_contestant(method, one) for one in members)


def _contestant(method: str, planner: Planner) -> Contestant:
    folder = planner.folder
    checksum = _with_own_code(planner)
    return Contestant(method, folder.name, "run", str(folder.path), planner.config.seed, checksum, planner.unfinished)


def _with_own_code(planner: Planner) -> str:
    """Return the checksum of a run's parameters, and of the files of the user's own code that it sees and earns by."""
    config = planner.config
    named = [*config.observation.extra_blocks.values(), *(one.function for one in config.reward.extra_terms.values())]
    files = sorted({where for where, _, _ in (code.rpartition(":") for code in named) if Path(where).is_file()})
    contents = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files]
    return " ".join([planner.checksum, *contents])


def the_one(config: EvaluateConfig) -> Contestant:
    """Return whom ``run`` and ``driver`` mean; a driver that does not learn has the seed of the run beside it."""
    folder, file = worlds_of(config)
    if config.driver != "planner":
        seed = trained_config(folder, file).seed
        return Contestant(config.driver, config.driver, "driver", planner_seed=seed, checksum=config.driver)
    if file is not None:
        return replace(contestant_of_file(file), planner_seed=trained_config(None, file).seed)
    ((method, (planner,)),) = group(find_planners([str(config.run_path)], ""), over_training=False).items()
    return _contestant(method, planner)


def worlds_of(config: EvaluateConfig) -> tuple[RunFolder | None, Path | None]:
    """Return the run, or the file of a shared planner, that ``run=`` names: its worlds are met by who has none."""
    if not config.run:
        return None, None
    return (None, config.run_path) if is_shared(config.run_path) else (RunFolder(config.run_path), None)


def contestant_of_file(path: Path) -> Contestant:
    """Return a planner that was shared without its run."""
    return Contestant(path.stem, path.name, "file", str(path.absolute()), checksum=_checksum(path))


def _checksum(path: Path) -> str:
    """Return the sha256 of a planner's file, or of those of its folder, with their names."""
    digest = hashlib.sha256()
    # Not of all that is there: what was measured of it may lie beside it.
    for part in [path / name for name in PLANNER_FILES] if path.is_dir() else [path]:
        if part.is_file():
            digest.update(part.name.encode() + b"\0" + hashlib.sha256(part.read_bytes()).digest())
    return digest.hexdigest()


def _check_train_seeds(trained: dict[str, list[Planner]], protocol: Protocol) -> None:
    """Refuse a method with other training seeds than the protocol's: the best of many is no sample."""
    wanted = set(protocol.train_seeds)
    for method, members in trained.items():
        seeds = {one.config.seed for one in members}
        if wanted and seeds != wanted:
            raise UserError(
                f"{method} has the training seeds {_listed(seeds)}, protocol {protocol.name} wants {_listed(wanted)} "
                "of each trained planner: train what is missing, leave out what is too much, or choose another protocol"
            )


def _check_names(found: dict[str, list[Contestant]]) -> None:
    """Refuse two members of one name: their results could not be told apart."""
    seen: dict[str, Contestant] = {}
    for one in (one for members in found.values() for one in members):
        twin = seen.setdefault(one.name, one)
        if twin is not one:
            raise UserError(f"{twin.path} and {one.path} have the same name, {one.name}: rename one of them")


def _check_simulator(planners: Collection[str], simulator: str) -> None:
    """Refuse drivers that another simulator has, before anybody has driven."""
    wanted = {"autopilot": "carla", "reference": "embedded"}
    for name, needed in wanted.items():
        if name in planners and simulator != needed:
            raise UserError(f"the driver {name} needs simulator={needed}, here it is {simulator}: leave it out")


def _listed(seeds: set[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
