"""What a drive is made of: the types that writers and readers share, and the version of the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.errors import EnvsError
from envs.scene import FloatArray, IntArray

FORMAT_MAJOR = 3
"""Raised when an older reader would misunderstand the file; a newer one is refused by its number."""

FORMAT_MINOR = 1
"""Raised when columns or metadata are only added."""

REWARD_NAMES = ("safety", "efficiency", "comfort")
"""Order of reward terms, critic weights and values in every array of three."""

TRACE_WIDTHS = {
    "action": 2,
    "control": 3,
    "reward_terms": 3,
    "hint_state": 13,
    "hint_weights": 3,
    "weights": 3,
    "values": 3,
    "distribution": 4,
}
"""Numbers a tick of each array of a ``PlannerTrace`` with a fixed width."""

OPTIONAL_TRACES = ("hint_state", "hint_weights", "weights", "values", "distribution")
"""Arrays of a ``PlannerTrace`` that not every drive has."""

MORE_TRACES = ("more_reward_terms", "more_weights", "more_values")
"""Arrays of critics beside the three of ``REWARD_NAMES``, which few drives have."""

MOST_MORE = 13
"""Most critics beside the three."""

Float32Array = npt.NDArray[np.float32]
HashArray = npt.NDArray[np.uint64]


class DriveLogError(EnvsError, ValueError):
    """A drive cannot be read or written; the message is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class DriveMeta:
    """What a drive is.

    ``scenario``, ``density`` name the cell and ``cell`` is its index in the scenario set; ``seed`` of the episode;
    ``planner`` that drove; ``map_name`` of the road; ``simulator`` that carried it; ``decision_period_s`` simulated
    seconds between ticks; ``commit`` of the code ("" unknown); ``outcome`` as termination named it ("running": cut
    short); ``checkpoint`` the SHA-256 of the planner's parameters ("": it has none, or it is unknown); ``trace_hash``
    of all states (``envs.recording.state_hash``; "" unknown); ``configuration`` everything else that is needed to
    simulate the drive again (plain values; empty: unknown); ``extra`` free words by name.
    """

    scenario: str
    density: str = ""
    seed: int = 0
    planner: str = ""
    map_name: str = ""
    simulator: str = "embedded"
    decision_period_s: float = 0.1
    commit: str = ""
    outcome: str = "running"
    extra: Mapping[str, str] = field(default_factory=dict)
    cell: int = 0
    checkpoint: str = ""
    trace_hash: str = ""
    configuration: Mapping[str, Any] = field(default_factory=dict)


def plain_meta(meta: DriveMeta) -> dict[str, Any]:
    """Return a drive's ``DriveMeta`` as plain values, without its ``configuration``."""
    values = {item.name: getattr(meta, item.name) for item in fields(meta) if item.name != "configuration"}
    return values | {"extra": dict(meta.extra)}


@dataclass(frozen=True, slots=True)
class HintTold:
    """What a language model was asked and said.

    ``asked_at_s`` simulated seconds since the episode began; ``prompt`` as it was given; ``answer`` as it came;
    ``source`` what became of it: ``model`` (it was the hint), ``late`` (after its window) or ``refused`` (no hint of
    its scene, see the answer).
    """

    asked_at_s: float
    prompt: str
    answer: str
    source: str = "model"


@dataclass(frozen=True, slots=True)
class Tick:
    """What the planner did and got in the step that ended in the recorded scene.

    ``action`` (2,) in [-1, 1]; ``control`` (3,) throttle, brake, steer; ``reward_terms`` (3,) earned by arriving in
    the scene; the three are zero in an episode's first scene. All others hold in the scene and are given at every tick
    of a drive or at none: ``hint_state`` (13,) and ``hint_weights`` (3,) of the hint, ``weights`` (3,) that the critics
    have, their ``values`` (3,), ``observation`` (n,) and the ``distribution`` (4,) of the next action.
    ``hint_age_s`` simulated seconds. Arrays of three are in the order of ``REWARD_NAMES``.
    """

    action: npt.ArrayLike = (0.0, 0.0)
    control: npt.ArrayLike = (0.0, 0.0, 0.0)
    reward_terms: npt.ArrayLike = (0.0, 0.0, 0.0)
    hint_state: npt.ArrayLike | None = None
    weights: npt.ArrayLike | None = None
    values: npt.ArrayLike | None = None
    hint_text: str = ""
    hint_source: str = ""
    hint_age_s: float = 0.0
    hint_weights: npt.ArrayLike | None = None
    observation: npt.ArrayLike | None = None
    distribution: npt.ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class PlannerTrace:
    """The ticks of a drive over time T: arrays of ``Tick`` as ``(T, width)``, ages ``(T,)``, words as tuples of T.

    ``observation`` ``(T, n)`` float32: the numbers that the planner saw in the scene, bit for bit (cameras' images are
    not kept; the hint's numbers, which it may also see, are ``hint_state`` and ``hint_weights`` as float32).
    ``distribution`` ``(T, 4)``: alpha and beta of the Beta of each action (longitudinal, steer) in the scene, from
    which the action of the next tick came; mean and standard deviation where the planner has a Gaussian.
    ``hint_index`` ``(T,)``: which of ``DriveLog.hints`` is the hint that holds, -1 where none of them is.
    ``more_critics`` are the names of critics beside the three (E), ``more_reward_terms``, ``more_weights`` and
    ``more_values`` ``(T, E)`` what the three arrays without ``more_`` are of the others.
    """

    action: FloatArray
    control: FloatArray
    reward_terms: FloatArray
    hint_state: FloatArray | None
    weights: FloatArray | None
    values: FloatArray | None
    hint_text: tuple[str, ...]
    hint_source: tuple[str, ...]
    hint_age_s: FloatArray
    hint_weights: FloatArray | None = None
    observation: Float32Array | None = None
    distribution: FloatArray | None = None
    hint_index: IntArray | None = None
    more_critics: tuple[str, ...] = ()
    more_reward_terms: FloatArray | None = None
    more_weights: FloatArray | None = None
    more_values: FloatArray | None = None


def checked_more(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of critics beside the three; raises ValueError where they are none."""
    plain = all(isinstance(name, str) and name.isidentifier() and len(name) <= 64 for name in names)
    if not plain or len(names) > MOST_MORE or len({*names, *REWARD_NAMES}) < len(names) + len(REWARD_NAMES):
        raise ValueError(f"critics {list(names)[:MOST_MORE]!r:.100}")
    return tuple(names)
