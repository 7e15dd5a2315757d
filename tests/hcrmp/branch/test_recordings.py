"""Drives from elsewhere: of a drive of ours nothing is kept but what a recorder sees, and it is driven on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.recording.recorded_case import RecordedCaseError, a_slot_each, at_decisions
from envs.roads.elements import OpenDriveError
from envs.scene import ActorRow, EgoRow, SceneBatch
from hcrmp.branch.drive_on import drive_on
from hcrmp.branch.errors import BranchError
from hcrmp.branch.exact import run as run_exact
from hcrmp.branch.planners import successor
from hcrmp.branch.recordings import RecordingCourse
from hcrmp.branch.worlds import Origin, origin_of

TICKS = 190


@pytest.fixture(scope="module")
def elsewhere(route: Origin, tmp_path_factory: pytest.TempPathFactory) -> Origin:
    """The first 19 s of the drive through the town, as if somebody else had recorded them."""
    drive, path = route.drive, tmp_path_factory.mktemp("elsewhere") / "somewhere.arrow"
    trace = drive.trace
    kept = ("action", "control", "reward_terms", "hint_age_s", "hint_text", "hint_source")
    cut: dict[str, Any] = {name: getattr(trace, name)[:TICKS] for name in kept}
    nothing: dict[str, Any] = dict.fromkeys(
        ("hint_state", "hint_weights", "weights", "values", "observation", "distribution", "hint_index")
    )
    meta = replace(
        drive.meta, scenario="recording", density="", planner="hero", simulator="carla", map_name="town",
        configuration={}, outcome="running",
    )  # fmt: skip
    foreign = replace(
        drive, meta=meta, scenes=drive.scenes.rows(np.arange(TICKS)), trace=replace(trace, **cut, **nothing),
        state_hash=None,
    )  # fmt: skip
    return origin_of(foreign.save(path))


def test_the_recorded_moment_is_restored_velocities_included(elsewhere: Origin) -> None:
    assert isinstance(elsewhere.course, RecordingCourse) and not elsewhere.repeats
    recorded = elsewhere.drive.scenes
    for branch in drive_on(elsewhere, successor("law_abiding", elsewhere, None, "runs"), [60, 150]):
        tick, scenes = branch.tick, branch.drive.scenes
        ego = [EgoRow.X, EgoRow.Y, EgoRow.YAW, EgoRow.SPEED, EgoRow.LATERAL_SPEED, EgoRow.YAW_RATE]
        assert np.array_equal(scenes.ego.block[ego, : tick + 1], recorded.ego.block[ego, : tick + 1])
        there = [ActorRow.X, ActorRow.Y, ActorRow.VX, ActorRow.VY]
        assert np.allclose(scenes.actors.block[there, tick], recorded.actors.block[there, tick], atol=2e-3)
        # The traffic drives on from there: nobody jumps, and who was driving drives.
        moved = np.hypot(*(scenes.actors.block[there[:2], tick + 1] - scenes.actors.block[there[:2], tick]))
        assert moved.max() < 2.0
        fast = np.abs(recorded.actors.block[ActorRow.SPEED, tick]) > 4.0
        assert fast.any() and np.all(moved[fast] > 0.2)
        assert len(branch.drive) > tick + 50
        assert branch.drive.meta.outcome in ("success", "timeout")


def test_what_does_not_repeat_itself_cannot_be_compared(elsewhere: Origin) -> None:
    with pytest.raises(BranchError, match="recorded in carla, which does not repeat itself bit for bit"):
        run_exact(elsewhere.path)


def test_nobody_knows_who_the_hero_is(elsewhere: Origin) -> None:
    with pytest.raises(BranchError, match="was driven by hero: name who takes over"):
        successor("", elsewhere, None, "runs")


def test_ticks_are_those_nearest_to_our_decisions() -> None:
    scenes = SceneBatch.empty(9, 1)
    scenes.time_s[:] = 7.0 + np.array([0.0, 0.04, 0.09, 0.15, 0.21, 0.24, 0.31, 0.35, 0.4])
    assert at_decisions(scenes, 0.05).tolist() == [0, 2, 4, 6, 8]
    with pytest.raises(RecordedCaseError, match=r"a tick every 0\.2 s"):
        at_decisions(scenes, 0.2)


def test_a_slot_that_is_used_again_becomes_two() -> None:
    scenes = SceneBatch.empty(4, 2)
    block = scenes.actors.block
    block[ActorRow.VALID] = [[1, 1], [1, 1], [0, 1], [1, 1]]
    block[ActorRow.ID] = [[9, 4], [9, 4], [0, 4], [2, 4]]
    block[ActorRow.X] = [[90, 40], [91, 41], [0, 42], [23, 43]]
    apart = a_slot_each(scenes).actors
    assert apart.valid.T.tolist() == [[False] * 3 + [True], [True] * 4, [True, True, False, False]]
    assert apart.x.T.tolist() == [[0, 0, 0, 23], [40, 41, 42, 43], [90, 91, 0, 0]]


@pytest.mark.parametrize(("name", "error"), [("Town99", BranchError), ("no/such/map.xodr", OpenDriveError)])
def test_a_map_that_is_not_there_is_told(elsewhere: Origin, name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="which is not known here|cannot read the map"):
        origin_of(elsewhere.path, name)
