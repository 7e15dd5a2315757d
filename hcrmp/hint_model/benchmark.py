"""How often hints are wrong: the paper's five kinds of question, on scenes whose answers are known."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.scene import BoolArray, FloatArray, SceneBatch
from hcrmp.hint_model.scenes import driven_scenes
from hcrmp.statistics import wilson
from llm_hints.hint import CRITICS
from llm_hints.providers.base import NO_ANSWER, HintProvider, QuestionAnswerer
from llm_hints.providers.rules import RulesProvider
from llm_hints.reference import KINDS, true_answers

PAPER_RATES = {"hazard": 78.77, "road type": 59.75, "road sign": 39.13, "longitudinal": 82.22, "lateral": 29.88}
"""Non-hallucination rates of the paper's best model (percent), on scenes and questions of its own."""

BINS = 10
"""Bins of the calibration error."""


@dataclass
class BenchmarkResult:
    """What was measured; ``rates`` by kind: (share right, lower, upper), 95 % intervals of Wilson."""

    provider: str
    scenes: int
    by_family: dict[str, int]
    rates: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    calibration_error: dict[str, float] = field(default_factory=dict)
    no_answer: dict[str, float] = field(default_factory=dict)
    """Share of the questions to which none of the allowed answers came."""
    weights_difference: dict[str, float] = field(default_factory=dict)
    valid_share: float = float("nan")
    hints_per_s: float = float("nan")
    latency_s: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; ``None`` where there was nothing to measure, as JSON knows no NaN."""
        return {name: _without_nan(getattr(self, name)) for name in self.__dataclass_fields__}


def sample_scenes(families: Sequence[str], count: int, seed: int) -> list[tuple[str, SceneBatch]]:
    """Return ``count`` scenes of one world each, as many of each family as can be."""
    each = -(-count // len(families))
    # Seeds above those of every training, of planners and of models.
    rng, chosen = np.random.default_rng(seed), []
    for family in families:
        pool = [scene for _, scene in driven_scenes([family], 8 * each, 900_000_000 + 10_000 * seed, every=13)]
        single = [(family, scene.rows([row])) for scene in pool for row in range(scene.batch_size)]
        chosen += [single[k] for k in rng.permutation(len(single))[:each]]
    return [chosen[k] for k in np.sort(rng.permutation(len(chosen))[:count])]


def measure(provider: HintProvider, scenes: Sequence[tuple[str, SceneBatch]], batch: int) -> BenchmarkResult:
    """Ask ``provider`` about every scene, ``batch`` at a time."""
    families = [family for family, _ in scenes]
    result = BenchmarkResult(provider.name, len(scenes), {family: families.count(family) for family in set(families)})
    stacked = [stack([scene for _, scene in scenes[k : k + batch]]) for k in range(0, len(scenes), batch)]
    _measure_hints(provider, stacked, result)
    if isinstance(provider, QuestionAnswerer):
        _measure_questions(provider, stacked, result)
    return result


def stack(scenes: Sequence[SceneBatch]) -> SceneBatch:
    """Return scenes of any numbers of slots as one batch."""
    slots = max(scene.actor_slots for scene in scenes)
    total = SceneBatch.empty(sum(scene.batch_size for scene in scenes), slots)
    at = 0
    for scene in scenes:
        rows = slice(at, at + scene.batch_size)
        for group in ("ego", "road", "route", "events"):
            getattr(total, group).block[:, rows] = getattr(scene, group).block
        total.actors.block[:, rows, : scene.actor_slots] = scene.actors.block
        total.route.points[rows] = scene.route.points
        for name in ("time_s", "step", "cell", "seed"):
            getattr(total, name)[rows] = getattr(scene, name)
        at += scene.batch_size
    return total


def _measure_hints(provider: HintProvider, batches: Sequence[SceneBatch], result: BenchmarkResult) -> None:
    expert, times, valid, differences = RulesProvider(), [], [], []
    provider.ask(batches[0], np.arange(min(2, batches[0].batch_size)))  # compiles, allocates, connects
    for scene in batches:
        rows = np.arange(scene.batch_size)
        begin = time.perf_counter()
        answers = provider.ask(scene, rows)
        times.append(time.perf_counter() - begin)
        valid.append(answers.valid)
        found = np.abs(answers.hints.weights - expert.ask(scene, rows).hints.weights)
        differences.append(found[answers.valid])
    result.valid_share = float(np.concatenate(valid).mean())
    mean = np.concatenate(differences).mean(axis=0) if result.valid_share > 0.0 else np.full(len(CRITICS), np.nan)
    result.weights_difference = dict(zip(CRITICS, mean.tolist(), strict=True))
    result.hints_per_s = result.scenes / sum(times)
    result.latency_s = {f"p{share}": float(np.percentile(times, share)) for share in (50, 95, 99)}


def _measure_questions(provider: QuestionAnswerer, batches: Sequence[SceneBatch], result: BenchmarkResult) -> None:
    right: dict[str, list[BoolArray]] = {kind: [] for kind in KINDS}
    sure: dict[str, list[FloatArray]] = {kind: [] for kind in KINDS}
    silent: dict[str, list[BoolArray]] = {kind: [] for kind in KINDS}
    for scene in batches:
        rows = np.arange(scene.batch_size)
        truth, given = true_answers(scene, rows), provider.answer(scene, rows)
        for kind in KINDS:
            right[kind].append(truth.right(kind, given[kind].codes))
            sure[kind].append(given[kind].confidence)
            silent[kind].append(given[kind].codes == NO_ANSWER)
    for kind in KINDS:
        correct, confidence = np.concatenate(right[kind]), np.concatenate(sure[kind])
        share = wilson(int(correct.sum()), len(correct))
        result.rates[kind] = share.value, share.low, share.high
        result.no_answer[kind] = float(np.concatenate(silent[kind]).mean())
        result.calibration_error[kind] = calibration_error(confidence, correct)


def calibration_error(confidence: FloatArray, correct: BoolArray) -> float:
    """Return the expected calibration error (Naeini et al. 2015) in ``BINS`` bins; NaN without confidences."""
    if not np.isfinite(confidence).all():
        return float("nan")
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    total = 0.0
    for place in np.unique(bins):
        inside = bins == place
        total += inside.mean() * abs(correct[inside].mean() - confidence[inside].mean())
    return float(total)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value


def file_name(provider: str) -> str:
    """Return a provider's name as part of a file's."""
    return "".join(letter if letter.isalnum() else "-" for letter in provider).strip("-")
