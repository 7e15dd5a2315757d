"""What a report is made of, whatever files it was read from (``sources``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcrmp.course import FIRST_SEED, SEEDS_APART
from hcrmp.episode_record import EpisodeRecord
from hcrmp.robustness.curves import Curve
from hcrmp.run_folder import RunFolder
from hcrmp.train_config import TrainConfig


@dataclass(frozen=True)
class Run:
    """A run's ``folder``; its ``config`` and ``steps`` where it was trained (a scripted driver's was not)."""

    folder: RunFolder
    config: TrainConfig | None = None
    plain_config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    steps: int = 0

    @property
    def name(self) -> str:
        """The run's name."""
        return self.folder.path.resolve().name


@dataclass(frozen=True)
class Evaluation:
    """One driver through a list of episodes, as a file at ``path`` tells.

    ``drives`` are the recorded drives by cell and seed; ``config`` and ``provenance`` as the file holds them;
    ``latency`` of the provider of hints (ms, by name). In a file that compares several: ``planner`` the method's name,
    and ``p_values`` of its success against the other ones', by their names, adjusted for the number of comparisons.
    """

    path: Path
    label: str
    driver: str
    records: tuple[EpisodeRecord, ...]
    run: Run | None = None
    ends_at: str = "violation"
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    latency: Mapping[str, Any] = field(default_factory=dict)
    drives: Mapping[tuple[str, int], Path] = field(default_factory=dict)
    planner: str = ""
    p_values: Mapping[str, float] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The training seed of the planner that drove."""
        return self.records[0].planner_seed

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells that were driven, in order."""
        return tuple(dict.fromkeys(record.cell for record in self.records))

    def drive_of(self, record: EpisodeRecord) -> Path | None:
        """Return the recorded drive of an episode, where there is one."""
        return self.drives.get((record.cell, record.seed))


@dataclass(frozen=True)
class Robustness:
    """What a file of ``hcrmp robustness`` holds: ``curves``, ``when`` hints were wrong, and how it was made."""

    path: Path
    when: str
    curves: tuple[Curve, ...]
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """All that a report tells of."""

    runs: tuple[Run, ...]
    evaluations: tuple[Evaluation, ...]
    robustness: tuple[Robustness, ...]


def number_of(record: EpisodeRecord) -> int:
    """Return the number of an episode in its cell."""
    return (record.seed - FIRST_SEED) % SEEDS_APART
