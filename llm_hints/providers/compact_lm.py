"""A causal language model of the compact layout: one forward answers every question about a scene."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch as th

from envs.scene import FloatArray, IntArray
from llm_hints.closed_answers import ClosedAnswers
from llm_hints.compact import LAYOUT, SLOTS, WIDTH, CompactLayout, vocabulary
from llm_hints.facts import SceneFacts
from llm_hints.prompts import Anchor

DESCRIPTION = "hcrmp_hints.json"
"""File beside a model's weights that says how it is asked: ``layout``, and ``temperatures`` by question."""


class ModelError(ValueError):
    """A model that cannot be loaded, or does not fit; says what came and what is needed."""


def described_layout(folder: Path) -> dict[str, Any] | None:
    """Return what the folder's ``hcrmp_hints.json`` says; None where there is none: the model reads English."""
    path = folder / DESCRIPTION
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ModelError(f"{path} is no JSON: {error}") from None
    if found.get("layout") != LAYOUT:
        raise ModelError(f"{path} says layout {found.get('layout')!r}; this version writes {LAYOUT!r}: train it anew")
    return found


class CompactModel:
    """Asks a loaded model; ``rows`` scenes in each pass, always so many."""

    def __init__(self, model: Any, temperatures: Mapping[str, float], rows: int) -> None:
        size = int(model.config.vocab_size)
        if size != len(vocabulary()):
            raise ModelError(f"the model has {size} words; the layout {LAYOUT} has {len(vocabulary())}: train it anew")
        self.layout = CompactLayout()
        self._model, self._temperatures, self._rows = model.eval(), dict(temperatures), rows
        self._allowed = [th.as_tensor(self.layout.answers[name], device=model.device) for name in SLOTS]

    reads_prose = False

    def ask(self, facts: SceneFacts, anchors: Sequence[Sequence[Anchor]] | None = None) -> ClosedAnswers:
        """Return the answers about n scenes; passages are not for it."""
        return ClosedAnswers.of_logits(self.logits(self.layout.rows(facts)), facts, self._temperatures)

    def ask_kinds(self, facts: SceneFacts) -> ClosedAnswers:
        """Return the same answers: those to the five kinds of question are among them."""
        return self.ask(facts)

    def logits(self, ids: IntArray) -> dict[str, FloatArray]:
        """Return the logits ``(n, answers)`` of each question for rows ``(n, WIDTH)``."""
        padded = np.concatenate([ids, np.zeros((-len(ids) % self._rows, WIDTH), dtype=np.int64)])
        parts = [self._pass(padded[start : start + self._rows]) for start in range(0, len(padded), self._rows)]
        return {
            name: np.concatenate([part[n] for part in parts])[: len(ids)].astype(np.float64)
            for n, name in enumerate(SLOTS)
        } if parts else {name: np.zeros((0, len(words))) for name, words in SLOTS.items()}  # fmt: skip

    def _pass(self, ids: IntArray) -> list[FloatArray]:
        with th.inference_mode():
            tokens = th.as_tensor(ids, device=self._model.device)
            hidden = self._model.model(input_ids=tokens, use_cache=False).last_hidden_state[:, -len(SLOTS) :]
            words = self._model.get_output_embeddings().weight
            return [
                (hidden[:, n] @ words[allowed].T).float().cpu().numpy() for n, allowed in enumerate(self._allowed)
            ]
