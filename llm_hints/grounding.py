"""A hint against its scene: whoever it names must be there, of that type, in that direction.

Category and density may be wrong here: how often they are is measured elsewhere. Who is there are the agents that
``SceneFacts`` tells, all of them visible; a language model knows of no others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from envs.scene import ActorKind
from llm_hints.facts import AgentFact, SceneFacts
from llm_hints.hint import ENTITY_KINDS, Direction, Entity, Hint, HintFormatError
from llm_hints.parsing import parse_hint

BORDER_RAD = math.radians(10.0)
"""A direction this close to the border of two octants counts for both."""

_REACH_RAD = math.pi / 8.0 + BORDER_RAD
_ID, _KIND, _SECTOR, _BEARING = AgentFact.ID, AgentFact.KIND, AgentFact.SECTOR, AgentFact.BEARING
_KINDS = frozenset(int(kind) for kind in ENTITY_KINDS)


class HintGroundingError(HintFormatError):
    """A well-formed hint that names who is not there; says whom, and who is."""


def read_hint(text: str, facts: SceneFacts, row: int) -> Hint:
    """Return the hint that ``text`` holds about scene ``row``; raise ``HintFormatError`` for anything else."""
    return ground(parse_hint(text), facts, row)


def road_users(facts: SceneFacts, row: int) -> list[Entity]:
    """Return the road users that scene ``row`` tells, in its order; static obstacles cannot be named."""
    return _entities(facts.agents[row, : facts.count[row]].tolist())


def ground(hint: Hint, facts: SceneFacts, row: int) -> Hint:
    """Return ``hint`` with the id of each entity; raise ``HintGroundingError`` where one is not in scene ``row``."""
    if not hint.entities:
        return hint
    agents = facts.agents[row, : facts.count[row]].tolist()
    candidates = [_candidates(entity, agents) for entity in hint.entities]
    chosen = _assign(candidates)
    if chosen is None:
        raise HintGroundingError(_complaint(hint.entities, candidates, agents))
    ids = [int(agents[place][_ID]) for place in chosen]
    return replace(
        hint,
        entities=tuple(replace(entity, actor_id=actor_id) for entity, actor_id in zip(hint.entities, ids, strict=True)),
    )


def told_part(hint: Hint, facts: SceneFacts, row: int) -> Hint:
    """Return ``hint`` with the id of each entity, without those of whom scene ``row`` does not tell.

    The expert sees everybody in view, a text tells of the most urgent.
    """
    kept: tuple[Entity, ...] = ()
    for entity in hint.entities:
        try:
            ground(replace(hint, entities=(*kept, entity)), facts, row)
        except HintGroundingError:
            continue
        kept = (*kept, entity)
    return ground(replace(hint, entities=kept), facts, row)


def _entities(agents: Sequence[Sequence[float]]) -> list[Entity]:
    return [
        Entity(ActorKind(int(agent[_KIND])), Direction(int(agent[_SECTOR])), int(agent[_ID]))
        for agent in agents
        if int(agent[_KIND]) in _KINDS
    ]


def _candidates(entity: Entity, agents: Sequence[Sequence[float]]) -> list[int]:
    """Return the places of the agents that ``entity`` may be: those in its octant, then those close to it."""
    kind, angle = int(entity.kind), 0.25 * math.pi * int(entity.direction)
    places = [
        place
        for place, agent in enumerate(agents)
        if agent[_KIND] == kind
        and entity.actor_id in (None, int(agent[_ID]))
        and abs(math.remainder(agent[_BEARING] - angle, math.tau)) <= _REACH_RAD
    ]
    return sorted(places, key=lambda place: int(agents[place][_SECTOR]) != int(entity.direction))


def _assign(candidates: Sequence[Sequence[int]], taken: tuple[int, ...] = ()) -> tuple[int, ...] | None:
    """Return one place for each entity, no place twice; ``None`` where that cannot be."""
    if len(taken) == len(candidates):
        return taken
    for place in candidates[len(taken)]:
        if place not in taken:
            found = _assign(candidates, (*taken, place))
            if found is not None:
                return found
    return None


def _complaint(
    entities: Sequence[Entity], candidates: Sequence[Sequence[int]], agents: Sequence[Sequence[float]]
) -> str:
    """Return what was named wrongly, and who is there."""
    absent = [entity for entity, places in zip(entities, candidates, strict=True) if not places]
    named = ", ".join(_shown(entity) for entity in absent or entities)
    what = f"{named} came as critical" if absent else f"{named} came as critical, more of them than there are"
    there = ", ".join(_shown(entity) for entity in _entities(agents))
    return f"{what}; there is {there or 'no road user in view'}: name only who is there, each once"


def _shown(entity: Entity) -> str:
    return str(entity) if entity.actor_id is None else f"{entity} (id {entity.actor_id})"
