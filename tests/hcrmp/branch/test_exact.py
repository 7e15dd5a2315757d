"""Exact re-simulation: no divergence where nothing was changed, and every change found where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from envs.recording import DriveLog
from envs.scene import ActorRow, EgoRow, EventRow
from hcrmp import cli
from hcrmp.branch.divergence import Divergence, first_divergence
from hcrmp.branch.resimulate import resimulate
from hcrmp.branch.worlds import Origin

AT = 23


@pytest.mark.parametrize("name", ["planned", "referenced", "route", "struck"])
def test_a_drive_comes_out_of_its_actions_bit_for_bit(name: str, request: pytest.FixtureRequest) -> None:
    origin: Origin = request.getfixturevalue(name)
    again = resimulate(origin)
    assert first_divergence(origin.drive, again) is None
    assert again.meta.outcome == origin.drive.meta.outcome


def with_ego(drive: DriveLog) -> DriveLog:
    drive.scenes.ego.block[EgoRow.X, AT] += 1e-12 * drive.scenes.ego.block[EgoRow.X, AT]
    return drive


def with_actor(drive: DriveLog) -> DriveLog:
    drive.scenes.actors.block[ActorRow.SPEED, AT, 1] += 0.25
    return drive


def with_event(drive: DriveLog) -> DriveLog:
    drive.scenes.events.block[EventRow.LANE_INVASION, AT] = 1.0
    return drive


def with_hint(drive: DriveLog) -> DriveLog:
    assert drive.trace.hint_state is not None
    drive.trace.hint_state[AT, 4] += 0.5
    return drive


def with_reward(drive: DriveLog) -> DriveLog:
    drive.trace.reward_terms[AT, 2] -= 1.0
    return drive


@pytest.mark.parametrize(
    ("change", "name", "by"),
    [
        (with_ego, "ego.x", None),
        (with_actor, "actors[1].speed", -0.25),
        (with_event, "events.lane_invasion", -1.0),
        (with_hint, "hint.state[4]", -0.5),
        (with_reward, "reward.comfort", 1.0),
    ],
)
def test_one_changed_number_is_found(
    planned: Origin, change: Callable[[DriveLog], DriveLog], name: str, by: float | None
) -> None:
    changed = change(DriveLog.read(planned.path))
    found = first_divergence(changed, planned.drive)
    assert isinstance(found, Divergence)
    assert found.tick == AT and found.time_s == pytest.approx(0.1 * AT)
    assert [one.name for one in found.differences] == [name]
    if by is not None:
        assert found.differences[0].again - found.differences[0].recorded == pytest.approx(by)
    assert first_divergence(changed, planned.drive, AT) is None


def test_another_action_shows_in_the_tick_that_it_led_to(planned: Origin) -> None:
    trace = planned.drive.trace
    actions = trace.action.copy()
    actions[AT, 1] = -actions[AT, 1] + 0.01
    found = first_divergence(
        planned.drive, resimulate(replace(planned, drive=replace(planned.drive, trace=replace(trace, action=actions))))
    )
    assert found is not None and found.tick == AT
    assert {"ego.steer", "control.steer"} <= {one.name for one in found.differences}


def test_a_drive_that_ends_earlier_parts_where_it_ends(planned: Origin) -> None:
    short = replace(planned.drive, scenes=planned.drive.scenes.rows(np.arange(AT)))
    trace = planned.drive.trace
    cut = {name: getattr(trace, name)[:AT] for name in ("action", "control", "reward_terms", "hint_age_s")}
    short = replace(short, trace=replace(trace, **cut, hint_state=None))
    found = first_divergence(planned.drive, short)
    assert found is not None and found.tick == AT
    assert (found.differences[0].recorded, found.differences[0].again) == (len(planned.drive), AT)
    assert first_divergence(short, planned.drive) is not None


def test_bits_that_a_file_does_not_keep_are_told_by_the_hash(planned: Origin) -> None:
    hashes = planned.drive.state_hash
    assert hashes is not None
    other = hashes.copy()
    other[AT] ^= np.uint64(1)
    found = first_divergence(planned.drive, replace(planned.drive, state_hash=other))
    assert found is not None and found.tick == AT and "state hash" in found.differences[0].name


def test_the_command_says_so_and_leaves_with_0_or_1(planned: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    before = planned.path.read_bytes()
    assert cli.main(["replay", str(planned.path), "--exact"]) == 0
    assert "without divergence" in capsys.readouterr().out
    trace = planned.drive.trace
    actions = trace.action.copy()
    actions[AT, 0] = 1.0 if actions[AT, 0] < 0.0 else -1.0
    changed = replace(planned.drive, trace=replace(trace, action=actions))
    path = changed.save(planned.path.with_name("changed.arrow"))
    assert cli.main(["replay", str(path), "--exact"]) == 1
    said = capsys.readouterr().out
    assert f"diverges at tick {AT} of {len(planned.drive)} (2.3 s)" in said
    assert "  ego.x: recorded " in said and "  and " in said
    assert planned.path.read_bytes() == before
