"""What was different when the run was made: code, versions, machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """Something that was ``then`` one thing and is ``now`` another."""

    what: str
    then: str
    now: str


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """Return in what two provenances differ, command, time and seed aside."""
    before, after = _flat(then), _flat(now)
    pairs = [(key, before.get(key, "unknown"), after.get(key, "unknown")) for key in {**before, **after}]
    return [Change(key, old, new) for key, old, new in pairs if old != new]


def _flat(made_by: Mapping[str, Any]) -> dict[str, str]:
    machine, packages = made_by.get("machine") or {}, made_by.get("packages") or {}
    found = {"commit": str(made_by.get("commit") or "unknown"), "python": str(made_by.get("python"))}
    return found | {name: str(value) for name, value in {**packages, **machine}.items()}


def advice(found: Sequence[Change], then: Mapping[str, Any]) -> Iterator[str]:
    """Yield where to look for the cause of a drift, the likeliest first."""
    by_name = {change.what: change for change in found}
    commit = str(then.get("commit") or "")
    if commit.endswith("-dirty"):
        yield f"the code had changes that were in no commit beside {commit.removesuffix('-dirty')[:10]}: they are lost"
    if "commit" in by_name:
        change = by_name["commit"]
        old, new = (word.removesuffix("-dirty")[:10] for word in (change.then, change.now))
        if old != new:
            yield f"the code: git log --oneline {old}..{new}, or repeat it with git checkout {old}"
    packages = [name for name in (then.get("packages") or {}) if name in by_name]
    if packages:
        pins = " ".join(f"{name}=={by_name[name].then}" for name in packages if name != "hcrmp")
        yield f"the versions: pip install {pins}" if pins else "the version of hcrmp"
    if "python" in by_name:
        yield f"Python {by_name['python'].then} instead of {by_name['python'].now}"
    if "cpu" in by_name or "platform" in by_name:
        yield "the machine: other processors round sums otherwise, and one last bit sends a drive elsewhere"
