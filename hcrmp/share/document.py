"""``planner.json``: what the weights beside it are the weights of, and what the planner saw, did and was trained on."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from gymnasium import spaces

from envs.action import ActionConfig
from envs.errors import EnvsError
from envs.observation import ObservationConfig, ObservationLayout
from envs.reward import RewardConfig
from envs.untrusted import UntrustedFileError
from envs.untrusted.documents import parse_json
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.encoders import HINT_KEY, IMAGES_KEY, STATE_KEY, WEIGHTS_KEY
from hcrmp.errors import ConfigError
from hcrmp.mapping import from_mapping, to_mapping
from hcrmp.observation_bounds import check_observation
from hcrmp.sections import Density, HintsConfig, ScenarioConfig
from hcrmp.share.bounds import check_architecture
from hcrmp.strangers import without_code
from hcrmp.train_config import Algorithm, TrainConfig
from llm_hints.hint import STATE_SIZE
from llm_hints.service_config import HintServiceConfig

FORMAT, VERSION = "hcrmp-planner", 1
HINT_LAYOUT = 1
"""Version of the 13 numbers of a hint (``llm_hints.hint``): another meaning of a number is another version."""

WEIGHTS_FILE, DOCUMENT_FILE = "planner.safetensors", "planner.json"
ONNX_FILE, CARD_FILE = "planner.onnx", "README.md"
LARGEST_DOCUMENT = 4 << 20
NAME = r"(?!\.)[\w .+@=-]{1,100}"
"""What a planner may be called: the name of a folder, in messages and pages as it stands."""
BOUNDS = {STATE_KEY: (-1.0, 1.0), HINT_KEY: (-1.0, 1.0), WEIGHTS_KEY: (0.0, 1.0), IMAGES_KEY: (0.0, 255.0)}
"""Lowest and highest number of each part of the observation."""
DistributionName = Literal["beta", "gaussian", "squashed_gaussian", "deterministic"]


class SharedPlannerError(UntrustedFileError):
    """A shared planner that cannot be opened, or does not fit where it is to drive; one printable line."""


@dataclass(frozen=True)
class Part:
    """One part of the observation: ``shape`` of a row, its type and the bounds of its numbers."""

    shape: tuple[int, ...]
    dtype: Literal["float32", "uint8"]
    low: float
    high: float

    def space(self) -> spaces.Box:
        """Return the part as a space."""
        return spaces.Box(self.low, self.high, self.shape, np.dtype(self.dtype).type)


def part_of(name: str, shape: Sequence[int]) -> Part:
    """Return the part of that name as the environment has it."""
    return Part(tuple(shape), "uint8" if name == IMAGES_KEY else "float32", *BOUNDS[name])


@dataclass(frozen=True)
class ActionSpec:
    """What the two numbers of an action are, and how the networks' numbers become them."""

    names: tuple[str, ...] = ("longitudinal (throttle above, brake below)", "steer (left above)")
    low: float = -1.0
    high: float = 1.0
    distribution: DistributionName = "beta"
    """``beta``: of (a + 1) / 2, so that an action is 2 x - 1 of what the Beta distribution gives."""
    config: ActionConfig = field(default_factory=ActionConfig)
    """Limits between the action and the vehicle's command."""


@dataclass(frozen=True)
class World:
    """The worlds that it was trained in."""

    observation: ObservationConfig = field(default_factory=ObservationConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    density: Density = "all"
    hints: str = "rules"
    """Who gave hints, in words. Their settings stay behind: they may name servers, files and keys of who trained it."""


@dataclass(frozen=True)
class PlannerDocument:
    """Everything about a planner but its weights. ``parse_document`` reads and checks one."""

    format: str
    version: int
    name: str
    algorithm: Algorithm
    """The architecture: the options of the algorithm, those of the learning included."""
    parts: dict[str, Part]
    """Parts of the observation, of which the networks read ``inputs``."""
    layout: ObservationLayout
    """What each number of ``state`` is."""
    hint_layout: int
    action: ActionSpec
    critics: tuple[str, ...]
    """Names of the values."""
    world: World
    seed: int = 0
    """Seed of the training."""
    training: dict[str, Any] = field(default_factory=dict)
    """Provenance: steps, versions, machine."""
    checksums: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the files beside it: against damage, not against malice."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Parts of the observation that the networks read."""
        if isinstance(self.algorithm, HcrmpConfig):
            return (*self.algorithm.input_keys, *(key for key in (IMAGES_KEY,) if key in self.parts))
        return (STATE_KEY, *((HINT_KEY,) if self.algorithm.hint_in_state else ()))

    def space(self) -> spaces.Space[Any]:
        """Return the observation space that the networks were made for: a Dict, or one Box for a baseline."""
        if isinstance(self.algorithm, HcrmpConfig):
            return spaces.Dict({key: self.parts[key].space() for key in self.inputs})
        width = sum(self.parts[key].shape[0] for key in self.inputs)
        return spaces.Box(-1.0, 1.0, (width,), np.float32)

    def train_config(self) -> TrainConfig:
        """Return a training that has its worlds, for an evaluation; its hints are the rules expert's, or none."""
        world = self.world
        silent = HintsConfig(provider="none", service=HintServiceConfig(cache=False))
        hints = silent if world.hints == "none" else HintsConfig()
        config = TrainConfig(
            run=self.name, observation=world.observation, action=self.action.config, reward=world.reward,
            scenario=world.scenario, density=world.density, algo=self.algorithm, seed=self.seed, hints=hints,
        )  # fmt: skip
        return without_code(config)  # which a stranger may have named

    def text(self) -> str:
        """Return the document as JSON."""
        return json.dumps(document_dict(self), indent=1, allow_nan=False) + "\n"


def document_dict(document: PlannerDocument) -> dict[str, Any]:
    """Return the document as plain values."""
    return {**to_mapping(document), "layout": document.layout.as_dict()}


def parse_document(content: bytes, what: str) -> PlannerDocument:
    """Return the document, all of whose numbers are within bounds; raises ``SharedPlannerError``."""
    values = parse_json(content, what, most=LARGEST_DOCUMENT)
    if values.get("format") != FORMAT:
        raise SharedPlannerError(f"{what} is no planner of this program (format {str(values.get('format'))[:40]!r})")
    if values.get("version") != VERSION:
        raise SharedPlannerError(
            f"{what} has version {str(values.get('version'))[:40]}, this program reads {VERSION}: use a newer hcrmp"
        )
    try:
        document = from_mapping(PlannerDocument, values)
        _check(document)
    except (ConfigError, EnvsError, ValueError, TypeError, OverflowError) as error:
        raise SharedPlannerError(f"{what}: {error}") from error
    return document


def _check(document: PlannerDocument) -> None:
    parts = document.parts
    if unknown := set(parts) - set(BOUNDS):
        raise ValueError(f"parts of the observation are {sorted(BOUNDS)}, got {sorted(unknown)}")
    missing = [key for key in document.inputs if key not in parts]
    if missing or STATE_KEY not in parts:
        raise ValueError(f"the part {missing or [STATE_KEY]} of the observation is not described")
    check_architecture(document.algorithm, {name: part.shape for name, part in parts.items()})
    check_observation(document.world.observation)
    _check_state(document)
    for name, part in parts.items():
        if part != part_of(name, part.shape):
            raise ValueError(f"the part {name} of the observation is {part}, expected {part_of(name, part.shape)}")
    if not re.fullmatch(NAME, document.name):
        raise ValueError(f"the name {document.name[:100]!r} is no name of a run")
    if not 0 <= document.seed < 2**31:
        raise ValueError(f"the seed is {document.seed}, allowed is 0 to 2**31 - 1")
    if document.action.low != -1.0 or document.action.high != 1.0 or len(document.action.names) != 2:
        raise ValueError("actions are two numbers in [-1, 1]")
    if document.hint_layout != HINT_LAYOUT:
        raise ValueError(f"its hints have layout {document.hint_layout}, this program has {HINT_LAYOUT}")


def _check_state(document: PlannerDocument) -> None:
    layout, shape = document.layout, document.parts[STATE_KEY].shape
    if any(side < 1 for _, sides in layout.blocks for side in sides):
        raise ValueError("a block of the layout has no size")
    if shape != (layout.size,) or sum(math.prod(sides) for _, sides in layout.blocks) != layout.size:
        raise ValueError(f"the state has the shape {shape}, and its layout describes {layout.size} numbers")
    if HINT_KEY in document.parts and document.parts[HINT_KEY].shape != (STATE_SIZE,):
        raise ValueError(f"a hint has {STATE_SIZE} numbers, got {document.parts[HINT_KEY].shape}")


def plain_name(name: str) -> str:
    """Return ``name`` as ``NAME`` allows it."""
    return re.sub(r"[^\w .+@=-]", "_", name).lstrip(".")[:100] or "planner"


def with_checksums(document: PlannerDocument, checksums: Mapping[str, str]) -> PlannerDocument:
    """Return ``document`` with the checksums of the files beside it."""
    return replace(document, checksums=dict(checksums))
