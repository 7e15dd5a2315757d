"""``hcrmp hints train``: makes a small language model of hints, as the bundled one was made."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch as th
from rich.console import Console

from hcrmp.consoles import stderr_console
from hcrmp.errors import UserError
from hcrmp.hint_model.bundle import fit_temperatures, save_bundle
from hcrmp.hint_model.examples import Lessons, lessons_of
from hcrmp.hint_model.model_card import model_card
from hcrmp.hint_model.network import NetworkConfig, Pupil
from hcrmp.hint_model.scenes import TAUGHT, UNSEEN, driven_scenes
from hcrmp.hint_model.scoring import agreement, right_answers
from hcrmp.hint_model.training import TrainingConfig, teach
from hcrmp.hints_config import HintsTrainConfig
from hcrmp.run_folder import write_json
from llm_hints.closed_answers import hundredths
from llm_hints.providers.compact_lm import CompactModel
from llm_hints.providers.rules import RulesProvider

HELD_OUT, NEVER_TAUGHT = 600, 1500
"""Scenes of each taught family that are kept back, from other episodes, to calibrate and to test; and of each other."""


def run(config: HintsTrainConfig) -> int:
    """Collect scenes, teach, calibrate, measure, and write the model with its card."""
    console, folder = stderr_console(), Path(config.output)
    if not hasattr(th.optim, "Muon"):
        raise UserError(f"hints train needs torch 2.9 or later for its optimiser; this is {th.__version__}")
    th.set_num_threads(1)
    th.set_flush_denormal(True)
    lessons = collected(folder / "scenes" / "taught", TAUGHT, config.scenes, 30_000_000 + config.seed, console)
    held_out = collected(folder / "scenes" / "held_out", TAUGHT, HELD_OUT, 20_000_000 + config.seed, console)
    unseen = collected(folder / "scenes" / "unseen", UNSEEN, NEVER_TAUGHT, 10_000_000 + config.seed, console)
    begin = time.monotonic()

    def report(step: int, losses: dict[str, float]) -> None:
        if config.progress:
            told = "  ".join(f"{name} {value:.3f}" for name, value in losses.items())
            console.print(f"{step}/{config.steps}  {time.monotonic() - begin:.0f} s  {told}", highlight=False)

    pupil = teach(training_config(config), lessons, report)
    finish(pupil, held_out, unseen, config, folder, console)
    return 0


def training_config(config: HintsTrainConfig) -> TrainingConfig:
    """Return how the model of ``config`` is taught."""
    network = NetworkConfig(width=config.width, layers=config.layers)
    return TrainingConfig(
        network, config.steps, config.batch_size, learning_rate=config.learning_rate, seed=config.seed
    )


def collected(folder: Path, families: Sequence[str], each: int, seed: int, console: Console) -> Lessons:
    """Return scenes of ``families``; those that an interrupted command has written are not driven again."""
    folder.mkdir(parents=True, exist_ok=True)
    teacher, parts = RulesProvider(), []
    for number, family in enumerate(families):
        path = folder / f"{family}.npz"
        if not path.is_file():
            console.print(f"driving {each} scenes of {family}")
            scenes = [scene for _, scene in driven_scenes([family], each, seed + 1000 * number)]
            Lessons.joined([lessons_of(scene, np.arange(scene.batch_size), teacher) for scene in scenes]).save(path)
        parts.append(Lessons.load(path))
    return Lessons.joined(parts)


def finish(
    pupil: Pupil, held_out: Lessons, unseen: Lessons, config: HintsTrainConfig, folder: Path, console: Console
) -> None:
    """Calibrate on half of the held-out scenes, measure on the others and on unseen families, and write the model."""
    _round(pupil)
    even = np.arange(0, len(held_out), 2)
    temperatures = fit_temperatures(CompactModel(pupil.model, {}, 64), held_out.take(even))
    measured = {
        "held-out episodes of taught families": evaluate(pupil, held_out.take(even + 1), temperatures),
        "families never taught": evaluate(pupil, unseen, temperatures),
    }
    console.print(json.dumps(measured, indent=1))
    save_bundle(pupil.model, temperatures, model_card(config, pupil.model.num_parameters(), measured), folder)
    write_json(folder / "measured.json", measured)
    console.print(
        f"written: {folder}\nnext:    hcrmp hints benchmark hints=transformers hints.transformers.model={folder}"
    )


def _round(pupil: Pupil) -> None:
    """Round the weights as they will be stored, so that what is measured is what is written."""
    with th.no_grad():
        for parameter in pupil.parameters():
            parameter.copy_(parameter.bfloat16())


def evaluate(pupil: Pupil, lessons: Lessons, temperatures: dict[str, float]) -> dict[str, float]:
    """Return the shares of right answers by kind, and the agreement with the teacher, over ``lessons``."""
    answers = CompactModel(pupil.model, temperatures, 64).ask(lessons.facts)
    right = {kind: float(hits.mean()) for kind, hits in right_answers(answers.codes(), lessons).items()}
    same = agreement(answers.codes(), lessons)
    weights = float(np.abs(hundredths(answers.mean_weights()) - lessons.weights).mean())
    return {"scenes": float(len(lessons)), **right, "weights_difference": weights,
            **{name: same[name] for name in ("density", "first", "second", "third")}}  # fmt: skip
