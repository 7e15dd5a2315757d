"""The others in the conditions drive soundly: no two of them ever run into each other."""

from __future__ import annotations

import numpy as np
import pytest

from envs.drivers.naive import KeepLaneDriver
from envs.embedded.collision import boxes_overlap
from envs.scenarios.catalogue import scenario_set
from envs.scenarios.families import CONDITIONS, DENSITIES
from envs.scene import SceneBatch
from tests.envs.scenarios.episodes import drive


def overlapping(scene: SceneBatch) -> list[tuple[int, int, int]]:
    """Return (world, actor, actor) of all bodies that overlap."""
    actors, found = scene.actors, []
    block = np.stack([actors.x, actors.y, actors.yaw, 0.5 * actors.length, 0.5 * actors.width], axis=2)
    for i in range(scene.actor_slots):
        for j in range(i):
            apart = np.hypot(actors.x[:, i] - actors.x[:, j], actors.y[:, i] - actors.y[:, j])
            for b in np.flatnonzero(actors.valid[:, i] & actors.valid[:, j] & (apart < 12.0)):
                if boxes_overlap(*block[b, i], *block[b, j]):
                    found.append((int(b), i, j))
    return found


@pytest.mark.parametrize("density", DENSITIES)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_others_never_run_into_each_other(condition: str, density: str) -> None:
    """100 seeds with an ego that keeps its lane, to the end of the episodes."""

    def visit(scene: SceneBatch) -> None:
        assert overlapping(scene) == []

    drive(lambda _: KeepLaneDriver(), scenario_set(condition, density), 0, range(100), visit)
