"""A branch on a server: the recorded moment is there, velocities included, and another drives on."""

from __future__ import annotations

import numpy as np
import pytest

from envs.scene import ActorRow
from hcrmp.branch.divergence import first_divergence
from hcrmp.branch.drive_on import drive_on
from hcrmp.branch.errors import BranchError
from hcrmp.branch.on_carla import drive_on_carla
from hcrmp.branch.planners import successor
from hcrmp.branch.worlds import Origin, origin_of
from hcrmp.sections import CarlaOptions
from tests.envs.carla_server.serving import served

TICK = 30


def test_a_branch_on_a_server_begins_as_here(planned: Origin) -> None:
    pytest.importorskip("carla")
    driver = successor("full_throttle", planned, None, "runs")
    (here,) = drive_on(planned, driver, [TICK])
    with served("town") as port:
        servers = CarlaOptions(servers=(f"127.0.0.1:{port}",))
        (there,) = drive_on_carla(planned, driver, [TICK], servers)
        path = there.drive.save(planned.path.with_name("there.arrow"))
        # The server does not repeat itself bit for bit, and the drive says where it was driven.
        again = origin_of(path)
        (onward,) = drive_on(again, successor("cruise", again, None, "runs"), [TICK + 3])
    assert len(there.drive) > TICK + 5
    assert first_divergence(here.drive, there.drive, TICK + 1) is None
    # In the first step the server's ego moves as the embedded one does: it has the speed that it had.
    ego, other = there.drive.scenes.ego, here.drive.scenes.ego
    assert ego.speed[TICK] > 4.0
    assert ego.speed[TICK + 1] == pytest.approx(other.speed[TICK + 1], abs=0.3)
    moved = np.hypot(ego.x[TICK + 1] - ego.x[TICK], ego.y[TICK + 1] - ego.y[TICK])
    assert moved == pytest.approx(0.1 * ego.speed[TICK], rel=0.1)
    places = [ActorRow.X, ActorRow.Y, ActorRow.VX, ActorRow.VY]
    on_server, in_here = (branch.drive.scenes.actors.block[places, TICK + 1] for branch in (there, here))
    assert np.allclose(on_server, in_here, atol=0.05)
    assert again.drive.meta.simulator == "carla" and not again.repeats
    assert onward.drive.scenes.ego.speed[TICK + 3] == there.drive.scenes.ego.speed[TICK + 3]


def test_what_a_server_cannot_do_is_one_line(planned: Origin) -> None:
    driver = successor("law_abiding", planned, None, "runs")
    with pytest.raises(BranchError, match="others=replayed moves them in the embedded simulator alone"):
        drive_on_carla(planned, driver, [TICK], CarlaOptions(), "replayed")
