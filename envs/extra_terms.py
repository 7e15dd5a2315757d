"""Reward terms beside the three: each is one more stream, and one more critic, chosen by configuration (ours)."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from envs.errors import require
from envs.own_code import OwnCodeError, check_named, load_code
from envs.scene import FloatArray, SceneBatch

TermFunction = Callable[[SceneBatch], FloatArray]
"""A pure function: the scenes after a step to the term ``(B,)`` that each world gets for it, about [-1, 1]."""


@dataclass(frozen=True, slots=True)
class ExtraTerm:
    """One more reward term."""

    function: str = ""
    """Its function, as FILE.py:name or package.module:name; ``envs.more_terms`` has some. It takes the scenes
    (``SceneBatch``) and returns an array (B,). Empty: it is 0 here, as where a planner is driven without its code."""
    weight: float = 0.1
    """Its fixed share of the critics' weights, those of the hint being scaled to the rest (Eq. 2), and its factor in
    the scalar reward that single-critic baselines learn from."""


def check_terms(terms: Mapping[str, ExtraTerm], taken: Collection[str]) -> None:
    """Refuse terms whose names are ``taken`` or none, and wrong functions and weights."""
    for name, term in terms.items():
        key = f"reward.extra_terms.{name}"
        plain = name.isidentifier() and name.islower() and not keyword.iskeyword(name)
        require(plain, f"reward.extra_terms: {name!r} is no name: take lower-case letters, digits and _")
        require(name not in taken and name != "reward", f"{key}: there is a term of this name already")
        if term.function:
            check_named(term.function, f"{key}.function")
        require(0.0 <= term.weight < 1.0, f"{key}.weight must be at least 0 and less than 1, got {term.weight}")
    together = sum(term.weight for term in terms.values())
    require(together < 1.0, f"reward.extra_terms: the weights sum to {together:g}; leave a share to the hint's three")


def term_function(name: str, term: ExtraTerm) -> TermFunction:
    """Return what computes the term, with its result checked; raises ``OwnCodeError`` where there is no such code."""
    if not term.function:
        return _nothing
    key = f"reward.extra_terms.{name}.function"
    function = load_code(term.function, key)
    if not callable(function):
        raise OwnCodeError(f"{key}: {term.function} is no function, but {type(function).__name__}")

    def checked(scene: SceneBatch) -> FloatArray:
        values = np.asarray(function(scene), dtype=np.float64)
        if values.shape != (scene.batch_size,):
            raise OwnCodeError(f"{key} returned the shape {values.shape}; ({scene.batch_size},) is needed: one a world")
        if not np.isfinite(values).all():
            raise OwnCodeError(f"{key} returned {values[~np.isfinite(values)][0]}; every number must be finite")
        return values

    return checked


def _nothing(scene: SceneBatch) -> FloatArray:
    return np.zeros(scene.batch_size)
