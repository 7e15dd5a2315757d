"""What a report reads: runs and files of every kind, each wrong one told in one clear line."""

from __future__ import annotations

import json
import os
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from hcrmp.episode_record import Outcome
from hcrmp.errors import RunFolderError, UserError
from hcrmp.report.contestants import courses, method_of_runs
from hcrmp.report.job import file_name
from hcrmp.report.material import Material, number_of
from hcrmp.report.sources import read
from hcrmp.run_folder import write_json
from tests.hcrmp.report.material import episode, make_evaluation, make_run

POINT = {
    "rate": 0.0,
    "success": {"over_all": {"value": 0.9, "low": 0.8, "high": 1.0}, "seeds": {"0": 0.9}},
    "collision": {"over_all": {"value": 0.1, "low": 0.0, "high": 0.2}, "seeds": {"0": 0.1}},
}


def names(material: Material) -> list[tuple[str, list[str], list[int]]]:
    found = courses(material.evaluations)
    return [(who.name, [one.label for one in who.evaluations], who.seeds) for c in found for who in c.contestants]


def test_seeds_of_one_method_are_one_contestant_and_everything_else_another(tmp_path: Path) -> None:
    for name, changes in {"a-0": {"seed": 0}, "a-1": {"seed": 1}, "long": {"worlds": 7}}.items():
        folder = make_run(tmp_path / name, **changes)
        make_evaluation(folder.path, [episode(k, seed=changes.get("seed", 0)) for k in range(3)])
    wrong: dict[str, Any] = {"provider": "faulty", "faults": {"wrong": 0.42}}
    make_evaluation(tmp_path / "a-0", [episode(0)], "planner-paper-hints-faulty", config={"hints": wrong})
    make_evaluation(tmp_path / "a-0", [episode(0, cell="route/low")], "planner-route")
    make_evaluation(tmp_path / "a-0", [episode(0)], "cruise-paper", "cruise")
    make_evaluation(tmp_path / "cruise", [episode(0)], "cruise-paper", "cruise")
    assert names(read(["a-*", "long", "cruise"], str(tmp_path))) == [
        ("HCRMP (a-0)", ["planner-paper", "planner-paper"], [0, 1]),
        ("HCRMP (a-0, hints 42 % wrong)", ["planner-paper-hints-faulty"], [0]),
        ("Cruise control", ["cruise-paper"], [0]),
        ("HCRMP (long)", ["planner-paper"], [0]),
        ("HCRMP (a-0)", ["planner-route"], [0]),
    ]


def test_a_file_of_an_evaluation_knows_its_run_and_is_read_once(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one")
    path = make_evaluation(folder.path, [episode(0)])
    material = read([str(path), str(folder.path), str(path)], str(tmp_path))
    assert [run.name for run in material.runs] == ["one"] and material.runs[0].steps == 1000
    assert [one.run and one.run.name for one in material.evaluations] == ["one"]


def test_a_pattern_may_stand_behind_a_path(tmp_path: Path) -> None:
    for name in ("a-0", "a-1", "b"):
        make_run(tmp_path / name, seed=len(name))
    for pattern, runs_dir in ((f"{tmp_path}/a-*", "elsewhere"), ("a-*", str(tmp_path))):
        assert [run.name for run in read([pattern], runs_dir).runs] == ["a-0", "a-1"]
    make_run(tmp_path / "a*")
    assert [run.name for run in read([str(tmp_path / "a*")], ".").runs] == ["a*"]


def test_labels_choose_among_evaluations(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one")
    for label in ("planner-paper", "planner-route"):
        make_evaluation(folder.path, [episode(0)], label)
    assert [one.label for one in read(["one"], str(tmp_path), ["planner-route"]).evaluations] == ["planner-route"]
    with pytest.raises(UserError, match="no evaluation is named planner-rout: names are"):
        read(["one"], str(tmp_path), ["planner-rout"])


def test_a_recorded_drive_is_found_by_the_end_of_its_name(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one")
    names_of_drives = ["planner-paper-hints-none-merging-low-12.arrow", "merging-low-1.arrow", "gone.arrow"]
    for name in names_of_drives[:2]:
        (folder.drives / name).write_bytes(b"")
    make_evaluation(folder.path, [episode(k) for k in (1, 2, 12)], drives=names_of_drives)
    (one,) = read(["one"], str(tmp_path)).evaluations
    found = [drive.name if (drive := one.drive_of(record)) else None for record in one.records]
    assert found == ["merging-low-1.arrow", None, "planner-paper-hints-none-merging-low-12.arrow"]


def test_a_file_of_several_planners_is_an_evaluation_for_each_member(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "runs" / "one", seed=4)
    place = tmp_path / "evaluations" / "both"
    (place / "drives").mkdir(parents=True)
    (place / "drives" / "lost.arrow").write_bytes(b"")
    rows = [
        episode(k, seed=4 if planner == "ours" else 0).to_dict()
        | {"planner": planner, "member": planner, "number": k, "repetition": 0, "attempts": 1, "trace_hash": "x"}
        for planner in ("ours", "cruise")
        for k in range(2)
    ]
    # Lost before anything was measured.
    rows.append({"scenario": "merging", "density": "low", "outcome": "infrastructure", "planner": "cruise",
                 "member": "cruise", "number": 7, "repetition": 0, "attempts": 3, "trace_hash": ""})  # fmt: skip
    lost = {"member": "cruise", "cell": "merging/low", "seed": rows[0]["seed"], "drive": "drives/lost.arrow"}
    content = {
        "format": "hcrmp evaluation", "version": 2, "label": "both", "protocol": {"ends_at": "collision"},
        "planners": [
            {"name": "ours", "kind": "run", "members": [{"name": "ours", "path": "../../runs/one"}], "failures": []},
            {"name": "cruise", "kind": "driver", "members": [{"name": "cruise", "path": None}], "failures": [lost]},
        ],
        "pairs": [
            {"a": "ours", "b": "cruise", "metric": "SR", "p_adjusted": 0.02},
            {"a": "ours", "b": "cruise", "metric": "CR", "p_adjusted": 0.5},
        ],
        "episodes": rows,
    }  # fmt: skip
    write_json(place / "results.json", content)
    ours, cruise = read([str(place / "results.json")], str(tmp_path)).evaluations
    assert (ours.planner, ours.driver, ours.seed, ours.ends_at) == ("ours", "planner", 4, "collision")
    assert ours.run is not None and ours.run.name == folder.name and len(ours.records) == 2
    assert cruise.run is None and cruise.drive_of(cruise.records[0]) is not None
    assert (cruise.records[2].outcome, number_of(cruise.records[2])) == ("infrastructure", 7)
    assert (ours.p_values, cruise.p_values) == ({"cruise": 0.02}, {"ours": 0.02})
    assert len({file_name(one) for one in (ours, cruise)}) == 2
    assert [name for name, *_ in names(read([str(place / "results.json")], "."))] == ["ours", "Cruise control"]


def make_comparison(place: Path, run: Path, seed: int) -> Path:
    """Write an evaluation of a run and of cruise in the same three episodes."""
    drove: tuple[tuple[str, str, Outcome], ...] = (("HCRMP", run.name, "success"), ("cruise", "cruise", "timeout"))
    rows = [
        episode(k, seed=seed if member == run.name else 0, outcome=outcome).to_dict()
        | {"planner": planner, "member": member, "number": k, "repetition": 0, "attempts": 1, "trace_hash": "x"}
        for planner, member, outcome in drove
        for k in range(3)
    ]  # fmt: skip
    members = {"HCRMP": ("run", run.name, os.path.relpath(run, place)), "cruise": ("driver", "cruise", "")}
    planners = [
        {"name": planner, "kind": kind, "members": [{"name": name, "path": path}], "failures": []}
        for planner, (kind, name, path) in members.items()
    ]
    content = {"format": "hcrmp evaluation", "version": 2, "label": place.name, "protocol": {}, "planners": planners}
    write_json(place / "results.json", content | {"pairs": [], "episodes": rows})
    return place


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_a_run_beside_a_comparison_that_holds_it_is_one_training(
    tmp_path: Path, order: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every order, by a path, by its name or by a pattern, from elsewhere: one run, no episode twice in a row."""
    run = make_run(tmp_path / "runs" / "one", seed=4).path
    make_evaluation(run, [episode(k, seed=4) for k in range(3)])
    comparison = make_comparison(tmp_path / "evaluations" / "both", run, 4)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for name in (str(run), "one", "on*"):
        given = [(name, str(comparison), str(comparison / "results.json"))[k] for k in order]
        material = read(given, "../runs")
        assert [one.name for one in material.runs] == ["one"]
        assert method_of_runs(material.runs) == {"one": "HCRMP"}
        told = sorted(names(material))
        assert told == [
            ("Cruise control", ["both"], [0]), ("HCRMP (both)", ["both"], [4]), ("HCRMP (planner-paper)",
            ["planner-paper"], [4]),
        ]  # fmt: skip
        assert sum(len(one.records) for one in material.evaluations) == 9


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is no JSON or is cut short"),
        ("[]", "holds list, a JSON object was expected"),
        ("{}", "is no evaluation result: evaluate again"),
        ('{"episodes": [{"scenario": 1}]}', "episode"),
        ('{"episodes": []}', "tells of no episode"),
        ('{"version": 3, "episodes": []}', "has version 3, this one reads up to 2: upgrade hcrmp"),
        ('{"version": "x"}', "has version x"),
        ('{"planners": [{}], "episodes": []}', "is no evaluation result"),
        ('{"measurements": []}', "is no file of hcrmp robustness"),
        ('{"measurements": [], "config": {"when": "test"}}', "holds no curves yet"),
        (
            '{"measurements": [], "config": {"when": "test"}, "curves": [{"method": 1}]}',
            "is no file of hcrmp robustness",
        ),
    ],
)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(UserError) as told:
        read([str(path)], str(tmp_path))
    assert message in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody", "there is no run and no file at"),
        ("no-*", "nothing in .* is named like no-"),
        ("empty", "is no run folder: it has no config.yaml and no evaluation"),
    ],
)
def test_a_run_that_is_none_is_told(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=message):
        read([name], str(tmp_path))


def test_a_run_of_another_version_is_named(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "one")
    (folder.path / "config.yaml").write_text("unheard_of: 1\n")
    with pytest.raises(RunFolderError, match="is of another version of hcrmp: unknown key unheard_of"):
        read(["one"], str(tmp_path))


def test_curves_of_robustness_are_read_as_they_were_written(tmp_path: Path) -> None:
    curve = {"method": "HCRMP", "mode": "random", "points": [POINT | {"lost": None}]}
    path = tmp_path / "robustness.json"
    path.write_text(json.dumps({"measurements": [], "config": {"when": "test"}, "curves": [curve]}))
    (one,) = read([str(path)], ".").robustness
    (read_curve,) = one.curves
    success = read_curve.points[0].success
    assert success.over_all.low == 0.8 and list(success.seeds.values()) == [0.9]
