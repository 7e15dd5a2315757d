"""A run and its repetition side by side: parameters bit by bit, episodes field by field, drives tick by tick."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch as th

from envs.recording import DriveLog, DriveLogError
from envs.recording.names import DRIVE_SUFFIX, recorded_at
from hcrmp.checkpoint import PARAMETERS
from hcrmp.report.learning import read_scalars
from hcrmp.report.sources import read_run
from hcrmp.run_folder import RunFolder

WALL_TIME = "time/"
"""Beginning of TensorBoard's tags that no two trainings share."""

Key = tuple[str, str, int, int]


@dataclass(frozen=True)
class ParameterDrift:
    """How the parameters of two checkpoints differ.

    ``tensors`` in all, ``changed`` of them; ``largest`` absolute difference and in which (``where``).
    """

    tensors: int
    changed: int
    largest: float = 0.0
    where: str = ""

    @property
    def identical(self) -> bool:
        """Whether every bit is the same."""
        return self.changed == 0


def parameters(first: RunFolder, second: RunFolder) -> ParameterDrift:
    """Return how the latest checkpoints' networks and optimisers differ."""
    ours, theirs = (dict(_tensors(folder)) for folder in (first, second))
    changed, largest, where = 0, 0.0, ""
    for name in {**ours, **theirs}:
        a, b = ours.get(name), theirs.get(name)
        if a is not None and b is not None and a.shape == b.shape and a.dtype == b.dtype and _same_bits(a, b):
            continue
        changed += 1
        size = float("inf") if a is None or b is None or a.shape != b.shape else _distance(a, b)
        if size >= largest:
            largest, where = size, name
    return ParameterDrift(len({**ours, **theirs}), changed, largest, where)


def _tensors(folder: RunFolder) -> Iterator[tuple[str, th.Tensor]]:
    """Yield every tensor of the latest checkpoint by its place."""
    content = (folder.latest_checkpoint / PARAMETERS).read_bytes()
    yield from _leaves(th.load(io.BytesIO(content), map_location="cpu", weights_only=True), "")


def _leaves(node: Any, place: str) -> Iterator[tuple[str, th.Tensor]]:
    if isinstance(node, th.Tensor):
        yield place, node
    elif isinstance(node, (Mapping, list, tuple)):
        for key, value in node.items() if isinstance(node, Mapping) else enumerate(node):
            yield from _leaves(value, f"{place}/{key}" if place else str(key))


def _same_bits(a: th.Tensor, b: th.Tensor) -> bool:
    return a.contiguous().view(-1).numpy().tobytes() == b.contiguous().view(-1).numpy().tobytes()


def _distance(a: th.Tensor, b: th.Tensor) -> float:
    return float((a.double() - b.double()).abs().max()) if a.numel() else 0.0


def first_divergence(first: RunFolder, second: RunFolder) -> tuple[int, str] | None:
    """Return the first step at which two trainings logged something else, and what; None where they did not."""
    ours, theirs = (read_scalars(read_run(folder.path)) for folder in (first, second))
    found: list[tuple[int, str]] = []
    for tag in ours:
        if tag.startswith(WALL_TIME) or "_ms" in tag or tag not in theirs:
            continue
        (steps, values), (again, repeated) = ours[tag], theirs[tag]
        shared = min(len(steps), len(again))
        differs = (steps[:shared] != again[:shared]) | (values[:shared] != repeated[:shared])
        if differs.any():
            found.append((int(steps[int(differs.argmax())]), tag))
    return min(found, default=None)


# ---- evaluations


NAMES = ("planner", "member")
"""Fields of an episode that name who drove: a run that is made again has another name."""


@dataclass(frozen=True)
class EpisodeDrift:
    """An episode that is not as it was: its cell and seed, how it ended then and now, and the fields that differ."""

    cell: str
    seed: int
    then: str
    now: str
    fields: tuple[str, ...]


def episodes(then: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> tuple[int, list[EpisodeDrift]]:
    """Return how many episodes were compared, and those that differ in any field that both tell.

    Fields that one version writes and the other does not are no drift, nor is the name of the folder.
    """
    again = {_key(one): one for one in now}
    drifts = []
    for one in then:
        other = again.get(_key(one))
        if other is None:
            drifts.append(_drift(one, "not driven", ("outcome",)))
        elif fields := tuple(name for name in _measured(one) if name in other and one[name] != other[name]):
            drifts.append(_drift(one, str(other["outcome"]), fields))
    return len(then), drifts


def _measured(one: Mapping[str, Any]) -> list[str]:
    return [name for name in one if name not in NAMES]


def _key(one: Mapping[str, Any]) -> Key:
    return str(one["scenario"]), str(one["density"]), int(one["seed"]), int(one.get("repetition", 0))


def _drift(one: Mapping[str, Any], now: str, fields: tuple[str, ...]) -> EpisodeDrift:
    return EpisodeDrift(f"{one['scenario']}/{one['density']}", int(one["seed"]), str(one["outcome"]), now, fields)


def drives(then: Path, now: Path, names: Sequence[str]) -> tuple[int, list[str]]:
    """Return how many recorded drives of these names are in both folders, and those that went another way."""
    # Those of then may be of an older format.
    homes = {name: [recorded_at((home / name).with_suffix(DRIVE_SUFFIX)) for home in (then, now)] for name in names}
    both = {name: paths for name, paths in homes.items() if all(path.is_file() for path in paths)}
    return len(both), [name for name, (one, other) in both.items() if drive_hash(one) != drive_hash(other)]


def drive_hash(path: Path) -> str:
    """Return a hash over every state and action of a recorded drive; "unreadable" where it cannot be read.

    Of other road users it sees what format 2 keeps of them: float32.
    """
    try:
        drive = DriveLog.read(path)
    except DriveLogError:
        return "unreadable"
    scenes = drive.scenes
    digest = hashlib.sha256()
    for array in (
        scenes.time_s, scenes.ego.block, scenes.actors.block.astype(np.float32), scenes.road.block, scenes.route.block,
        scenes.events.block, drive.trace.action, drive.trace.reward_terms,
    ):  # fmt: skip
        digest.update(array.tobytes())
    return digest.hexdigest()
