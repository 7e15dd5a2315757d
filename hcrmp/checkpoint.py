"""Checkpoints of any Stable-Baselines3 model: from one, an on-policy training goes on exactly where it was.

A checkpoint is a folder of three files, none of them pickled code: ``parameters.pt`` (networks and optimisers, read
with ``weights_only``), ``state.npz`` (arrays) and ``meta.json`` (everything else, with the others' checksums). It is
exact at the border of two updates (``on_rollout_start``, or after ``learn``); saved within a rollout it is
loadable, and training goes on with a fresh rollout. Replay buffers of off-policy algorithms are not kept.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from hcrmp.errors import UserError
from hcrmp.state_tree import join_tree, split_tree

FORMAT = 1
META, ARRAYS, PARAMETERS = "meta.json", "state.npz", "parameters.pt"
COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_total_timesteps", "_current_progress_remaining")
"""Attributes of the model that schedules and logs go by."""


class CheckpointError(UserError):
    """A checkpoint that is missing, damaged or made for another observation or network."""


def save_checkpoint(
    folder: Path | str,
    model: BaseAlgorithm,
    extra_state: Mapping[str, Any] | None = None,
    layout: Mapping[str, Any] | None = None,
) -> None:
    """Write ``model``, every random generator and ``extra_state`` (nested plain data and arrays) to ``folder``.

    Pass the environment's own ``state()`` in ``extra_state``: without it the environment starts anew on resume.
    ``layout`` says what the numbers of the state mean, as JSON-able data; ``load_checkpoint`` compares it. The
    folder is complete at all times: the new one replaces the old one only when every byte is written.
    """
    folder = Path(folder)
    document, arrays = split_tree(
        {"model": _model_state(model), "random": _random_state(model), "extra": extra_state or {}}
    )
    files = {ARRAYS: _npz_bytes(arrays), PARAMETERS: _torch_bytes(model.get_parameters())}
    meta = {
        "format": FORMAT,
        "algorithm": type(model).__name__,
        "spaces": _spaces_of(model),
        "layout": _plain(layout or {}),
        "checksums": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "state": document,
    }
    _replace_folder(folder, {**files, META: json.dumps(meta).encode()})


def load_checkpoint(
    folder: Path | str, model: BaseAlgorithm, layout: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Restore ``model`` (built with the same config and spaces) and all random generators; return ``extra_state``.

    To resume: restore the environment from the returned state, then
    ``model.learn(total - model.num_timesteps, reset_num_timesteps=False)``.
    """
    folder = _existing(Path(folder))
    meta = _read_meta(folder)
    _check_compatible(folder, meta, model, layout)
    state = join_tree(meta["state"], _read_arrays(folder, meta))
    _set_parameters(folder, meta, model)
    _set_model_state(model, state["model"])
    _set_random_state(model, state["random"])
    extra: dict[str, Any] = state["extra"]
    return extra


def read_extra_state(folder: Path | str) -> dict[str, Any]:
    """Return the ``extra_state`` of a checkpoint, without a model to restore."""
    folder = _existing(Path(folder))
    meta = _read_meta(folder)
    extra: dict[str, Any] = join_tree(meta["state"], _read_arrays(folder, meta))["extra"]
    return extra


def parameters_checksum(folder: Path | str) -> str:
    """Return the SHA-256 of the parameters in a checkpoint; "" where there is none."""
    folder = Path(folder)
    if not has_checkpoint(folder):
        return ""
    return str(_read_meta(_existing(folder))["checksums"][PARAMETERS])


def has_checkpoint(folder: Path | str) -> bool:
    """Return whether ``folder`` (or what a crash left of its predecessor) can be given to ``load_checkpoint``."""
    return any((candidate / META).is_file() for candidate in (Path(folder), _previous(Path(folder))))


# ---- what a model is made of


def _model_state(model: BaseAlgorithm) -> dict[str, Any]:
    return {
        "counters": {name: getattr(model, name) for name in COUNTERS},
        "last_obs": model._last_obs,
        "last_episode_starts": model._last_episode_starts,
        "episodes": [dict(episode) for episode in model.ep_info_buffer or ()],
        "successes": [float(success) for success in model.ep_success_buffer or ()],
    }


def _set_model_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    for name, value in state["counters"].items():
        setattr(model, name, value)
    model._last_obs = state["last_obs"]
    model._last_episode_starts = state["last_episode_starts"]
    model.ep_info_buffer = deque(state["episodes"], maxlen=model._stats_window_size)
    model.ep_success_buffer = deque(state["successes"], maxlen=model._stats_window_size)


def _random_state(model: BaseAlgorithm) -> dict[str, Any]:
    version, words, gauss = random.getstate()
    return {
        "python": {"version": version, "words": np.array(words, dtype=np.uint64), "gauss": gauss},
        "numpy": np.random.get_state(legacy=False),
        "torch": th.get_rng_state().numpy(),
        "cuda": th.cuda.get_rng_state(model.device).numpy() if model.device.type == "cuda" else None,
        "action_space": model.action_space.np_random.bit_generator.state,
    }


def _set_random_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    python = state["python"]
    random.setstate((python["version"], tuple(int(word) for word in python["words"]), python["gauss"]))
    np.random.set_state(state["numpy"])
    th.set_rng_state(th.from_numpy(state["torch"]))
    if state["cuda"] is not None and model.device.type == "cuda":
        th.cuda.set_rng_state(th.from_numpy(state["cuda"]), model.device)
    model.action_space.np_random.bit_generator.state = state["action_space"]


def _spaces_of(model: BaseAlgorithm) -> dict[str, list[int]]:
    """Return the shapes of the parts of the observation and of the action."""
    observation = model.observation_space
    parts = observation.spaces if isinstance(observation, spaces.Dict) else {"observation": observation}
    shapes = {name: list(part.shape or ()) for name, part in parts.items()}
    return {**shapes, "action": list(model.action_space.shape or ())}


# ---- checks


def _check_compatible(
    folder: Path, meta: dict[str, Any], model: BaseAlgorithm, layout: Mapping[str, Any] | None
) -> None:
    if meta["algorithm"] != type(model).__name__:
        raise CheckpointError(
            f"{folder} was made by {meta['algorithm']}, the model is {type(model).__name__}; use the run's algorithm"
        )
    if layout is not None:
        _check_same(folder, "observation layout", meta["layout"], _plain(layout))
    _check_same(folder, "observation layout", meta["spaces"], _spaces_of(model))


def _check_same(folder: Path, what: str, saved: dict[str, Any], here: dict[str, Any]) -> None:
    theirs, ours = _leaves(saved), _leaves(here)
    differences = [
        f"{name} is {theirs.get(name, 'absent')} there and {ours.get(name, 'absent')} here"
        for name in {**theirs, **ours}
        if theirs.get(name) != ours.get(name)
    ]
    if differences:
        raise CheckpointError(
            f"{folder} has another {what}: {'; '.join(differences[:3])}. Use the configuration of its run."
        )


def _leaves(node: Any, place: str = "") -> dict[str, Any]:
    """Return every number and text of a nested document by its place; a list of (name, value) counts as a mapping."""
    if isinstance(node, list):
        named = all(isinstance(item, list) and len(item) == 2 and isinstance(item[0], str) for item in node)
        node = dict(node) if named else {str(index): item for index, item in enumerate(node)}
    if not isinstance(node, dict):
        return {place: node}
    return {
        name: leaf
        for key, item in node.items()
        for name, leaf in _leaves(item, f"{place}/{key}" if place else key).items()
    }


def _set_parameters(folder: Path, meta: dict[str, Any], model: BaseAlgorithm) -> None:
    content = _read_checked(folder, PARAMETERS, meta)
    parameters = th.load(io.BytesIO(content), map_location=model.device, weights_only=True)
    difference = _parameter_difference(parameters, model.get_parameters())
    if difference:
        raise CheckpointError(f"{folder} has other networks: {difference}. Use the configuration of its run.")
    model.set_parameters(parameters, exact_match=True, device=model.device)


def _parameter_difference(saved: dict[str, Any], here: dict[str, Any]) -> str:
    """Return the first tensor whose shape is not the same in both, in words; empty where there is none."""
    for group in {**saved, **here}:
        theirs, ours = _shapes(saved.get(group, {})), _shapes(here.get(group, {}))
        for name in {**theirs, **ours}:
            if "optimizer" not in group and theirs.get(name) != ours.get(name):
                return f"{group} {name} is {theirs.get(name, 'absent')} there and {ours.get(name, 'absent')} here"
    return ""


def _shapes(tensors: Any) -> dict[str, tuple[int, ...]]:
    if not isinstance(tensors, Mapping):
        return {}
    return {str(name): tuple(value.shape) for name, value in tensors.items() if isinstance(value, th.Tensor)}


def _plain(layout: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``layout`` as JSON gives it back, so that tuples, slices and lists compare equal."""
    spans = {name: [part.start, part.stop] if isinstance(part, slice) else part for name, part in layout.items()}
    plain: dict[str, Any] = json.loads(json.dumps(spans))
    return plain


# ---- files


def _npz_bytes(arrays: dict[str, npt.NDArray[Any]]) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def _torch_bytes(parameters: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    th.save(parameters, stream)
    return stream.getvalue()


def _previous(folder: Path) -> Path:
    return folder.with_name(folder.name + ".previous")


def _replace_folder(folder: Path, files: dict[str, bytes]) -> None:
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


def _existing(folder: Path) -> Path:
    """Return ``folder``, or its predecessor where a crash came between the two renames."""
    for candidate in (folder, _previous(folder)):
        if (candidate / META).is_file():
            return candidate
    raise CheckpointError(f"no checkpoint in {folder}: {META} is missing; train first, or name another run")


def _read_meta(folder: Path) -> dict[str, Any]:
    try:
        meta: dict[str, Any] = json.loads((folder / META).read_bytes())
    except ValueError as error:
        raise CheckpointError(f"{folder / META} is damaged ({error}); use an earlier checkpoint") from error
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        found = meta.get("format") if isinstance(meta, dict) else None
        raise CheckpointError(
            f"{folder / META} has format {found}, this version reads {FORMAT}; use the version that wrote it"
        )
    return meta


def _read_checked(folder: Path, name: str, meta: dict[str, Any]) -> bytes:
    path = folder / name
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; use an earlier checkpoint")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != meta["checksums"][name]:
        raise CheckpointError(f"{path} is damaged or cut short ({len(content)} bytes); use an earlier checkpoint")
    return content


def _read_arrays(folder: Path, meta: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
    with np.load(io.BytesIO(_read_checked(folder, ARRAYS, meta)), allow_pickle=False) as archive:
        return dict(archive)
