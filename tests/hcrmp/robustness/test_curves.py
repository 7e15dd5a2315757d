"""Shares, losses and curves by hand; what counts as one method."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from hcrmp.baselines import PpoOptions
from hcrmp.errors import UserError
from hcrmp.robustness.curves import (
    Curve,
    Point,
    Share,
    curves_at_test,
    curves_of_training,
    faults_to_meet,
    markdown,
    named_with_seeds,
    share,
)
from hcrmp.robustness.measurements import Measurement
from hcrmp.robustness.planners import CLEAN, Faults, Planner, find_planners, group, method_words
from hcrmp.robustness.plot import svg
from hcrmp.run_folder import RunFolder
from hcrmp.sections import HintsConfig
from hcrmp.statistics import Estimate
from hcrmp.train_config import HcrmpOptions, TrainConfig, plain_config
from llm_hints.providers.faulty import FaultConfig

SVG = "{http://www.w3.org/2000/svg}"


def planner(name: str, **changes: Any) -> Planner:
    config = TrainConfig(run=name, **changes)
    return Planner(RunFolder(Path("runs") / name), config, checksum=name, steps=config.total_steps)


def wrong(rate: float, mode: Any = "random") -> HintsConfig:
    return HintsConfig(provider="faulty", faults=FaultConfig(wrong=rate, wrong_mode=mode))


def measurement(**outcomes: str) -> Measurement:
    return Measurement("run", "checksum", CLEAN, outcomes)


# ---- statistics


def test_cells_weigh_the_same_and_failures_of_the_infrastructure_do_not_count() -> None:
    """(3/4 + 0/2) / 2 = 0.375 of one planner, (1 + 1/2) / 2 = 0.75 of the other: 0.5625."""
    both = [measurement(a="SSSC", b="TIO"), measurement(a="SS", b="SC")]
    found = share(both, "success", seed=0)
    assert found.value == pytest.approx(0.5625) and found.low < 0.5625 < found.high
    assert share(both[:1], "collision", seed=0).value == pytest.approx(0.125)
    assert share(both, "success", seed=0) == found, "the draws are those of the seed"


def test_where_none_succeeds_the_interval_is_not_empty() -> None:
    found = share([measurement(a="T" * 10, b="C" * 10)], "success", seed=0)
    assert found.value == found.low == 0.0 and found.high == pytest.approx(0.161, abs=1e-3), "Wilson's of 0 in 20"


def test_the_curve_of_a_method_goes_over_its_seeds() -> None:
    """Lost, episode by episode: (1, 0, 1, 0) and (-1, 1, 1, 1): a half and a half."""
    members = [planner(f"p{seed}", seed=seed) for seed in (3, 4)]
    held = {
        ("p3", CLEAN): measurement(a="SSSS"),
        ("p3", Faults(1.0, "inverted")): measurement(a="CSCS"),
        ("p4", CLEAN): measurement(a="CSSS"),
        ("p4", Faults(1.0, "inverted")): measurement(a="SCTO"),
    }
    (curve,) = curves_at_test(members, (1.0, 0.0), ("inverted",), lambda one, faults: held[one.checksum, faults], 0)
    clean, all_wrong = curve.points
    assert (curve.method, curve.mode, clean.rate, all_wrong.rate) == ("HCRMP", "inverted", 0.0, 1.0)
    assert clean.lost is None and clean.success.over_all.value == pytest.approx(0.875)
    assert all_wrong.success.over_all.value == pytest.approx(0.375)
    assert all_wrong.collision.over_all.value == pytest.approx(0.375)
    assert all_wrong.lost is not None and all_wrong.lost.value == pytest.approx(0.5)
    assert all_wrong.success.seeds == {3: 0.5, 4: 0.25} and all_wrong.collision.seeds == {3: 0.5, 4: 0.25}


def test_a_curve_over_trainings_takes_each_run_at_its_own_faults() -> None:
    all_inverted = planner("inverted", hints=wrong(1.0, "inverted"))
    members = [planner("right"), planner("random", hints=wrong(0.42)), all_inverted]
    held = {"right": "SS", "random": "SC", "inverted": "CC"}
    asked: list[tuple[str, Faults]] = []

    def of(one: Planner, faults: Faults) -> Measurement:
        asked.append((one.checksum, faults))
        return measurement(a=held[one.checksum])

    curves = curves_of_training(members, ("random", "inverted"), of, 0)
    assert [(c.mode, [(p.rate, p.success.over_all.value) for p in c.points]) for c in curves] == [
        ("random", [(0.0, 1.0), (0.42, 0.5)]),
        ("inverted", [(0.0, 1.0), (1.0, 0.0)]),
    ]
    assert set(asked) == {
        ("right", CLEAN), ("random", Faults(0.42, "random")), ("inverted", Faults(1.0, "inverted"))
    }  # fmt: skip


def test_a_curve_over_trainings_has_no_panel_for_what_none_met() -> None:
    members = [planner("right"), planner("inverted", hints=wrong(1.0, "inverted"))]
    both = curves_of_training(members, ("random", "inverted"), lambda one, faults: measurement(a="SC"), 0)
    clean = curves_of_training(members[:1], ("random", "inverted"), lambda one, faults: measurement(a="SC"), 0)
    assert [curve.mode for curve in both] == ["inverted"] and [curve.mode for curve in clean] == ["random"]


def test_right_hints_are_measured_once_for_all_ways_of_being_wrong() -> None:
    assert faults_to_meet((1.0, 0.0, 0.42), ("random", "inverted")) == [
        CLEAN, Faults(0.42, "random"), Faults(1.0, "random"), Faults(0.42, "inverted"), Faults(1.0, "inverted")
    ]  # fmt: skip


# ---- methods


def test_runs_that_differ_in_their_seed_alone_are_one_method() -> None:
    one, two = planner("a", seed=1), planner("b", seed=2, progress=False)
    reward = planner("c", algo=HcrmpOptions(weights_on="reward", scale_terms=True))
    harmed = planner("d", hints=wrong(0.42, "inverted"))
    assert group([one, two, reward, harmed], over_training=False) == {
        "HCRMP": [one, two], "LLM reward": [reward], "HCRMP, trained with 42 % inverted": [harmed]
    }  # fmt: skip
    together = {"HCRMP": [one, two, harmed], "LLM reward": [reward]}
    assert group([one, two, reward, harmed], over_training=True) == together


def test_settings_that_the_words_do_not_tell_keep_methods_apart() -> None:
    usual, short = planner("usual"), planner("short", total_steps=1000)
    assert list(group([usual, short], over_training=False)) == ["HCRMP (usual)", "HCRMP (short)"]


def test_runs_that_went_on_from_runs_of_one_method_are_one_method(tmp_path: Path) -> None:
    for name, changes in {"first-0": {}, "first-1": {"seed": 1}, "other-2": {"seed": 2, "total_steps": 1000}}.items():
        RunFolder.create(tmp_path / name, plain_config(TrainConfig(run=name, **changes)), seed=0)  # type: ignore[arg-type]

    def learnt_on(name: str, start: str, seed: int) -> Planner:
        return replace(planner(name, seed=seed, start_from=start), folder=RunFolder(tmp_path / name))

    alike = [learnt_on("a", "first-0", 0), learnt_on("b", str(tmp_path / "first-1"), 1)]
    other, gone = learnt_on("c", "other-2", 2), learnt_on("d", "gone-3", 3)
    found = group([planner("first", seed=4), *alike, other, gone], over_training=False)
    assert list(found.values()) == [[planner("first", seed=4)], alike, [other], [gone]]


def test_faults_of_rate_zero_are_right_hints() -> None:
    """``hints=faulty hints.faults.wrong=0`` trains with the expert itself."""
    assert list(group([planner("a"), planner("b", seed=1, hints=wrong(0.0))], over_training=False)) == ["HCRMP"]


def test_the_same_training_twice_is_refused() -> None:
    with pytest.raises(UserError, match="runs/a and runs/b are the same training"):
        group([planner("a"), planner("b")], over_training=False)
    group([planner("a"), planner("b", hints=wrong(0.5))], over_training=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "HCRMP"),
        ({"algo": HcrmpOptions(csa="mean_anchored", asr=False)}, "HCRMP, mean-anchored, no state hint"),
        ({"algo": HcrmpOptions(weights_on="reward", scale_terms=True)}, "LLM reward"),
        ({"algo": HcrmpOptions(weights_on="reward", csa="mean_anchored")}, "LLM reward, mean-anchored, unscaled"),
        ({"algo": HcrmpOptions(standardise_before=False)}, "HCRMP, unscaled"),
        ({"algo": PpoOptions(hint_in_state=True)}, "PPO with state hint"),
        ({"hints": HintsConfig(provider="none")}, "HCRMP, no hints in training"),
    ],
)
def test_methods_in_words(changes: dict[str, Any], words: str) -> None:
    assert method_words(replace(TrainConfig(), **changes)) == words


def test_a_pattern_that_names_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no run in .* is named like x-\*"):
        find_planners(["x-*"], str(tmp_path))


# ---- tables and plot


def point(rate: float, success: float, **more: Any) -> Point:
    succeeded, collided = Estimate(success, success - 0.1, success + 0.1), Estimate(0.1, 0.0, 0.2)
    return Point(rate, Share(succeeded, {0: success}), Share(collided, {0: 0.1}), **more)


CURVES = [
    Curve("HCRMP", "random", (point(0.0, 0.9), point(1.0, 0.8, lost=Estimate(0.1, 0.05, 0.15)))),
    Curve("A & <B>", "random", (point(0.0, 0.5),)),
]


def test_tables_name_every_rate_and_leave_out_what_was_not_measured() -> None:
    text = markdown(CURVES, "Title")
    assert "| wrong hints (random) | 0 % | 100 % |" in text
    assert "| HCRMP (1 seed) | 90.0 (80.0..100.0) | 80.0 (70.0..90.0) |" in text
    assert "| A & <B> (1 seed) | 50.0 (40.0..60.0) | - |" in text
    assert "| HCRMP (1 seed) | - | 10.0 (5.0..15.0) |" in text


def test_a_method_tells_of_how_many_seeds_it_is() -> None:
    two = replace(point(1.0, 0.5), success=Share(Estimate(0.5, 0.4, 0.6), {0: 0.4, 1: 0.6}))
    assert named_with_seeds([*CURVES, Curve("A & <B>", "inverted", (two,)), Curve("C", "random", (two,))]) == {
        "HCRMP": "HCRMP (1 seed)", "A & <B>": "A & <B> (1 to 2 seeds)", "C": "C (2 seeds)"
    }  # fmt: skip


def test_the_plot_is_one_well_formed_file_whose_points_lie_where_they_should() -> None:
    picture = svg(CURVES, "Title <1>", "wrong hints (%)")
    root = ElementTree.fromstring(picture)
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"Title <1>", "HCRMP (1 seed)", "A & <B> (1 seed)", "wrong hints: random"} <= set(words)
    line, _ = (one for one in root.iter(f"{SVG}polyline") if " " in one.attrib["points"])
    (x1, y1), (x2, y2) = (map(float, pair.split(",")) for pair in line.attrib["points"].split())
    # The upper row is success; a word that stands in both rows is found there.
    place = {text.text: text.attrib for text in reversed(list(root.iter(f"{SVG}text")))}
    ten_points = (float(place["20"]["y"]) - float(place["80"]["y"])) / 6
    assert ten_points > 10 and y2 - y1 == pytest.approx(ten_points, abs=0.2), "ten points lower"
    assert x2 - x1 == pytest.approx(2 * (float(place["75"]["x"]) - float(place["25"]["x"])), abs=0.2), "0 to 100 %"
    assert "href" not in picture and "url(" not in picture
