"""The text of ``hcrmp <command> --help``, made from the dataclasses and the YAML files themselves."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Union

from hcrmp.composition import compose, groups
from hcrmp.config import config_class
from hcrmp.mapping import field_types, plain

_WIDTH = 118
_LONGEST = 80
"""Letters of a value that is told in full."""


def job_help(
    job: str, summary: str, examples: Sequence[str], positional: str = "", overrides: Sequence[str] = ()
) -> str:
    """Return the help of ``job``: its groups with their options, its keys with their values, examples.

    ``positional`` are words that may stand without a key, for the line of usage. The values are those that hold with
    the ``overrides``: ``hcrmp train algo=llm_reward --help``.
    """
    cls = config_class(job)
    composed = compose(job, overrides, tuple(field_types(cls)))
    chosen, values = composed.choices, composed.values
    lines = [summary, "", f"usage: hcrmp {job} {positional}[group=option ...] [key=value ...]", ""]
    if chosen:
        lines += [f"groups (* is chosen{' here' if overrides else ' unless you choose'})"]
        for group, options in groups(job).items():
            marked = [f"{option}*" if option == chosen[group] else option for option in options]
            unless = "none" if group == "experiment" else "as trained"
            words = f"{' | '.join(marked)}{'' if chosen[group] else f'   ({unless} unless chosen)'}"
            lines += textwrap.wrap(words, 120, initial_indent=f"  {group:<14}", subsequent_indent=" " * 16)
        lines.append("")
    lines += [f"keys (with what they are{' with the options marked' if chosen else ' unless you say so'})"]
    fields = field_types(cls).items()
    lines += [line for name, annotation in fields for line in _key_lines(cls, name, annotation, values)]
    sections = [line for name, annotation in fields for line in _section_lines(name, annotation, values.get(name))]
    lines += ["", "keys of the sections", *sections] if sections else []
    if "hints" in chosen:
        lines += ["", "with hints=openai or hints=transformers: the keys of its section by their last word, model=NAME"]
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
    return {
        field.target.id: " ".join(text.value.value.split())
        for field, text in zip(body, body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _key_lines(cls: Any, name: str, annotation: Any, values: Mapping[str, Any]) -> list[str]:
    if _sections(annotation) and not _is_optional(annotation):
        return []
    field = {field.name: field for field in dataclasses.fields(cls)}[name]
    return _field_lines(name, field, field_docs(cls).get(name, ""), annotation, values)


def _field_lines(
    key: str, field: dataclasses.Field[Any], doc: str, annotation: Any, composed: Mapping[str, Any]
) -> list[str]:
    inner = [name for section in _sections(annotation) for name in field_types(section)]
    keys = f"A section with the keys {', '.join(inner)}." if inner else ""
    values = f"One of {text}." if (text := _values_text(annotation)) else ""
    text = _value_text(composed[field.name]) if field.name in composed else _default_text(field)
    return _described(key, text, " ".join(part for part in (doc, keys, values) if part))


def _is_optional(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _section_lines(key: str, annotation: Any, values: Any) -> Iterator[str]:
    """Yield the lines of a section; ``values``: what its options make of its keys."""
    values = values if isinstance(values, Mapping) else {}
    sections = [] if _is_optional(annotation) else _sections(annotation)
    for section in sections:
        defaults = {field.name: field for field in dataclasses.fields(section)}
        if len(sections) > 1:
            yield f"  with {key}={defaults['name'].default}"
        docs = field_docs(section)
        for name, inner in field_types(section).items():
            if _sections(inner) and not _is_optional(inner):
                yield from _section_lines(f"{key}.{name}", inner, values.get(name))
            elif len(sections) == 1 or name != "name":
                yield from _field_lines(f"{key}.{name}", defaults[name], docs.get(name, ""), inner, values)


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
    return _value_text(value)


def _value_text(value: Any) -> str:
    shown = plain(value)
    if shown is None or isinstance(shown, bool):
        return {None: "null", True: "true", False: "false"}[shown]
    if not isinstance(shown, list):
        return str(shown) or "''"
    text = f"[{', '.join(map(str, shown))}]"
    return text if len(text) <= _LONGEST else f"[{shown[0]}, {shown[1]}, ... {len(shown)} in all]"


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
