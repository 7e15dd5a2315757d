"""Sections of the configuration that several jobs share: what is driven, by which simulator, with whose hints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from envs.carla_backend.config import FarmConfig
from envs.own_code import check_named, names_code
from hcrmp.errors import ConfigError
from hcrmp.mapping import unknown
from llm_hints.cache import CacheConfig
from llm_hints.knowledge.base import KnowledgeConfig
from llm_hints.providers.faulty import FaultConfig
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.providers.rules import RulesConfig
from llm_hints.providers.transformers_config import BUNDLED, TransformersConfig
from llm_hints.service_config import HintServiceConfig

Family = Literal[
    "overtaking", "merging", "trilemma", "occluded_pedestrian", "straight_obstacle", "turning_obstacle",
    "lane_changing", "vehicle_passing", "red_light_running", "unprotected_left_turn", "right_turn",
    "crossing_negotiation", "cut_in", "cut_out", "deceleration", "road_works", "lane_closure", "route",
]  # fmt: skip


Density = Literal["low", "medium", "high", "all"]


Driver = Literal[
    "planner", "untrained", "keep_lane", "full_throttle", "cruise", "law_abiding", "reference", "autopilot"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScenarioConfig:
    """Which conditions are driven."""

    families: tuple[str, ...] = ("overtaking", "merging", "trilemma", "occluded_pedestrian")
    """The paper's conditions; the episodes are spread evenly over them. Beside the families that there are: your own,
    a function from a density to a ``Scenario``, as FILE.py:name or package.module:name."""

    def __post_init__(self) -> None:
        """Refuse an unknown, empty or repeated choice."""
        known = get_args(Family)
        for place, family in enumerate(self.families):
            key = f"scenario.families[{place}]"
            if names_code(family):
                check_named(family, key)
            elif family not in known:
                raise ConfigError(unknown("value", f"{key}={family}", [f"{key}={name}" for name in known]))
        if not self.families or len(set(self.families)) != len(self.families):
            raise ValueError(
                f"scenario.families must name each condition once, and one at least, got {list(self.families)}"
            )


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """The embedded simulator, in this process."""

    name: Literal["embedded"] = "embedded"
    """Which simulator."""


@dataclass(frozen=True)
class CarlaOptions(FarmConfig):
    """CARLA servers, one world each."""

    name: Literal["carla"] = "carla"
    """Which simulator."""


Simulator = EmbeddedOptions | CarlaOptions


@dataclass(frozen=True, slots=True)
class HintsConfig:
    """Who gives hints, and how they are served."""

    provider: Literal["rules", "none", "faulty", "transformers", "openai"] = "rules"
    """Where hints come from: the deterministic expert, nobody, another provider with faults, a language model here, or
    one behind an endpoint of OpenAI's protocol."""
    faulty_of: Literal["rules", "transformers", "openai"] = "rules"
    """Whose answers ``faulty`` spoils."""
    rules: RulesConfig = field(default_factory=RulesConfig)
    transformers: TransformersConfig = field(default_factory=TransformersConfig)
    faults: FaultConfig = field(default_factory=FaultConfig)
    openai: OpenAiConfig = field(default_factory=OpenAiConfig)
    anchored: bool = True
    """Whether passages of the knowledge base go into the prompt of a language model (the paper's CSA)."""
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    service: HintServiceConfig = field(default_factory=HintServiceConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    cache_file: str = ""
    """File of a memory bank (npz): a training begins with it where it exists and saves it at checkpoints and at its
    end, an evaluation reads it; ``""``: a training begins empty, an evaluation has what the run's checkpoint holds."""

    def __post_init__(self) -> None:
        """Refuse a bank that nothing would use, and faults that nobody would make.

        Who asks for wrong hints must not measure right ones.
        """
        if self.cache_file and not self.service.cache:
            raise ValueError("cache_file came with service.cache=false: leave one of them out")
        asked = [f"faults.{name}={rate:g}" for name, rate in self.faults.rates.items() if rate > 0.0]
        if asked and self.provider != "faulty":
            raise ValueError(f"{', '.join(asked)}, but provider={self.provider} makes no faults: add hints=faulty")

    @property
    def words(self) -> str:
        """Whose hints they are and which faults they have, for names: those of another rate are another thing."""
        if self.provider != "faulty":
            return self._model_words
        told = [f"{name}{rate:g}" for name, rate in self.faults.rates.items() if rate > 0.0]
        inverted = self.faults.wrong > 0.0 and self.faults.wrong_mode == "inverted"
        ways = [*(["inverted"] if inverted else []), *(["checked"] if self.faults.check_scene else [])]
        return "-".join([self.provider, *told, *ways])

    @property
    def _model_words(self) -> str:
        """The provider, and which language model it asks."""
        if self.provider == "openai":
            return "-".join([self.provider, *re.findall(r"[\w.]+", self.openai.model)])
        if self.provider == "transformers" and self.transformers.model != BUNDLED:
            return "-".join([self.provider, *re.findall(r"[\w.]+", Path(self.transformers.model).name)])
        return "bundled" if self.provider == "transformers" else self.provider


def dotted_paths(randomise: Mapping[str, Any]) -> dict[str, Any]:
    """Return ranges by dotted path, however they were nested, so that equal wishes are equal in the run's config."""
    if not randomise:
        return {}
    # Imported here: the scenarios bring much along that a quick --help need not wait for.
    from envs.scenarios.randomise import flattened

    return flattened(randomise)
