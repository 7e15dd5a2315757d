"""Strict reading of a language model's answer: text -> Hint, or a HintFormatError that says why not.

The form is one JSON object, bare or in one fenced code block::

    {"road_category": "Urban Road", "traffic_density": "High",
     "critical_entities": [{"id": 7, "type": "Pedestrian", "direction": "Front-Right"}],
     "weights": {"safety": 0.8, "comfort": 0.1, "efficiency": 0.1}}

The ``id`` of an entity may be left out. What a reasoning model thinks aloud first, between ``<think>`` and
``</think>``, is no part of its answer. Names are read without regard to case, spaces, hyphens and underscores. Nothing
is guessed: an unknown name is refused and the nearest valid one is named.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from llm_hints.hint import (
    CATEGORY_WORDS,
    CRITICS,
    DENSITY_WORDS,
    DIRECTION_WORDS,
    KIND_WORDS,
    SLOTS,
    Entity,
    Hint,
    HintFormatError,
)

WEIGHT_SUM_TOLERANCE = 0.02
"""How far the sum of three weights of two decimals may be from 1; such a sum is renormalised."""

MAX_CHARACTERS = 20_000
"""Longest answer that is read, without the thoughts before it; a longer one is a runaway generation."""

_FIELDS = ("road_category", "traffic_density", "critical_entities", "weights")
_ENTITY_FIELDS = ("type", "direction")
_THOUGHT = re.compile(r"\A.*?</think>", re.DOTALL)
"""A model whose chat template opens the thoughts for it answers without the opening tag."""
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)

Word = TypeVar("Word")


def parse_hint(text: str) -> Hint:
    """Return the hint that ``text`` holds; raise ``HintFormatError`` for anything that is not exactly one."""
    answer = read_object(text, _FIELDS, "the hint")
    return Hint(
        category=named(answer["road_category"], CATEGORY_WORDS, "road_category"),
        density=named(answer["traffic_density"], DENSITY_WORDS, "traffic_density"),
        entities=_entities(answer["critical_entities"]),
        weights=_weights(answer["weights"]),
    )


def read_object(text: str, fields: Sequence[str], where: str) -> dict[str, Any]:
    """Return the one JSON object that ``text`` holds, with exactly ``fields``; ``where`` names it in errors."""
    answer = _load(_json_part(text))
    _require_fields(answer, fields, where)
    return answer


def _json_part(text: str) -> str:
    """Return the fenced block of ``text`` where there is one, else all of it, without thoughts before it."""
    if not isinstance(text, str):
        raise HintFormatError(f"an answer of type {type(text).__name__} came; text is needed")
    text = _THOUGHT.sub("", text)
    if len(text) > MAX_CHARACTERS:
        raise HintFormatError(f"{len(text)} characters came; at most {MAX_CHARACTERS} are read")
    blocks = _FENCE.findall(text)
    if len(blocks) > 1:
        raise HintFormatError(f"{len(blocks)} code blocks came; exactly one JSON object is needed")
    part: str = blocks[0] if blocks else text
    if not part.strip():
        raise HintFormatError("an empty answer came; one JSON object is needed")
    return part.strip()


def _load(part: str) -> dict[str, Any]:
    """Return the JSON object in ``part``; refuse doubled keys, NaN and infinities."""
    try:
        answer = json.loads(part, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise HintFormatError(
            f"no JSON object came: {error.msg} at character {error.pos} of {_shown(part)}; "
            "allowed is one object alone or in one fenced code block"
        ) from None
    except (RecursionError, ValueError) as error:
        if isinstance(error, HintFormatError):
            raise
        raise HintFormatError(f"unreadable JSON came: {_shown(part)}") from None
    if not isinstance(answer, dict):
        raise HintFormatError(f"a JSON {type(answer).__name__} came; an object is needed")
    return answer


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dict; a key that came twice has no single meaning."""
    answer = dict(pairs)
    if len(answer) != len(pairs):
        keys = [key for key, _ in pairs]
        doubled = sorted({key for key in keys if keys.count(key) > 1})
        raise HintFormatError(f"{doubled} came more than once; each field is allowed once")
    return answer


def _refuse_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which are no JSON numbers."""
    raise HintFormatError(f"{name} came as a number; finite numbers are allowed")


def _require_fields(answer: Any, fields: Sequence[str], where: str, optional: Sequence[str] = ()) -> None:
    """Check that ``answer`` is an object with exactly ``fields``, and ``optional`` ones."""
    if not isinstance(answer, dict):
        raise HintFormatError(f"{_shown(answer)} came as {where}; an object with {list(fields)} is needed")
    for name in answer:
        if name not in fields and name not in optional:
            raise HintFormatError(f"unknown field {_shown(name)} in {where}{_nearest(name, (*fields, *optional))}")
    missing = [name for name in fields if name not in answer]
    if missing:
        raise HintFormatError(f"{where} lacks {missing}; needed are {list(fields)}")


def named(value: Any, words: Mapping[Word, str], where: str) -> Word:
    """Return the member of ``words`` that ``value`` names."""
    if not isinstance(value, str):
        raise HintFormatError(f"{_shown(value)} came as {where}; one of {list(words.values())} is needed")
    wanted = _plain(value)
    for member, word in words.items():
        if _plain(word) == wanted:
            return member
    raise HintFormatError(f"unknown {where} {_shown(value)}{_nearest(value, words.values())}")


def _entities(value: Any) -> tuple[Entity, ...]:
    """Return the critical entities, most critical first."""
    if not isinstance(value, list):
        raise HintFormatError(f"{_shown(value)} came as critical_entities; a list of 0 to {SLOTS} objects is needed")
    if len(value) > SLOTS:
        raise HintFormatError(f"{len(value)} critical entities came; at most {SLOTS} are allowed")
    return tuple(_entity(item, f"critical_entities[{index}]") for index, item in enumerate(value))


def _entity(value: Any, where: str) -> Entity:
    """Return one critical entity."""
    _require_fields(value, _ENTITY_FIELDS, where, optional=("id",))
    kind = named(value["type"], KIND_WORDS, f"{where}.type")
    return Entity(kind, named(value["direction"], DIRECTION_WORDS, f"{where}.direction"), _actor_id(value, where))


def _actor_id(value: Mapping[str, Any], where: str) -> int | None:
    """Return the id of one entity where it has one; a boolean is no number here."""
    actor_id = value.get("id")
    if actor_id is not None and (isinstance(actor_id, bool) or not isinstance(actor_id, int)):
        raise HintFormatError(f"{_shown(actor_id)} came as {where}.id; a whole number is needed, or no id at all")
    return actor_id


def _weights(value: Any) -> dict[str, float]:
    """Return the weights by name with sum exactly 1 up to rounding."""
    _require_fields(value, CRITICS, "weights")
    weights = {name: _weight(value[name], name) for name in CRITICS}
    total = sum(weights.values())
    # The small slack keeps 1.02 itself allowed, which binary fractions do not hit exactly.
    if abs(total - 1.0) > WEIGHT_SUM_TOLERANCE + 1e-9:
        raise HintFormatError(f"weights with sum {total:.4g} came; the sum must be 1 within {WEIGHT_SUM_TOLERANCE}")
    # A sum that is 1 but for the last bits is left alone, so that a round trip keeps every bit.
    return weights if abs(total - 1.0) < 1e-12 else {name: weight / total for name, weight in weights.items()}


def _weight(value: Any, name: str) -> float:
    """Return one weight; a boolean is no number here."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise HintFormatError(f"{_shown(value)} came as weight of {name}; a number in [0, 1] is needed")
    if not 0 <= value <= 1 or not math.isfinite(value):
        raise HintFormatError(f"weight {_shown(value)} came for {name}; allowed is [0, 1]")
    return float(value)


def _nearest(value: str, valid: Iterable[str]) -> str:
    """Return the end of an error line: the near miss if there is one, and what is allowed."""
    names = list(valid)
    plain = {_plain(name): name for name in names}
    close = difflib.get_close_matches(_plain(value), plain, n=1, cutoff=0.5)
    suggestion = f"; did you mean {plain[close[0]]!r}?" if close else ";"
    return f"{suggestion} allowed: {', '.join(names)}"


def _plain(name: str) -> str:
    """Return ``name`` without case and separators."""
    return re.sub(r"[\s_-]+", "", name).lower()


def _shown(value: Any) -> str:
    """Return ``value`` for an error line, cut to a readable length."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
