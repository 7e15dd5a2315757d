"""What is told of branches: by hand-made drives, and of the command as a user runs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.recording import DriveLog
from envs.scene import ActorRow, EgoRow, EventRow
from hcrmp import cli
from hcrmp.branch.drive_on import Branch
from hcrmp.branch.job import moments
from hcrmp.branch.measures import aftermath, avoids, parting
from hcrmp.branch.report import last_moments, verdicts
from hcrmp.branch.worlds import Origin
from hcrmp.replay_config import ReplayConfig
from hcrmp.run_folder import RunFolder, dump_yaml, read_json, write_text
from tests.envs.drive_builder import CAR, make_drive
from tests.hcrmp.tiny import tiny_run


def ended(drive: DriveLog, outcome: str) -> DriveLog:
    return replace(drive, meta=replace(drive.meta, outcome=outcome))


def test_how_far_two_egos_are_apart() -> None:
    recorded, other = make_drive(60), make_drive(50)
    # It leaves sideways by 0.4 m a tick from tick 20 on.
    other.scenes.ego.block[EgoRow.Y, 20:] += 0.4 * np.arange(30)
    found = parting(other, recorded, 18)
    assert len(found.time_s) == len(found.apart_m) == 32
    assert found.apart_m[:5] == pytest.approx([0.0, 0.0, 0.0, 0.4, 0.8], abs=1e-6)
    assert found.parted_at_s == pytest.approx(2.3)
    assert found.most_m == pytest.approx(0.4 * 29)
    assert parting(recorded, recorded, 5).parted_at_s is None


def test_a_collision_has_the_speed_against_whom_it_hits() -> None:
    drive = ended(make_drive(40), "collision")
    scenes = drive.scenes
    scenes.ego.block[[EgoRow.YAW, EgoRow.SPEED, EgoRow.LATERAL_SPEED], -1] = 0.0, 6.0, 0.0
    scenes.actors.block[[ActorRow.VX, ActorRow.VY], -1, CAR] = 2.0, 3.0
    scenes.events.block[[EventRow.COLLISION, EventRow.COLLISION_ACTOR], -1] = 1.0, CAR
    told = aftermath(drive, 10)
    assert told.collision_speed_mps == pytest.approx(5.0)
    assert (told.outcome, told.min_ttc_s) == ("collision", 0.0) and told.time_s == pytest.approx(2.9)
    assert told.reward_terms["comfort"] == pytest.approx(-0.01 * 29)
    assert aftermath(make_drive(40), 10).collision_speed_mps is None


def test_of_the_last_two_ticks_too_little_is_known_for_smoothness() -> None:
    assert aftermath(make_drive(40), 38).smoothness is None
    assert aftermath(make_drive(40), 30).smoothness is not None


def test_what_counts_as_avoided() -> None:
    drives = {name: ended(make_drive(10), name) for name in ("success", "timeout", "off_road", "collision")}
    assert avoids(drives["success"], drives["collision"]) and avoids(drives["timeout"], drives["off_road"])
    assert avoids(drives["off_road"], drives["collision"]) is False
    assert avoids(drives["success"], drives["success"]) is None


def test_the_last_moment_is_the_latest_that_goes_well(planned: Origin) -> None:
    origin = replace(planned, drive=ended(make_drive(60), "collision"))
    outcomes = {0: "collision", 10: "success", 20: "collision", 30: "success", 40: "off_road"}
    told = [Branch("a", tick, ended(make_drive(60), outcome)) for tick, outcome in outcomes.items()]
    told += [Branch("b", tick, ended(make_drive(60), "collision")) for tick in outcomes]
    assert last_moments(origin, told) == {"a": 3.0, "b": None}
    first, second = verdicts(origin, told)
    assert first == (
        "a: no accident if it takes over at 3.0 s at the latest, 2.9 s before the collision, though not at 0.0, 2.0 s."
    )
    assert second == "b: an accident whenever it takes over (5 tried: 0.0, 4.0 s)."
    well = replace(origin, drive=ended(make_drive(60), "success"))
    assert last_moments(well, told) == {} and verdicts(well, told) == []


def test_moments_are_those_asked_for_each_once(planned: Origin) -> None:
    def asked(**keys: Any) -> list[int]:
        return moments(ReplayConfig(drive="x", **keys), planned)

    last = len(planned.drive) - 2
    assert asked(from_s=(2.0, 0.5, 2.01)) == [5, 20]
    assert asked(every=1.0) == list(range(0, last + 1, 10))
    assert asked(every=0.01)[:3] == [0, 1, 2]
    assert asked(from_s=0.3, every=5.0)[:3] == [0, 3, 50]


def test_the_command_leaves_drives_a_report_and_a_page(planned: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    before = planned.path.read_bytes()
    words = ["replay", str(planned.path), "--from", "[1.0,3.0]", "--planner", "[full_throttle,law_abiding]"]
    assert cli.main(words) == 0
    said = capsys.readouterr().out
    assert "planner (recorded)" in said and "law_abiding" in said and "3.0" in said
    place = planned.folder.path / "branches" / planned.path.stem
    report = read_json(place / "branches.json")
    assert [(one["name"], one["start_s"]) for one in report["branches"]] == [
        ("full_throttle", 1.0), ("full_throttle", 3.0), ("law_abiding", 1.0), ("law_abiding", 3.0),
    ]  # fmt: skip
    for one in report["branches"]:
        drive = DriveLog.read(place / one["file"])
        assert drive.meta.outcome == one["branch"]["outcome"] and drive.meta.extra["branch_of"] == planned.path.name
        assert one["parting"]["apart_m"][0] == 0.0
    assert str(place / "branches.json") in said and len(list(place.glob("*.html"))) == 2
    assert planned.path.read_bytes() == before
    # A branch is a drive like others: it can be simulated again, and branched.
    again = place / report["branches"][3]["file"]
    assert cli.main(["replay", str(again), "--exact"]) == 0
    assert cli.main(["replay", str(again), "--from", "2", "--planner", "cruise"]) == 0
    assert (place / again.stem / "branches.json").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "99"], "99 s is outside the drive"),
        (["--from", "-1"], "-1 s is outside the drive"),
        (["--from", "1", "--planner", "refernce"], "Did you mean reference?"),
        (["--from", "1", "--planner", "no/such/run"], "no run folder at no/such/run"),
        (["--from", "1", "--planner", "[cruise,cruise]"], "planner names somebody twice"),
        (["--planner", "cruise"], "say from when"),
        (["--from", "1", "--exact"], "one at a time"),
        (["--every", "-0.5"], "every must be more than 0 s"),
    ],
)
def test_wrong_input_is_one_line(
    planned: Origin, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["replay", str(planned.path), *words]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and message in captured.err and captured.out == ""


def test_planners_that_cannot_take_over_are_one_line(
    planned: Origin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(run: RunFolder) -> str:
        assert cli.main(["replay", str(planned.path), "--from", "1", "--planner", str(run.path)]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        return captured.err

    other = tiny_run(tmp_path, "other")
    whole = other.config()
    write_text(other.path / "config.yaml", dump_yaml(whole | {"observation": {"perception": "agents"}}))
    assert "another observation layout" in said(other)
    write_text(other.path / "config.yaml", dump_yaml(whole | {"action": {"max_steer_change": 0.1}}))
    assert "acts within other limits" in said(other)


def test_a_drive_of_nothing_known_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drive = make_drive(40)
    path = replace(drive, meta=replace(drive.meta, scenario="recording")).save(tmp_path / "strange.arrow")
    assert cli.main(["replay", str(path), "--from", "1", "--planner", "cruise"]) == 2
    assert "was recorded on 'street', which is not known here" in capsys.readouterr().err
