"""The cache of compiled walk graphs: same arrays, from the disk the second time, never in the way."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from envs.roads import walk_cache
from envs.roads.cache import cache_folder, load_lane_graph
from envs.roads.elements import OpenDriveError
from envs.roads.generate import Street
from envs.roads.walk_cache import load_walk_graph
from envs.roads.walk_graph import WalkGraph
from envs.user_cache import CACHE_VARIABLE


@pytest.fixture
def map_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "street.xodr"
    path.write_text(Street(crosswalk_s_m=150.0).opendrive())
    return path


def assert_same(first: WalkGraph, second: WalkGraph) -> None:
    for field in fields(WalkGraph):
        one, two = getattr(first, field.name), getattr(second, field.name)
        assert np.array_equal(one, two), field.name
        assert field.name == "name" or one.dtype == two.dtype


def test_the_second_load_comes_from_the_cache(map_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = load_lane_graph(map_path)
    first = load_walk_graph(map_path, graph)
    assert first.crosswalk_count == 1

    def refuse(*_: object) -> WalkGraph:
        raise AssertionError("compiled although the cache has it")

    monkeypatch.setattr(walk_cache, "walk_graph_of_map", refuse)
    assert_same(first, load_walk_graph(map_path, graph))
    with pytest.raises(AssertionError, match="the cache has it"):
        map_path.write_text(Street(crosswalk_s_m=160.0).opendrive())
        load_walk_graph(map_path, graph)


def test_a_broken_entry_is_compiled_anew(map_path: Path) -> None:
    graph = load_lane_graph(map_path)
    first = load_walk_graph(map_path, graph)
    (entry,) = cache_folder().glob("*.walk*.npz")
    for content in (b"", b"no archive", entry.read_bytes()[:200]):
        entry.write_bytes(content)
        assert_same(first, load_walk_graph(map_path, graph))
        assert len(entry.read_bytes()) > 1000


def test_a_map_that_is_not_there(tmp_path: Path, map_path: Path) -> None:
    with pytest.raises(OpenDriveError, match="cannot read the map"):
        load_walk_graph(tmp_path / "atlantis.xodr", load_lane_graph(map_path))
