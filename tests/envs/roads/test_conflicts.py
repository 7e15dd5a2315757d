"""Who goes first where ways become one, on a real map: those on the motorway before those who enter it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from envs.roads.compiler import compile_lane_graph
from envs.roads.conflicts import ConflictKind, find_conflicts
from envs.roads.lane_graph import SampleColumn
from envs.roads.opendrive import parse_opendrive


@pytest.mark.parametrize("town", ["Town04"], indirect=True)
def test_through_traffic_goes_before_a_ramp_that_joins(town: Path) -> None:
    graph = compile_lane_graph(parse_opendrive(town.read_bytes(), town.stem))
    found = find_conflicts(graph)
    owner = np.repeat(np.arange(graph.lane_count), np.diff(found.start))
    heading = graph.samples[graph.start[:-1], SampleColumn.HEADING]
    limit = graph.speed_limit[graph.predecessors[:, 0]]
    decided = 0
    for z in np.flatnonzero(found.kind == ConflictKind.MERGING):
        own, other = owner[z], found.lane[z]
        parallel = math.cos(heading[own] - heading[other]) > math.cos(math.radians(45.0))
        if parallel and abs(limit[own] - limit[other]) > 1.0 and graph.controls.gate[[own, other]].max() == 0:
            assert found.priority[z] == np.sign(limit[own] - limit[other])
            decided += 1
    assert decided > 0
