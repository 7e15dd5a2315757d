"""Quality of retrieval: does it find passages of the kind that a scene calls for?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llm_hints.knowledge.base import KnowledgeBase
from llm_hints.knowledge.passage import Passage
from tests.llm_hints.knowledge.scene_descriptions import SCENES

Scenes = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Quality:
    """``found`` share of scenes with a passage of the right kind in the top k; ``right`` share of right ones in it."""

    found: float
    right: float


def quality(knowledge: KnowledgeBase, scenes: Scenes = SCENES, k: int = 3) -> Quality:
    """Return the quality of ``knowledge`` over ``scenes``."""
    anchors = knowledge.retrieve_batch([text for text, _ in scenes], k)
    hits = [
        [kind in anchor.passage.kinds for anchor in found] for found, (_, kind) in zip(anchors, scenes, strict=True)
    ]
    return Quality(float(np.mean([any(row) for row in hits])), float(np.mean([sum(row) / k for row in hits])))


def chance(passages: Sequence[Passage], scenes: Scenes = SCENES, k: int = 3) -> Quality:
    """Return what ``k`` passages drawn at random would reach."""
    shares = [np.mean([kind in passage.kinds for passage in passages]) for _, kind in scenes]
    found = [1.0 - (1.0 - share) ** k for share in shares]
    return Quality(float(np.mean(found)), float(np.mean(shares)))
