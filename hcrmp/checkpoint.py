"""Checkpoints of any Stable-Baselines3 model: from one, an on-policy training goes on exactly where it was.

A checkpoint is a folder of three files (``hcrmp.checkpoint_files``), none of which is unpickled: ``parameters.pt``
(networks and optimisers), ``state.npz`` (arrays) and ``meta.json`` (everything else, with the others' checksums). It is
exact at the border of two updates (``on_rollout_start``, or after ``learn``); saved within a rollout it is
loadable, and training goes on with a fresh rollout. Replay buffers of off-policy algorithms are not kept: such a
training fills an empty one before it learns on.
"""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from gymnasium import spaces
from stable_baselines3.common.base_class import BaseAlgorithm

from hcrmp.checkpoint_files import (
    ARRAYS,
    FORMAT,
    META,
    PARAMETERS,
    CheckpointError,
    checksums_of,
    existing,
    has_checkpoint,
    npz_bytes,
    read_arrays,
    read_meta,
    read_parameters,
    replace_folder,
    torch_bytes,
)
from hcrmp.state_tree import join_tree, split_tree

__all__ = [
    "META", "PARAMETERS", "CheckpointError", "CheckpointParts", "has_checkpoint", "load_checkpoint", "load_networks",
    "read_checkpoint",
    "parameters_checksum", "read_extra_state", "save_checkpoint", "trained_steps",
]  # fmt: skip

COUNTERS = ("num_timesteps", "_n_updates", "_episode_num", "_total_timesteps", "_current_progress_remaining")
"""Attributes of the model that schedules and logs go by."""


def save_checkpoint(
    folder: Path | str,
    model: BaseAlgorithm,
    extra_state: Mapping[str, Any] | None = None,
    layout: Mapping[str, Any] | None = None,
    made_by: Mapping[str, Any] | None = None,
) -> None:
    """Write ``model``, every random generator and ``extra_state`` (nested plain data and arrays) to ``folder``.

    Pass the environment's own ``state()`` in ``extra_state``: without it the environment starts anew on resume.
    ``layout`` says what the numbers of the state mean, as JSON-able data; ``load_checkpoint`` compares it. ``made_by``
    is the provenance (``run_folder.provenance``), for whoever finds the checkpoint alone. The
    folder is complete at all times: the new one replaces the old one only when every byte is written.
    """
    folder = Path(folder)
    document, arrays = split_tree(
        {"model": _model_state(model), "random": _random_state(model), "extra": extra_state or {}}
    )
    files = {ARRAYS: npz_bytes(arrays), PARAMETERS: torch_bytes(model.get_parameters())}
    meta = {
        "format": FORMAT,
        "algorithm": type(model).__name__,
        "spaces": _spaces_of(model),
        "layout": _plain(layout or {}),
        "provenance": dict(made_by or {}),
        "checksums": checksums_of(files),
        "state": document,
    }
    replace_folder(folder, {**files, META: json.dumps(meta).encode()})


def load_checkpoint(
    folder: Path | str, model: BaseAlgorithm, layout: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Restore ``model`` (built with the same config and spaces) and all random generators; return ``extra_state``.

    To resume: restore the environment from the returned state, then
    ``model.learn(total - model.num_timesteps, reset_num_timesteps=False)``.
    """
    folder = existing(Path(folder))
    meta = read_meta(folder)
    _check_compatible(folder, meta, model, layout)
    state = _read_state(folder, meta)
    _set_parameters(folder, meta, model)
    with _named_as_damage(folder):
        _set_model_state(model, state["model"])
        _set_random_state(model, state["random"])
        extra: dict[str, Any] = state["extra"]
    return extra


def load_networks(folder: Path | str, model: BaseAlgorithm, layout: Mapping[str, Any] | None = None) -> None:
    """Give ``model`` the networks of a checkpoint, with the scales of their returns: it learns on from there.

    Its optimiser, its counters and its random generators stay as they are.

    Raises:
        CheckpointError: it is damaged, or of a planner that sees, does or is something else.
    """
    folder = existing(Path(folder))
    meta = read_meta(folder)
    _check_compatible(folder, meta, model, layout)
    parameters = _fitting_parameters(folder, meta, model)
    with _named_as_damage(folder):
        model.set_parameters({"policy": parameters["policy"]}, exact_match=False, device=model.device)


def read_extra_state(folder: Path | str) -> dict[str, Any]:
    """Return the ``extra_state`` of a checkpoint, without a model to restore."""
    folder = existing(Path(folder))
    meta = read_meta(folder)
    with _named_as_damage(folder):
        extra: dict[str, Any] = _read_state(folder, meta)["extra"]
    return extra


def _read_state(folder: Path, meta: dict[str, Any]) -> dict[str, Any]:
    arrays = read_arrays(folder, meta)
    with _named_as_damage(folder):
        state: dict[str, Any] = join_tree(meta["state"], arrays)
    return state


@contextmanager
def _named_as_damage(folder: Path) -> Iterator[None]:
    """Say in one line that a state does not fit: its checksums tell of damage, and not of what was written so."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RuntimeError) as error:
        what = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{folder} holds a state that is none ({what}); use an earlier checkpoint") from error


@dataclass(frozen=True)
class CheckpointParts:
    """What a checkpoint says of its planner, read without a model to restore."""

    algorithm: str
    spaces: dict[str, Any]
    layout: dict[str, Any]
    steps: int
    parameters: dict[str, Any]


def read_checkpoint(folder: Path | str) -> CheckpointParts:
    """Return the planner of a checkpoint: its networks and what they read."""
    folder = existing(Path(folder))
    meta = read_meta(folder)
    return CheckpointParts(
        meta["algorithm"], meta["spaces"], meta["layout"], _steps(folder, meta), read_parameters(folder, meta)
    )


def trained_steps(folder: Path | str) -> int:
    """Return for how many decisions the planner in a checkpoint was trained; 0 where there is none.

    Raises:
        CheckpointError: it does not say so.
    """
    folder = Path(folder)
    return _steps(folder, read_meta(existing(folder))) if has_checkpoint(folder) else 0


def _steps(folder: Path, meta: Mapping[str, Any]) -> int:
    try:
        return int(meta["state"]["model"]["counters"]["num_timesteps"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{folder / META} does not say how far it was trained ({error!r:.80})") from error


def parameters_checksum(folder: Path | str) -> str:
    """Return the SHA-256 of the parameters in a checkpoint; "" where there is none."""
    folder = Path(folder)
    return str(read_meta(existing(folder))["checksums"][PARAMETERS]) if has_checkpoint(folder) else ""


# ---- what a model is made of


def _model_state(model: BaseAlgorithm) -> dict[str, Any]:
    return {
        "counters": {name: getattr(model, name) for name in COUNTERS},
        "variables": {name: variable.detach().cpu().numpy() for name, variable in _variables(model).items()},
        "last_obs": model._last_obs,
        "last_episode_starts": model._last_episode_starts,
        "episodes": [dict(episode) for episode in model.ep_info_buffer or ()],
        "successes": [float(success) for success in model.ep_success_buffer or ()],
    }


def _variables(model: BaseAlgorithm) -> dict[str, th.Tensor]:
    """Return what is learnt outside of the networks: SAC's entropy coefficient."""
    return {name: getattr(model, name) for name in model._get_torch_save_params()[1]}


def _set_model_state(model: BaseAlgorithm, state: dict[str, Any]) -> None:
    for name, variable in _variables(model).items():
        # In place: it is the one that its optimiser knows.
        variable.data.copy_(th.as_tensor(state["variables"][name]))
    for name in COUNTERS:  # and no other attribute that a file may name
        setattr(model, name, state["counters"][name])
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
    parameters = _fitting_parameters(folder, meta, model)
    with _named_as_damage(folder):
        model.set_parameters(parameters, exact_match=True, device=model.device)


def _fitting_parameters(folder: Path, meta: dict[str, Any], model: BaseAlgorithm) -> dict[str, Any]:
    parameters = read_parameters(folder, meta)
    difference = _parameter_difference(parameters, model.get_parameters())
    if difference:
        raise CheckpointError(f"{folder} has other networks: {difference}. Use the configuration of its run.")
    return parameters


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
