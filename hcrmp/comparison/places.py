"""Where an evaluation leaves its files: in its planner's run, or in a folder of its own."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol as Interface

from envs.own_code import short_name
from envs.recording.names import DRIVE_SUFFIX, drive_files, is_cut
from hcrmp.comparison.journal import Key
from hcrmp.comparison.protocol import OWN, Protocol
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.results import RESULTS_FILE
from hcrmp.run_folder import RunFolder
from hcrmp.scenario_options import scenario_option
from hcrmp.sections import CarlaOptions

JOURNAL = "journal.jsonl"
SHARDS = "shards"


class Places(Interface):
    """The files of one evaluation; plain values, which can be sent from process to process."""

    @property
    def label(self) -> str:
        """The evaluation's name."""
        ...

    @property
    def results(self) -> Path:
        """Its JSON file."""
        ...

    @property
    def journal(self) -> Path:
        """What was driven so far."""
        ...

    @property
    def shards(self) -> Path:
        """Folder of what jobs of a cluster leave."""
        ...

    def drive_file(self, key: Key) -> Path:
        """Return the file of an episode's recording."""
        ...


@dataclass(frozen=True, slots=True)
class OwnFolder:
    """An evaluation of several planners in a ``folder`` of its own: ``drives/MEMBER/CONDITION-DENSITY-N``."""

    folder: Path

    @property
    def label(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def results(self) -> Path:
        """Its JSON file."""
        return self.folder / RESULTS_FILE

    @property
    def journal(self) -> Path:
        """What was driven so far."""
        return self.folder / JOURNAL

    @property
    def shards(self) -> Path:
        """Folder of what jobs of a cluster leave."""
        return self.folder / SHARDS

    def drive_file(self, key: Key) -> Path:
        """Return the file of an episode's recording."""
        return self.folder / "drives" / _folder_name(key[0]) / f"{_episode_name(key)}{DRIVE_SUFFIX}"


@dataclass(frozen=True, slots=True)
class InRun:
    """An evaluation of one planner in its ``run``, where all drives lie together: ``prefix`` sets these apart."""

    run: RunFolder
    label: str
    prefix: str = ""

    @property
    def results(self) -> Path:
        """Its JSON file."""
        return self.run.evaluation / f"{self.label}.json"

    @property
    def journal(self) -> Path:
        """What was driven so far."""
        return self.run.evaluation / f"{self.label}.{JOURNAL}"

    @property
    def shards(self) -> Path:
        """Folder of what jobs of a cluster leave."""
        return self.run.evaluation / f"{self.label}.{SHARDS}"

    def drive_file(self, key: Key) -> Path:
        """Return the file of an episode's recording."""
        name = "-".join([*filter(None, [self.prefix]), _episode_name(key)])
        return self.run.drives / f"{name}{DRIVE_SUFFIX}"


def _folder_name(member: str) -> str:
    """Return the name of a member's folder; two members whose names differ in other signs alone have two."""
    plain = re.sub(r"[^\w.-]+", "_", member)
    return plain if plain == member else f"{plain}-{hashlib.sha256(member.encode()).hexdigest()[:6]}"


def _episode_name(key: Key) -> str:
    _, cell, number, repetition = key
    again = f"-again{repetition}" if repetition else ""
    return f"{cell.replace('/', '-')}-{number}{again}"


def own_folder(config: EvaluateConfig, protocol: Protocol) -> OwnFolder:
    """Return where an evaluation of several planners leaves its files."""
    if config.output:
        return OwnFolder(Path(config.output))
    simulator = config.simulator if isinstance(config.simulator, CarlaOptions) else None  # no run has another here
    usual = label(replace(config, label="", driver="planner", simulator=simulator)).removeprefix("planner-")
    name = config.label or (usual if protocol.name == OWN else protocol.name)
    return OwnFolder(Path("evaluations") / name)


def in_run(config: EvaluateConfig, folder: RunFolder) -> InRun:
    """Return where the evaluation of one planner leaves its files in its run ``folder``."""
    usual = "" if config.driver == "planner" else config.driver
    return InRun(folder, label(config), config.label or (label(config) if _apart(config) else usual))


def drives_of(folder: Path, member: str) -> list[Path]:
    """Return the recordings of one contestant's episodes in the results' ``folder``, without those cut short."""
    return sorted(path for path in drive_files(folder / "drives" / _folder_name(member)) if not is_cut(path.stem))


def label(config: EvaluateConfig) -> str:
    """Return the name of the result: as given, else what was chosen where it is not the usual."""
    if config.label:
        return config.label
    families = config.scenario.families
    parts = [config.driver, scenario_option(families) or "-".join(map(short_name, families))]
    parts += [config.density] if config.density != "all" else []
    return "-".join(parts + _apart(config))


def _apart(config: EvaluateConfig) -> list[str]:
    """Return what was chosen that no name of a cell tells, where it is not the usual."""
    parts = [Path(config.map).stem] if config.map else []
    parts += ["randomised"] if config.randomise else []
    parts += [f"ends-{config.ends_at}"] if config.ends_at != "auto" else []
    parts += [f"hints-{config.hints.words}"] if config.hints is not None else []
    parts += [config.simulator.name] if config.simulator is not None else []
    parts += [] if config.deterministic else ["sampled"]
    parts += [f"seed{config.seed}"] if config.seed else []
    return parts
