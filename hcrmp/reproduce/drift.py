"""What a repetition found, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field

from hcrmp.reproduce.compare import EpisodeDrift, ParameterDrift
from hcrmp.reproduce.surroundings import Change


@dataclass(frozen=True)
class TrainingDrift:
    """A training and its repetition.

    ``parameters`` of the last checkpoint (its other files hold wall times); decisions trained then and now; the first
    step at which another number was logged (``diverged_at``, None: none) and which.
    """

    parameters: ParameterDrift
    steps_then: int
    steps_now: int
    diverged_at: int | None = None
    diverged_in: str = ""

    @property
    def identical(self) -> bool:
        """Whether the networks are the same, bit by bit."""
        return self.parameters.identical


@dataclass(frozen=True)
class EvaluationDrift:
    """An evaluation and its repetition: episodes and drives compared, and those that differ.

    ``problem``: why it could not be repeated ("": it was).
    """

    label: str
    episodes: int = 0
    changed: tuple[EpisodeDrift, ...] = ()
    drives: int = 0
    drives_changed: tuple[str, ...] = ()
    problem: str = ""

    @property
    def identical(self) -> bool:
        """Whether every episode and drive is as it was."""
        return not self.changed and not self.drives_changed and not self.problem


@dataclass
class Drift:
    """All that ``hcrmp reproduce`` found."""

    surroundings: list[Change] = field(default_factory=list)
    training: TrainingDrift | None = None
    evaluations: list[EvaluationDrift] = field(default_factory=list)
    look_at: list[str] = field(default_factory=list)

    @property
    def identical(self) -> bool:
        """Whether everything that was made again is as it was."""
        return (self.training is None or self.training.identical) and all(one.identical for one in self.evaluations)
