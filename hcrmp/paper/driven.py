"""What planners drove, without the planners: a small file for each, so that tables can be made on many machines.

Beside the tables lies a folder of these. A planner whose episodes are there is neither trained nor driven again, and
whoever reads a table can compute its intervals anew, episode by episode.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hcrmp.checkpoint import parameters_checksum
from hcrmp.comparison.contestants import Contestant
from hcrmp.comparison.journal import Attempt
from hcrmp.comparison.protocol import Protocol, differences
from hcrmp.config import FREE_ON_RESUME
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import ConfigError, RunFolderError
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.trainings import Training
from hcrmp.run_folder import write_bytes
from hcrmp.train_config import TrainConfig, load_train, plain_config

FOLDER = "episodes"
"""Folder of the files, in that of the tables."""
FORMAT = 1
ABOUT = b"hcrmp driven"
"""Key of what a file says of its planner, as JSON."""

_OWN = {"run", "start_from", *FREE_ON_RESUME} - {"total_steps"}
"""Keys in which the trainings of one method and seed may differ: names and places on one machine."""


@dataclass(frozen=True)
class Driven:
    """All ``attempts`` of the planner ``name`` (training ``seed``) at the episodes of a ``protocol``.

    ``checksum`` of its parameters, ``settings`` of its training, ``made_by`` the program that drove.
    """

    name: str
    seed: int
    checksum: str
    settings: Mapping[str, Any]
    protocol: Mapping[str, Any]
    made_by: Mapping[str, Any]
    attempts: tuple[Attempt, ...]

    def contestant(self, planner: str) -> Contestant:
        """Return it as one of an evaluation, a member of the method ``planner``."""
        return Contestant(planner, self.name, "run", planner_seed=self.seed, checksum=self.checksum)

    def _config(self) -> TrainConfig:
        try:
            return load_train(self.settings)
        except ConfigError as error:
            raise RunFolderError(
                f"the episodes of {self.name} that lie beside the tables are of another version of hcrmp, which had "
                f"other settings ({error}): remove its file."
            ) from error

    def tells(self, checksum: str, protocol: Mapping[str, Any]) -> bool:
        """Whether this is what the planner with these parameters drove in this protocol."""
        return self.checksum == checksum and self.protocol.get("hash") == protocol["hash"]

    def check(self, training: Training, protocol: Protocol) -> None:
        """Refuse what is not the planner of this training in this protocol.

        Raises:
            RunFolderError: what differs.
        """
        # Settings that are new since the file was written had their usual values.
        now, before = settings_of(training.config), settings_of(self._config())
        changed = [key for key in now if now[key] != before[key]]
        told = [f"it was trained with other settings ({', '.join(changed)})"] if changed else []
        if self.protocol.get("hash") != protocol.hash:
            told.append("it drove " + "; ".join(differences(self.protocol, protocol.to_dict())))
        if told:
            raise RunFolderError(
                f"the episodes of {self.name} that lie beside the tables cannot be used: {' and '.join(told)}. Choose "
                "another output=..., or remove its file."
            )


def settings_of(config: TrainConfig) -> dict[str, Any]:
    """Return what decides a training: its settings without names and places."""
    settings = {key: value for key, value in plain_config(config).items() if key not in _OWN}
    model = settings["hints"]["transformers"]["model"]
    settings["hints"]["transformers"]["model"] = Path(model).name
    plain: dict[str, Any] = json.loads(json.dumps(settings))
    return plain


def file_of(config: PaperConfig, training: Training) -> Path:
    """Return where the episodes of a planner lie."""
    return config.output_path / FOLDER / f"{training.folder.name}.parquet"


def kept(config: PaperConfig, wanted: Iterable[Training]) -> list[Training]:
    """Return those whose planners are not here, but their episodes are."""
    return [one for one in wanted if one.left and file_of(config, one).is_file()]


def known(config: PaperConfig, trained: Iterable[Training], protocol: Protocol) -> list[Training]:
    """Return those of the ``trained`` whose episodes, of just these parameters in this protocol, are there as well."""
    return [one for one in trained if _is_known(file_of(config, one), one, protocol)]


def _is_known(path: Path, one: Training, protocol: Protocol) -> bool:
    checksum = parameters_checksum(one.folder.latest_checkpoint)
    return path.is_file() and read(path).tells(checksum, protocol.to_dict())


def write(path: Path, driven: Driven) -> None:
    """Write a file atomically. Numbers keep 24 bits (float32), and traces are left out, for they have no pattern."""
    about = {
        "format": FORMAT, "name": driven.name, "seed": driven.seed, "checksum": driven.checksum,
        "settings": driven.settings, "protocol": driven.protocol, "made_by": driven.made_by,
    }  # fmt: skip
    table = pa.Table.from_pylist([_row(one) for one in driven.attempts])
    table = table.replace_schema_metadata({ABOUT: json.dumps(about, sort_keys=True).encode()})
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", compression_level=19)
    write_bytes(path, content.getvalue())


def read(path: Path) -> Driven:
    """Read what ``write`` wrote.

    Raises:
        RunFolderError: the file is none of these.
    """
    try:
        table = pq.read_table(io.BytesIO(path.read_bytes()))
        about = json.loads((table.schema.metadata or {})[ABOUT])
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}, this version reads {FORMAT}")
        attempts = tuple(_attempt(about["name"], row) for row in table.to_pylist())
        return Driven(
            about["name"], int(about["seed"]), about["checksum"], about["settings"], about["protocol"],
            about["made_by"], attempts,
        )  # fmt: skip
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path} holds no episodes of a planner ({error!r:.200}): remove it.") from error


def _row(one: Attempt) -> dict[str, Any]:
    _, cell, number, repetition = one.key
    record = None if one.record is None else json.dumps(_shortened(one.record.to_dict()), separators=(",", ":"))
    return {"cell": cell, "number": number, "repetition": repetition, "record": record, "error": one.error}


def _attempt(name: str, row: Mapping[str, Any]) -> Attempt:
    record = None if row["record"] is None else EpisodeRecord.from_dict(json.loads(row["record"]))
    return Attempt((name, row["cell"], int(row["number"]), int(row["repetition"])), record, error=row["error"])


def _shortened(value: Any) -> Any:
    """Return a value with its numbers as short as float32 has them."""
    if isinstance(value, float):
        return float(str(np.float32(value)))
    if isinstance(value, Mapping):
        return {key: _shortened(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_shortened(item) for item in value]
    return value
