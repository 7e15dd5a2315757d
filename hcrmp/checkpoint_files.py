"""The three files of a checkpoint: written so that a crash leaves one whole, and read as a stranger's.

A checksum tells of damage alone: whoever changes a file on purpose writes the checksum that fits.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th

from envs.untrusted import UntrustedFileError
from envs.untrusted.arrays import read_npz
from envs.untrusted.documents import parse_json, read_bytes
from hcrmp.untrusted.torch_archives import read_torch

FORMAT = 1
META, ARRAYS, PARAMETERS = "meta.json", "state.npz", "parameters.pt"
LARGEST = 1 << 32
"""Bytes of a file of a checkpoint, and of what it unpacks to."""
LARGEST_META = 1 << 24
SECTIONS: dict[str, type] = {"algorithm": str, "spaces": dict, "layout": dict, "checksums": dict, "state": dict}
"""What the document holds, and of which type."""


class CheckpointError(UntrustedFileError):
    """A checkpoint that is missing, damaged or made for another observation or network."""


def npz_bytes(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    """Return ``arrays`` as an ``.npz`` file."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def torch_bytes(parameters: Mapping[str, Any]) -> bytes:
    """Return what ``torch.save`` writes of ``parameters``."""
    stream = io.BytesIO()
    th.save(parameters, stream)
    return stream.getvalue()


def checksums_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each file."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def has_checkpoint(folder: Path | str) -> bool:
    """Return whether ``folder`` (or what a crash left of its predecessor) can be given to ``load_checkpoint``."""
    return any((candidate / META).is_file() for candidate in (Path(folder), _previous(Path(folder))))


def existing(folder: Path) -> Path:
    """Return ``folder``, or its predecessor where a crash came between the two renames."""
    for candidate in (folder, _previous(folder)):
        if (candidate / META).is_file():
            return candidate
    raise CheckpointError(f"no checkpoint in {folder}: {META} is missing; train first, or name another run")


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` beside ``folder``, then put them in its place; the old folder goes last."""
    temporary, previous = folder.with_name(folder.name + ".new"), _previous(folder)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    for name, content in files.items():
        with open(temporary / name, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)
    temporary.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def _previous(folder: Path) -> Path:
    return folder.with_name(folder.name + ".previous")


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the document, whose sections are there and of their types."""
    path = folder / META
    try:
        # NaN is let through: it is an ordinary return of an episode.
        meta = parse_json(read_bytes(path, LARGEST_META), str(path), most=LARGEST_META, constants=True)
    except UntrustedFileError as error:
        raise CheckpointError(f"{path} is damaged ({error}); use an earlier checkpoint") from error
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} has format {meta.get('format')!r:.40}, this version reads {FORMAT}; use the version that wrote it"
        )
    wrong = [name for name, kind in SECTIONS.items() if not isinstance(meta.get(name), kind)]
    if wrong:
        raise CheckpointError(f"{path} is damaged (no {wrong[0]} in it); use an earlier checkpoint")
    return meta


def read_arrays(folder: Path, meta: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the state by their marks."""
    content = _read_checked(folder, ARRAYS, meta)
    try:
        return read_npz(content, str(folder / ARRAYS), LARGEST)
    except UntrustedFileError as error:
        raise CheckpointError(f"{error}; use an earlier checkpoint") from error


def read_parameters(folder: Path, meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return networks and optimisers by name, on the CPU."""
    content = _read_checked(folder, PARAMETERS, meta)
    try:
        parameters = read_torch(content, str(folder / PARAMETERS), LARGEST)
    except UntrustedFileError as error:
        raise CheckpointError(f"{error}; use an earlier checkpoint") from error
    if not isinstance(parameters, dict):
        raise CheckpointError(f"{folder / PARAMETERS} holds no networks; use an earlier checkpoint")
    return parameters


def _read_checked(folder: Path, name: str, meta: Mapping[str, Any]) -> bytes:
    path = folder / name
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; use an earlier checkpoint")
    content = read_bytes(path, LARGEST)
    if hashlib.sha256(content).hexdigest() != meta["checksums"].get(name):
        raise CheckpointError(f"{path} is damaged or cut short ({len(content)} bytes); use an earlier checkpoint")
    return content
