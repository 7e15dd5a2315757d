"""Teaching the bundled model: simulated scenes and fresh synthetic ones, labelled by the rules expert."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch as th

from hcrmp.hint_model.examples import Examples, Lessons, lessons_of
from hcrmp.hint_model.network import NetworkConfig, Pupil, make_network, parameter_groups
from hcrmp.hint_model.synthetic import synthetic_scenes
from llm_hints.compact import SLOTS, CompactLayout
from llm_hints.providers.rules import RulesProvider


@dataclass(frozen=True)
class TrainingConfig:
    """How the model is taught."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    steps: int = 3000
    """Batches."""
    batch_size: int = 128
    """Scenes in a batch."""
    synthetic_share: float = 0.5
    """Share of fresh synthetic scenes in a batch."""
    learning_rate: float = 3e-3
    """Step size after the warm-up; it falls linearly to 0."""
    warm_up: int = 100
    """Batches until the step size is whole."""
    risk_weight: float = 0.5
    """Weight of the risks, which are taught beside the answers, against the mean of the questions."""
    weight_decay: float = 0.05
    """Decay of the weights."""
    seed: int = 0
    """Of the model, the order of the scenes and the synthetic ones."""


Report = Callable[[int, dict[str, float]], None]
"""Told the step and what was measured, now and then."""


def teach(config: TrainingConfig, lessons: Lessons, report: Report, every: int = 50) -> Pupil:
    """Return a model that was taught with ``lessons`` and synthetic scenes."""
    layout, rng = CompactLayout(), np.random.default_rng(config.seed)
    pupil = Pupil(make_network(config.network, layout, config.seed), layout)
    optimisers = _optimisers(pupil, config)
    simulated = Examples.of(lessons, layout)
    batches = _Batches(config, simulated, layout, rng)
    running: dict[str, float] = {}
    for step in range(config.steps):
        _set_rate(optimisers, config, step)
        each, risks = pupil.losses(*batches.next())
        loss = each.mean() + config.risk_weight * risks
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        th.nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        _average(running, each, risks)
        if (step + 1) % every == 0:
            report(step + 1, dict(running))
    return pupil.eval()


class _Batches:
    """Batches of simulated scenes, in a new order each time round, with synthetic ones."""

    def __init__(self, config: TrainingConfig, simulated: Examples, layout: CompactLayout, rng: np.random.Generator):
        self._simulated, self._layout, self._rng = simulated, layout, rng
        self._synthetic = round(config.synthetic_share * config.batch_size)
        self._size = config.batch_size - self._synthetic
        self._order = np.zeros(0, dtype=np.int64)
        self._teacher = RulesProvider()

    def next(self) -> list[th.Tensor]:
        """Return rows, answers and risks of a batch."""
        if len(self._order) < self._size:
            self._order = self._rng.permutation(len(self._simulated.rows))
        chosen, self._order = self._order[: self._size], self._order[self._size :]
        scene = synthetic_scenes(self._synthetic, self._rng)
        fresh = Examples.of(lessons_of(scene, np.arange(self._synthetic), self._teacher), self._layout)
        both = Examples.joined([self._simulated.take(chosen), fresh])
        return [th.as_tensor(part.astype(np.int64)) for part in (both.rows, both.answers, both.risks)]


def _optimisers(pupil: Pupil, config: TrainingConfig) -> list[th.optim.Optimizer]:
    """Return Muon for the matrices between the layers and AdamW for the rest."""
    matrices, others = parameter_groups(pupil.model)
    muon: Any = th.optim.Muon  # type: ignore[attr-defined, unused-ignore]  # since torch 2.9
    return [
        muon(matrices, lr=config.learning_rate, weight_decay=config.weight_decay, adjust_lr_fn="match_rms_adamw"),
        th.optim.AdamW(others, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def _set_rate(optimisers: list[th.optim.Optimizer], config: TrainingConfig, step: int) -> None:
    share = min((step + 1) / config.warm_up, (config.steps - step) / max(config.steps - config.warm_up, 1))
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * share


def _average(running: dict[str, float], each: th.Tensor, risks: th.Tensor) -> None:
    now = dict(zip((*SLOTS, "risks"), [*each.tolist(), risks.item()], strict=True))
    for name, value in now.items():
        running[name] = 0.95 * running.get(name, value) + 0.05 * value
