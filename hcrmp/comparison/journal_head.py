"""What a journal was begun with, and whether that is what is evaluated now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hcrmp.comparison.protocol import differences
from hcrmp.errors import RunFolderError

FORMAT = 1


class OtherEvaluationError(RunFolderError):
    """A journal that was begun with something else: what, is ``told`` in words."""

    def __init__(self, message: str, told: str) -> None:
        super().__init__(message)
        self.told = told


def check_head(
    path: Path, lines: Sequence[Mapping[str, Any]], protocol: Mapping[str, Any], members: Mapping[str, str]
) -> dict[str, str]:
    """Refuse a journal that was begun with something else; return its members."""
    check_protocol(path, lines[0], protocol)
    known = {name: checksum for line in lines for name, checksum in line.get("members", {}).items()}
    _check_members(path, known, members)
    return known


def check_protocol(path: Path, head: Mapping[str, Any], protocol: Mapping[str, Any]) -> None:
    """Refuse a journal of another protocol, or of another version."""
    if head.get("journal") != FORMAT:
        raise RunFolderError(f"{path} is no journal that this version reads: give another label=...")
    if head["protocol"].get("hash") != protocol.get("hash"):
        told = "; ".join(differences(protocol, head["protocol"]))
        raise OtherEvaluationError(
            f"{path.parent} was begun otherwise: {told}. Give another label=..., or the same settings", told
        )


def _check_members(path: Path, known: Mapping[str, str], members: Mapping[str, str]) -> None:
    changed = [name for name, checksum in members.items() if known.get(name, checksum) != checksum]
    if changed:
        raise OtherEvaluationError(
            f"{path.parent} holds episodes of {', '.join(changed)} as it was before: it has been trained or changed "
            "since. Give another label=...",
            f"{', '.join(changed)} has been trained or changed since",
        )
