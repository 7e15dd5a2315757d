"""Where the critics' weights come from."""

import numpy as np
import pytest
import torch as th
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrmp.weights import (
    AttentionWeights,
    MeanAnchor,
    ReturnScale,
    check_weights,
    constant_weights,
    of_other_worlds,
)


def test_constant_weights() -> None:
    assert constant_weights("equal", 3, ()) == pytest.approx(np.full(3, 1 / 3))
    assert constant_weights("fixed", 3, (2.0, 1.0, 1.0)) == pytest.approx(np.array([0.5, 0.25, 0.25]))
    assert constant_weights("hint", 3, (1.0, 0.0, 0.0)) is None


def test_the_anchor_by_hand() -> None:
    """Mean of the hints (.6, .3, .1), prior (.2, .3, .5): weights (.5, .4, .1) go to (.1667, .4, .5) / 1.0667."""
    rollout = np.array([[[0.5, 0.4, 0.1], [0.7, 0.2, 0.1]]], dtype=np.float32)
    anchor = MeanAnchor((0.2, 0.3, 0.5), decay=0.9)
    assert anchor.anchored(rollout) is rollout  # no mean is known yet
    anchored = anchor.anchor(rollout)
    assert np.array_equal(anchor.anchored(rollout), anchored)  # who looks on moves no mean
    assert anchored[0, 0] == pytest.approx(np.array([0.5 / 3, 0.4, 0.5]) / (0.5 / 3 + 0.9), rel=1e-5)


def test_the_anchor_keeps_differences_between_states_and_follows_drift() -> None:
    anchor = MeanAnchor((1 / 3, 1 / 3, 1 / 3), decay=0.5)
    calm, danger = np.array([0.1, 0.6, 0.3]), np.array([0.3, 0.5, 0.2])
    rollout = np.array([[calm, danger]], dtype=np.float32)
    anchored = anchor.anchor(rollout)
    assert anchored[0, 1, 0] > anchored[0, 0, 0]
    for _ in range(20):
        anchored = anchor.anchor(np.tile(np.array([[[0.9, 0.05, 0.05]]], dtype=np.float32), (4, 2, 1)))
    assert anchored == pytest.approx(1 / 3, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3).filter(lambda w: sum(w) > 1e-3))
def test_anchored_weights_are_weights(raw: list[float]) -> None:
    weights = (np.array(raw) / sum(raw)).astype(np.float32)
    anchored = MeanAnchor((0.34, 0.52, 0.14), 0.9).anchor(np.tile(weights, (2, 2, 1)))
    assert np.isfinite(anchored).all() and (anchored >= 0).all()
    assert anchored.sum(axis=-1) == pytest.approx(1.0, abs=1e-5)


def test_the_anchor_is_kept_with_the_policy() -> None:
    anchor, other = MeanAnchor((0.5, 0.5), 0.9), MeanAnchor((0.5, 0.5), 0.9)
    anchor.anchor(np.array([[[0.8, 0.2]]], dtype=np.float32))
    other.load_state_dict(anchor.state_dict())
    rollout = np.array([[[0.3, 0.7]]], dtype=np.float32)
    assert np.array_equal(anchor.anchor(rollout), other.anchor(rollout))


def test_return_scale_by_hand() -> None:
    """Returns of variance 4 then 9 with a decay of 0.9: 4, then 3.6 + 0.9 = 4.5."""
    scale = ReturnScale(1, enabled=True)
    scale.update(np.array([[[2.0]], [[-2.0]]], dtype=np.float32))
    assert float(scale.scale[0]) == pytest.approx(2.0)
    scale.update(np.array([[[3.0]], [[-3.0]]], dtype=np.float32))
    assert float(scale.scale[0]) == pytest.approx(4.5**0.5)


def test_return_scale_off_or_silent() -> None:
    off, silent = ReturnScale(2, enabled=False), ReturnScale(2, enabled=True)
    off.update(np.random.default_rng(0).normal(size=(4, 4, 2)).astype(np.float32))
    silent.update(np.zeros((4, 4, 2), dtype=np.float32))
    assert off.scale.tolist() == [1.0, 1.0]
    assert silent.scale.tolist() == pytest.approx([ReturnScale.FLOOR] * 2)


@pytest.mark.parametrize("features", [3, 8, 173])
def test_attention_starts_at_equal_weights_and_reads_every_feature(features: int) -> None:
    th.manual_seed(0)
    net, rows = AttentionWeights(features, 3), th.randn(6, features)
    assert net(rows).detach().numpy() == pytest.approx(1 / 3, abs=1e-6)
    th.nn.init.normal_(net.head[-1].weight)  # type: ignore[arg-type]
    inputs = rows.requires_grad_()
    net(inputs)[:, 0].sum().backward()
    assert inputs.grad is not None and (inputs.grad.abs().sum(dim=0) > 0).all()


@pytest.mark.parametrize("row", [(0.5, 0.5, 0.2), (-0.1, 0.6, 0.5), (np.inf, 0.0, 0.0)])
def test_what_are_no_weights_is_refused(row: tuple[float, ...]) -> None:
    check_weights(np.full((2, 2, 3), 1 / 3, dtype=np.float32))
    check_weights(np.array([[0.33, 0.33, 0.33]], dtype=np.float32))
    with pytest.raises(ValueError, match="critic_weights"):
        check_weights(np.array([row], dtype=np.float32))


def test_weights_of_other_worlds_keep_their_distribution_and_lose_their_place() -> None:
    weights = np.random.default_rng(3).dirichlet(np.ones(3), (5, 7)).astype(np.float32)
    np.random.seed(0)
    moved = of_other_worlds(weights)
    assert sorted(map(tuple, moved[0].tolist())) == sorted(map(tuple, weights[0].tolist()))
    for world in range(7):
        others = [k for k in range(7) if np.array_equal(moved[:, world], weights[:, k])]
        assert len(others) == 1 and others[0] != world  # the whole course of exactly one other world
    assert np.array_equal(of_other_worlds(weights[:, :1]), weights[:, :1])
