"""A state of many parts: each saves itself, and a state of another version or size is refused before any is touched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np


class HintStateError(ValueError):
    """A saved state of hints that cannot be gone on from; says why."""


class Part(Protocol):
    """Something that saves itself as plain arrays."""

    def state(self) -> dict[str, Any]:
        """Return everything that the future depends on."""
        ...

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        ...


def save_parts(worlds: int, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Return the state of the ``parts`` of a service of ``worlds`` worlds."""
    return {"worlds": np.array(worlds), **{name: part.state() for name, part in parts.items()}}


def restore_parts(worlds: int, parts: Mapping[str, Part], state: Mapping[str, Any]) -> None:
    """Restore what ``save_parts`` returned; raise ``HintStateError`` for a state of other parts or worlds."""
    if not {"worlds", *parts} <= state.keys() or np.ndim(state["worlds"]):
        raise HintStateError(
            "the hints of this checkpoint were saved by another version of the program, or with other settings: resume "
            "with those, or train anew; evaluation does not need them"
        )
    if state["worlds"] != worlds:
        raise HintStateError(f"a hint service of {state['worlds']} worlds came; this one has {worlds}")
    for name, part in parts.items():
        part.set_state(state[name])
