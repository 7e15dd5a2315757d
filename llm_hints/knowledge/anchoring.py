"""Anchors on their way to a model: as text for one that reads prose, as three numbers for one that does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.scene import FloatArray
from llm_hints.hint import PRIOR_WEIGHTS
from llm_hints.knowledge.base import Anchor

HEADING = (
    "Passages from traffic law and safety guidance that bear on this scene, told in plain words. Weigh safety, "
    "efficiency and comfort in accordance with them where they apply; where they do not, leave them aside."
)


@dataclass(frozen=True, slots=True)
class AnchoredContext:
    """What anchors say: ``text`` for the prompt, empty without anchors; ``emphasis`` ``(3,)`` for a small model."""

    text: str
    emphasis: FloatArray


def anchored_context(anchors: Sequence[Anchor]) -> AnchoredContext:
    """Return both forms of ``anchors`` (the paper's CSA: the top 3 go into the prompt)."""
    return AnchoredContext(context_text(anchors), mean_emphasis(anchors))


def context_text(anchors: Sequence[Anchor]) -> str:
    """Return a numbered block of passages with their sources, or an empty text where there are none."""
    if not anchors:
        return ""
    passages = (anchor.passage for anchor in anchors)
    numbered = (f"[{n}] {each.title}: {each.text} ({each.source})" for n, each in enumerate(passages, start=1))
    return "\n".join((HEADING, *numbered))


def mean_emphasis(anchors: Sequence[Anchor]) -> FloatArray:
    """Return the mean emphasis ``(3,)`` of ``CRITICS``, weighted by score, sum 1; the prior weights without anchors."""
    if not anchors:
        return np.array(PRIOR_WEIGHTS)
    emphases = np.array([anchor.passage.emphasis for anchor in anchors])
    scores = np.array([anchor.score for anchor in anchors])
    mean: FloatArray = scores @ emphases / scores.sum()
    return mean
