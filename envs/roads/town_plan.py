"""The pieces of the generated town: nodes, cross sections of streets, the ring and its ramps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from envs.roads.elements import Geometry
from envs.roads.writer import LanePlan, Pose, RoadPlan

EAST, NORTH, WEST, SOUTH = 0.0, 0.5 * math.pi, math.pi, -0.5 * math.pi
SHOULDER_M = 1.0


@dataclass(frozen=True, slots=True)
class Node:
    """A junction's centre (m); its arms begin ``setback_m`` from it."""

    x: float
    y: float
    setback_m: float = 12.0

    def leaving(self, direction: float) -> Pose:
        """Return the pose at the end of the arm in ``direction`` (rad), looking away from the junction."""
        gap = self.setback_m
        return self.x + gap * math.cos(direction), self.y + gap * math.sin(direction), direction

    def entering(self, direction: float) -> Pose:
        """Return the same place, looking into the junction."""
        x, y, _ = self.leaving(direction)
        return x, y, direction + math.pi


@dataclass(frozen=True, slots=True)
class CrossSections:
    """The roads of a town: two-lane streets with sidewalks, a ring of two lanes a direction, ramps of one."""

    lane_width_m: float
    sidewalk_m: float

    def street(self, road_id: int, name: str, plan: Sequence[Geometry], limit_mps: float) -> RoadPlan:
        """Return a two-way street: lanes 1 and -1, sidewalks 2 and -2."""
        side = [
            LanePlan("driving", self.lane_width_m, "curb"),
            LanePlan("sidewalk", self.sidewalk_m),
        ]
        return RoadPlan(
            road_id, name, plan, right=side, left=side, kind="town", limit_mps=limit_mps, centre_mark="broken"
        )

    def ramp(self, road_id: int, name: str, plan: Sequence[Geometry], limit_mps: float) -> RoadPlan:
        """Return a one-way road of lane -1."""
        lanes = [LanePlan("driving", self.lane_width_m, "solid"), LanePlan("shoulder", SHOULDER_M)]
        return RoadPlan(road_id, name, plan, right=lanes, kind="town", limit_mps=limit_mps, centre_mark="solid")

    def ring(
        self,
        road_id: int,
        name: str,
        plan: Sequence[Geometry],
        limit_mps: float,
        outside: Sequence[LanePlan] | None = None,
        linked: tuple[bool, bool] = (False, False),
    ) -> RoadPlan:
        """Return a piece of the ring: two lanes a direction, ``outside`` (a shoulder if None) right of lane -2.

        ``linked``: its start, and its end, joins another piece of the ring directly.
        """
        outside = [LanePlan("shoulder", SHOULDER_M)] if outside is None else outside
        mark = "broken" if any(lane.kind == "driving" for lane in outside) else "solid"
        right = [self._through(-1, "broken", linked), self._through(-2, mark, linked), *outside]
        left = [
            self._through(1, "broken", linked),
            self._through(2, "solid", linked),
            LanePlan("shoulder", SHOULDER_M),
        ]
        return RoadPlan(road_id, name, plan, right, left, kind="town", limit_mps=limit_mps, centre_mark="solid solid")

    def _through(self, lane: int, mark: str, linked: tuple[bool, bool]) -> LanePlan:
        before, after = (lane if end else None for end in linked)
        return LanePlan("driving", self.lane_width_m, mark, predecessor=before, successor=after)
