"""The JSON file of an evaluation; ``hcrmp.results`` explains its shape."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hcrmp.comparison.analysis import MethodDrives, PlannerResult
from hcrmp.comparison.drift import Drift
from hcrmp.comparison.journal import Attempt, Key
from hcrmp.comparison.pairs import Pair
from hcrmp.comparison.protocol import Protocol
from hcrmp.errors import RunFolderError
from hcrmp.results import record_of
from hcrmp.run_folder import read_json, write_json
from llm_hints.asking import Latency

FORMAT, VERSION = "hcrmp evaluation", 2


@dataclass(frozen=True)
class Comparison:
    """Everything that an evaluation of several planners tells."""

    protocol: Protocol
    cells: tuple[str, ...]
    methods: tuple[MethodDrives, ...]
    planners: tuple[PlannerResult, ...]
    pairs: tuple[Pair, ...]
    drift: Drift | None = None
    latency: dict[str, Latency] = field(default_factory=dict)
    """Wall times of hint providers, by the members that they answered."""


def write_comparison(path: Path, comparison: Comparison, about: dict[str, Any]) -> None:
    """Write ``comparison`` to ``path`` atomically, with what ``about`` says of how it was made."""
    write_json(
        path,
        {
            "format": FORMAT,
            "version": VERSION,
            **about,
            "protocol": comparison.protocol.to_dict(),
            "cells": list(comparison.cells),
            "planners": [_planner(one, comparison.latency, path.parent) for one in comparison.planners],
            "pairs": [plain(asdict(one)) for one in comparison.pairs],
            "drift": None if comparison.drift is None else asdict(comparison.drift),
            "drives": about.get("drives", []),
            "episodes": [row for method in comparison.methods for row in _episodes(method)],
        },
    )


def read_results(path: Path) -> dict[str, Any]:
    """Return the content of an evaluation's file.

    Raises:
        RunFolderError: it is none, or was written by a newer version, which is named.
    """
    content = read_json(path)
    if content.get("format") != FORMAT:
        raise RunFolderError(f"{path} is no evaluation result of this version: evaluate again.")
    if content.get("version", 0) > VERSION:
        raise RunFolderError(f"{path} has version {content['version']}, this hcrmp reads {VERSION}: use a newer one.")
    return content


def _planner(one: PlannerResult, latency: dict[str, Latency], folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = plain(asdict(one))
    for member in told["members"]:
        measured = latency.get(member["name"])
        if member["path"]:
            member["path"] = os.path.relpath(member["path"], folder)
        member["hint_latency"] = {} if measured is None else plain(asdict(measured))
    return told


def attempts_of(results: dict[str, Any]) -> dict[Key, list[Attempt]]:
    """Return the last attempts at the episodes of ``read_results``."""
    found: dict[Key, list[Attempt]] = {}
    for row in results["episodes"]:
        key = (row["member"], f"{row['scenario']}/{row['density']}", row["number"], row["repetition"])
        found[key] = [Attempt(key, record_of(row), row["trace_hash"])]
    return found


def _episodes(method: MethodDrives) -> Sequence[dict[str, Any]]:
    rows = []
    for (member, _, number, repetition), tried in method.attempts.items():
        last = tried[-1]
        where = {"planner": method.planner, "member": member, "number": number, "repetition": repetition}
        assert last.record is not None
        rows.append({**last.record.to_dict(), **where, "attempts": len(tried), "trace_hash": last.trace_hash})
    return rows


def plain(value: Any) -> Any:
    """Return ``value`` with None for what is no number, as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
