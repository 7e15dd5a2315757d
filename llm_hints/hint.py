"""Hint and HintBatch: what a language model tells the planner, in words and in numbers.

``HintBatch`` is what flows through training: arrays whose leading axis is the environment B.
``Hint`` is one row of it in words, for prompts, records, viewers and people. The paper's ASR and CSA.

The 13 state numbers (the paper's ASR; the encoding is ours):

====== =====================================================================================
0-2    one-hot road category in ``RoadCategory`` order; all zero where nothing is known
3      traffic density: 0 low, 0.5 medium, 1 high
4-12   three slots, most critical first, of (type code, cosine, sine of the direction);
       type code = (kind + 1) / 6 in (0, 1]; an empty slot is three zeros
====== =====================================================================================

Directions are seen from the ego: angle 0 ahead, counter-clockwise, so left is +90 degrees.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.scene import ActorKind, FloatArray, IntArray, RoadCategory

CRITICS = ("safety", "efficiency", "comfort")
"""The internal order of the critic weights. Parsers bind by name, never by position (the paper's CSA)."""

SLOTS = 3
"""Most critical entities in a hint (the paper's ASR)."""

SCENARIO_SIZE = 4
SLOT_SIZE = 3
STATE_SIZE = SCENARIO_SIZE + SLOTS * SLOT_SIZE
"""Numbers of the state hint: 4 scenario level and 9 object level (the paper's ASR)."""

ENTITY_KINDS = tuple(kind for kind in ActorKind if kind != ActorKind.STATIC)
"""The paper's six entity types; a static obstacle raises the risk but is no entity."""

PRIOR_WEIGHTS = (0.34, 0.52, 0.14)
"""Weights where nothing is known: the mean of the expert's hints over the paper's conditions (ours)."""


class HintFormatError(ValueError):
    """A hint that does not have the agreed form; says what came and what is allowed."""


class Density(IntEnum):
    """Traffic density of the scenario-level hint; the state number is half the value."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


class Direction(IntEnum):
    """Eight directions from the ego, counter-clockwise; the angle is the value times 45 degrees."""

    FRONT = 0
    FRONT_LEFT = 1
    LEFT = 2
    REAR_LEFT = 3
    REAR = 4
    REAR_RIGHT = 5
    RIGHT = 6
    FRONT_RIGHT = 7


class HintSource(IntEnum):
    """Where a row's hint came from: nothing known, the provider, the semantic cache, the decayed last hint."""

    PRIOR = 0
    MODEL = 1
    CACHE = 2
    STALE = 3


CATEGORY_WORDS: Mapping[RoadCategory, str] = MappingProxyType(
    {RoadCategory.HIGHWAY: "Highway", RoadCategory.RURAL: "Rural Lane", RoadCategory.URBAN: "Urban Road"}
)
DENSITY_WORDS: Mapping[Density, str] = MappingProxyType({density: density.name.title() for density in Density})
KIND_WORDS: Mapping[ActorKind, str] = MappingProxyType({kind: kind.name.title() for kind in ENTITY_KINDS})
DIRECTION_WORDS: Mapping[Direction, str] = MappingProxyType({d: d.name.title().replace("_", "-") for d in Direction})

_HALF_ROOT = math.sqrt(0.5)
_COSINES = (1.0, _HALF_ROOT, 0.0, -_HALF_ROOT, -1.0, -_HALF_ROOT, 0.0, _HALF_ROOT)
DIRECTION_VECTORS: FloatArray = np.array([(_COSINES[d], _COSINES[d - 2]) for d in range(8)])
"""``(8, 2)``: cosine and sine of each direction, exact at the right angles."""
DIRECTION_VECTORS.setflags(write=False)


def type_code(kind: ActorKind | int) -> float:
    """Return the number that stands for an entity's type in a slot."""
    return (int(kind) + 1) / len(ENTITY_KINDS)


@dataclass(frozen=True, slots=True)
class Entity:
    """One critical entity: its kind, where it is from the ego, and its actor id where that is known."""

    kind: ActorKind
    direction: Direction
    actor_id: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Refuse a kind that the paper's hint cannot name."""
        if self.kind not in ENTITY_KINDS:
            raise HintFormatError(
                f"{ActorKind(self.kind).name} is no entity type of a hint; allowed: {', '.join(KIND_WORDS.values())}"
            )

    def __str__(self) -> str:
        """Return for example ``Pedestrian Front-Right``."""
        return f"{KIND_WORDS[self.kind]} {DIRECTION_WORDS[self.direction]}"

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object that prompts ask for, with the id where that is known."""
        named = {} if self.actor_id is None else {"id": self.actor_id}
        return {**named, "type": KIND_WORDS[self.kind], "direction": DIRECTION_WORDS[self.direction]}


@dataclass(frozen=True, slots=True)
class Hint:
    """One hint in words.

    ``category`` of the road, ``None`` only where nothing is known; ``density`` of the traffic; ``entities`` up to
    three, most critical first; ``weights`` of the critics by name, each in [0, 1], sum 1.
    """

    category: RoadCategory | None
    density: Density
    entities: tuple[Entity, ...]
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        """Refuse what ``HintBatch`` cannot hold."""
        if len(self.entities) > SLOTS:
            raise HintFormatError(f"{len(self.entities)} critical entities came; at most {SLOTS} are allowed")
        if set(self.weights) != set(CRITICS):
            raise HintFormatError(f"weights for {sorted(self.weights)} came; exactly {list(CRITICS)} are needed")

    def state(self) -> FloatArray:
        """Return the 13 numbers ``(13,)`` of the state hint."""
        numbers = np.zeros(STATE_SIZE)
        if self.category is not None:
            numbers[self.category] = 1.0
        numbers[3] = self.density / 2
        for slot, entity in enumerate(self.entities):
            start = SCENARIO_SIZE + slot * SLOT_SIZE
            numbers[start] = type_code(entity.kind)
            numbers[start + 1 : start + 3] = DIRECTION_VECTORS[entity.direction]
        return numbers

    def weight_row(self) -> FloatArray:
        """Return the weights ``(3,)`` in the order of ``CRITICS``."""
        return np.array([self.weights[name] for name in CRITICS])

    def text(self) -> str:
        """Return one line for people."""
        road = "Unknown road" if self.category is None else CATEGORY_WORDS[self.category]
        entities = ", ".join(str(entity) for entity in self.entities) or "nobody critical"
        weights = ", ".join(f"{name} {self.weights[name]:.2f}" for name in CRITICS)
        return f"{road}, {DENSITY_WORDS[self.density].lower()} density; {entities}; {weights}"

    def to_json(self) -> str:
        """Return the hint in the form that ``parse_hint`` reads and that prompts ask for."""
        if self.category is None:
            raise HintFormatError("a hint without a road category has no JSON form")
        return json.dumps(
            {
                "road_category": CATEGORY_WORDS[self.category],
                "traffic_density": DENSITY_WORDS[self.density],
                "critical_entities": [entity.to_object() for entity in self.entities],
                "weights": {name: float(self.weights[name]) for name in CRITICS},
            }
        )


@dataclass(frozen=True, slots=True)
class HintBatch:
    """The hints of B worlds.

    ``state`` ``(B, 13)`` in [-1, 1], see the module; ``weights`` ``(B, 3)`` in the order of ``CRITICS``, each in
    [0, 1], sum 1; ``source`` ``(B,)`` int64 of ``HintSource``; ``issued_at_s`` ``(B,)`` simulated time of the
    scene that the hint describes, seconds since the episode began.
    """

    state: FloatArray
    weights: FloatArray
    source: IntArray
    issued_at_s: FloatArray

    @classmethod
    def prior(cls, batch: int, weights: Sequence[float] = PRIOR_WEIGHTS) -> HintBatch:
        """Return ``batch`` rows that know nothing: zero state and the prior ``weights`` (3)."""
        return cls(
            state=np.zeros((batch, STATE_SIZE)),
            weights=np.tile(np.asarray(weights, dtype=np.float64), (batch, 1)),
            source=np.full(batch, int(HintSource.PRIOR), dtype=np.int64),
            issued_at_s=np.zeros(batch),
        )

    @classmethod
    def from_hints(
        cls, hints: Sequence[Hint], source: HintSource = HintSource.MODEL, issued_at_s: float | FloatArray = 0.0
    ) -> HintBatch:
        """Return the batch whose rows are ``hints``."""
        batch = cls.prior(len(hints))
        for row, hint in enumerate(hints):
            batch.state[row] = hint.state()
            batch.weights[row] = hint.weight_row()
        batch.source[:] = int(source)
        batch.issued_at_s[:] = issued_at_s
        return batch

    @property
    def batch_size(self) -> int:
        """Number of rows B."""
        return len(self.source)

    def hint(self, row: int) -> Hint:
        """Return one row in words; the actor ids are unknown there."""
        # Plain numbers: numpy's functions take ten times as long for one of them.
        numbers = self.state[row].tolist()
        roads, slots = numbers[:3], range(SCENARIO_SIZE, STATE_SIZE, SLOT_SIZE)
        return Hint(
            category=RoadCategory(roads.index(max(roads))) if any(roads) else None,
            density=Density(min(max(round(2 * numbers[3]), 0), 2)),
            entities=tuple(
                _entity(*numbers[slot : slot + SLOT_SIZE]) for slot in slots if numbers[slot] > 0.5 * type_code(0)
            ),
            weights=dict(zip(CRITICS, self.weights[row].tolist(), strict=True)),
        )

    def hints(self) -> tuple[Hint, ...]:
        """Return every row in words."""
        return tuple(self.hint(row) for row in range(self.batch_size))

    def age_s(self, time_s: FloatArray) -> FloatArray:
        """Return the age ``(B,)`` of each hint at ``time_s`` ``(B,)``, seconds."""
        return time_s - self.issued_at_s

    def rows(self, index: npt.NDArray[Any] | slice) -> HintBatch:
        """Return a copy of the rows chosen by ``index`` (integers, slice or mask over B)."""
        chosen = np.arange(self.batch_size)[index]
        return HintBatch(self.state[chosen], self.weights[chosen], self.source[chosen], self.issued_at_s[chosen])

    def copy(self) -> HintBatch:
        """Return hints that later polls of a service do not change."""
        return self.rows(slice(None))


def _entity(code: float, cosine: float, sine: float) -> Entity:
    """Return the entity in one slot that is not empty."""
    kind = min(max(round(code * len(ENTITY_KINDS)) - 1, 0), len(ENTITY_KINDS) - 1)
    octant = round(math.atan2(sine, cosine) / (math.pi / 4)) % len(Direction)
    return Entity(ActorKind(kind), Direction(octant))
