"""A short, deterministic run of the fuzz, and that it would notice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import OpenDrive, OpenDriveError
from envs.roads.lane_graph import LaneGraph
from tests.fuzz import fuzz_opendrive
from tests.fuzz.corpus import corpus
from tests.fuzz.fuzz_opendrive import deadline, fuzz_file, verdict


@pytest.mark.parametrize("name", sorted(corpus()))
def test_the_sound_maps_compile(name: str) -> None:
    assert verdict(corpus()[name]) == "graph"


def test_three_hundred_files_compile_or_are_refused() -> None:
    maps = {name: content for name, content in corpus().items() if not name.startswith("junction_")}
    outcomes = Counter(verdict(fuzz_file(maps, 0, index)[1]) for index in range(300))
    assert outcomes["graph"] > 50 and outcomes["refused"] > 50


def test_a_file_depends_on_seed_and_number_alone() -> None:
    maps = corpus()
    assert fuzz_file(maps, 3, 7) == fuzz_file(maps, 3, 7)
    assert fuzz_file(maps, 3, 7) != fuzz_file(maps, 3, 8)


def test_a_number_that_is_not_finite_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(opendrive: OpenDrive) -> LaneGraph:
        graph = compile_lane_graph(opendrive)
        graph.speed_limit[0] = np.nan
        return graph

    monkeypatch.setattr(fuzz_opendrive, "compile_lane_graph", broken)
    with pytest.raises(AssertionError, match="not finite"):
        verdict(corpus()["street"])


def test_an_error_of_two_lines_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    error = OpenDriveError("one")
    error.args = ("one\ntwo",)

    def broken(*_: object) -> LaneGraph:
        raise error

    monkeypatch.setattr(fuzz_opendrive, "compile_lane_graph", broken)
    with pytest.raises(AssertionError, match="not one line"):
        verdict(corpus()["street"])


def test_a_hang_is_noticed() -> None:
    with pytest.raises(TimeoutError, match="not done within 0.01 s"), deadline(0.01):
        while True:
            pass
