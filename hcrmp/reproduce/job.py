"""``hcrmp reproduce``: train and evaluate a run again, and say what is not as it was."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import Any

import torch as th
from rich.console import Console

from hcrmp.comparison.places import in_run
from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.errors import ConfigError, RunFolderError, UserError
from hcrmp.evaluate import evaluate
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.mapping import from_mapping
from hcrmp.report.sources import read_run
from hcrmp.reproduce import compare
from hcrmp.reproduce.config import ReproduceConfig
from hcrmp.reproduce.drift import Drift, EvaluationDrift, TrainingDrift
from hcrmp.reproduce.surroundings import advice, changes
from hcrmp.reproduce.telling import tell_changes, tell_end, tell_evaluation, tell_training
from hcrmp.run_folder import CONFIG_FILE, PROVENANCE_FILE, RunFolder, provenance, read_json, write_json
from hcrmp.train import train
from hcrmp.train_config import TrainConfig

REPORT = "reproduction.json"
DIFFERS = 1
"""Exit status where something is not as it was."""


def run(config: ReproduceConfig) -> int:
    """Make the run again, tell the drift; 0: identical, 1: it differs."""
    console = stderr_console()
    folder = RunFolder.open(config.run_path)
    drift, again = reproduce(config, folder, console)
    tell_end(drift.identical, drift.look_at, again.path / REPORT, stdout_console())
    return 0 if drift.identical else DIFFERS


def reproduce(config: ReproduceConfig, folder: RunFolder, console: Console) -> tuple[Drift, RunFolder]:
    """Return the drift, which is written to the folder of the repetition as well, and that folder."""
    trained = _trained(folder)
    labels = _labels(config, folder)
    _check(config, folder, trained, labels)
    made_by, now = _made_by(folder), provenance(trained.seed)
    drift = Drift(surroundings=changes(made_by, now))
    tell_changes(drift.surroundings, console)
    again = _begin(config, folder, trained, console)
    if config.what != "evaluation":
        drift.training = compare_training(folder, again)
        tell_training(drift.training, console)
    for label in labels if config.what != "training" else ():
        drift.evaluations.append(repeat_evaluation(config, folder, again, label, console))
        tell_evaluation(drift.evaluations[-1], console)
    drift.look_at = _look_at(drift, trained, made_by)
    write_json(again.path / REPORT, _document(drift, folder, now))
    return drift, again


def _trained(folder: RunFolder) -> TrainConfig:
    config = read_run(folder.path).config
    assert config is not None  # RunFolder.open has seen its configuration
    return config


def _made_by(folder: RunFolder) -> dict[str, Any]:
    return folder.provenance() if (folder.path / PROVENANCE_FILE).is_file() else {}


def _labels(config: ReproduceConfig, folder: RunFolder) -> list[str]:
    found = sorted(path.stem for path in folder.evaluation.glob("*.json"))
    unknown = [label for label in config.labels if label not in found]
    if unknown:
        raise UserError(f"{folder.path} has no evaluation {', '.join(unknown)}; it has {', '.join(found) or 'none'}.")
    return list(config.labels) or found


def _check(config: ReproduceConfig, folder: RunFolder, trained: TrainConfig, labels: list[str]) -> None:
    """Refuse what cannot be repeated, before any work."""
    place = config.output_path
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise RunFolderError(f"{place} exists already: choose another output=..., or remove it.")
    steps = read_run(folder.path).steps
    if config.what != "evaluation" and steps < trained.total_steps:
        raise UserError(
            f"{folder.path} was stopped after {steps:,} of its {trained.total_steps:,} decisions, at a moment that no "
            "repetition meets: finish it ('hcrmp train run=... resume=true'), or repeat its evaluations alone "
            "(what=evaluation)."
        )
    if config.what == "evaluation" and not labels:
        raise UserError(f"{folder.path} has no evaluation to repeat: 'hcrmp evaluate run={folder.path}' makes one.")


def _begin(config: ReproduceConfig, folder: RunFolder, trained: TrainConfig, console: Console) -> RunFolder:
    """Return the folder of the repetition: trained anew, or with a copy of the run's planner."""
    place = config.output_path
    if config.what == "evaluation":
        place.mkdir(parents=True, exist_ok=True)
        for name in (CONFIG_FILE, PROVENANCE_FILE):
            if (folder.path / name).is_file():
                shutil.copy2(folder.path / name, place / name)
        shutil.copytree(folder.latest_checkpoint, RunFolder(place).latest_checkpoint)
        return RunFolder.open(place)
    hints = trained.hints
    if hints.cache_file:
        # The bank that others share is not touched, and as it was then it is not kept.
        hints = replace(hints, cache_file=str(place.resolve() / "bank"))
    again = replace(
        trained, run=place.name, runs_dir=str(place.parent), resume=False, hints=hints, progress=config.progress
    )
    return train(again, console)


def compare_training(folder: RunFolder, again: RunFolder) -> TrainingDrift:
    """Return how the repetition of a training differs from it."""
    found = compare.parameters(folder, again)
    diverged = compare.first_divergence(folder, again)
    steps = read_run(folder.path).steps, read_run(again.path).steps
    return TrainingDrift(found, *steps, *(diverged or (None, "")))


def repeat_evaluation(
    config: ReproduceConfig, folder: RunFolder, again: RunFolder, label: str, console: Console
) -> EvaluationDrift:
    """Evaluate as the file of that label says, and return how the episodes differ from it."""
    then = read_json(folder.evaluation / f"{label}.json")
    try:
        asked = from_mapping(EvaluateConfig, then.get("config") or {}, label)
    except ConfigError as error:
        return EvaluationDrift(label, problem=f"its settings are of another version: {error}")
    asked = replace(asked, run=str(again.path), progress=config.progress)
    evaluate(asked, again, console)
    now = read_json(in_run(asked, again).results)
    count, changed = compare.episodes(then.get("episodes", []), now["episodes"])
    names = [str(name) for name in then.get("drives", [])]
    compared, other_way = compare.drives(folder.drives, again.drives, names)
    return EvaluationDrift(label, count, tuple(changed), compared, tuple(other_way))


def _look_at(drift: Drift, trained: TrainConfig, made_by: dict[str, Any]) -> list[str]:
    if drift.identical:
        return []
    found = list(advice(drift.surroundings, made_by))
    if drift.training is not None and drift.training.steps_then != drift.training.steps_now:
        found.append("total_steps: the run was resumed with more than its config.yaml says")
    if trained.simulator.name == "carla":
        found.append("CARLA: its servers do not promise to repeat a drive")
    if trained.hints.provider == "openai" or trained.hints.service.mode == "realtime":
        found.append("the hints: a model behind an endpoint, or answers in real time, do not repeat themselves")
    if trained.device != "cpu" and th.cuda.is_available():
        found.append(f"device={trained.device}: on a GPU sums are made in any order; device=cpu repeats exactly")
    if drift.training is not None and not drift.training.identical and drift.evaluations:
        found.append("the evaluations follow from the other planner; what=evaluation repeats them with the run's own")
    return found or ["nothing around it differs, so the program does not repeat itself: please report it as a fault"]


def _document(drift: Drift, folder: RunFolder, now: dict[str, Any]) -> dict[str, Any]:
    told = asdict(drift)
    if drift.training is not None and drift.training.parameters.largest == float("inf"):
        told["training"]["parameters"]["largest"] = None  # JSON knows no infinity: the shapes differ
    return {"of": str(folder.path), "identical": drift.identical, **told, "provenance": now}
