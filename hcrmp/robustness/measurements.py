"""What has been measured: outcomes of episodes by run and faults, kept in one JSON file that only ever grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcrmp.episode_record import EpisodeRecord, Outcome
from hcrmp.errors import RunFolderError
from hcrmp.metrics import by_cell
from hcrmp.robustness.planners import Faults, Planner
from hcrmp.run_folder import read_json, write_json

LETTERS: dict[Outcome, str] = {
    "success": "S",
    "collision": "C",
    "off_road": "O",
    "timeout": "T",
    "violation": "V",
    "infrastructure": "I",
}
"""How an episode ended, one letter in the file."""

Outcomes = dict[str, str]
"""The letters of the episodes of each cell, in the order of their seeds."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The ``outcomes`` of the planner of a ``run``, whose parameters have ``checksum``, under ``faults``."""

    run: str
    checksum: str
    faults: Faults
    outcomes: Outcomes

    @property
    def key(self) -> tuple[str, Faults]:
        """What it is a measurement of."""
        return self.checksum, self.faults


def measured(planner: Planner, faults: Faults, records: Sequence[EpisodeRecord]) -> Measurement:
    """Return the measurement that the episodes ``records`` are."""
    outcomes = {cell: "".join(LETTERS[row.outcome] for row in rows) for cell, rows in by_cell(records).items()}
    return Measurement(planner.folder.name, planner.checksum, faults, outcomes)


@dataclass
class MeasurementFile:
    """The file at ``path``: measurements that were all made by one ``protocol``."""

    path: Path
    protocol: dict[str, Any]
    found: dict[tuple[str, Faults], Measurement] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, protocol: Mapping[str, Any]) -> MeasurementFile:
        """Return the file with what it holds; raises ``RunFolderError`` where that was measured otherwise."""
        file = cls(path, dict(protocol))
        if not path.is_file():
            return file
        content = read_json(path)
        try:
            held = content["protocol"]
            measurements = [_from_plain(row) for row in content["measurements"]]
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(f"{path} is no file of hcrmp robustness: choose another output=...") from error
        changed = [key for key in file.protocol if held.get(key) != file.protocol[key]]
        if changed:
            told = ", ".join(f"{key} {held.get(key)} instead of {file.protocol[key]}" for key in changed)
            raise RunFolderError(f"{path} was measured with {told}: choose another output=..., or remove it")
        file.found = {one.key: one for one in measurements}
        return file

    def of(self, planner: Planner, faults: Faults) -> Measurement | None:
        """Return what was measured of ``planner``, as it is trained now, under ``faults``; None: nothing yet."""
        return self.found.get((planner.checksum, faults))

    def add(self, measurement: Measurement) -> None:
        """Keep a measurement."""
        self.found[measurement.key] = measurement

    def write(self, about: Mapping[str, Any]) -> None:
        """Write everything atomically, with ``about`` it."""
        rows = [_to_plain(one) for one in self.found.values()]
        letters = {letter: outcome for outcome, letter in LETTERS.items()}
        write_json(self.path, {"protocol": self.protocol, **about, "letters": letters, "measurements": rows})


def _to_plain(one: Measurement) -> dict[str, Any]:
    faults = {"rate": one.faults.rate, "mode": one.faults.mode}
    return {"run": one.run, "checksum": one.checksum, **faults, "outcomes": one.outcomes}


def _from_plain(row: Mapping[str, Any]) -> Measurement:
    faults = Faults(float(row["rate"]), row["mode"])
    outcomes = {str(cell): str(letters) for cell, letters in row["outcomes"].items()}
    return Measurement(str(row["run"]), str(row["checksum"]), faults, outcomes)
