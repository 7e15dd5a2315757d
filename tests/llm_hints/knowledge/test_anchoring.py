"""Anchors as text and as three numbers."""

from __future__ import annotations

import numpy as np

from llm_hints.hint import PRIOR_WEIGHTS
from llm_hints.knowledge.anchoring import anchored_context
from llm_hints.knowledge.base import Anchor
from tests.llm_hints.knowledge.builders import make_passage


def test_the_mean_emphasis_is_weighted_by_score() -> None:
    """(3 (.8, .1, .1) + 1 (.2, .6, .2)) / 4 by hand."""
    anchors = [
        Anchor(make_passage("a", emphasis=(0.8, 0.1, 0.1)), 3.0),
        Anchor(make_passage("b", emphasis=(0.2, 0.6, 0.2)), 1.0),
    ]
    np.testing.assert_allclose(anchored_context(anchors).emphasis, [0.65, 0.225, 0.125])


def test_the_text_numbers_the_passages_and_names_their_sources() -> None:
    anchors = [Anchor(make_passage("a", title="Gaps"), 3.0), Anchor(make_passage("b", title="Bends"), 1.0)]
    lines = anchored_context(anchors).text.splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("[1] Gaps: Keep a distance") and lines[1].endswith("(House rules, 1)")
    assert lines[2].startswith("[2] Bends: ")


def test_without_anchors_there_is_no_text_and_the_prior_holds() -> None:
    context = anchored_context(())
    assert context.text == ""
    np.testing.assert_array_equal(context.emphasis, PRIOR_WEIGHTS)
