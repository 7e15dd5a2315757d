"""The passages of scenes on their way to a model: as text where it reads prose, as numbers where it does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.scene import FloatArray
from llm_hints.facts import SceneFacts
from llm_hints.hint import PRIOR_WEIGHTS
from llm_hints.knowledge.base import ANCHORS, Anchor, KnowledgeBase
from llm_hints.knowledge.passage import Passage
from llm_hints.knowledge.scene_query import scene_queries


class SceneAnchors:
    """Finds for each scene the ``count`` passages of ``base`` that fit it best (the paper's CSA: the top 3)."""

    def __init__(self, base: KnowledgeBase, count: int = ANCHORS) -> None:
        self._base, self._count = base, count

    def __call__(self, facts: SceneFacts) -> list[list[Passage]]:
        """Return the passages for each of n scenes, best first, to go into its prompt."""
        return [[anchor.passage for anchor in anchors] for anchors in self._found(facts)]

    def emphasis(self, facts: SceneFacts) -> FloatArray:
        """Return the weights ``(n, 3)`` of ``CRITICS`` that the passages of n scenes argue for, each row of sum 1."""
        return np.array([mean_emphasis(anchors) for anchors in self._found(facts)]).reshape(len(facts), 3)

    def _found(self, facts: SceneFacts) -> list[tuple[Anchor, ...]]:
        return self._base.retrieve_batch(scene_queries(facts), self._count)


def mean_emphasis(anchors: Sequence[Anchor]) -> FloatArray:
    """Return the mean emphasis ``(3,)`` of ``CRITICS``, weighted by score, sum 1; the prior weights without anchors."""
    if not anchors:
        return np.array(PRIOR_WEIGHTS)
    emphases = np.array([anchor.passage.emphasis for anchor in anchors])
    scores = np.array([anchor.score for anchor in anchors])
    mean: FloatArray = scores @ emphases / scores.sum()
    return mean
