"""Intervals over training seeds and episodes: hand-made numbers, and how often they hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from hcrmp import crossed, statistics
from hcrmp.episode_sample import EpisodeSample
from hcrmp.statistics import FloatArray

NAN = float("nan")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def some_method(generator: np.random.Generator, planners: int, of_seed: float) -> list[FloatArray]:
    """Four cells of 25 episodes, some of them hard for all, driven by planners whose training seed matters."""
    skill = generator.normal(0.0, of_seed, planners)[:, None]
    hard = [generator.normal(0.0, 0.8, 25) for _ in range(4)]
    return [(0.3 + skill + one + generator.normal(0.0, 1.0, (planners, 25)) > 0.0).astype(float) for one in hard]


def true_rate(of_seed: float) -> float:
    return float(norm.cdf(0.3 / np.sqrt(of_seed**2 + 0.8**2 + 1.0)))


def test_every_cell_weighs_the_same_and_nothing_is_made_of_what_was_not_driven() -> None:
    cells = [np.array([[1.0, 0.0, 0.0, 0.0]]), np.array([[1.0, NAN]])]
    assert crossed.estimate([cells], crossed.mean_of_cells, rng()).value == pytest.approx((0.25 + 1.0) / 2)
    nothing = [np.array([[1.0, 0.0]]), np.array([[NAN, NAN]])]
    assert crossed.estimate([nothing], crossed.mean_of_cells, rng()).value == pytest.approx(0.5)


def test_the_middle_half_of_four_scores_is_the_mean_of_two() -> None:
    means = np.array([[0.0, 0.2], [0.6, 1.0]])
    assert crossed.interquartile_mean_of_cells(means) == pytest.approx(0.4)


def test_a_profile_is_the_share_of_scores_above_each_threshold() -> None:
    means = np.array([[0.0, 0.5], [0.5, 1.0]])
    assert crossed.profile_of_cells(means, np.array([0.0, 0.25, 0.5, 0.9])).tolist() == [0.75, 0.75, 0.25, 0.25]


def test_the_chance_to_be_better_counts_a_tie_as_half() -> None:
    ours, theirs = np.array([[0.9, 0.5]]), np.array([[0.5, 0.5], [1.0, 0.1]])
    # Cell 0: 0.9 beats 0.5, loses to 1.0; cell 1: a tie, and a win.
    assert crossed.probability_of_improvement(ours, theirs) == pytest.approx((1 + 0 + 0.5 + 1) / 4)


def test_few_seeds_are_widened_as_students_t_is() -> None:
    # t(0.975, 2) = 4.303, z = 1.960, sqrt(3 / 2) = 1.2247.
    assert crossed.widening(3) == pytest.approx(1.2247 * 4.3027 / 1.9600, rel=1e-4)
    assert crossed.widening(1) == 0.0


def test_one_planner_has_an_interval_over_its_episodes() -> None:
    cell = (rng(1).random((1, 400)) < 0.3).astype(float)
    found = crossed.estimate([[cell]], crossed.mean_of_cells, rng())
    half = 1.96 * np.sqrt(found.value * (1.0 - found.value) / 400)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=0.006)


def test_a_share_of_all_or_none_has_wilsons_interval() -> None:
    always = [np.ones((3, 10)), np.ones((3, 10))]
    assert crossed.share(always, rng()) == statistics.wilson(20, 20)


def test_what_one_number_has_in_common_in_all_cells_is_counted_once() -> None:
    """The same hints go wrong in the episodes of one number: twelve cells that fail alike tell no more than one."""
    alike = rng().random((1, 40))
    widths = []
    for cells in (1, 12):
        found = crossed.estimate([[alike] * cells], crossed.mean_of_cells, rng())
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0], rel=0.1)


def test_one_failure_makes_no_interval_narrower() -> None:
    """Of five planners in the same 100 episodes: 499 of 500 successes are not known better than 500 are."""
    all_but_one = np.ones((5, 100))
    all_but_one[0, 0] = 0.0
    assert crossed.share([all_but_one], rng()).low < crossed.share([np.ones((5, 100))], rng()).low < 0.97


def test_the_difference_of_two_that_do_not_vary_still_has_a_width() -> None:
    found = crossed.difference_of_shares([np.ones((1, 10))], [np.zeros((1, 10))], rng())
    # Newcombe: both distances are 1 - Wilson's end at 10 of 10, 0.2775.
    assert found.value == 1.0 and found.low == pytest.approx(1.0 - np.hypot(0.2775, 0.2775), abs=1e-3)


def test_episodes_that_were_hard_for_both_do_not_blur_their_difference() -> None:
    hard = rng().random((1, 200)) < 0.5
    ours, theirs = [hard.astype(float)], [(hard | (np.arange(200) < 4)).astype(float)]
    found = crossed.difference_of_shares(ours, theirs, rng())
    alone = crossed.share(ours, rng())
    assert found.high - found.low < 0.5 * (alone.high - alone.low)


def test_methods_of_other_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="same episodes"):
        crossed.estimate([[np.ones((1, 3))], [np.ones((1, 4))]], lambda a, b: a, rng())


def test_repetitions_of_an_episode_are_no_further_episodes() -> None:
    """The interval of ten episodes driven five times each is that of ten episodes."""
    values = rng().random(10)
    once = EpisodeSample([0] * 10, list(range(10)), rng()).mean(values)
    often = EpisodeSample([0] * 50, list(range(10)) * 5, rng()).mean(np.tile(values, 5))
    assert often.value == pytest.approx(once.value)
    assert often.high - often.low == pytest.approx(once.high - once.low, rel=0.15)


def test_a_ratio_of_several_planners_is_of_all_they_did() -> None:
    sample = EpisodeSample([0, 0, 1, 1], [0, 1, 0, 1], rng())
    found = sample.ratio([1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 3.0, 3.0])
    assert found.value == pytest.approx(2.0 / 8.0) and found.low <= found.value <= found.high
    never = sample.ratio(np.zeros(4), [1.0, 1.0, 3.0, 3.0])  # each of the planners drove 4 miles
    assert (never.low, never.high) == (0.0, statistics.none_at_all(4.0).high)
    assert sample.ratio(np.zeros(4), [1.0, 1.0, 1.0, 1.0], most=1.0).high == 1.0  # of a share, 1.84 means nothing


@pytest.mark.parametrize("planners", [3, 5])
def test_the_interval_holds_the_truth_as_often_as_it_says(planners: int) -> None:
    """At least 95 % within the error of 200 trials (95 to 96 % in 1,000)."""
    trials, held = 200, 0
    for trial in range(trials):
        generator = rng(trial)
        method = some_method(generator, planners, 0.4)
        found = crossed.estimate([method], crossed.mean_of_cells, generator, bounds=(0.0, 1.0), resamples=200)
        held += found.low <= true_rate(0.4) <= found.high
    assert held / trials >= 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / trials)
