"""Eq. 2 and Eq. 3 with numbers worked out by hand."""

import pytest
import torch as th

from hcrmp.losses import approximate_kl, clipped_policy_loss, combine_advantages, standardise, value_loss


def test_eq_2_by_hand() -> None:
    advantages = th.tensor([[1.0, -2.0, 4.0], [0.0, 1.0, 1.0]])
    weights = th.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    assert combine_advantages(advantages, weights).tolist() == pytest.approx([1.0, 0.9])


@pytest.mark.parametrize(
    ("ratio", "advantage", "objective"),
    [(1.5, 2.0, 2.4), (0.5, 2.0, 1.0), (1.5, -2.0, -3.0), (0.5, -2.0, -1.6), (1.1, 2.0, 2.2)],
)
def test_eq_3_by_hand(ratio: float, advantage: float, objective: float) -> None:
    """min(ratio A, clip(ratio, 0.8, 1.2) A): an improvement is cut at the clip, a worsening never."""
    loss = clipped_policy_loss(th.tensor([ratio]), th.tensor([advantage]), 0.2)
    assert float(loss) == pytest.approx(-objective)


def test_standardise_makes_streams_of_any_scale_comparable() -> None:
    th.manual_seed(0)
    streams = th.randn(500, 3) * th.tensor([1.0, 50.0, 0.01]) + th.tensor([0.0, 7.0, -3.0])
    standard = standardise(streams)
    assert standard.mean(dim=0).tolist() == pytest.approx([0.0] * 3, abs=1e-4)
    assert standard.std(dim=0).tolist() == pytest.approx([1.0] * 3, abs=1e-4)
    assert th.equal(standardise(th.ones(1, 3)), th.ones(1, 3))
    assert th.equal(standardise(th.full((4, 3), 2.0)), th.zeros(4, 3))


def test_what_is_silent_keeps_its_noise_small() -> None:
    th.manual_seed(0)
    silent, loud = standardise(th.randn(5000, 2) * th.tensor([0.001, 3.0]), least=0.01).std(dim=0).tolist()
    assert (silent, loud) == pytest.approx((0.1, 1.0), rel=0.05)


def test_value_loss_is_the_mean_over_critics_of_scaled_errors() -> None:
    """Errors 2 and 3, scales 1 and 3: (4 + 1) / 2."""
    loss = value_loss(th.tensor([[2.0, 3.0]]), th.zeros(1, 2), th.tensor([1.0, 3.0]))
    assert float(loss) == pytest.approx(2.5)


def test_kl_estimate_is_zero_without_change_and_never_negative() -> None:
    assert float(approximate_kl(th.zeros(5))) == 0.0
    assert float(approximate_kl(th.linspace(-1, 1, 50))) > 0.0
