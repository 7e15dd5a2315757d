"""Anchors as passages of a prompt and as three numbers."""

from __future__ import annotations

import numpy as np

from llm_hints.facts import scene_facts
from llm_hints.hint import PRIOR_WEIGHTS
from llm_hints.knowledge.anchoring import SceneAnchors, mean_emphasis
from llm_hints.knowledge.base import Anchor, KnowledgeConfig, build_knowledge
from tests.llm_hints.knowledge.builders import make_passage
from tests.llm_hints.scenes import random_scene


def test_the_mean_emphasis_is_weighted_by_score() -> None:
    """(3 (.8, .1, .1) + 1 (.2, .6, .2)) / 4 by hand."""
    anchors = [
        Anchor(make_passage("a", emphasis=(0.8, 0.1, 0.1)), 3.0),
        Anchor(make_passage("b", emphasis=(0.2, 0.6, 0.2)), 1.0),
    ]
    np.testing.assert_allclose(mean_emphasis(anchors), [0.65, 0.225, 0.125])


def test_without_anchors_the_prior_holds() -> None:
    np.testing.assert_array_equal(mean_emphasis(()), PRIOR_WEIGHTS)


def test_scenes_get_as_many_passages_as_were_asked_for_and_what_they_argue_for() -> None:
    anchors = SceneAnchors(build_knowledge(KnowledgeConfig(retrieval="lexical")), 2)
    facts = scene_facts(random_scene(9, 6, np.random.default_rng(3)), np.arange(9))
    passages, emphasis = anchors(facts), anchors.emphasis(facts)
    assert [len(found) for found in passages] == [2] * 9 and all(p.title and p.source for f in passages for p in f)
    assert emphasis.shape == (9, 3) and (emphasis > 0.0).all()
    np.testing.assert_allclose(emphasis.sum(axis=1), 1.0)
    for found, weights in zip(passages, emphasis, strict=True):  # a mean lies between what it is the mean of
        both = np.array([passage.emphasis for passage in found])
        assert (weights >= both.min(axis=0) - 1e-12).all() and (weights <= both.max(axis=0) + 1e-12).all()
