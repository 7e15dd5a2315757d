"""Domain randomisation: fields of scenarios replaced by the ranges that a user asks for.

A field is named by its path, ``ego_speed`` or ``actors.first.driver.headway``: participants by name, their scripts by
number, and ``*`` for any (``actors.*.speed``, ``actors.right*.scripts.0.value``). What a path may hold is what the
scenario holds there: a range takes a number or ``[low, high]``, a number or switch takes one, ``kinds`` takes names.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from envs.errors import EnvsError
from envs.scenarios.route import RouteScenario
from envs.scenarios.scenario import ActorSpec, Driver, Range, Scenario, Script, exactly
from envs.scene import ActorKind

AnyScenario = Scenario | RouteScenario
Chosen = TypeVar("Chosen", bound=AnyScenario)

MAY_BE_UNSET = ("desired_speed",)
"""Ranges that a scenario may leave open and a user may give nevertheless. A participant placed by its distance has no
time of arrival to give: its way need not meet the ego's."""

LIMITS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("probability", "yield_probability"), (0.0, 1.0)),
    **dict.fromkeys(("ego_speed", "speed", "desired_speed", "headway", "min_gap"), (0.0, math.inf)),
    **dict.fromkeys(("vehicles", "cyclists", "pedestrians", "grace", "wrong_way_limit_s"), (0.0, math.inf)),
    **dict.fromkeys(("goal", "length", "time_limit", "pace", "speed_factor"), (0.1, math.inf)),
    **dict.fromkeys(("max_acceleration", "comfort_brake", "hardest_brake"), (0.1, math.inf)),
}
"""Lowest and highest value by the field's name; distances, angles and what a script takes may be any number."""

ON_FOOT = (ActorKind.PEDESTRIAN, ActorKind.STATIC)
"""Kinds that no vehicle of a route can be."""


class RandomiseError(EnvsError, ValueError):
    """A path that no scenario has, or a value that its field cannot take."""


def randomised(scenario: Chosen, overrides: Mapping[str, Any]) -> Chosen:
    """Return ``scenario`` with ``overrides`` (path -> value, nested or dotted) in place of its own fields.

    Later entries win. Sampling stays a pure function of the seed; what is not named keeps its draws.

    Raises:
        RandomiseError: the scenario has no such field, or the field cannot take the value.
    """
    return randomised_all((scenario,), overrides)[0]


def randomised_all(scenarios: Sequence[Chosen], overrides: Mapping[str, Any]) -> tuple[Chosen, ...]:
    """Return ``scenarios`` with ``overrides`` applied to each that has such a field; one at least must have it."""
    asked = flattened(overrides)
    known = [randomisable(scenario) for scenario in scenarios]
    for path in asked:
        if not any(_matching(path, has) for has in known):
            raise RandomiseError(_unknown(path, list(dict.fromkeys(name for has in known for name in has))))
    return tuple(_applied(scenario, asked) for scenario in scenarios)


def flattened(overrides: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one of dotted paths, in the order given; ranges and tuples become lists."""
    flat: dict[str, Any] = {}
    for name, value in overrides.items():
        path = f"{prefix}{name}"
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{path}.")
        elif isinstance(value, Range):
            flat[path] = [value.low, value.high]
        else:
            flat[path] = list(value) if isinstance(value, tuple) else value
    return flat


def randomisable(scenario: AnyScenario) -> dict[str, Any]:
    """Return every path of ``scenario`` that can be given, with what the scenario holds there."""
    return dict(_leaves(scenario, ""))


def _leaves(node: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, part in _parts(node):
        if isinstance(part, (ActorSpec, Driver, Script)) or _is_group(part):
            yield from _leaves(part, f"{prefix}{name}.")
        elif _is_leaf(name, part):
            yield f"{prefix}{name}", part


def _parts(node: Any) -> list[tuple[str, Any]]:
    """Return the named parts of a node: actors by name, scripts by number, the fields of anything else."""
    if isinstance(node, tuple):
        return [(part.name if isinstance(part, ActorSpec) else str(i), part) for i, part in enumerate(node)]
    return [(field.name, getattr(node, field.name)) for field in fields(node)]


def _is_group(part: Any) -> bool:
    return isinstance(part, tuple) and bool(part) and all(isinstance(item, (ActorSpec, Script)) for item in part)


def _is_leaf(name: str, part: Any) -> bool:
    if part is None:
        return name in MAY_BE_UNSET
    return isinstance(part, Range) or _is_kinds(part) or (isinstance(part, (int, float)) and not isinstance(part, Enum))


def _is_kinds(part: Any) -> bool:
    return isinstance(part, tuple) and bool(part) and all(isinstance(item, ActorKind) for item in part)


def _matching(path: str, known: Mapping[str, Any]) -> list[str]:
    asked = path.split(".")
    return [name for name in known if _same(asked, name.split("."))]


def _same(asked: Sequence[str], name: Sequence[str]) -> bool:
    # Part by part: a star must not reach over a dot.
    return len(asked) == len(name) and all(map(fnmatchcase, name, asked))


def _applied(scenario: Chosen, asked: Mapping[str, Any]) -> Chosen:
    for path, value in asked.items():
        known = randomisable(scenario)
        for name in _matching(path, known):
            scenario = _with(scenario, name.split("."), _converted(path, name.split(".")[-1], known[name], value))
    if isinstance(scenario, RouteScenario):
        _check_route(scenario)
    return scenario


def _with(node: Any, path: Sequence[str], value: Any) -> Any:
    """Return ``node`` with ``value`` at ``path``."""
    if not path:
        return value
    if isinstance(node, tuple):
        return tuple(_with(part, path[1:], value) if name == path[0] else part for name, part in _parts(node))
    return replace(node, **{path[0]: _with(getattr(node, path[0]), path[1:], value)})


def _converted(path: str, name: str, present: Any, value: Any) -> Any:
    """Return ``value`` as the field ``name``, which holds ``present``, takes it."""
    if present is None or isinstance(present, Range):
        return _range(path, name, value)
    if isinstance(present, tuple):
        return _kinds(path, value)
    if isinstance(present, bool):
        return _require(isinstance(value, bool), path, value, "true or false")
    number = _number(path, name, value, "a number")
    if isinstance(present, int):
        return int(_require(number.is_integer(), path, value, "a whole number"))
    return number


def _range(path: str, name: str, value: Any) -> Range:
    allowed = "a number or [low, high]"
    if not isinstance(value, (list, tuple)):
        return exactly(_number(path, name, value, allowed))
    _require(len(value) == 2, path, value, allowed)
    low, high = (_number(path, name, bound, allowed) for bound in value)
    _require(low <= high, path, value, "[low, high] with low not above high")
    return Range(low, high)


def _number(path: str, name: str, value: Any, allowed: str) -> float:
    _require(isinstance(value, (int, float)) and not isinstance(value, bool), path, value, allowed)
    low, high = LIMITS.get(name, (-math.inf, math.inf))
    _require(math.isfinite(value) and low <= value <= high, path, value, _limits_text(low, high))
    return float(value)


def _limits_text(low: float, high: float) -> str:
    if math.isfinite(high):
        return f"numbers from {low:g} to {high:g}"
    return f"finite numbers of at least {low:g}" if math.isfinite(low) else "finite numbers"


def _kinds(path: str, value: Any) -> tuple[ActorKind, ...]:
    names = {kind.name.lower(): kind for kind in ActorKind}
    asked = [value] if isinstance(value, str) else value
    good = isinstance(asked, (list, tuple)) and bool(asked) and all(str(item).lower() in names for item in asked)
    _require(good, path, value, f"a list of {', '.join(names)}")
    return tuple(names[str(item).lower()] for item in asked)


def _check_route(scenario: RouteScenario) -> None:
    if scenario.cyclists > scenario.vehicles:
        raise RandomiseError(
            f"randomise: vehicles={scenario.vehicles} is fewer than cyclists={scenario.cyclists} of route "
            f"({scenario.density}), which are among them; give both"
        )
    if any(kind in ON_FOOT for kind in scenario.kinds):
        raise RandomiseError("randomise.kinds of routes are of vehicles; give pedestrians=NUMBER for people on foot")


def _require(good: bool, path: str, value: Any, allowed: str) -> Any:
    if not good:
        raise RandomiseError(f"randomise.{path} takes {allowed}, got {value!r}")
    return value


def _unknown(path: str, known: Sequence[str]) -> str:
    """Return the line that says where ``path`` leaves the fields that there are, and the nearest that there is."""
    asked = path.split(".")
    shared = next(n for n in range(len(asked), -1, -1) if any(_same(asked[:n], name.split(".")[:n]) for name in known))
    within = [name.split(".") for name in known if _same(asked[:shared], name.split(".")[:shared])]
    here = list(dict.fromkeys(parts[shared] for parts in within if len(parts) > shared))
    starred = [".".join(["actors", "*", *name.split(".")[2:]]) for name in known if name.startswith("actors.")]
    near = difflib.get_close_matches(path, list(dict.fromkeys([*known, *starred])), 1, 0.0)
    place = f"within {'.'.join(asked[:shared])}" if shared else "of a scenario"
    return (
        f"randomise.{path}: no chosen scenario has it; did you mean {near[0]}? "
        f"(fields {place}: {', '.join(here) or 'none'})"
    )
