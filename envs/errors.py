"""Errors that a user of the environments can meet; each says what came, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class EnvsError(Exception):
    """Base of the errors that the environments raise for wrong input."""


class UnknownChoiceError(EnvsError, ValueError):
    """A name that is not among the valid ones; the message names the nearest."""

    def __init__(self, kind: str, given: object, allowed: Iterable[str]) -> None:
        choices = sorted(allowed)
        near = difflib.get_close_matches(str(given), choices, n=1, cutoff=0.4)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"unknown {kind} {given!r}.{guess} Valid: {', '.join(choices)}")


class InvalidConfigError(EnvsError, ValueError):
    """A configuration value outside its range."""


class InvalidActionError(EnvsError, ValueError):
    """An action of the wrong shape, or one that is not a number."""


class EpisodeEndedError(EnvsError, RuntimeError):
    """A step in a world that has not been started, or whose episode has ended."""


def choose(kind: str, given: str, allowed: Iterable[str]) -> str:
    """Return ``given`` where it is allowed, else raise with the nearest valid name."""
    choices = tuple(allowed)
    if given not in choices:
        raise UnknownChoiceError(kind, given, choices)
    return given


def require(condition: bool, message: str) -> None:
    """Raise ``InvalidConfigError`` with ``message`` unless ``condition`` holds."""
    if not condition:
        raise InvalidConfigError(message)
