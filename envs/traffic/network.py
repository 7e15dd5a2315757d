"""The lane graph as the kernels take it: one tuple of arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from envs.roads.lane_graph import LaneGraph
from envs.scene import BoolArray, FloatArray, IntArray
from envs.traffic.relations import relate_lanes


class RoadArrays(NamedTuple):
    """Arrays of a LaneGraph (see there) and of its LaneRelations (``ends``, ``slot``, ``table``)."""

    samples: FloatArray
    start: IntArray
    step: FloatArray
    length: FloatArray
    left: IntArray
    right: IntArray
    opposite: IntArray
    successors: IntArray
    predecessors: IntArray
    junction: IntArray
    speed_limit: FloatArray
    category: IntArray
    ends: BoolArray
    slot: npt.NDArray[np.int32]
    table: FloatArray


def road_arrays(graph: LaneGraph) -> RoadArrays:
    """Return the arrays of ``graph`` that traffic and simulators read."""
    relations = relate_lanes(graph)
    return RoadArrays(
        graph.samples,
        graph.start,
        graph.step,
        graph.length,
        graph.left,
        graph.right,
        graph.opposite,
        graph.successors,
        graph.predecessors,
        graph.junction,
        graph.speed_limit,
        graph.category,
        relations.ends,
        relations.slot,
        relations.table,
    )
