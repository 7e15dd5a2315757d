"""The numbers of a report, against what a hand can work out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.metrics.infractions import Infraction
from hcrmp.episode_record import EpisodeRecord
from hcrmp.report import leaderboard
from hcrmp.report.ablations import ablations
from hcrmp.report.contestants import Contestant, Course
from hcrmp.report.estimates import difference, estimate
from hcrmp.report.failures import GROUPS, Kind, by_kind, failures
from hcrmp.report.learning import band, steps_text
from hcrmp.report.material import Evaluation
from hcrmp.report.profiles import middle
from hcrmp.report.results import COLLISION, SUCCESS, cells, differences, driving_score, headline, sentence
from hcrmp.report.runs import provenance_words, settings_that_differ
from hcrmp.report.sources import read
from hcrmp.report.svg import nice_axis, share_axis, whole_axis
from tests.hcrmp.report.material import crash, episode, make_evaluation, make_run


def driven(*records: EpisodeRecord, driver: str = "planner") -> Evaluation:
    return Evaluation(Path("e.json"), "e", driver, records)


def outcomes(letters: str, seed: int = 0, cell: str = "merging/low", first: int = 0) -> list[EpisodeRecord]:
    words: dict[str, Any] = {"S": "success", "C": "collision", "T": "timeout", "I": "infrastructure"}
    return [episode(first + k, words[letter], cell, seed) for k, letter in enumerate(letters)]


def test_every_seed_and_cell_weighs_the_same_however_many_episodes_it_has() -> None:
    one = driven(*outcomes("SSSS"), *outcomes("CC", cell="merging/high"))
    other = driven(*outcomes("SC", seed=1), *outcomes("SSSC", seed=1, cell="merging/high"))
    found = estimate(Contestant("x", (one, other)), SUCCESS.of, 0)
    assert found.value == pytest.approx(np.mean([(1 + 0) / 2, (0.5 + 0.75) / 2]))
    assert found.low < found.value < found.high


def test_what_the_infrastructure_ended_says_nothing_of_the_driver() -> None:
    table = headline(Course(("merging/low",), (Contestant("x", (driven(*outcomes("SSCI")),)),)), 0)
    assert table.rows[0].values[0].text == "66.7" and (table.rows[0].episodes, table.rows[0].infrastructure) == (3, 1)


def test_differences_are_over_the_episodes_that_both_drove() -> None:
    ours = Contestant("ours", (driven(*outcomes("SSSC", first=2)),))
    theirs = Contestant("theirs", (driven(*outcomes("SSSCCC")),))
    found, count = difference(ours, theirs, SUCCESS.of, 0)
    # Episodes 2 to 5: S S S C against S C C C.
    assert found.value == pytest.approx(0.5) and count == 4


def test_seeds_are_compared_by_their_means_on_the_same_episodes() -> None:
    ours = Contestant("ours", (driven(*outcomes("SS", 0)), driven(*outcomes("SC", 1))))
    theirs = Contestant("theirs", (driven(*outcomes("CC", 7)), driven(*outcomes("SC", 8))))
    found, count = difference(ours, theirs, SUCCESS.of, 0)
    # Means by episode: 1, .5 against .5, 0.
    assert found.value == pytest.approx(0.5) and count == 2
    assert found.low < 0.0 < found.high, "two seeds each say little"


def test_nothing_in_common_is_no_difference() -> None:
    ours, theirs = Contestant("ours", (driven(*outcomes("S")),)), Contestant("x", (driven(*outcomes("S", first=9)),))
    found, count = difference(ours, theirs, SUCCESS.of, 0)
    assert count == 0 and np.isnan(found.value)


def test_the_tables_and_the_sentence_say_who_is_best() -> None:
    first = Contestant("ours", (driven(*outcomes("SSSC")),))
    second = Contestant("theirs", (driven(*outcomes("SSSS")),), 1)
    course = Course(("merging/low",), (first, second))
    table = headline(course, 0)
    headings = [metric.heading for metric in table.metrics]
    assert "Timeout" not in headings, "nobody ran out of time"
    at = headings.index("Success")
    assert [row.values[at].best for row in table.rows] == [False, True]
    assert sentence(table).startswith("ours succeeds in 75.0 % of the episodes (")
    assert "and collides in 25.0 %. Best is theirs with 100.0 % (51.0–100.0)." in sentence(table)
    (found,) = differences(course, 0)
    assert (found.success.text, found.collision.text) == ("+25.0", "−25.0")
    (row,) = cells(course, 0)
    assert [one.text for one in row.values] == ["75", "100"]


def test_a_sentence_where_there_is_nothing_to_tell() -> None:
    lost = Course(("merging/low",), (Contestant("x", (driven(*outcomes("II")),)),))
    never = Course(("merging/low",), (Contestant("x", (driven(*outcomes("CC")),)),))
    assert sentence(headline(lost, 0)).startswith("No episode counts")
    assert sentence(headline(never, 0)) == "Nobody succeeded in any episode."


def test_each_failure_is_told_once_with_its_kind_and_moment() -> None:
    rules = (Infraction("red_light", 3.0), Infraction("stop_sign", 5.0))
    one = driven(
        episode(0),
        episode(1, "collision", infractions=(Infraction("red_light", 1.0), *crash(7.5, "truck", "left"))),
        episode(2, "collision", infractions=(Infraction("collision_static", 4.0),)),
        episode(3, "collision", infractions=()),
        episode(4, "off_road", time_s=6.0),
        episode(11, "collision", "cut_in/high", infractions=crash(3.5), careful_driver="unavoidable"),
        episode(5, "timeout", mean_speed_mps=0.2, time_s=30.0),
        episode(6, "timeout", mean_speed_mps=4.0, time_s=30.0),
        episode(7, "violation", infractions=rules, time_s=5.0),
        episode(8, "violation", infractions=(Infraction("route_deviation", 9.0),)),
        episode(9, "infrastructure"),
        episode(10, "success", infractions=(Infraction("wrong_way", 2.0),)),
    )
    found = failures(Contestant("x", (one,)))
    assert [(f.kind.words, f.time_s, f.on_the_way) for f in found] == [
        ("truck, on the left", 7.5, False),
        ("red light run", 1.0, True),
        ("the road's furniture", 4.0, False),
        ("with somebody", 12.0, False),
        ("off the road", 6.0, False),
        ("car, at the front (unavoidable)", 3.5, False),
        ("stood still", 30.0, False),
        ("too slow", 30.0, False),
        ("stop sign run", 5.0, False),
        ("red light run", 3.0, True),
        ("off the route", 9.0, False),
        ("simulator or server failed", 12.0, False),
        ("wrong way", 2.0, True),
    ]
    kinds = by_kind(found)
    assert list(dict.fromkeys(kind.group for kind in kinds)) == list(GROUPS)
    assert len(kinds[Kind("Breaking a rule", "red light run")]) == 2


def test_the_middle_half_of_the_cells_decides_the_interquartile_mean() -> None:
    units = [
        record for k, word in enumerate(("CC", "SC", "SS", "SS")) for record in outcomes(word, cell=f"merging/{k}")
    ]
    # The middle half of 0, .5, 1, 1.
    assert middle(Contestant("x", (driven(*units),)), 0).text == "75.0"
    assert middle(Contestant("x", (driven(*outcomes("II")),)), 0).text == "–"


def test_a_band_over_seeds_is_told_at_shared_steps() -> None:
    first = np.array([0.0, 10.0, 20.0, 30.0]), np.array([0.0, 1.0, 2.0, 3.0])
    second = np.array([5.0, 25.0]), np.array([4.0, 6.0])
    line = band("x", 0, [first, second])
    assert line.xs == [10.0, 20.0], "from where all have begun to where one has ended"
    assert list(line.ys) == pytest.approx([(1 + 4.5) / 2, (2 + 5.5) / 2])
    assert (line.lows, line.highs) == ([1.0, 2.0], [4.5, 5.5])
    assert band("x", 0, [first]).lows == ()


def test_axes_have_round_ticks() -> None:
    assert nice_axis(-2.9, 19.8).ticks == [-10.0, 0.0, 10.0, 20.0]
    assert nice_axis(3.0, 3.0).ticks[0] <= 3.0 < nice_axis(3.0, 3.0).ticks[-1]
    assert whole_axis(1.5e6).ticks == [0.0, 5e5, 1e6, 1.5e6] and whole_axis(1.5e6).high == 1.5e6
    assert (share_axis(high=0.15).high, share_axis(high=0.41).high) == (0.2, 1.0)
    assert [steps_text(value) for value in (0.0, 500.0, 2e5, 1.5e6)] == ["0", "500", "200k", "1.5M"]


def test_the_leaderboard_s_layout_by_hand() -> None:
    hit = episode(3, "collision", progress=0.5, distance_m=200.0, time_s=9.0, infractions=crash(9.0))
    one = driven(episode(0, distance_m=400.0), hit, episode(4, "infrastructure", progress=0.0))
    told = leaderboard.results(one)
    perfect, failed, lost = told["_checkpoint"]["records"]
    assert (perfect["status"], failed["status"], lost["status"]) == (
        "Perfect",
        "Failed",
        "Failed - Simulation crashed",
    )
    assert failed["scores"] == {"score_route": 50.0, "score_penalty": 0.6, "score_composed": 30.0}
    assert failed["meta"]["route_length"] == 400.0 and failed["num_infractions"] == 1
    assert failed["infractions"]["collisions_vehicle"] == [
        "collision_vehicle with car 3 at (x=0.000, y=0.000) after 9.0 s"
    ]
    whole = told["_checkpoint"]["global_record"]
    # 0.4 + 0.2 km were driven, one vehicle struck.
    assert whole["infractions"]["collisions_vehicle"] == pytest.approx(1 / 0.6, abs=1e-3)
    assert whole["scores_mean"]["score_composed"] == pytest.approx((100 + 30 + 0) / 3)
    assert (told["entry_status"], told["eligible"]) == ("Crashed", False)
    assert len(told["values"]) == len(told["labels"]) == 15
    assert told["values"][told["labels"].index("Collisions with vehicles")] == str(
        whole["infractions"]["collisions_vehicle"]
    )
    # The leaderboard's own reader sorts by the two numbers of a route's id.
    assert [int(row["route_id"].split("_")[1]) for row in told["_checkpoint"]["records"]] == [0, 1, 2]
    assert {int(row["route_id"].split("_rep")[-1]) for row in told["_checkpoint"]["records"]} == {0}
    assert driving_score(hit) == pytest.approx(50 / 1.7)


def test_what_runs_differ_in_is_told_with_their_names(tmp_path: Path) -> None:
    for name, changes in {"a": {}, "b": {"worlds": 7}}.items():
        folder = make_run(tmp_path / name, **changes)
        make_evaluation(folder.path, outcomes("SC" if name == "a" else "SS"))
    material = read(["a", "b"], str(tmp_path))
    (fact,) = settings_that_differ(material.runs)
    assert (fact.what, fact.values) == ("worlds", (("128", "a"), ("7", "b")))
    same, _ = provenance_words(material)
    assert any(words.startswith("numpy") for words in same) or material.runs[0].provenance
    course = Course(
        ("merging/low",), tuple(Contestant(n, (e,)) for n, e in zip("ab", material.evaluations, strict=True))
    )
    first, second = ablations(course, 0)
    assert (first.settings, second.settings, second.difference.text) == ((), (("worlds", "7"),), "+50.0")
    assert ablations(Course(("merging/low",), course.contestants[:1]), 0) == []


def test_collisions_count_as_collisions() -> None:
    assert [COLLISION.of(record) for record in outcomes("SCT")] == [0.0, 1.0, 0.0]
