"""The real client's Traffic Manager drives on the server: in its lane, held by red lights, the same in every run."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from tests.envs.carla_server.serving import MAPS, answer

pytestmark = pytest.mark.skipif(find_spec("carla") is None, reason="the carla client is not installed")

SCRIPT = "from tests.envs.carla_server.traffic_script import main; main()"
TOWN02 = pytest.param(
    "Town02", marks=pytest.mark.skipif(not (MAPS / "Town02.xodr").exists(), reason="needs ../shared/data/carla_maps")
)


def driven(map_name: str, vehicles: int, ticks: int) -> Any:
    return answer(SCRIPT, str(vehicles), str(ticks), map_name=map_name)


@pytest.mark.parametrize("map_name", [TOWN02, "town"])
def test_thirty_vehicles_keep_their_lanes_and_stop_at_red(map_name: str) -> None:
    report = driven(map_name, vehicles=30, ticks=1200)
    assert report["vehicles"] == 30
    assert report["worst_deviation_m"] < 1.75  # half a lane
    assert report["mean_speed_mps"] > 2.0
    assert report["waits_at_red"] > 100
    assert report["left_on_red"] == 0


def test_two_thousand_ticks_end_in_the_same_state_in_fresh_processes() -> None:
    hashes = {driven("town", vehicles=20, ticks=2000)["state_hash"] for _ in range(3)}
    assert len(hashes) == 1
