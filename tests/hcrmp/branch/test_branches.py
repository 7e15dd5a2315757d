"""Branches: the past is the recorded one to the last bit, and the future only depends on who takes over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.scene import ActorRow, EgoRow
from hcrmp.branch.divergence import first_divergence
from hcrmp.branch.drive_on import Branch, drive_on
from hcrmp.branch.errors import BranchError
from hcrmp.branch.planners import successor
from hcrmp.branch.worlds import Origin
from hcrmp.sections import HintsConfig


def branches(origin: Origin, ticks: list[int], word: str = "", **changes: Any) -> list[Branch]:
    """Return the branches of ``word`` (""; who drove) from ``ticks``."""
    others = changes.pop("others", "traffic")
    return drive_on(origin, successor(word, origin, changes.pop("hints", None), "runs"), ticks, others)


@pytest.mark.parametrize(("name", "every"), [("planned", 13), ("referenced", 70), ("route", 90)])
@pytest.mark.parametrize("others", ["traffic", "replayed"])
def test_who_drove_drives_on_as_recorded_from_any_tick(
    name: str, every: int, others: str, request: pytest.FixtureRequest
) -> None:
    origin: Origin = request.getfixturevalue(name)
    assert len(origin.drive) > 60
    ticks = list(range(0, len(origin.drive) - 1, every))
    for branch in branches(origin, ticks, others=others):
        assert first_divergence(origin.drive, branch.drive) is None, branch.tick
        assert branch.drive.meta.outcome == origin.drive.meta.outcome


def test_another_driver_finds_the_recorded_moment_velocities_included(planned: Origin) -> None:
    before = planned.path.read_bytes()
    ticks = [0, 17, 40]
    for branch in branches(planned, ticks, "full_throttle"):
        recorded, tick = planned.drive.scenes, branch.tick
        ego = [EgoRow.X, EgoRow.Y, EgoRow.YAW, EgoRow.SPEED, EgoRow.LATERAL_SPEED, EgoRow.YAW_RATE]
        assert np.array_equal(branch.drive.scenes.ego.block[ego, : tick + 1], recorded.ego.block[ego, : tick + 1])
        others = [ActorRow.X, ActorRow.Y, ActorRow.VX, ActorRow.VY]
        restored, there = (scenes.actors.block[others, tick] for scenes in (branch.drive.scenes, recorded))
        assert np.array_equal(restored.astype(np.float32), there.astype(np.float32))
        assert np.any(recorded.actors.vx[tick] != 0.0)
        # From here on it is another's drive.
        assert np.array_equal(branch.drive.trace.action[: tick + 1], planned.drive.trace.action[: tick + 1])
        assert np.all(branch.drive.trace.action[tick + 1 :, 0] == 1.0)
        assert branch.drive.meta.planner == "full_throttle"
        assert branch.drive.meta.extra["branch_tick"] == str(tick)
    assert planned.path.read_bytes() == before


def test_the_number_of_branches_beside_it_does_not_change_a_branch(planned: Origin) -> None:
    alone = branches(planned, [20], "reference")[0]
    beside = branches(planned, [3, 20, 33, 47], "reference")[1]
    assert first_divergence(alone.drive, beside.drive) is None


def test_other_hints_change_the_future_and_not_the_past(planned: Origin) -> None:
    (silent,) = branches(planned, [30], hints=HintsConfig(provider="none"))
    assert silent.name == "tiny-hints-none"
    assert "model" in planned.drive.trace.hint_source and "model" not in silent.drive.trace.hint_source
    parted = first_divergence(replace(planned.drive, trace=replace(planned.drive.trace, hint_state=None)), silent.drive)
    assert parted is None or parted.tick > 30


def test_replayed_others_move_as_recorded_whatever_the_ego_does(struck: Origin) -> None:
    recorded = struck.drive.scenes.actors
    (reacting,) = branches(struck, [5], "cruise")
    (branch,) = branches(struck, [5], "cruise", others="replayed")
    both = len(struck.drive)
    assert 20 < both < min(len(branch.drive), len(reacting.drive))
    shown = branch.drive.scenes.actors
    for row in (ActorRow.X, ActorRow.Y, ActorRow.SPEED):
        assert np.allclose(shown.block[row, :both], recorded.block[row, :both], atol=2e-3, rtol=0.0)
    # The pedestrian steps out when the ego is near: for a slower one, later.
    assert not np.allclose(reacting.drive.scenes.actors.y[:both], recorded.y, atol=0.1)


def test_the_reference_driver_saves_a_drive_that_hits_somebody(struck: Origin) -> None:
    assert struck.drive.meta.outcome == "collision"
    early, late = branches(struck, [0, len(struck.drive) - 2], "reference")
    assert early.drive.meta.outcome == "success"
    assert late.drive.meta.outcome == "collision"


def test_a_past_that_does_not_repeat_itself_is_no_past(planned: Origin) -> None:
    trace = planned.drive.trace
    actions = trace.action.copy()
    actions[10] = 1.0
    changed = replace(planned, drive=replace(planned.drive, trace=replace(trace, action=actions)))
    with pytest.raises(BranchError, match=r"cannot be restored: driven again it differs at 1\.0 s in ego\."):
        branches(changed, [20], "cruise")
    # Before the change nothing is wrong.
    assert branches(changed, [8], "cruise")
