"""Measures of stability with numbers worked out by hand, and the measurement against providers whose noise is known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from envs.scene import FloatArray, IntArray, SceneBatch
from llm_hints.knowledge.stability import auroc, cohens_d, overlap, reduction_percent, separation, spread
from llm_hints.knowledge.stability_report import LabelledScenes, measure

NAN = np.nan


def test_the_spread_by_hand() -> None:
    """Scene 0: safety .2 and .4 (variance .02), efficiency .6, .4 (.02), comfort constant; scene 1 does not vary."""
    weights = np.array([[[0.2, 0.6, 0.2], [0.4, 0.4, 0.2]], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]])
    found = spread(weights)
    np.testing.assert_allclose(found.by_scene, [0.04, 0.0], atol=1e-15)
    np.testing.assert_allclose(found.by_critic, [0.01, 0.01, 0.0], atol=1e-15)
    assert found.within == pytest.approx(0.02)
    # Means (.3, .5, .2) and (.5, .3, .2): variances .02, .02, 0.
    assert found.between == pytest.approx(0.04)
    assert found.between_per_within == pytest.approx(2.0)
    np.testing.assert_allclose(found.mean, [0.4, 0.4, 0.2])


def test_what_was_not_answered_does_not_count() -> None:
    weights = np.array([[[0.2, 0.6, 0.2], [NAN] * 3, [0.4, 0.4, 0.2]]])
    np.testing.assert_allclose(spread(weights).by_scene, [0.04])
    with pytest.raises(ValueError, match="at fewest 1 to one; a variance needs two"):
        spread(weights[:, :2])
    with pytest.raises(ValueError, match="0 scenes"):
        spread(np.zeros((0, 3, 3)))


def test_the_spread_is_that_of_numpy() -> None:
    weights = np.random.default_rng(0).random((5, 7, 3))
    expected = [np.trace(np.cov(scene.T)) for scene in weights]
    np.testing.assert_allclose(spread(weights).by_scene, expected)


def test_the_reduction_by_hand_and_its_interval() -> None:
    rng = np.random.default_rng(0)
    found = reduction_percent(np.array([0.02, 0.04, 0.06]), np.array([0.01, 0.02, 0.03]), rng)
    # Every scene loses half: so does every resample.
    assert (found.value, found.low, found.high) == pytest.approx((50.0, 50.0, 50.0))
    plain = np.random.default_rng(1).random(60)
    mixed = reduction_percent(plain, plain * np.linspace(0.2, 0.8, 60), rng)
    assert 30 < mixed.low < mixed.value < mixed.high < 70
    worse = reduction_percent(np.array([0.01, 0.01]), np.array([0.03, 0.03]), rng)
    assert worse.value == pytest.approx(-200.0)
    nothing = reduction_percent(np.zeros(3), np.zeros(3), rng)
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_auroc_by_hand() -> None:
    """.8 is above both, .5 above one and equal to the other: (2 + 1.5) / 4."""
    assert auroc(np.array([0.8, 0.5]), np.array([0.5, 0.1])) == pytest.approx(0.875)
    assert auroc(np.array([0.9, 0.8]), np.array([0.2, 0.3])) == 1.0
    assert auroc(np.full(3, 0.5), np.full(4, 0.5)) == 0.5
    assert np.isnan(auroc(np.array([]), np.array([0.1])))


def test_cohens_d_by_hand() -> None:
    """Means .8 and .3, variances .02 and .02 of two each: .5 / sqrt(.02)."""
    found = cohens_d(np.array([0.7, 0.9]), np.array([0.2, 0.4]))
    assert found == pytest.approx(0.5 / np.sqrt(0.02))
    # Pooled over unequal sizes: (1 * .02 + 3 * .08 / 3) / 4.
    assert cohens_d(np.array([0.7, 0.9]), np.array([0.1, 0.5, 0.1, 0.5])) == pytest.approx(
        0.5 / np.sqrt((0.02 + 0.16) / 4)
    )
    assert np.isnan(cohens_d(np.array([0.7]), np.array([0.2, 0.4])))
    assert np.isnan(cohens_d(np.full(3, 0.5), np.full(3, 0.5)))


def test_overlap_by_hand() -> None:
    """Bins of .05: half of the first lies in the bin that holds a quarter of the second."""
    first, second = np.array([0.51, 0.91]), np.array([0.52, 0.11, 0.21, 0.31])
    assert overlap(first, second) == pytest.approx(0.25)
    assert overlap(first, first) == 1.0
    assert overlap(np.array([0.9]), np.array([0.1])) == 0.0


def test_separation_looks_at_the_labelled_scenes_and_the_safety_weight_alone() -> None:
    weights = np.zeros((4, 2, 3))
    weights[:, :, 0] = [[0.8, 0.9], [0.2, 0.3], [0.0, 0.0], [0.25, NAN]]
    weights[:, :, 1] = 1.0
    found = separation(weights, np.array([True, False, False, False]), np.array([False, True, False, True]))
    assert found.auroc == 1.0 and found.overlap == 0.0
    high, low = np.array([0.8, 0.9]), np.array([0.2, 0.3, 0.25])
    assert found.cohens_d == pytest.approx(cohens_d(high, low))


class NoisyProvider:
    """Weights of known noise: safety is .7 in the first half of the scenes, .3 in the others, plus noise.

    ``failing`` every so many answers is none.
    """

    def __init__(self, plain: float, anchored: float, failing: int = 0) -> None:
        self.noise = {False: plain, True: anchored}
        self.failing = failing
        self.asked: list[tuple[IntArray, IntArray, bool]] = []

    def __call__(self, scene: SceneBatch, rows: IntArray, repeats: IntArray, *, anchored: bool) -> FloatArray:
        self.asked.append((rows, repeats, anchored))
        drawn = np.random.default_rng(0).normal(size=(100, 100))[rows, repeats]
        safety = np.where(rows < scene.batch_size // 2, 0.7, 0.3) + self.noise[anchored] * drawn
        weights = np.stack([safety, 0.9 - safety, np.full(len(rows), 0.1)], axis=1)
        if self.failing:
            weights[:: self.failing] = NAN
        return weights


def labelled(worlds: int) -> LabelledScenes:
    dangerous = np.arange(worlds) < worlds // 2
    return LabelledScenes(SceneBatch.empty(worlds, 1), dangerous, ~dangerous)


def test_the_measurement_finds_the_noise_that_was_put_in() -> None:
    """Half the noise is a quarter of the variance: 75 % less, and exactly so, as the same draws are asked both ways."""
    provider = NoisyProvider(0.1, 0.05)
    report = measure(provider, labelled(20), repeats=10)
    assert report.reduction.value == pytest.approx(75.0) and report.reduction.low == pytest.approx(75.0)
    assert report.plain.by_critic[2] == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(report.anchored.by_critic[0] / report.plain.by_critic[0], 0.25)
    assert report.anchored_separation.cohens_d > 1.5 * report.plain_separation.cohens_d
    assert report.anchored_separation.overlap <= report.plain_separation.overlap
    # Each scene was asked every repetition, the same ones both ways.
    for rows, repeats, _ in provider.asked:
        assert sorted(zip(rows.tolist(), repeats.tolist(), strict=True)) == [
            (s, r) for s in range(20) for r in range(10)
        ]
    assert [anchored for *_, anchored in provider.asked] == [False, True]


def test_a_provider_that_always_says_the_same_is_seen_through() -> None:
    """Its variance within a scene is 0, and so is that between scenes: stable, and of no use."""

    def stubborn(scene: SceneBatch, rows: IntArray, repeats: IntArray, *, anchored: bool) -> FloatArray:
        plain = NoisyProvider(0.1, 0.1)(scene, rows, repeats, anchored=anchored)
        return np.full_like(plain, 1 / 3) if anchored else plain

    report = measure(stubborn, labelled(10), repeats=5)
    assert report.reduction.value == pytest.approx(100.0)
    assert report.plain.between > 0.05 and report.anchored.between == pytest.approx(0.0, abs=1e-20)
    assert report.anchored_separation.auroc == 0.5


def test_mixing_with_a_constant_takes_variance_and_gains_nothing() -> None:
    """Two thirds of the weights and a third of a constant: 1 - 4/9 = 55.6 % less variance, the ratio as before."""

    def mixed(scene: SceneBatch, rows: IntArray, repeats: IntArray, *, anchored: bool) -> FloatArray:
        plain = NoisyProvider(0.1, 0.1)(scene, rows, repeats, anchored=anchored)
        return plain * 2 / 3 + np.array([0.5, 0.4, 0.1]) / 3 if anchored else plain

    report = measure(mixed, labelled(10), repeats=5)
    assert report.reduction.value == pytest.approx(100 * 5 / 9)
    assert report.anchored.between_per_within == pytest.approx(report.plain.between_per_within)
    assert report.anchored_separation.auroc == pytest.approx(report.plain_separation.auroc)


def test_unanswered_questions_are_counted_and_scenes_without_answers_left_out() -> None:
    """Scene 0 never gets more than one answer, scene 1 loses one of four without anchors."""

    def failing(scene: SceneBatch, rows: IntArray, repeats: IntArray, *, anchored: bool) -> FloatArray:
        weights = NoisyProvider(0.1, 0.05)(scene, rows, repeats, anchored=anchored)
        weights[(rows == 0) & (repeats > 0)] = NAN
        weights[(rows == 1) & (repeats == 2) & (not anchored)] = NAN
        return weights

    report = measure(failing, labelled(4), repeats=4)
    assert (report.asked, report.scenes) == (4, 3)
    np.testing.assert_allclose(report.unanswered, [4 / 16, 3 / 16])
    assert len(report.plain.by_scene) == 3


def test_no_scene_with_two_answers_is_an_error() -> None:
    with pytest.raises(ValueError, match="no scene was answered twice"):
        measure(NoisyProvider(0.1, 0.05, failing=1), labelled(6), repeats=3)


def test_the_report_is_json_and_a_table() -> None:
    report = measure(NoisyProvider(0.1, 0.05, failing=7), labelled(8), repeats=6)
    told: dict[str, Any] = json.loads(report.to_json())
    assert told["scenes"] == 8 and told["repeats"] == 6
    assert told["reduction_percent"]["value"] == pytest.approx(75, abs=2)
    assert told["plain"]["unanswered"] == pytest.approx(7 / 48)
    assert told["plain"]["variance_within_by_critic"].keys() == {"safety", "efficiency", "comfort"}
    console = Console(width=110, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as captured:
        console.print(report.table())
    text = captured.get()
    assert "variance within a scene" in text and "54.67" in text and "AUROC" in text


def test_what_is_undefined_is_null_in_json_and_a_dash_in_the_table() -> None:
    report = measure(NoisyProvider(0.0, 0.0), labelled(4), repeats=2)
    assert json.loads(report.to_json())["reduction_percent"] == {"value": None, "low": None, "high": None}
    console = Console(width=110)
    with console.capture() as captured:
        console.print(report.table())
    assert "- % less" in captured.get()


def test_wrong_questions_are_refused() -> None:
    provider = NoisyProvider(0.1, 0.1)
    with pytest.raises(ValueError, match="at least 2"):
        measure(provider, labelled(4), repeats=1)
    with pytest.raises(ValueError, match=r"\(4,\) is needed"):
        LabelledScenes(SceneBatch.empty(4, 1), np.zeros(3, dtype=bool), np.zeros(4, dtype=bool))
    with pytest.raises(ValueError, match="both dangerous and safe"):
        LabelledScenes(SceneBatch.empty(2, 1), np.array([True, False]), np.array([True, False]))
    with pytest.raises(ValueError, match="of shape"):
        measure(lambda scene, rows, repeats, anchored: np.zeros((1, 3)), labelled(4), repeats=2)
