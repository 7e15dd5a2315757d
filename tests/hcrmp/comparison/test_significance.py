"""Tests of differences: by hand, and how often they cry wolf."""

from __future__ import annotations

import numpy as np
import pytest

from hcrmp.comparison.significance import holm, mcnemar, sign_flip, welch
from hcrmp.statistics import FloatArray


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_four_wins_of_four_come_by_luck_once_in_eight() -> None:
    assert sign_flip([[1.0, 1.0, 1.0, 1.0, 0.0, 0.0]], rng()) == 2 / 2**4


def test_no_difference_is_no_evidence() -> None:
    assert sign_flip([[0.0, 0.0], [0.0, 0.0]], rng()) == 1.0


def test_a_cell_with_few_episodes_weighs_as_much_as_one_with_many() -> None:
    """One win among two episodes and one loss among a hundred are no tie: half a point against a hundredth."""
    # 0.25 - 0.005 is the least of the four sums' sizes; 0.25 + 0.005 comes twice among them.
    assert sign_flip([[1.0, 0.0], [-1.0, *[0.0] * 99]], rng()) == 1.0
    assert sign_flip([[1.0, 0.0], [1.0, *[0.0] * 99]], rng()) == 0.5


def test_random_flips_agree_with_all_flips() -> None:
    differences = rng(3).choice([-1.0, 1.0, 1.0], 12)
    exact = sign_flip([differences], rng())
    # A thirteenth that hardly weighs makes it random.
    assert sign_flip([np.append(differences, 1e-9)], rng()) == pytest.approx(exact, abs=0.02)


def test_mcnemar_is_a_toss_over_the_discordant_episodes() -> None:
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar(3, 3) == 1.0 and mcnemar(0, 0) == 1.0


def test_holm_steps_down() -> None:
    # 0.01 x 3; 0.02 x 2; 0.04 x 1, but never less than the one before.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_welch_over_seeds_alone_is_welchs_test() -> None:
    """Episodes that are all alike leave the seeds' variance, and scipy's own test of the seeds' means."""
    from scipy.stats import ttest_ind

    ours, theirs = np.array([0.8, 0.9, 0.7]), np.array([0.5, 0.6, 0.4, 0.7])
    found = welch([np.tile(ours[:, None], 50)], [np.tile(theirs[:, None], 50)])
    expected = ttest_ind(ours, theirs, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.estimate.value == pytest.approx(0.25)
    interval = expected.confidence_interval(0.95)
    assert (found.estimate.low, found.estimate.high) == pytest.approx((interval.low, interval.high))


def test_welch_of_two_that_are_the_same_everywhere() -> None:
    same = [np.ones((2, 5))]
    assert (welch(same, same).p, welch([np.zeros((2, 5))], same).p) == (1.0, 0.0)


def pair_of(generator: np.random.Generator, planners: int, better: float = 0.0) -> tuple[list[FloatArray], ...]:
    """Two methods of ``planners`` training seeds each on the same 4 x 25 episodes."""
    count = 2 * planners
    skill = generator.normal(0.0, 0.4, count)[:, None] + np.repeat([better, 0.0], planners)[:, None]
    cells = [
        (skill + generator.normal(0.0, 0.8, 25) + generator.normal(0.0, 1.0, (count, 25)) > 0.0).astype(float)
        for _ in range(4)
    ]
    return [cell[:planners] for cell in cells], [cell[planners:] for cell in cells]


@pytest.mark.parametrize("planners", [3, 5])
def test_methods_that_are_alike_differ_once_in_twenty(planners: int) -> None:
    trials = 200
    alarms = sum(welch(*pair_of(rng(trial), planners)).p <= 0.05 for trial in range(trials))
    assert alarms / trials <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / trials)
    found = sum(welch(*pair_of(rng(trial), planners, better=2.0)).p <= 0.05 for trial in range(50))
    assert found / 50 > 0.8, "a test that never finds anything is no test"


def test_planners_that_are_alike_differ_once_in_twenty() -> None:
    trials, alarms = 200, 0
    for trial in range(trials):
        generator = rng(trial)
        hard = generator.normal(0.0, 0.8, 100)
        ours, theirs = (hard + generator.normal(0.0, 1.0, (2, 100)) > 0.0).astype(float)
        alarms += sign_flip([ours - theirs], generator) <= 0.05
    assert 0.01 <= alarms / trials <= 0.05 + 3.0 * np.sqrt(0.05 * 0.95 / trials)
