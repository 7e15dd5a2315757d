"""The commands by which the numbers of a report were made, as a shell takes them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def command_of(provenance: Mapping[str, Any]) -> str:
    """Return the command that a provenance tells of; "" where it tells none."""
    words = provenance.get("command")
    if not isinstance(words, list) or not words:
        return ""
    first, *rest = (str(word) for word in words)
    # Run as a module, the program's name is that of its file.
    name = "hcrmp" if Path(first).stem in ("cli", "hcrmp", "__main__") else first
    return shlex.join([name, *rest])


def distinct(provenances: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the commands of several provenances, each once."""
    return list(dict.fromkeys(filter(None, map(command_of, provenances))))
