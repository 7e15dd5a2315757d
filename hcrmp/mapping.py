"""Strict conversion between plain mappings and frozen config dataclasses.

Every component keeps its own dataclass beside the class it configures; this module only fills them. An unknown
key, a wrong type or a value outside the choices fails with the full dotted key and the nearest valid one.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from hcrmp.errors import ConfigError

Config = TypeVar("Config")


def from_mapping(cls: type[Config], values: Mapping[str, Any], key: str = "") -> Config:
    """Build the dataclass ``cls`` from ``values``; ``key`` is the dotted place of ``values``, for messages."""
    hints = field_types(cls)
    for name in values:
        if name not in hints:
            raise ConfigError(unknown("key", _join(key, str(name)), [_join(key, known) for known in hints]))
    converted = {name: convert(hints[name], value, _join(key, name)) for name, value in values.items()}
    missing = [
        field.name for field in dataclasses.fields(_dataclass(cls)) if _required(field) and field.name not in values
    ]
    if missing:
        raise ConfigError(f"{_join(key, missing[0])} must be given: add {_join(key, missing[0])}=...")
    try:
        return cls(**converted)
    except (ValueError, TypeError) as error:
        place = "" if not key or str(error).startswith(key) else f"{key}: "
        raise ConfigError(f"{place}{error}") from error


def to_mapping(config: Any) -> dict[str, Any]:
    """Return ``config`` as plain dicts, lists, strings and numbers; ``from_mapping`` reads it back."""
    return {field.name: plain(getattr(config, field.name)) for field in dataclasses.fields(config) if field.init}


def unknown(what: str, got: str, allowed: Iterable[str]) -> str:
    """Return the one line that says that ``got`` is no such ``what`` and names the nearest valid one."""
    choices = [str(choice) for choice in allowed]
    # Of key=value the value alone: the key is the same in all.
    by_value = {choice.rpartition("=")[2]: choice for choice in choices}
    near = difflib.get_close_matches(got.rpartition("=")[2], by_value, n=1, cutoff=0.5)
    suggestion = f" Did you mean {by_value[near[0]]}?" if near else ""
    return f"unknown {what} {got}.{suggestion} Valid: {', '.join(choices)}."


@cache
def _resolved(cls: type) -> dict[str, Any]:
    hints = typing.get_type_hints(cls)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls) if field.init}


def field_types(cls: type) -> dict[str, Any]:
    """Return the resolved annotation of each field that ``cls`` takes, in order."""
    return _resolved(_dataclass(cls))


def convert(annotation: Any, value: Any, key: str) -> Any:
    """Return ``value`` as ``annotation`` asks for it, or raise ``ConfigError`` naming ``key``."""
    if annotation is Any:
        return value
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return _convert_section(annotation, value, key)
    origin = typing.get_origin(annotation)
    for matches, converter in _BY_ORIGIN:
        if origin in matches:
            return converter(annotation, value, key)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _convert_enum(annotation, value, key)
    if annotation in _SCALARS:
        return _SCALARS[annotation](value, key)
    raise ConfigError(f"{key}: the type {annotation} is not supported in a configuration.")


def _convert_section(cls: type, value: Any, key: str) -> Any:
    if isinstance(value, cls):
        return value
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{key} is a section, got {value!r}: set its keys, {key}.<key>=... ({', '.join(field_types(cls))})."
        )
    return from_mapping(cls, value, key)


def _convert_literal(annotation: Any, value: Any, key: str) -> Any:
    choices = typing.get_args(annotation)
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    raise ConfigError(unknown("value", f"{key}={_shown(value)}", [f"{key}={_shown(choice)}" for choice in choices]))


def _convert_union(annotation: Any, value: Any, key: str) -> Any:
    members = [member for member in typing.get_args(annotation) if member is not type(None)]
    if value is None and len(members) < len(typing.get_args(annotation)):
        return None
    sections = [member for member in members if dataclasses.is_dataclass(member)]
    if sections and isinstance(value, Mapping):
        return _convert_tagged(sections, value, key)
    problem = ConfigError(f"{key}: got {value!r}.")
    for member in reversed(members):
        try:
            return convert(member, value, key)
        except ConfigError as error:
            problem = error
    raise problem


def _convert_tagged(sections: Sequence[Any], value: Mapping[str, Any], key: str) -> Any:
    """Choose among several dataclasses by their ``name``, the key in which they differ."""
    if len(sections) == 1:
        return from_mapping(sections[0], value, key)
    by_name = {_default(section, "name"): section for section in sections}
    name = value.get("name")
    if name not in by_name:
        raise ConfigError(unknown("value", f"{key}.name={name}", [f"{key}.name={known}" for known in by_name]))
    return from_mapping(by_name[name], value, key)


def _convert_tuple(annotation: Any, value: Any, key: str) -> Any:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{key} takes a list, got {value!r}: write {key}=[...].")
    members = typing.get_args(annotation)
    if len(members) == 2 and members[1] is Ellipsis:
        return tuple(convert(members[0], item, f"{key}[{i}]") for i, item in enumerate(value))
    if len(members) != len(value):
        raise ConfigError(f"{key} takes a list of {len(members)}, got {len(value)}: {list(value)!r}.")
    return tuple(
        convert(member, item, f"{key}[{i}]") for i, (member, item) in enumerate(zip(members, value, strict=True))
    )


def _convert_dict(annotation: Any, value: Any, key: str) -> Any:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{key} takes a mapping, got {value!r}.")
    member = (typing.get_args(annotation) or (str, Any))[1]
    return {str(name): convert(member, item, _join(key, str(name))) for name, item in value.items()}


def _convert_enum(cls: type[Enum], value: Any, key: str) -> Enum:
    for member in cls:
        if value is member or (isinstance(value, str) and value.lower() == member.name.lower()):
            return member
    raise ConfigError(unknown("value", f"{key}={value}", [f"{key}={member.name.lower()}" for member in cls]))


def _to_bool(value: Any, key: str) -> bool:
    if isinstance(value, bool):
        return value
    raise ConfigError(f"{key} takes true or false, got {value!r}.")


def _to_int(value: Any, key: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ConfigError(f"{key} takes a whole number, got {value!r}.")


def _to_float(value: Any, key: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value):
        return float(value)
    raise ConfigError(f"{key} takes a number, got {value!r}.")


def _to_str(value: Any, key: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ConfigError(f"{key} takes a text, got {value!r}.")


def _to_none(value: Any, key: str) -> None:
    if value is not None:
        raise ConfigError(f"{key} takes null, got {value!r}.")


_SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_str,
    Path: lambda value, key: Path(_to_str(str(value) if isinstance(value, Path) else value, key)),
    type(None): _to_none,
}

_BY_ORIGIN: tuple[tuple[tuple[Any, ...], Callable[[Any, Any, str], Any]], ...] = (
    ((Literal,), _convert_literal),
    ((Union, types.UnionType), _convert_union),
    ((tuple,), _convert_tuple),
    ((dict, Mapping), _convert_dict),
)


def plain(value: Any) -> Any:
    """Return ``value`` with dataclasses, enums, paths and tuples in it as dicts, names, texts and lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_mapping(value)
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value


def _dataclass(cls: type) -> Any:
    if not dataclasses.is_dataclass(cls):
        raise TypeError(f"{cls.__name__} is no dataclass")
    return cls


def _default(cls: Any, name: str) -> Any:
    return next(field.default for field in dataclasses.fields(cls) if field.name == name)


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) or value is None else str(value)
