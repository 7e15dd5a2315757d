"""The Beta distribution against torch's own, and its ends."""

import math

import pytest
import torch as th
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from hcrmp.distributions import BetaConfig, BetaDistribution


def reference(logits: th.Tensor) -> th.distributions.Distribution:
    """torch's Beta on [0, 1] sent to [-1, 1] by an affine transform, in double precision."""
    concentration = F.softplus(logits.double()).view(-1, 2, logits.shape[1] // 2) + 1.0
    base = th.distributions.Beta(concentration[:, 0], concentration[:, 1])
    return th.distributions.TransformedDistribution(base, [th.distributions.AffineTransform(-1.0, 2.0)])


def entropy_of(reference_: th.distributions.Distribution) -> th.Tensor:
    assert isinstance(reference_, th.distributions.TransformedDistribution)
    return (reference_.base_dist.entropy() + math.log(2.0)).sum(dim=1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-6.0, 30.0), min_size=4, max_size=4), st.lists(st.floats(-0.999, 0.999), min_size=2, max_size=2)
)
def test_log_prob_and_entropy_are_those_of_torch(logits: list[float], action: list[float]) -> None:
    parameters, actions = th.tensor([logits]).double(), th.tensor([action]).double()
    ours = BetaDistribution(2).proba_distribution(parameters)
    theirs = reference(parameters)
    assert th.allclose(ours.log_prob(actions), theirs.log_prob(actions).sum(dim=1), atol=1e-6)
    assert th.allclose(ours.entropy(), entropy_of(theirs), atol=1e-6)


def ours_summed(logits: th.Tensor, actions: th.Tensor) -> th.Tensor:
    distribution = BetaDistribution(2).proba_distribution(logits)
    return distribution.log_prob(actions).sum() + distribution.entropy().sum()


def theirs_summed(logits: th.Tensor, actions: th.Tensor) -> th.Tensor:
    distribution = reference(logits)
    return distribution.log_prob(actions).sum() + entropy_of(distribution).sum()


def test_gradients_are_those_of_torch() -> None:
    th.manual_seed(0)
    actions = th.rand(32, 2).double() * 1.8 - 0.9
    logits = th.linspace(-3, 3, 128).double().view(32, 4).requires_grad_()
    ours, theirs = (th.autograd.grad(summed(logits, actions), logits)[0] for summed in (ours_summed, theirs_summed))
    assert th.allclose(ours, theirs, atol=1e-8)


def test_uniform_by_hand() -> None:
    """Beta(1, 1) on [-1, 1] has density 1/2 and entropy log 2; its mode, which does not exist, is the centre."""
    flat = BetaDistribution(1).proba_distribution(th.full((1, 2), -100.0))
    assert float(flat.log_prob(th.tensor([[0.3]]))) == pytest.approx(-math.log(2.0), abs=1e-6)
    assert float(flat.entropy()) == pytest.approx(math.log(2.0), abs=1e-6)
    assert float(flat.mode()) == pytest.approx(0.0, abs=1e-6)


def test_mode_and_mean_by_hand() -> None:
    """Beta(3, 2): mode 2/3 and mean 3/5 on [0, 1], so 1/3 and 1/5 on [-1, 1]."""
    logits = th.tensor([[math.log(math.expm1(2.0)), math.log(math.expm1(1.0))]])
    distribution = BetaDistribution(1).proba_distribution(logits)
    assert float(distribution.mode()) == pytest.approx(1 / 3, abs=1e-5)
    assert float(distribution.mean()) == pytest.approx(1 / 5, abs=1e-5)
    averaged = BetaDistribution(1, BetaConfig(deterministic="mean")).proba_distribution(logits)
    assert float(averaged.get_actions(deterministic=True)) == pytest.approx(1 / 5, abs=1e-5)


def test_samples_follow_the_distribution_and_stay_off_the_ends() -> None:
    th.manual_seed(1)
    logits = th.tensor([[2.0, -1.0, 0.5, 3.0]]).repeat(20_000, 1)
    distribution = BetaDistribution(2).proba_distribution(logits)
    samples, theirs = distribution.sample(), reference(logits)
    assert isinstance(theirs, th.distributions.TransformedDistribution)
    mean, std = 2 * theirs.base_dist.mean[0] - 1, 2 * theirs.base_dist.stddev[0]
    assert th.allclose(samples.mean(dim=0).double(), mean, atol=0.01)
    assert th.allclose(samples.std(dim=0).double(), std, atol=0.01)
    edge = BetaDistribution(1).proba_distribution(th.tensor([[1e4, -100.0]]).repeat(1000, 1)).sample()
    assert float(edge.max()) == pytest.approx(1 - 2e-4, abs=1e-6)


def test_log_prob_of_an_action_at_the_very_end_is_finite() -> None:
    distribution = BetaDistribution(2).proba_distribution(th.zeros(1, 4))
    assert th.isfinite(distribution.log_prob(th.tensor([[1.0, -1.0]]))).all()


def test_initial_bias_moves_the_throttle_alone() -> None:
    distribution = BetaDistribution(2, BetaConfig(initial_bias=(0.3,)))
    layer = distribution.proba_distribution_net(8)
    assert isinstance(layer, th.nn.Linear)
    th.nn.init.zeros_(layer.weight)
    th.nn.init.zeros_(layer.bias)
    distribution.initialise_bias(layer)
    mean = distribution.proba_distribution(layer(th.ones(1, 8))).mean()[0]
    assert mean[0] > 0.04 and mean[1] == 0.0
