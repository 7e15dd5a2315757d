"""The JSON schema of a hint, for decoding that is constrained to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any

from llm_hints.facts import SceneFacts
from llm_hints.grounding import road_users
from llm_hints.hint import CATEGORY_WORDS, CRITICS, DENSITY_WORDS, DIRECTION_WORDS, KIND_WORDS, SLOTS, Entity


def json_schema(facts: SceneFacts | None = None, row: int = 0) -> dict[str, Any]:
    """Return the schema of a hint: of any, or with the ids of the road users that scene ``row`` of ``facts`` tells.

    One schema for all scenes is compiled once by a server; with ids, each scene has its own.
    """
    return _object(
        {
            "road_category": _one_of(CATEGORY_WORDS.values()),
            "traffic_density": _one_of(DENSITY_WORDS.values()),
            "critical_entities": _entities(None if facts is None else road_users(facts, row)),
            "weights": _object({name: {"type": "number", "minimum": 0, "maximum": 1} for name in CRITICS}),
        }
    )


def held_schema(facts: SceneFacts, row: int) -> dict[str, Any]:
    """Return the schema of nothing but valid hints about scene ``row``.

    They name who is there, each at most once, and their weights sum to 1. For decoding here (``llguidance``): up to
    157 lists of road users and 231 triples of weights, in steps of 0.05, are more than a server may take.
    """
    there = [entity.to_object() for entity in road_users(facts, row)]
    lists = [list(named) for length in range(SLOTS + 1) for named in permutations(there, length)]
    schema = json_schema()
    schema["properties"]["critical_entities"] = {"enum": lists}
    schema["properties"]["weights"] = {"enum": [dict(zip(CRITICS, triple, strict=True)) for triple in _TRIPLES]}
    return on_one_line(schema)


def on_one_line(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the same JSON written as prompts show it, without line breaks to spend tokens on."""
    return schema | {"x-guidance": {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}}


_STEPS = 20
_TRIPLES = [
    (a / _STEPS, b / _STEPS, (_STEPS - a - b) / _STEPS) for a in range(_STEPS + 1) for b in range(_STEPS + 1 - a)
]


def answer_schema(words: Iterable[str]) -> dict[str, Any]:
    """Return the schema of the answer to a question that ``words`` can answer."""
    return _object({"answer": _one_of(words)})


def _entities(there: Sequence[Entity] | None) -> dict[str, Any]:
    """Return the schema of the list of entities; ``there`` ``None``: any."""
    ids = [entity.actor_id for entity in there or ()]
    named: dict[str, Any] = {"type": "integer"} | ({"enum": ids} if ids else {})
    item = {"id": named, "type": _one_of(KIND_WORDS.values()), "direction": _one_of(DIRECTION_WORDS.values())}
    return {"type": "array", "items": _object(item), "maxItems": SLOTS if there is None else min(SLOTS, len(ids))}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly ``properties``, in their order."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _one_of(words: Iterable[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}
