"""CARLA's Traffic Manager as background: it drives who has no part, in step, repeatably, and ends on every way out."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.envs.carla_backend.ambient_script import STEPS
from tests.envs.carla_server.serving import ROOT, run_client, served

pytest.importorskip("carla")
pytestmark = pytest.mark.timeout(900)

SYNCHRONOUS = (
    "import carla; print(carla.Client('127.0.0.1', {port}).get_world().get_settings().synchronous_mode)"
)


@pytest.fixture(scope="module")
def reports() -> Iterator[list[dict[str, Any]]]:
    """Two environments at once on two servers: what each tells, and how it and its server are left."""
    with ExitStack() as stack:
        ports = [stack.enter_context(served("street_0", synchronous=False)) for _ in range(2)]
        drives = [stack.enter_context(begun(port, end)) for port, end in zip(ports, ("close", "leave"), strict=True)]
        told = [json.loads(drive.stdout.readline()) for drive in drives]  # type: ignore[union-attr]
        for report, drive, port in zip(told, drives, ports, strict=True):
            report["left"], _ = drive.communicate(timeout=60.0)
            report["status"] = drive.returncode
            report["synchronous"] = run_client(SYNCHRONOUS.format(port=port)).strip()
        yield told


def begun(port: int, end: str) -> subprocess.Popen[str]:
    script = f"from tests.envs.carla_backend.ambient_script import main; main({port}, {end!r})"
    return subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_two_environments_have_their_own_traffic_managers(reports: list[dict[str, Any]]) -> None:
    assert reports[0]["port"] != reports[1]["port"]


def test_its_vehicles_drive_in_their_lanes_and_the_scene_has_them_where_they_are(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        for drive in (report["first"], report["other"], report["after_map_change"]):
            assert drive["time_s"] == pytest.approx(0.1 * STEPS)
            assert sum(metres > 15.0 for metres in drive["driven_m"]) >= 5
            assert drive["worst_offset_m"] < 2.0
            assert drive["apart_m"] < 1e-3


def test_cyclists_stay_with_the_brain(reports: list[dict[str, Any]]) -> None:
    assert len(reports[0]["first"]["ridden_m"]) == 2 and max(reports[0]["first"]["ridden_m"]) > 5.0


def test_the_same_seed_gives_the_same_trajectories(reports: list[dict[str, Any]]) -> None:
    here, there = reports
    assert here["first"]["hash"] == there["first"]["hash"] == here["again"]["hash"] == here["after_map_change"]["hash"]
    assert here["other"]["hash"] == there["other"]["hash"] != here["first"]["hash"]


def test_a_state_brings_its_vehicles_back(reports: list[dict[str, Any]]) -> None:
    assert max(reports[0]["state"]) < 0.5


def test_it_ends_with_its_map_and_on_every_way_out(reports: list[dict[str, Any]]) -> None:
    for report in reports:
        assert report["listens"] == [True, False]
        assert report["status"] == 0 and report["synchronous"] == "False"
    assert json.loads(reports[0]["left"]) is False
