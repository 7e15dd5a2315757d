"""What the drivers of all worlds need beside their own state: their paths, and scratch for one world at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from envs.scene import FloatArray, IntArray
from envs.traffic.agents import ObjectRow
from envs.traffic.claims import CLAIM_ROWS
from envs.traffic.crowd import CrowdArrays, nobody
from envs.traffic.ego_body import no_ego
from envs.traffic.grants import GRANTS
from envs.traffic.path_view import make_view
from envs.traffic.paths import PATH_LANES


class TrafficArrays(NamedTuple):
    """``paths`` ``(B, A, PATH_LANES)`` and ``grants`` ``(B, A, GRANTS, 2)`` are state; the rest is scratch.

    ``objects`` ``(len(ObjectRow), B, A + 1)``; ``heads`` ``(L,)`` and ``links`` ``(A + 1,)`` lists of the bodies by
    lane; ``seen`` by one driver (``envs.traffic.path_view``); ``target_path`` ``(PATH_LANES,)`` of a lane change;
    ``claims`` of right of way (``envs.traffic.claims``); ``ego`` ``(len(EgoBodyRow), B)``, its simulator's to write.
    ``crowd``: the pedestrians, their state included.
    """

    paths: IntArray
    grants: FloatArray
    objects: FloatArray
    heads: IntArray
    links: IntArray
    seen: FloatArray
    target_path: IntArray
    claims: FloatArray
    ego: FloatArray
    crowd: CrowdArrays


def traffic_arrays(worlds: int, agents: int, lanes: int, crowd: CrowdArrays | None = None) -> TrafficArrays:
    """Return the arrays for so many worlds, agents in each, and lanes of the atlas; without ``crowd`` nobody walks."""
    return TrafficArrays(
        paths=np.full((worlds, agents, PATH_LANES), -1, dtype=np.int64),
        grants=np.full((worlds, agents, GRANTS, 2), -1.0),
        objects=np.zeros((len(ObjectRow), worlds, agents + 1)),
        heads=np.full(lanes, -1, dtype=np.int64),
        links=np.full(agents + 1, -1, dtype=np.int64),
        seen=make_view(agents),
        target_path=np.full(PATH_LANES, -1, dtype=np.int64),
        claims=np.zeros((CLAIM_ROWS, agents)),
        ego=no_ego(worlds),
        crowd=nobody(worlds) if crowd is None else crowd,
    )
