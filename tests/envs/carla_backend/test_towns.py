"""Maps that the server has: found by name, read by our compiler, loaded only when they have to be, with heights."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.carla_backend.config import CarlaConfig, FarmConfig
from envs.carla_backend.maps import towns_of_server
from envs.embedded.vehicle import VehicleParameters
from envs.factory import make_vector_env
from envs.roads.geometry import end_pose
from envs.roads.opendrive import parse_opendrive
from envs.roads.town import Town
from envs.scenarios.maps import UnknownMapError
from hcrmp.cli import USER_ERROR_STATUS, main
from tests.envs.carla_server.serving import MAPS, once_more, run_client, served

pytest.importorskip("carla")
pytestmark = pytest.mark.timeout(900)

UP_M, RISE = 40.0, 0.04
"""Height of the test's town at x = 0 (m), and how it rises from there (m per m)."""

FLAT = '<elevationProfile><elevation s="0.0" a="0.0" b="0.0" c="0.0" d="0.0"/></elevationProfile>'


def hillside() -> str:
    """Return a town on a slope: each piece of a road rises evenly from its beginning to its end."""
    text = Town(block_m=95.0).opendrive()
    head, *parts = text.split(FLAT)
    for road, part in zip(parse_opendrive(text, "hillside").roads.values(), parts, strict=True):
        rises = []
        for piece in road.geometries:
            begin, end = UP_M + RISE * piece.x, UP_M + RISE * end_pose(piece)[0]
            rises.append(f'<elevation s="{piece.s}" a="{begin}" b="{(end - begin) / piece.length}" c="0" d="0"/>')
        head += f"<elevationProfile>{''.join(rises)}</elevationProfile>{part}"
    return head


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    (folder / "Hillside.xodr").write_text(hillside(), "utf-8")
    if MAPS.is_dir():
        (folder / "Town02.xodr").write_text((MAPS / "Town02.xodr").read_text("utf-8"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[FarmConfig]:
    with served("street_0", synchronous=False, folder=folder) as port:
        config = CarlaConfig(tyre_friction=VehicleParameters().friction, sizes="scenario")
        yield FarmConfig(servers=(f"127.0.0.1:{port}",), server=config)


def test_a_map_of_ours_needs_no_server() -> None:
    nobody = FarmConfig(servers=("127.0.0.1:9",))
    assert towns_of_server("", nobody) == towns_of_server("large_town", nobody) == {}
    assert towns_of_server("maps/mine.xodr", nobody) == {}


def test_a_town_of_the_server_is_read_by_its_name(server: FarmConfig) -> None:
    assert towns_of_server("Hillside", server) == {"Hillside": hillside()}


def test_a_name_that_neither_side_knows_is_told_with_what_both_have(
    server: FarmConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulator=carla", f"simulator.servers=[{server.servers[0]}]", "scenario=route", f"runs_dir={tmp_path}"]
    assert main(["train", *words, "map=Hilside"]) == USER_ERROR_STATUS
    told = capsys.readouterr().err.strip()
    assert "unknown map 'Hilside'. Did you mean 'Hillside'?" in told and "large_town" in told and "PATH.xodr" in told
    assert "\n" not in told and not list(tmp_path.iterdir())
    with pytest.raises(UnknownMapError, match="unknown map 'Town02'"):
        make_vector_env(1, "route", "low", map="Town02")


@pytest.mark.parametrize("name", ["Hillside", "Town02"])
def test_the_same_routes_are_driven_as_on_the_file(server: FarmConfig, folder: Path, name: str) -> None:
    file = folder / f"{name}.xodr"
    if not file.is_file():
        pytest.skip("the maps of CARLA are not here")
    there = make_vector_env(1, "route", "low", simulator=server, map=name)
    here = make_vector_env(1, "route", "low", map=str(file))
    try:
        for env in (here, there):
            env.reset(seed=5)
        assert there.scene.seed == here.scene.seed
        np.testing.assert_array_equal(there.scene.actors.block, here.scene.actors.block)
        for _ in range(20):
            for env in (here, there):
                env.step(np.array([[0.3, 0.02]], np.float32))
            np.testing.assert_allclose(there.scene.ego.block[:4], here.scene.ego.block[:4], atol=1e-3)
            np.testing.assert_allclose(there.scene.route.block, here.scene.route.block, atol=1e-2)
    finally:
        there.close()
        here.close()


@pytest.fixture(scope="module")
def told(server: FarmConfig) -> dict[str, Any]:
    port = server.addresses[0][1]
    script = f"from tests.envs.carla_backend.town_script import main; main({port})"
    return json.loads(once_more(lambda: run_client(script)))  # type: ignore[no-any-return]


def test_a_town_is_loaded_only_where_the_server_is_not_on_it_or_somebody_is(told: dict[str, Any]) -> None:
    first, asked_again, new_client, with_guests = told["episodes"]
    assert first == asked_again == new_client < with_guests


def test_bodies_stand_on_the_ground_of_the_town(told: dict[str, Any]) -> None:
    """By the client's own waypoints; a lane's are level with its road's middle, the sidewalk has the nearest lane's."""
    assert np.ptp(told["ground_m"]) > 3.0 and min(told["ground_m"]) > 10.0
    np.testing.assert_allclose(told["bodies_m"], told["ground_m"], atol=0.4)
    assert told["ego_m"] == pytest.approx(told["ego_ground_m"], abs=0.05)


def test_the_slope_below_the_ego_is_the_one_that_the_client_knows(told: dict[str, Any]) -> None:
    assert abs(told["slope"]) > 0.01 and told["slope"] == pytest.approx(told["ground_slope"], abs=2e-3)


@pytest.mark.parametrize("yaw", [0.0, 2.0])
def test_a_nose_points_up_where_the_ground_rises_ahead(yaw: float) -> None:
    from envs.carla_backend.poses import Box

    ahead = Box(0.0, 0.0, 2.0, 1.0, 0.0).transform(5.0, 6.0, yaw, 0.0, 0.1).get_forward_vector()
    assert ahead.z / np.hypot(ahead.x, ahead.y) == pytest.approx(0.1, abs=1e-5)


def test_the_lights_of_a_town_go_by_its_own_clocks_again_afterwards(told: dict[str, Any]) -> None:
    assert told["lights"] > 0 and told["frozen"] == [0, told["lights"], 0]


def test_another_map_of_the_same_name_is_refused(told: dict[str, Any]) -> None:
    assert re.search(r"Hillside of the server at 127.0.0.1:\d+ is another map than .* of the first", told["refused"])
