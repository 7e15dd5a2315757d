"""How long the work will take: from what was measured on this machine, or else from what was measured elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hcrmp.paper.config import PaperConfig
from hcrmp.paper.methods import REFERENCE
from hcrmp.paper.trainings import Training
from hcrmp.run_folder import read_json, write_json

FILE = "speed.json"
USUAL = {"hcrmp": 13_000.0, "ppo": 14_000.0, "sac": 2_500.0, "td3": 2_500.0}
"""Decisions per second of one training on one core of ours, by algorithm (``tests/benchmarks/bench_training``)."""
MODELS = ("transformers", "openai")
MODEL_SHARE = 0.8
"""Of that, with a language model to ask."""
EPISODES_PER_S = 150.0
"""Evaluation episodes per second and core (``tests/benchmarks/bench_evaluation``)."""
CELLS = 12
OTHER_EVALUATIONS_S = {"5": 700.0, "robustness": 1600.0, "transfer": 2400.0, "carla": 1800.0}
"""Core-seconds of the tables that drive more than the paper's cells once, measured as a whole at full length."""


class Speeds:
    """Decisions per second of the methods, measured here where a training of them has ended, in ``runs_path``."""

    def __init__(self, runs_path: Path) -> None:
        self._path = runs_path / FILE
        self.measured: dict[str, float] = dict(read_json(self._path)) if self._path.is_file() else {}

    def of(self, training: Training) -> float:
        """Return the decisions per second that are to be expected of a training."""
        if training.method in self.measured:
            return self.measured[training.method]
        usual = USUAL[training.config.algo.name] * (MODEL_SHARE if training.config.hints.provider in MODELS else 1.0)
        return usual * self._machine()

    def take(self, training: Training, decisions: int, seconds: float) -> None:
        """Note how fast a training was."""
        if decisions > 0 and seconds > 0.0:
            self.measured[training.method] = decisions / seconds
            write_json(self._path, self.measured)

    def _machine(self) -> float:
        """Return how fast this machine is against the usual one, by what was measured; 1 before anything was."""
        return self.measured.get(REFERENCE, USUAL["hcrmp"]) / USUAL["hcrmp"]


def seconds_of(trainings: Sequence[Training], speeds: Speeds, lanes: int) -> float:
    """Return how long the trainings take that are left, ``lanes`` at a time (s)."""
    alone = [one.left / speeds.of(one) for one in trainings if one.left]
    return max(sum(alone) / lanes, max(alone, default=0.0))


def evaluation_seconds(config: PaperConfig, planners: int) -> float:
    """Return how long the evaluations of ``planners`` trained planners take if none is done, without models' answers.

    Tables of the paper's cells share their episodes.
    """
    share = config.episodes / PaperConfig().episodes
    cells = planners * CELLS * config.episodes / EPISODES_PER_S
    others = sum(seconds for name, seconds in OTHER_EVALUATIONS_S.items() if name in config.tables)
    return (cells + share * others) / config.lanes


def told(seconds: float) -> str:
    """Return a time as people say it."""
    if seconds < 90.0:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400.0 else f"{seconds / 3600:.1f} hours"
