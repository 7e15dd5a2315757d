"""The trained planners of a robustness curve: which method each is, and with which faults it was trained."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.checkpoint import parameters_checksum, trained_steps
from hcrmp.config import FREE_ON_RESUME
from hcrmp.errors import UserError
from hcrmp.locate import locate_run, runs_like
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.sections import HintsConfig
from hcrmp.train_config import TrainConfig, load_train, plain_config
from hcrmp.weights import Csa
from llm_hints.providers.faulty import WrongMode

_CSA_WORDS: dict[Csa, str] = {
    "hint": "",
    "equal": "equal weights",
    "fixed": "fixed weights",
    "attention": "learnt weights",
    "mean_anchored": "mean-anchored",
    "shuffled": "weights of other worlds",
}

_OWN = {"run", "seed", "progress", *FREE_ON_RESUME} - {"total_steps"}
"""Keys in which the runs of one method may differ."""


@dataclass(frozen=True, slots=True)
class Faults:
    """A ``rate`` of wrong answers in [0, 1] and how they are wrong; at rate 0 the mode has no meaning."""

    rate: float
    mode: WrongMode = "random"

    def __str__(self) -> str:
        return f"{100 * self.rate:g} % {self.mode}" if self.rate > 0.0 else "no wrong hints"


CLEAN = Faults(0.0)


@dataclass(frozen=True)
class Planner:
    """One trained planner: its run's ``folder`` and ``config``, ``checksum`` of its parameters, ``steps`` so far."""

    folder: RunFolder
    config: TrainConfig
    checksum: str
    steps: int

    @property
    def method(self) -> str:
        """Its method in words, without the faults that it was trained with."""
        return method_words(self.config)

    @property
    def trained(self) -> Faults:
        """The faults that its training met."""
        hints = self.config.hints
        if hints.provider != "faulty" or hints.faults.wrong == 0.0:
            return CLEAN
        return Faults(hints.faults.wrong, hints.faults.wrong_mode)

    @property
    def unfinished(self) -> str:
        """What is missing in its training, in words; "" where nothing is."""
        if self.steps >= self.config.total_steps:
            return ""
        return f"{self.folder.name} was trained for {self.steps:,} of its {self.config.total_steps:,} decisions"

    def settings(self) -> dict[str, Any]:
        """Return the training's settings but for what runs of one method may differ in, and its hints' faults."""
        return _settings(self.config, self.folder.path.parent)


def _settings(config: TrainConfig, runs_dir: Path) -> dict[str, Any]:
    values = {key: value for key, value in plain_config(config).items() if key not in _OWN}
    told_apart = ("faults", "provider", "faulty_of")
    values["hints"] = {key: value for key, value in values["hints"].items() if key not in told_apart}
    # Without its faults the provider "faulty" is the one that it wraps.
    values["hints"]["provider"] = answering(config.hints)
    # A robustness curve goes over the rate of wrong hints; whoever learnt with other faults is another method.
    values["hints"]["faults"] = {**config.hints.faults.rates, "wrong": 0.0}
    values["hints"]["check_scene"] = config.hints.faults.check_scene
    values["start_from"] = _origin(config.start_from, runs_dir)
    return values


def _origin(run: str, runs_dir: Path) -> Any:
    """Return the settings of the run that a training went on from, its name where it is gone.

    Each seed goes on from a run of its own: these are one method where those are.
    """
    path = locate_run(run, str(runs_dir))
    if not run or not (path / CONFIG_FILE).is_file():
        return run
    return _settings(load_train(RunFolder(path).config()), path.parent)


def answering(hints: HintsConfig) -> str:
    """Return the provider that answers, whoever spoils its answers."""
    return hints.faulty_of if hints.provider == "faulty" else hints.provider


def method_words(config: TrainConfig) -> str:
    """Return the method of a training in words: HCRMP, LLM reward, PPO, ..., and what is unusual about it."""
    options = config.algo
    if not isinstance(options, HcrmpConfig):
        return options.name.upper() + (" with state hint" if options.hint_in_state else "")
    base = "HCRMP" if options.weights_on == "advantage" else "LLM reward"
    scaled = options.standardise_before if options.weights_on == "advantage" else options.scale_terms
    unusual = [_CSA_WORDS[options.csa], "" if scaled else "unscaled", "" if options.asr else "no state hint"]
    unusual += ["no hints in training"] if config.hints.provider == "none" else []
    other = {kind: rate for kind, rate in config.hints.faults.rates.items() if kind != "wrong"}
    unusual += [f"{100 * rate:g} % {kind}" for kind, rate in other.items() if rate]
    unusual += ["hints checked"] if config.hints.faults.check_scene else []
    return ", ".join([base, *filter(None, unusual)])


def find_planners(runs: Sequence[str], runs_dir: str) -> list[Planner]:
    """Return the planners of all ``runs``, each once, in the order in which they are named."""
    paths = list(dict.fromkeys(path.resolve() for run in runs for path in _paths(run, runs_dir)))
    return [_planner(RunFolder.open(path)) for path in paths]


def _paths(run: str, runs_dir: str) -> Iterator[Path]:
    if "*" not in run:
        yield locate_run(run, runs_dir)
        return
    found = [path for path in runs_like(run, runs_dir) if (path / CONFIG_FILE).is_file()]
    if not found:
        raise UserError(f"no run in {runs_dir} is named like {run}: give folders, names, or another runs_dir=...")
    yield from found


def _planner(folder: RunFolder) -> Planner:
    checkpoint = folder.latest_checkpoint
    config = load_train(folder.config())
    return Planner(folder, config, parameters_checksum(checkpoint), trained_steps(checkpoint))


def group(planners: Sequence[Planner], *, over_training: bool) -> dict[str, list[Planner]]:
    """Return the planners by the name of their method: those that were trained alike but for the seed.

    With ``over_training`` also those that were trained with different faults are one method; without it the name says
    with which. Methods that differ in a setting which their words do not tell are told apart by a run's name.
    """
    alike: dict[str, list[Planner]] = {}
    for planner in planners:
        faults = None if over_training else str(planner.trained)
        alike.setdefault(json.dumps([planner.settings(), faults], sort_keys=True, default=str), []).append(planner)
    names = [_name(members[0], over_training) for members in alike.values()]
    named = {}
    for name, members in zip(names, alike.values(), strict=True):
        _check_seeds(members)
        named[name if names.count(name) == 1 else f"{name} ({members[0].folder.name})"] = members
    return named


def _name(planner: Planner, over_training: bool) -> str:
    if over_training or planner.trained == CLEAN:
        return planner.method
    return f"{planner.method}, trained with {planner.trained}"


def _check_seeds(members: Sequence[Planner]) -> None:
    """Refuse the same training twice: it would count as two samples."""
    seen: dict[tuple[int, Faults], Planner] = {}
    for planner in members:
        twin = seen.setdefault((planner.config.seed, planner.trained), planner)
        if twin is not planner:
            raise UserError(
                f"{twin.folder.path} and {planner.folder.path} are the same training (seed {planner.config.seed}): "
                "leave one out, so that it is not counted twice."
            )
