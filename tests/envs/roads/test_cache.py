"""The cache of compiled maps: same arrays, never stale, never in the way."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from envs.roads import cache
from envs.roads.cache import cache_folder, load_lane_graph
from envs.roads.controls import TrafficControls
from envs.roads.drawing import RoadDrawing
from envs.roads.elements import OpenDrive, OpenDriveError
from envs.roads.generate import OnRampRoad, Street
from envs.roads.lane_graph import LaneGraph
from envs.user_cache import CACHE_VARIABLE
from tests.envs.roads.crossing import signalised


@pytest.fixture
def map_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "ramp.xodr"
    path.write_text(OnRampRoad(curvature=0.002).opendrive())
    return path


def forbid_compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(opendrive: OpenDrive) -> LaneGraph:
        raise AssertionError("compiled although the cache has it")

    monkeypatch.setattr(cache, "compile_lane_graph", refuse)


def assert_same(first: LaneGraph | TrafficControls, second: LaneGraph | TrafficControls) -> None:
    for field in fields(first):
        one, two = getattr(first, field.name), getattr(second, field.name)
        assert type(one) is type(two), field.name
        if isinstance(one, RoadDrawing):
            assert one.to_lists(12) == two.to_lists(12)
        elif isinstance(one, TrafficControls):
            assert_same(one, two)
        elif isinstance(one, np.ndarray):
            assert np.array_equal(one, two) and one.dtype == two.dtype, field.name
        else:
            assert one == two, field.name


def test_the_second_load_comes_from_the_cache(map_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_lane_graph(map_path)
    forbid_compiling(monkeypatch)
    assert_same(first, load_lane_graph(map_path))
    assert [path.suffix for path in cache_folder().iterdir()] == [".npz"]


def test_controls_come_from_the_cache(map_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    map_path.write_text(signalised())
    first = load_lane_graph(map_path)
    assert first.controls.signal_ids
    forbid_compiling(monkeypatch)
    assert_same(first, load_lane_graph(map_path))


def test_another_content_is_another_entry(map_path: Path) -> None:
    load_lane_graph(map_path)
    map_path.write_text(Street().opendrive())
    assert load_lane_graph(map_path).lane_count == 2


def test_another_compiler_version_is_another_entry(map_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_lane_graph(map_path)
    monkeypatch.setattr(cache, "COMPILER_VERSION", -1)
    load_lane_graph(map_path)
    assert len(list(cache_folder().iterdir())) == 2


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "bits", "missing"])
def test_a_broken_entry_is_made_anew(map_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    first = load_lane_graph(map_path)
    entry = next(cache_folder().iterdir())
    content = entry.read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 0xFF
    broken = {"cut": content[: len(content) // 2], "empty": b"", "text": b"no archive", "bits": bytes(flipped)}
    if damage == "missing":
        np.savez(entry, start=first.start)
    else:
        entry.write_bytes(broken[damage])
    assert_same(first, load_lane_graph(map_path))
    forbid_compiling(monkeypatch)
    assert_same(first, load_lane_graph(map_path))


def test_a_folder_that_cannot_be_made_costs_only_time(map_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(map_path))
    assert load_lane_graph(map_path).lane_count == 8


def test_a_broken_map_leaves_nothing_behind(map_path: Path) -> None:
    map_path.write_text("<OpenDRIVE/>")
    with pytest.raises(OpenDriveError, match="map ramp: no <road> element"):
        load_lane_graph(map_path)
    assert not cache_folder().exists()
    with pytest.raises(OpenDriveError, match="cannot read the map"):
        load_lane_graph(map_path.with_name("none.xodr"))


def test_without_a_name_the_cache_is_in_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "hcrmp" / "lane_graphs"
