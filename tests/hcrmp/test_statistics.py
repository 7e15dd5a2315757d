"""Intervals against closed forms, hand-computed numbers and scipy's own bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hcrmp import statistics
from hcrmp.statistics import Estimate


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_wilson_matches_the_published_example() -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
    estimate = statistics.wilson(81, 263)
    assert estimate.value == pytest.approx(81 / 263)
    assert estimate.low == pytest.approx(0.2553, abs=5e-5)
    assert estimate.high == pytest.approx(0.3662, abs=5e-5)


def test_wilson_at_none_of_n_is_z2_over_n_plus_z2() -> None:
    z2 = 1.959963984540054**2
    estimate = statistics.wilson(0, 100)
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(z2 / (100 + z2))


@pytest.mark.parametrize(("hits", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_share(hits: int, n: int) -> None:
    with pytest.raises(ValueError, match="0 <= hits <= n"):
        statistics.wilson(hits, n)


def test_mean_agrees_with_scipys_bca() -> None:
    sample = rng(1).exponential(size=60)
    ours = statistics.bootstrap(sample, statistics.column_mean, rng(2), resamples=20_000)
    scipys = stats.bootstrap((sample,), np.mean, n_resamples=20_000, method="BCa", rng=rng(3)).confidence_interval
    assert ours.value == pytest.approx(sample.mean())
    assert ours.low == pytest.approx(scipys.low, abs=0.02)
    assert ours.high == pytest.approx(scipys.high, abs=0.02)


def test_bca_leans_to_the_long_tail_where_the_percentile_does_not() -> None:
    sample = np.r_[np.zeros(45), np.full(5, 10.0)]
    estimate = statistics.bootstrap(sample, statistics.column_mean, rng(), resamples=20_000)
    assert estimate.high - estimate.value > 1.2 * (estimate.value - estimate.low)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    draws = rng(4)
    covered = 0
    for _ in range(300):
        estimate = statistics.bootstrap(draws.normal(3.0, 1.0, 40), statistics.column_mean, draws, resamples=400)
        covered += estimate.low <= 3.0 <= estimate.high
    # 95 % of 300 is 285, with a standard deviation of 3.8; small samples cover a little less.
    assert 268 <= covered <= 298


def test_the_same_generator_gives_the_same_interval() -> None:
    sample = rng(5).normal(size=30)
    assert statistics.mean(sample, rng(6)) == statistics.mean(sample, rng(6))


def test_the_unit_does_not_move_the_interval() -> None:
    """Resamples that are the sample again have its mean but for the last bit, which is no reason to be below it."""
    sample = np.array([0.1, 0.2, 0.3, 0.7])
    one = statistics.mean(sample, rng())
    for unit in (3.0, 7.0, 0.1, 1e3):
        other = statistics.mean(sample * unit, rng())
        assert (other.low, other.high) == pytest.approx((one.low * unit, one.high * unit), rel=1e-9), unit


def test_a_sample_that_does_not_vary_has_no_width() -> None:
    assert statistics.mean([2.5] * 10, rng()) == Estimate(2.5, 2.5, 2.5)
    assert statistics.mean([2.5], rng()) == Estimate(2.5, 2.5, 2.5)


def test_a_rate_of_all_or_none_is_not_claimed_for_certain() -> None:
    assert statistics.rate(np.ones(100), rng()) == statistics.wilson(100, 100)
    assert statistics.rate(np.zeros(100), rng()).high > 0.03
    one_failed = statistics.rate(np.r_[np.ones(99), 0.0], rng())  # 94.6 to 99.8 by Wilson: no better than none failed
    assert one_failed.low < 0.946 < 0.963 < statistics.rate(np.ones(100), rng()).low
    some = statistics.rate(np.r_[np.ones(80), np.zeros(20)], rng())
    assert some.value == 0.8
    assert 0.70 < some.low < 0.74 < 0.85 < some.high < 0.89


def test_a_ratio_divides_sums_not_means_of_ratios() -> None:
    # 1 collision in 1 mile and 1 in 9 miles: 2 in 10, not the mean of 1 and 1/9.
    assert statistics.ratio([1.0, 1.0], [1.0, 9.0], rng()).value == pytest.approx(0.2)
    assert math.isnan(statistics.ratio([0.0, 0.0], [0.0, 0.0], rng()).value)
    never = statistics.none_at_all(100.0)  # the rule of three, two-sided: -ln 0.025 = 3.69
    assert (never.value, never.low, never.high) == pytest.approx((0.0, 0.0, 0.036889), abs=1e-6)


def test_a_ratio_survives_resamples_without_any_distance() -> None:
    estimate = statistics.ratio([1.0, 0.0, 0.0], [2.0, 0.0, 0.0], rng())
    assert estimate.value == pytest.approx(0.5)
    assert math.isfinite(estimate.low) and math.isfinite(estimate.high)


def test_interquartile_mean_by_hand() -> None:
    assert statistics.interquartile_mean([8, 1, 2, 7, 3, 4, 6, 5]) == pytest.approx((3 + 4 + 5 + 6) / 4)
    # n = 6: the middle half is from 1.5 to 4.5 rows: half of the 2nd, the 3rd, the 4th, half of the 5th.
    assert statistics.interquartile_mean([0, 1, 2, 4, 10, 100]) == pytest.approx((0.5 * 1 + 2 + 4 + 0.5 * 10) / 3)
    assert statistics.interquartile_mean([7.0]) == 7.0


@pytest.mark.parametrize("sample", [[], [[[1.0]]], [1.0, float("nan")]])
def test_what_is_no_sample_is_refused(sample: list[float]) -> None:
    with pytest.raises(ValueError, match="a bootstrap needs"):
        statistics.mean(sample, rng())
