"""Tables from results made by hand: signs, corrections, the paper's rows, figures that are well-formed."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hcrmp.config import load
from hcrmp.paper import beyond, on_carla, prompts, success
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.evaluations import Evaluated
from hcrmp.paper.forest import LEFT, WIDTH, Mark, forest
from hcrmp.paper.learning import Curve
from hcrmp.paper.table import Table, Writer, markdown
from hcrmp.run_folder import read_json
from hcrmp.sections import CarlaOptions
from hcrmp.statistics import Estimate

CELLS = ("trilemma/medium", "trilemma/high")


def told(value: float, reach: float = 0.1) -> dict[str, float]:
    return {"value": value, "low": value - reach, "high": value + reach}


def planner(name: str, kind: str, rate: float, seeds: dict[str, float]) -> dict[str, Any]:
    metrics = {"SR": told(rate), "CR": told(0.2), "off_road": told(0.0), "timeout": told(0.0), "jerk": told(3.0)}
    summaries = [{"cell": cell, "metrics": metrics} for cell in (*CELLS, "mean")]
    return {"name": name, "kind": kind, "summaries": summaries, "success": {"retried": told(rate), "seeds": seeds}}


@pytest.fixture
def found() -> Evaluated:
    planners = {
        "hcrmp": planner("hcrmp", "run", 0.9, {"0": 0.88, "1": 0.92}),
        "no_asr": planner("no_asr", "run", 0.7, {"0": 0.7, "1": 0.7}),
        "no_csa": planner("no_csa", "run", 0.5, {"0": 0.5}),
        "reference": planner("reference", "driver", 1.0, {"0": 1.0}),
    }
    pairs = (
        {"a": "no_asr", "b": "hcrmp", "difference": told(-0.2, 0.05), "p": 0.03},
        {"a": "hcrmp", "b": "no_csa", "difference": told(0.4, 0.3), "p": 0.02},
        {"a": "no_asr", "b": "no_csa", "difference": told(0.2), "p": 0.0001},
        {"a": "hcrmp", "b": "reference", "difference": told(-0.1), "p": 0.0001},
    )
    return Evaluated(CELLS, planners, pairs, (), {"name": "paper"})


def test_differences_are_of_the_method_less_the_reference_and_corrected_among_themselves(found: Evaluated) -> None:
    pairs = found.against("hcrmp")
    assert pairs == [("no_asr", "hcrmp"), ("no_csa", "hcrmp")]  # a driver is no method
    known = found.differences(pairs)
    (no_asr, p_asr), (no_csa, p_csa) = (known[pair] for pair in pairs)
    assert no_asr == Estimate(-0.2, -0.25, -0.15000000000000002)
    assert (no_csa.low, no_csa.high) == pytest.approx((-0.7, -0.1))
    assert (p_csa, p_asr) == pytest.approx((0.04, 0.04))  # Holm: 2 x 0.02, then not below
    assert found.differences(found.against("ppo")) == {}


def test_a_difference_that_comes_twice_on_a_page_is_corrected_once(found: Evaluated) -> None:
    known = found.differences([*found.against("hcrmp"), ("hcrmp", "no_csa"), ("hcrmp", "no_asr")])
    assert known["hcrmp", "no_csa"][1] == known["no_csa", "hcrmp"][1] == pytest.approx(0.04)
    assert known["hcrmp", "no_asr"][0].value == 0.2 and known["no_asr", "hcrmp"][0].value == -0.2


def test_the_ablation_stands_beside_the_papers(found: Evaluated) -> None:
    table = success.ablation_table(found)
    over_all, added, _, theirs = table.sections
    assert over_all.rows[0][2] == "90.0 (80.0..100.0)"
    assert over_all.rows[1][-1] == "-20.0 (-25.0..-15.0), p 0.04"
    assert [row[0] for row in added.rows] == ["the state hint (ASR), everything else being there"]
    assert added.rows[0][-1] == "+20.0 (+15.0..+25.0), p 0.04"
    assert [row[2] for row in theirs.rows] == ["*69*", "*40*", "*48*", ""]
    assert table.data["methods"]["no_asr"]["against_reference"]["p_adjusted"] == pytest.approx(0.04)


def test_the_main_table_has_the_papers_rows_for_these_cells(found: Evaluated) -> None:
    rows = success.main_table(found).sections[1].rows
    assert rows[0][1:] == ("90 (80..100) / 20", "90 (80..100) / 20")
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["*the paper*, HCRMP"] == ("*69 / 31*", "*64 / 36*")
    assert by_name["*the paper*, Vanilla PPO"] == ("", "")


def test_both_simulators_stand_side_by_side(found: Evaluated) -> None:
    servers = replace(found, planners={**found.planners, "hcrmp": planner("hcrmp", "run", 0.8, {"0": 0.7, "1": 0.9})})
    config = PaperConfig(servers=("127.0.0.1:2000", "node:2004"))
    table = on_carla.carla_table(config, {"embedded": found, "carla": servers})
    rows = table.sections[0].rows
    assert [row[2] for row in rows] == ["embedded", "CARLA server"] * 4
    assert [row[3] for row in rows[:2]] == ["90.0 (80.0..100.0)", "80.0 (70.0..90.0)"]
    assert rows[0][-1] == "88.0 / 92.0" and rows[1][-1] == "70.0 / 90.0" and rows[6][1] == "-"
    assert "127.0.0.1:2000, node:2004" in table.notes[0]
    assert [section.rows[0][1] for section in table.sections[1:]] == ["90 (80..100)", "80 (70..90)"]


def test_the_state_hint_and_the_whole_hint_are_told_apart_by_sensor(found: Evaluated) -> None:
    poorer = {name: planner(name, "run", rate, {"0": rate}) for name, rate in (("noisy", 0.8), ("noisy_no_asr", 0.5))}
    pairs = (*found.pairs, {"a": "noisy", "b": "noisy_no_asr", "difference": told(0.3), "p": 0.001})
    table = beyond.senses_table(replace(found, planners=found.planners | poorer, pairs=pairs))
    whole, noise = table.sections[0].rows
    assert whole[0] == "72 rays, 60 m" and whole[3] == whole[5] == ""  # nothing here learnt without hints
    assert whole[4] == "+20.0 (+15.0..+25.0), p 0.04"
    assert noise[:3] == ("noise", "80.0 (70.0..90.0)", "50.0 (40.0..60.0)")
    assert noise[4] == "+30.0 (+20.0..+40.0), p 0.003"  # Holm: 3 x 0.001


def test_servers_are_those_that_are_given_or_our_own() -> None:
    usual = ["run=x", "simulator=carla"]
    given = load("evaluate", [*usual, *on_carla.servers(PaperConfig(servers=("a:2000", "b:2004")))]).simulator
    assert isinstance(given, CarlaOptions) and given.servers == ("a:2000", "b:2004") and not given.launch
    launched = load("evaluate", [*usual, *on_carla.servers(PaperConfig(processes=3))]).simulator
    assert isinstance(launched, CarlaOptions) and launched.count == 3
    assert "serve" in launched.launch and "{port}" in launched.launch


def test_pages_json_and_figure_are_written(found: Evaluated, tmp_path: Any) -> None:
    table = success.main_table(found)
    page = Writer(tmp_path, {"config": {"seeds": [0]}}).write(table, "hcrmp reproduce paper table=1")
    text = page.read_text("utf-8")
    assert text.startswith("# Table 1") and "`hcrmp reproduce paper table=1`" in text and "](table1.svg)" in text
    content = read_json(tmp_path / "table1.json")
    assert content["methods"]["hcrmp"]["success"] == told(0.9)
    assert content["provenance"]["packages"]["hcrmp"]
    assert ElementTree.fromstring((tmp_path / "table1.svg").read_text("utf-8")).tag.endswith("svg")


def test_every_row_of_a_section_has_its_columns(found: Evaluated) -> None:
    tables = (success.main_table, success.ablation_table, beyond.senses_table)
    for table in (*(made(found) for made in tables), success.metrics_table(found, ["hcrmp"])):
        for section in table.sections:
            assert {len(row) for row in section.rows} == {len(section.head)}, section.heading


def test_a_long_name_is_within_the_figure() -> None:
    """70 letters of 6.5 take 455; usually there are 376."""
    drawn = ElementTree.fromstring(forest("t", [Mark("m" * 70, Estimate(0.75, 0.5, 1.0))], "x"))
    begin, _, width, _ = map(float, drawn.attrib["viewBox"].split())
    assert begin == pytest.approx(400 - 24 - 70 * 6.5)
    assert begin + width == pytest.approx(400 + 420 + 24)


def test_marks_of_the_figure_lie_where_their_numbers_are() -> None:
    drawn = ElementTree.fromstring(forest("t", [Mark("a", Estimate(0.75, 0.5, 1.0), [0.5])], "x"))
    circles = [one for one in drawn.iter() if one.tag.endswith("circle")]
    assert [float(one.attrib["cx"]) for one in circles] == [LEFT, LEFT + WIDTH / 2]  # the axis goes from 50 to 100 %


def test_a_page_without_a_figure_names_none() -> None:
    assert "![" not in markdown(Table("x", "X", (), ("note",), {}), "command", "made")


def test_a_share_is_reached_when_it_is_held_from_then_on() -> None:
    curve = Curve(0, np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.8, 0.1, 0.8, 0.7]), np.arange(4.0))
    assert (curve.reached(0.7), curve.reached(0.8), curve.reached(0.05)) == (2, None, 0)


def test_prompt_styles_tell_who_served_the_hints(found: Evaluated) -> None:
    counts = [
        {"due": 20, "asked": 10, "invalid": 4, "calls": 8, "stale": 6},
        {"due": 30, "asked": 6, "invalid": 0, "calls": 22, "stale": 3},
    ]
    asked = replace(found, episodes=tuple({"hint_counts": one} for one in counts))
    config = PaperConfig(table="3b", model="some/model", mode="generation")
    page = prompts.prompts_table({style: asked for style in prompts.STYLES}, config)
    first = page.sections[0].rows[0]
    assert first[:2] == ("original", "90.0 (80.0..100.0)")
    assert first[2:6] == ("8.0", "25", "60", "18")  # 16 of 2 episodes; 4 of 16; 30 and 9 of 50
    assert first[8] == "90; *69 (7)*" and "which writes its answers" in page.notes[0]
    changes = prompts.changes_of(config, "concise")
    assert changes["hints.transformers.mode"] == "generation" and changes["hints.transformers.style"] == "concise"
