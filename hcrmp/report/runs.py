"""How runs were made, what differs between them, and whether their versions do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hcrmp.mapping import to_mapping
from hcrmp.report.material import Evaluation, Material, Run
from hcrmp.run_folder import command_of

OWN = ("run", "runs_dir", "resume", "progress", "checkpoint_every", "torch_threads")
"""Keys in which runs differ without being different."""

MOST_SETTINGS = 40
"""Differences that are told; runs that share nothing have hundreds."""


@dataclass(frozen=True)
class Fact:
    """Something that is not the same in all runs: its values, and in which runs (in words)."""

    what: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Made:
    """How one artefact was made: its name, what it is, when, by which commit, seed and command."""

    name: str
    what: str
    created: str
    commit: str
    seed: str
    command: str


def provenance_rows(material: Material) -> list[Made]:
    """Return a row for each training, evaluation and robustness file."""
    rows = [_made(run.name, _steps_words(run), run.provenance) for run in material.runs if run.config is not None]
    rows += [_made(one.label, f"evaluation of {_home(one)}", one.provenance) for one in material.evaluations]
    return rows + [_made(one.path.name, "robustness", one.provenance) for one in material.robustness]


def _steps_words(run: Run) -> str:
    return f"training, {run.steps:,} decisions" if run.steps else "training"


def _home(one: Evaluation) -> str:
    return one.run.name if one.run is not None else one.path.parent.parent.name


def _made(name: str, what: str, made_by: Mapping[str, Any]) -> Made:
    commit = str(made_by.get("commit") or "unknown")
    short = commit[:10] + ("-dirty" if commit.endswith("-dirty") else "")
    return Made(name, what, _created(made_by), short, str(made_by.get("seed", "–")), command_of(made_by) or "–")


def _created(made_by: Mapping[str, Any]) -> str:
    return str(made_by.get("created", "–")).replace("T", " ").replace("+00:00", " UTC")


def provenance_words(material: Material) -> tuple[list[str], list[Fact]]:
    """Return versions and machine: what is the same everywhere, in words, and what is not."""
    named = [(run.name, run.provenance) for run in material.runs if run.provenance]
    named += [(f"{_home(one)}, {one.label}", one.provenance) for one in material.evaluations if one.provenance]
    flat = [(name, _surroundings(made_by)) for name, made_by in named]
    facts = [_fact(key, flat) for key in dict.fromkeys(key for _, one in flat for key in one)]
    same = [f"{fact.what} {fact.values[0][0]}" for fact in facts if len(fact.values) == 1]
    return same, [fact for fact in facts if len(fact.values) > 1]


def _surroundings(made_by: Mapping[str, Any]) -> dict[str, str]:
    machine, packages = made_by.get("machine") or {}, made_by.get("packages") or {}
    found = {name: str(value) for name, value in machine.items()}
    return found | {"Python": str(made_by.get("python", "–"))} | {k: str(v or "–") for k, v in packages.items()}


def _fact(key: str, named: Sequence[tuple[str, Mapping[str, str]]]) -> Fact:
    """Return the values of ``key`` with the names that have each; one alone where all agree."""
    holders: dict[str, list[str]] = {}
    for name, values in named:
        holders.setdefault(values.get(key, "–"), []).append(name)
    return Fact(key, tuple((value, _some(names)) for value, names in holders.items()))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def commands_of(provenances: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the commands of several provenances, each once."""
    return list(dict.fromkeys(filter(None, map(command_of, provenances))))


def settings_that_differ(runs: Sequence[Run]) -> list[Fact]:
    """Return the settings in which trained ``runs`` differ, with keys that are newer than a run at their defaults."""
    named = [(run.name, leaves(to_mapping(run.config))) for run in runs if run.config is not None]
    texts = [(name, {key: written(value) for key, value in values.items()}) for name, values in named]
    keys = dict.fromkeys(key for _, one in texts for key in one if key.split(".")[0] not in OWN)
    return [fact for key in keys if len((fact := _fact(key, texts)).values) > 1][:MOST_SETTINGS]


def leaves(values: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Return the values of a nested configuration by dotted key."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        path = f"{place}.{key}" if place else str(key)
        found |= leaves(value, path) if isinstance(value, Mapping) and value else {path: value}
    return found


def written(value: Any) -> str:
    """Return a setting as it stands on the page."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
