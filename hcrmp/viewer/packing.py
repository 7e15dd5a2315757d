"""Numbers as small plain JSON: whole multiples of a quantum, differences instead of values, runs instead of repeats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording import REWARD_NAMES
from envs.scene import FloatArray, IntArray

LENGTH_QUANTUM_M = 0.01
ANGLE_QUANTUM_RAD = 0.001
SPEED_QUANTUM_MPS = 0.01
SHARE_QUANTUM = 0.001
REWARD_QUANTUM = 0.0001
TIME_QUANTUM_S = 0.01
LARGEST = 2**50
"""Largest multiple of a quantum in a page: JavaScript counts exactly so far."""

Plain = dict[str, Any]


def series(values: npt.ArrayLike, quantum: float) -> Plain:
    """Return numbers as multiples of ``quantum``, each as its difference from the one before.

    What is no number or beyond ``LARGEST`` multiples becomes 0 or the largest: a damaged tick spoils no page.
    """
    multiples = np.nan_to_num(np.asarray(values, dtype=np.float64) / quantum, posinf=LARGEST, neginf=-LARGEST)
    whole = np.rint(np.clip(multiples, -LARGEST, LARGEST)).astype(np.int64)
    return {"q": quantum, "d": np.diff(whole, prepend=0).tolist()}


def by_name(values: FloatArray, quantum: float, names: Sequence[str] = REWARD_NAMES) -> Plain:
    """Return the columns of ``values`` ``(T, n)`` as series by name."""
    return {name: series(values[:, column], quantum) for column, name in enumerate(names)}


def run_starts(values: IntArray) -> IntArray:
    """Return the first tick of every run of equal values."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
