"""Files and JSON documents with a largest size, a deepest nesting and no key twice."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

from envs.untrusted.errors import UntrustedFileError

MEGABYTE = 1 << 20
DEEPEST = 40
"""Levels of nesting in a document; ours have ten at most."""


def read_bytes(path: Path, most: int) -> bytes:
    """Return the content of a plain file of at most ``most`` bytes."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UntrustedFileError(f"{path} is no plain file")
        if found.st_size > most:
            raise UntrustedFileError(
                f"{path} has {found.st_size:,} bytes, at most {most:,} are read: it is no such file of this program"
            )
        with path.open("rb") as file:
            # No more than it had: it may grow between the two calls. And no more room is taken for it than that.
            return file.read(found.st_size)
    except OSError as error:
        raise UntrustedFileError(f"{path} cannot be read: {error.strerror or error}") from error


def parse_json(content: bytes, what: str, *, most: int = MEGABYTE, constants: bool = False) -> dict[str, Any]:
    """Return the JSON object ``content``; ``constants``: NaN and Infinity, which are no JSON, are let through."""
    if len(content) > most:
        raise UntrustedFileError(f"{what} has {len(content):,} bytes of JSON, at most {most:,} are read")
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=float if constants else _refuse_constant,
        )
    except RecursionError:
        raise UntrustedFileError(f"{what} is nested too deeply: at most {DEEPEST} levels are read") from None
    except ValueError as error:
        raise UntrustedFileError(f"{what} is no JSON or is cut short ({error})") from error
    if not isinstance(value, dict):
        raise UntrustedFileError(f"{what} holds {type(value).__name__}, a JSON object was expected")
    _check_depth(value, what)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _check_depth(value: Any, what: str) -> None:
    level, deep = [value], 0
    while level:
        if deep > DEEPEST:
            raise UntrustedFileError(f"{what} is nested too deeply: at most {DEEPEST} levels are read")
        inner = [list(node.values()) if isinstance(node, dict) else node for node in level if _holds(node)]
        level, deep = [item for items in inner for item in items], deep + 1


def _holds(node: Any) -> bool:
    return isinstance(node, (dict, list))
