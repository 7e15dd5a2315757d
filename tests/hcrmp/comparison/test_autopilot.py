"""CARLA's own driver as one of the planners, on the protocol server with the real client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envs.carla_backend.config import CarlaConfig
from hcrmp.comparison.job import compare
from hcrmp.errors import UserError
from hcrmp.sections import CarlaOptions
from tests.envs.carla_server.serving import served
from tests.hcrmp.comparison.test_job import config_of
from tests.hcrmp.tiny import quiet


@pytest.mark.timeout(900)
def test_the_traffic_manager_drives_the_ego_and_lets_go_of_it(tmp_path: Path) -> None:
    """Two episodes one after the other: a Traffic Manager that still asks for the first's ego ends the client."""
    pytest.importorskip("carla")
    with served("street_0", synchronous=False) as port:
        servers = CarlaOptions(servers=(f"127.0.0.1:{port}",), server=CarlaConfig(ticks_per_decision=2))
        comparison, _ = compare(config_of(tmp_path, "autopilot", episodes=2, simulator=servers), quiet())
    (autopilot,) = comparison.planners
    assert autopilot.infrastructure.lost_attempts == 0
    records = comparison.methods[0].records
    assert len(records) == 2 and all(record.distance_m > 20.0 and record.mean_speed_mps > 2.0 for record in records)
    assert comparison.protocol.simulator == "carla"


def test_it_is_refused_where_there_is_no_carla(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the driver autopilot needs simulator=carla"):
        compare(config_of(tmp_path, "cruise", "autopilot"), quiet())
    with pytest.raises(UserError, match="the driver reference needs simulator=embedded"):
        compare(replace(config_of(tmp_path, "reference"), simulator=CarlaOptions()), quiet())
