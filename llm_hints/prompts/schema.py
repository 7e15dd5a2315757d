"""The JSON schema of a hint, for decoding that is constrained to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from envs.scene import ActorKind
from llm_hints.facts import AgentFact, SceneFacts
from llm_hints.hint import CATEGORY_WORDS, CRITICS, DENSITY_WORDS, DIRECTION_WORDS, KIND_WORDS, SLOTS, Direction


def json_schema(facts: SceneFacts | None = None, row: int = 0) -> dict[str, Any]:
    """Return the schema of a hint: of any, or with the ids of the road users that scene ``row`` of ``facts`` tells.

    One schema for all scenes is compiled once by a server; with ids, each scene has its own.
    """
    return _object(
        {
            "road_category": _one_of(CATEGORY_WORDS.values()),
            "traffic_density": _one_of(DENSITY_WORDS.values()),
            "critical_entities": _entities(None if facts is None else told_ids(facts, row)),
            "weights": _object({name: {"type": "number", "minimum": 0, "maximum": 1} for name in CRITICS}),
        }
    )


def held_schema(facts: SceneFacts, row: int) -> dict[str, Any]:
    """Return the schema of nothing but valid hints about scene ``row``: those who are there, weights whose sum is 1.

    For decoding here (``llguidance``): 231 triples of weights, in steps of 0.05, are more than a server may take.
    """
    agents = facts.agents[row, : facts.count[row]]
    there = [
        {
            "id": int(agent[AgentFact.ID]),
            "type": KIND_WORDS[ActorKind(int(agent[AgentFact.KIND]))],
            "direction": DIRECTION_WORDS[Direction(int(agent[AgentFact.SECTOR]))],
        }
        for agent in agents
        if agent[AgentFact.KIND] < ActorKind.STATIC
    ]
    schema = json_schema()
    schema["properties"]["critical_entities"] = {
        "type": "array", "items": {"enum": there} if there else {}, "maxItems": min(SLOTS, len(there)),
    }  # fmt: skip
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


def told_ids(facts: SceneFacts, row: int) -> list[int]:
    """Return the ids of the road users that scene ``row`` tells, in its order; static obstacles cannot be named."""
    agents = facts.agents[row, : facts.count[row]]
    return [int(agent[AgentFact.ID]) for agent in agents if agent[AgentFact.KIND] < ActorKind.STATIC]


def _entities(ids: list[int] | None) -> dict[str, Any]:
    """Return the schema of the list of entities; ``ids`` ``None``: any."""
    named: dict[str, Any] = {"type": "integer"} | ({"enum": ids} if ids else {})
    item = {"id": named, "type": _one_of(KIND_WORDS.values()), "direction": _one_of(DIRECTION_WORDS.values())}
    return {"type": "array", "items": _object(item), "maxItems": SLOTS if ids is None else min(SLOTS, len(ids))}


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
