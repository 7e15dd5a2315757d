"""Configurations of the ``hcrmp hints`` jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from hcrmp.sections import HintsConfig
from llm_hints.prompts import Style


@dataclass(frozen=True, slots=True)
class HintsAskConfig:
    """``hcrmp hints ask``."""

    hints: HintsConfig = field(default_factory=HintsConfig)
    """Who is asked."""
    family: str = "cut_in"
    """Family of the scene."""
    seed: int = 0
    """Which scene."""


@dataclass(frozen=True, slots=True)
class HintsBenchmarkConfig:
    """``hcrmp hints benchmark``."""

    hints: HintsConfig = field(default_factory=HintsConfig)
    """Whose answers are measured."""
    scenes: int = 700
    """Scenes that every kind of question is asked about, of all families together."""
    families: tuple[str, ...] = ()
    """Families of the scenes; those that the bundled model never saw in training, where it is empty."""
    seed: int = 0
    """Of the scenes' episodes."""
    batch: int = 64
    """Scenes asked about together."""
    output: str = "runs/hints"
    """Folder of the result (JSON)."""

    def __post_init__(self) -> None:
        """Refuse counts that measure nothing."""
        for name in ("scenes", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class HintsTrainConfig:
    """``hcrmp hints train``: makes a model like the bundled one."""

    output: str = "runs/hint_model"
    """Folder of the model, of the scenes that it was taught with and of what was measured."""
    scenes: int = 20_000
    """Simulated scenes of each taught family."""
    steps: int = 3_000
    """Batches."""
    batch_size: int = 128
    """Scenes in a batch."""
    layers: int = 5
    """Layers of the network."""
    width: int = 128
    """Hidden size of the network."""
    learning_rate: float = 3e-3
    """Step size after the warm-up; it falls linearly to 0."""
    seed: int = 0
    """Of the scenes, the network and the order in which it sees them."""
    progress: bool = True
    """Show progress."""

    def __post_init__(self) -> None:
        """Refuse counts that teach nothing."""
        for name in ("scenes", "steps", "batch_size", "layers", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class HintsStabilityConfig:
    """``hcrmp hints stability``."""

    hints: HintsConfig = field(default_factory=HintsConfig)
    """Whose weights are measured; it must not always say the same: give it a temperature."""
    scenes: int = 100
    """Scenes."""
    repeats: int = 20
    """Times that each is asked about, without and with anchors."""
    families: tuple[str, ...] = ("road_works",)
    """Families of the scenes; the paper's scene is one of road works."""
    dangerous_from: float = 0.5
    """Risk of the rules expert from which a scene counts as dangerous, in [0, 1]."""
    safe_to: float = 0.1
    """Risk up to which it counts as safe, in [0, 1]."""
    seed: int = 0
    """Of the scenes' episodes and of the chance."""
    output: str = "runs/hints"
    """Folder of the result (JSON)."""

    def __post_init__(self) -> None:
        """Refuse counts that measure nothing."""
        if self.scenes < 2 or self.repeats < 2:
            raise ValueError(f"scenes and repeats must be at least 2, got {self.scenes} and {self.repeats}")
        if not 0.0 <= self.safe_to < self.dangerous_from <= 1.0:
            raise ValueError(
                f"safe_to = {self.safe_to}, dangerous_from = {self.dangerous_from} came; needed is "
                "0 <= safe_to < dangerous_from <= 1"
            )


@dataclass(frozen=True, slots=True)
class HintsTuneConfig:
    """``hcrmp hints tune``: LoRA on a larger model, with the scenes that the bundled one was taught with."""

    model: str = ""
    """Folder or name of the causal language model to tune."""
    output: str = "runs/tuned_model"
    """Folder of the tuned model, whole, and of its adapter."""
    style: Style = "original"
    """How the English prompt is written."""
    steps: int = 1_000
    """Batches."""
    batch_size: int = 8
    """Scenes in a batch."""
    learning_rate: float = 2e-4
    """Step size at the start; it falls linearly to 0."""
    rank: int = 16
    """Rank of the adapter."""
    simulated_share: float = 0.5
    """Share of simulated scenes; the others are synthetic. 0 needs no driving."""
    scenes: int = 2_000
    """Simulated scenes of each taught family."""
    device: str = "auto"
    """``cpu``, ``cuda``; ``auto``: a GPU where there is one."""
    seed: int = 0
    """Of the scenes and of the adapter."""

    def __post_init__(self) -> None:
        """Refuse what tunes nothing."""
        if not self.model:
            raise ValueError("model must be given: a folder or a name of the hub")
        for name in ("steps", "batch_size", "rank", "scenes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0.0 <= self.simulated_share <= 1.0:
            raise ValueError(f"simulated_share must be in [0, 1], got {self.simulated_share}")
