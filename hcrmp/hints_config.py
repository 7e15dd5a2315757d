"""Configurations of the ``hcrmp hints`` jobs."""

from __future__ import annotations

from dataclasses import dataclass, field

from hcrmp.config import HintsConfig


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
