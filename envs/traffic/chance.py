"""Random numbers inside kernels: a hash of who draws and how often it has, so that no generator is carried along."""

from __future__ import annotations

import numpy as np

from envs.compiled import njit

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


@njit
def uniform(seed: int, who: int, counter: int) -> float:
    """Return a number in [0, 1) that depends on ``seed``, ``who`` draws and its ``counter`` alone."""
    return float(_mix(_mix(_mix(np.uint64(seed)) + np.uint64(who)) + np.uint64(counter)) >> _S11) / 9007199254740992.0


@njit
def _mix(x: np.uint64) -> np.uint64:
    """Return the splitmix64 finaliser of ``x`` (Steele, Lea and Flood 2014), wrapping at 64 bits."""
    x = x + _GOLDEN
    x = (x ^ (x >> _S30)) * _FIRST
    x = (x ^ (x >> _S27)) * _SECOND
    mixed: np.uint64 = x ^ (x >> _S31)
    return mixed
