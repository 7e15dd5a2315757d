"""The text of ``hcrmp <command> --help``, made from the dataclasses and the YAML files themselves."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Union

from hcrmp.composition import default_choices, groups
from hcrmp.config import config_class
from hcrmp.mapping import field_types, plain

_WIDTH = 118


def job_help(job: str, summary: str, examples: Sequence[str], positional: str = "") -> str:
    """Return the help of ``job``: its groups with their options, its keys with their values, examples.

    ``positional`` are words that may stand without a key, for the line of usage.
    """
    chosen, cls = default_choices(job), config_class(job)
    lines = [summary, "", f"usage: hcrmp {job} {positional}[group=option ...] [key=value ...]", ""]
    if chosen:
        lines += ["groups (* is chosen unless you choose)"]
        for group, options in groups(job).items():
            marked = [f"{option}*" if option == chosen[group] else option for option in options]
            words = f"{' | '.join(marked)}{'' if chosen[group] else '   (as trained unless chosen)'}"
            lines += textwrap.wrap(words, 120, initial_indent=f"  {group:<14}", subsequent_indent=" " * 16)
        lines.append("")
    lines += ["keys (with their defaults)"]
    lines += [line for name, annotation in field_types(cls).items() for line in _key_lines(cls, name, annotation)]
    sections = [line for name, annotation in field_types(cls).items() for line in _section_lines(name, annotation)]
    lines += ["", "keys of the sections", *sections] if sections else []
    lines += ["", "examples", *(f"  {example}" for example in examples)]
    return "\n".join(lines)


def field_docs(cls: Any) -> dict[str, str]:
    """Return the text below each field of the dataclass ``cls``, its bases included."""
    docs: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        if dataclasses.is_dataclass(owner):
            docs |= _own_field_docs(owner)
    return docs


def _own_field_docs(cls: Any) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):  # no source at hand: the help goes without
        return {}
    body = typing.cast(ast.ClassDef, tree.body[0]).body
    # Some classes describe their fields in their own docstring: "``capacity`` entries; ``threshold`` lowest ...".
    told = dict(re.findall(r"``(\w+)``:? ([^;`]*(?:``[^`]+``[^;`]*)*)", " ".join((cls.__doc__ or "").split())))
    sentences = {name: f"{text.strip(' .,')}." for name, text in told.items() if name in field_types(cls)}
    return {name: text[0].upper() + text[1:] for name, text in sentences.items()} | {
        field.target.id: " ".join(text.value.value.split())
        for field, text in zip(body, body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _key_lines(cls: Any, name: str, annotation: Any) -> list[str]:
    if _sections(annotation) and not _is_optional(annotation):
        return []
    field = {field.name: field for field in dataclasses.fields(cls)}[name]
    return _field_lines(name, field, field_docs(cls).get(name, ""), annotation)


def _field_lines(key: str, field: dataclasses.Field[Any], doc: str, annotation: Any) -> list[str]:
    inner = [name for section in _sections(annotation) for name in field_types(section)]
    keys = f"A section with the keys {', '.join(inner)}." if inner else ""
    values = f"One of {text}." if (text := _values_text(annotation)) else ""
    return _described(key, _default_text(field), " ".join(part for part in (doc, keys, values) if part))


def _is_optional(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _section_lines(key: str, annotation: Any) -> Iterator[str]:
    sections = [] if _is_optional(annotation) else _sections(annotation)
    for section in sections:
        defaults = {field.name: field for field in dataclasses.fields(section)}
        if len(sections) > 1:
            yield f"  with {key}={defaults['name'].default}"
        docs = field_docs(section)
        for name, inner in field_types(section).items():
            if _sections(inner) and not _is_optional(inner):
                yield from _section_lines(f"{key}.{name}", inner)
            elif len(sections) == 1 or name != "name":
                yield from _field_lines(f"{key}.{name}", defaults[name], docs.get(name, ""), inner)


def _described(key: str, default: str, text: str) -> list[str]:
    head = f"  {key}={default}" if default else f"  {key}=... (must be given)"
    if not text:
        return [head]
    wrapped = textwrap.wrap(text, _WIDTH - 44)
    first = [f"{head:<43} {wrapped[0]}"] if len(head) < 43 else [head, f"{'':<44}{wrapped[0]}"]
    return first + [f"{'':<44}{line}" for line in wrapped[1:]]


def _default_text(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return ""
    shown = plain(value)
    if shown is None or isinstance(shown, bool):
        return {None: "null", True: "true", False: "false"}[shown]
    return f"[{', '.join(map(str, shown))}]" if isinstance(shown, list) else str(shown) or "''"


def _values_text(annotation: Any) -> str:
    if typing.get_origin(annotation) is Literal:
        return " | ".join(map(str, typing.get_args(annotation)))
    members = typing.get_args(annotation)
    if typing.get_origin(annotation) is tuple and members and typing.get_origin(members[0]) is Literal:
        return " | ".join(map(str, typing.get_args(members[0])))
    return ""


def _sections(annotation: Any) -> list[Any]:
    if dataclasses.is_dataclass(annotation):
        return [annotation]
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return [member for member in typing.get_args(annotation) if dataclasses.is_dataclass(member)]
    return []
