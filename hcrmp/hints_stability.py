"""``hcrmp hints stability``: how much the weights vary in one scene, with and without anchors (the paper's CSA)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console

from envs.scene import FloatArray, IntArray, SceneBatch
from hcrmp.build import build_provider
from hcrmp.consoles import stdout_console
from hcrmp.errors import UserError
from hcrmp.hint_model.benchmark import file_name, sample_scenes, stack
from hcrmp.hint_model.scenes import UNSEEN
from hcrmp.hints_config import HintsStabilityConfig
from llm_hints.knowledge.stability_report import LabelledScenes, StabilityReport, measure
from llm_hints.providers.base import HintProvider, HintProviderError
from llm_hints.providers.rules import RulesProvider

BATCH = 64


def run(config: HintsStabilityConfig) -> int:
    """Ask, print the table and write the JSON."""
    console = stdout_console()
    report, name = ask(config, console)
    console.print(report.table())
    path = Path(config.output) / f"stability-{file_name(name)}-seed{config.seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.to_json() + "\n", "utf-8")
    console.print(f"written: {path}")
    return 0


def ask(config: HintsStabilityConfig, console: Console) -> tuple[StabilityReport, str]:
    """Return what the model's answers tell, and the name of the provider.

    Raises:
        UserError: the scenes are not both safe and dangerous.
    """
    plain, anchored = (build_provider(replace(config.hints, anchored=choice), np.random.default_rng(config.seed))
                       for choice in (False, True))  # fmt: skip
    families = config.families or UNSEEN
    scenes = labelled_scenes(families, config)
    if not scenes.dangerous.any() or not scenes.safe.any():
        raise UserError(f"{config.scenes} scenes of {', '.join(families)} are not both safe and dangerous: take more")
    console.print(f"asking {plain.name} {config.repeats} times about each of {config.scenes} scenes, twice over ...")
    report = measure(RepeatedAsking(plain, anchored), scenes, config.repeats, np.random.default_rng(config.seed))
    return report, plain.name


def labelled_scenes(families: tuple[str, ...], config: HintsStabilityConfig) -> LabelledScenes:
    """Return scenes, of which those above and below two risks of the expert count as dangerous and as safe."""
    scene = stack([one for _, one in sample_scenes(families, config.scenes, config.seed)])
    risk = RulesProvider().risk(scene)
    return LabelledScenes(scene, risk >= config.dangerous_from, risk <= config.safe_to)


@dataclass(frozen=True)
class RepeatedAsking:
    """Asks two providers; the chance of a repetition comes from the scene's seed, which it changes."""

    plain: HintProvider
    anchored: HintProvider

    def __call__(self, scene: SceneBatch, rows: IntArray, repeats: IntArray, *, anchored: bool) -> FloatArray:
        """Return weights ``(n, 3)``; NaN where no valid answer came."""
        provider = self.anchored if anchored else self.plain
        asked = scene.rows(rows)
        asked.seed[:] = asked.seed * 1_000_003 + repeats
        weights = np.full((len(rows), 3), np.nan)
        for start in range(0, len(rows), BATCH):
            part = np.arange(start, min(start + BATCH, len(rows)))
            try:
                answers = provider.ask(asked, part)
            except HintProviderError:
                continue  # no answers: the report counts them
            weights[part[answers.valid]] = answers.hints.weights[answers.valid]
        return weights
