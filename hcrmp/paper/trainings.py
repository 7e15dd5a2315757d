"""The trainings of the tables: which there are, how far each is, and the command that goes on with it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hcrmp.checkpoint import trained_steps
from hcrmp.config import load
from hcrmp.errors import RunFolderError
from hcrmp.paper import no_knowledge
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.methods import LEARN_ON, OF_TABLE, REFERENCE
from hcrmp.run_folder import RunFolder
from hcrmp.train import changes
from hcrmp.train_config import TrainConfig, load_train, plain_config

EXPERIMENT = "paper/"
"""Folder of the methods' configurations in the group ``experiment``."""


@dataclass(frozen=True)
class Training:
    """One planner: the ``method``'s experiment with a training ``seed``, as ``config`` has it."""

    method: str
    seed: int
    config: TrainConfig
    words: tuple[str, ...]
    """The overrides that made the configuration."""

    @property
    def folder(self) -> RunFolder:
        """Its run."""
        return RunFolder(self.config.run_path)

    @property
    def steps(self) -> int:
        """Decisions that its last checkpoint has."""
        return trained_steps(self.folder.latest_checkpoint)

    @property
    def left(self) -> int:
        """Decisions that are missing."""
        return max(self.config.total_steps - self.steps, 0)

    def command(self) -> list[str]:
        """Return the command that begins it or goes on with it."""
        going_on = f"resume={str(self.steps > 0).lower()}"
        return [sys.executable, "-m", "hcrmp.cli", "train", *self.words, "progress=false", going_on]

    def check(self) -> None:
        """Refuse a run of this name that is of something else.

        Raises:
            RunFolderError: the run's settings are not those of the experiment.
        """
        path = self.folder.path
        if not self.steps:
            return
        found = changes(plain_config(load_train(self.folder.config())), plain_config(self.config))
        if found:
            raise RunFolderError(
                f"{path} was trained with other settings than the experiment {EXPERIMENT}{self.method} has now "
                f"({', '.join(found)}): choose another runs_dir=..., or remove it."
            )

    def make_room(self) -> None:
        """Remove what was stopped before its first checkpoint."""
        if not self.steps and self.folder.path.exists():
            shutil.rmtree(self.folder.path)


def run_name(method: str, seed: int) -> str:
    """Return the name of a planner's run."""
    return f"{method}-{seed}"


def method_of(run: str) -> str:
    """Return the method of the run with that name."""
    return run.rpartition("-")[0]


def training(config: PaperConfig, method: str, seed: int) -> Training:
    """Return one training."""
    words = [f"experiment={EXPERIMENT}{method}", f"seed={seed}", f"run={run_name(method, seed)}", "record=0"]
    words += [f"runs_dir={config.runs_dir}", *([f"total_steps={config.total_steps}"] if config.total_steps else [])]
    if method == no_knowledge.METHOD:
        words.append(f"hints.transformers.model='{no_knowledge.model_folder(config.runs_path).resolve()}'")
    if method in LEARN_ON:
        words.append(f"start_from={run_name(REFERENCE, seed)}")
    return Training(method, seed, load("train", words), tuple(words))


def trainings(config: PaperConfig, tables: Sequence[str]) -> list[Training]:
    """Return the trainings of ``tables``, seed by seed: an interrupted work has as many methods as it can."""
    methods = wanted_methods(config, tables)
    first = [training(config, method, seed) for seed in config.seeds for method in methods if method not in LEARN_ON]
    # They begin with what those before them have learnt.
    return first + [training(config, method, seed) for seed in config.seeds for method in methods if method in LEARN_ON]


def wanted_methods(config: PaperConfig, tables: Iterable[str]) -> list[str]:
    """Return the methods of ``tables`` that the user wants, each once, in their order."""
    found = dict.fromkeys(method for table in tables for method in OF_TABLE[table])
    return [method for method in found if not config.methods or method in config.methods]


def finished(all_of_them: Iterable[Training]) -> list[Training]:
    """Return those that have all their decisions."""
    return [one for one in all_of_them if not one.left]


def log_file(one: Training) -> Path:
    """Return where a training's output goes."""
    return one.folder.path.parent / "logs" / f"{one.folder.name}.log"
