"""SceneBatch: the one vocabulary between simulators, observations, rewards, hints and records.

Every array's leading axis is the environment, ``B``; road users add an axis ``A``, route points an
axis ``N``. SI units; right-handed world frame (x east, y north, yaw counter-clockwise from x, radians).

Each group keeps its numbers in one float64 ``block`` whose first axis is the field, so that a numba
kernel takes one array per group, a recorder writes it whole and servers stack along the batch axis.
The named attributes are views of that block (floats) or small derived arrays (flags, codes).

A simulator may reuse its blocks: a scene is valid until the simulator's next ``step`` or ``reset``;
``copy()`` keeps one for longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

ROUTE_POINTS = 5
"""Number of points ahead in ``RouteState`` (the paper's decision process: five next waypoints)."""

ROUTE_POINT_SPACING_M = 8.0
"""Arc length between consecutive route points ahead, metres (ours)."""


class ActorKind(IntEnum):
    """What a road user or obstacle is; the six first are the paper's entity types, in its order."""

    CAR = 0
    TRUCK = 1
    BUS = 2
    MOTORCYCLE = 3
    PEDESTRIAN = 4
    CYCLIST = 5
    STATIC = 6


class RoadCategory(IntEnum):
    """Road category of the paper's scenario-level hint, in its order."""

    HIGHWAY = 0
    RURAL = 1
    URBAN = 2


class SignalState(IntEnum):
    """State of the signal that governs the ego's lane; ``NONE`` where there is none in range."""

    NONE = 0
    GREEN = 1
    YELLOW = 2
    RED = 3


class StopLine(IntEnum):
    """What holds the ego at the stop line ahead; ``NONE`` where there is none in range."""

    NONE = 0
    SIGNAL = 1
    STOP_SIGN = 2
    YIELD_SIGN = 3


class _Number:
    """A float64 view of one row of a group's block."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __get__(self, group: Any, owner: type) -> FloatArray:
        row: FloatArray = group.block[self.index]
        return row


class _Code:
    """An integer copy of one row of a group's block."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __get__(self, group: Any, owner: type) -> IntArray:
        codes: IntArray = group.block[self.index].astype(np.int64)
        return codes


class _Flag:
    """A boolean copy of one row of a group's block."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __get__(self, group: Any, owner: type) -> BoolArray:
        flags: BoolArray = group.block[self.index] > 0.5
        return flags


class EgoRow(IntEnum):
    """Rows of ``EgoState.block``."""

    X = 0
    Y = 1
    YAW = 2
    SPEED = 3
    LATERAL_SPEED = 4
    ACCELERATION = 5
    LATERAL_ACCELERATION = 6
    YAW_RATE = 7
    JERK = 8
    LENGTH = 9
    WIDTH = 10
    STEER = 11
    THROTTLE = 12
    BRAKE = 13
    STEER_CHANGE = 14


class ActorRow(IntEnum):
    """Rows of ``ActorStates.block``."""

    VALID = 0
    VISIBLE = 1
    KIND = 2
    ID = 3
    X = 4
    Y = 5
    YAW = 6
    SPEED = 7
    VX = 8
    VY = 9
    ACCELERATION = 10
    LENGTH = 11
    WIDTH = 12


class RoadRow(IntEnum):
    """Rows of ``RoadState.block``."""

    CATEGORY = 0
    LANES_LEFT = 1
    LANES_RIGHT = 2
    LANE_WIDTH = 3
    LANE_OFFSET = 4
    HEADING_ERROR = 5
    SPEED_LIMIT = 6
    CURVATURE = 7
    DISTANCE_TO_LANE_END = 8
    LEFT_IS_ONCOMING = 9
    EDGE_LEFT = 10
    EDGE_RIGHT = 11
    IN_JUNCTION = 12
    DISTANCE_TO_JUNCTION = 13
    SIGNAL = 14
    DISTANCE_TO_STOP_LINE = 15
    STOP_LINE = 16
    STOOD = 17


class RouteRow(IntEnum):
    """Rows of ``RouteState.block``."""

    PROGRESS = 0
    LENGTH = 1
    LATERAL_OFFSET = 2
    HEADING_ERROR = 3
    TIME_LIMIT = 4


class EventRow(IntEnum):
    """Rows of ``Events.block``."""

    COLLISION = 0
    COLLISION_ACTOR = 1
    OFF_ROAD = 2
    RED_LIGHT = 3
    STOP_SIGN = 4
    WRONG_WAY = 5
    ROUTE_DEVIATION = 6
    GOAL_REACHED = 7
    LANE_INVASION = 8


@dataclass(frozen=True, slots=True)
class EgoState:
    """The ego vehicle; every attribute is ``(B,)``.

    ``x, y`` centre of the body (m); ``yaw`` (rad); ``speed`` and ``lateral_speed`` in the body frame
    (m/s); ``acceleration`` and ``lateral_acceleration`` in the body frame (m/s2); ``yaw_rate`` (rad/s);
    ``jerk`` longitudinal (m/s3); ``length``, ``width`` (m); ``steer`` the last command in [-1, 1],
    positive to the left; ``throttle``, ``brake`` the last commands in [0, 1]; ``steer_change`` the
    last change of the steer command in a decision step.
    """

    block: FloatArray
    x = _Number(EgoRow.X)
    y = _Number(EgoRow.Y)
    yaw = _Number(EgoRow.YAW)
    speed = _Number(EgoRow.SPEED)
    lateral_speed = _Number(EgoRow.LATERAL_SPEED)
    acceleration = _Number(EgoRow.ACCELERATION)
    lateral_acceleration = _Number(EgoRow.LATERAL_ACCELERATION)
    yaw_rate = _Number(EgoRow.YAW_RATE)
    jerk = _Number(EgoRow.JERK)
    length = _Number(EgoRow.LENGTH)
    width = _Number(EgoRow.WIDTH)
    steer = _Number(EgoRow.STEER)
    throttle = _Number(EgoRow.THROTTLE)
    brake = _Number(EgoRow.BRAKE)
    steer_change = _Number(EgoRow.STEER_CHANGE)


@dataclass(frozen=True, slots=True)
class ActorStates:
    """All other road users and obstacles; every attribute is ``(B, A)``.

    ``valid`` the slot is in use (every other number of an unused slot is 0); ``visible`` the ego has
    a free line of sight to some part of it; ``kind`` an ``ActorKind``; ``id`` unique in its world;
    ``x, y, yaw`` pose of the centre (m, m, rad); ``speed`` along ``yaw`` (m/s); ``vx, vy`` velocity in
    the world frame (m/s); ``acceleration`` along ``yaw`` (m/s2); ``length``, ``width`` (m).
    """

    block: FloatArray
    valid = _Flag(ActorRow.VALID)
    visible = _Flag(ActorRow.VISIBLE)
    kind = _Code(ActorRow.KIND)
    id = _Code(ActorRow.ID)
    x = _Number(ActorRow.X)
    y = _Number(ActorRow.Y)
    yaw = _Number(ActorRow.YAW)
    speed = _Number(ActorRow.SPEED)
    vx = _Number(ActorRow.VX)
    vy = _Number(ActorRow.VY)
    acceleration = _Number(ActorRow.ACCELERATION)
    length = _Number(ActorRow.LENGTH)
    width = _Number(ActorRow.WIDTH)


@dataclass(frozen=True, slots=True)
class RoadState:
    """The road at the ego; every attribute is ``(B,)``.

    ``category`` a ``RoadCategory``; ``lanes_left``/``lanes_right`` number of driving lanes beside the
    ego's lane (oncoming ones count); ``lane_width`` (m); ``lane_offset`` of the ego's centre from the
    lane's centre (m, positive left); ``heading_error`` of the ego against the lane (rad); ``speed_limit``
    (m/s); ``curvature`` of the lane (1/m, positive left); ``distance_to_lane_end`` until the lane ends
    without a successor or must be left (m, 200 where it does not); ``left_is_oncoming`` the lane to the
    left runs against the ego; ``edge_left``/``edge_right`` distance from the ego's centre to the edge of the
    drivable surface (m, negative outside); ``in_junction``; ``distance_to_junction`` (m, 200 where there is
    none); ``signal`` a ``SignalState``; ``distance_to_stop_line`` (m, 200 where there is none); ``stop_line`` a
    ``StopLine``; ``stood`` the ego has come to a stand before that line, as a stop sign demands.
    """

    block: FloatArray
    category = _Code(RoadRow.CATEGORY)
    lanes_left = _Code(RoadRow.LANES_LEFT)
    lanes_right = _Code(RoadRow.LANES_RIGHT)
    lane_width = _Number(RoadRow.LANE_WIDTH)
    lane_offset = _Number(RoadRow.LANE_OFFSET)
    heading_error = _Number(RoadRow.HEADING_ERROR)
    speed_limit = _Number(RoadRow.SPEED_LIMIT)
    curvature = _Number(RoadRow.CURVATURE)
    distance_to_lane_end = _Number(RoadRow.DISTANCE_TO_LANE_END)
    left_is_oncoming = _Flag(RoadRow.LEFT_IS_ONCOMING)
    edge_left = _Number(RoadRow.EDGE_LEFT)
    edge_right = _Number(RoadRow.EDGE_RIGHT)
    in_junction = _Flag(RoadRow.IN_JUNCTION)
    distance_to_junction = _Number(RoadRow.DISTANCE_TO_JUNCTION)
    signal = _Code(RoadRow.SIGNAL)
    distance_to_stop_line = _Number(RoadRow.DISTANCE_TO_STOP_LINE)
    stop_line = _Code(RoadRow.STOP_LINE)
    stood = _Flag(RoadRow.STOOD)


@dataclass(frozen=True, slots=True)
class RouteState:
    """The ego's route; ``points`` is ``(B, N, 3)`` (x, y, heading ahead), the others are ``(B,)``.

    ``progress_m`` along the route, never decreasing; ``length_m`` of the route from start to goal;
    ``lateral_offset`` from the route's line (m, positive left); ``heading_error`` of the ego against the
    route (rad); ``time_limit_s`` for reaching the goal.
    """

    block: FloatArray
    points: FloatArray
    progress_m = _Number(RouteRow.PROGRESS)
    length_m = _Number(RouteRow.LENGTH)
    lateral_offset = _Number(RouteRow.LATERAL_OFFSET)
    heading_error = _Number(RouteRow.HEADING_ERROR)
    time_limit_s = _Number(RouteRow.TIME_LIMIT)


@dataclass(frozen=True, slots=True)
class Events:
    """What happened during the last step; every attribute is ``(B,)``.

    ``collision`` the ego's body met another; ``collision_actor`` its slot in ``ActorStates`` (-1: none);
    ``off_road`` the ego's centre left the drivable surface; ``red_light``, ``stop_sign`` run; ``wrong_way``
    against the traffic of the lane for longer than the scenario allows; ``route_deviation`` too far from
    the route; ``goal_reached``; ``lane_invasion`` the ego's body came over a border of its lane, outside of junctions.
    """

    block: FloatArray
    collision = _Flag(EventRow.COLLISION)
    collision_actor = _Code(EventRow.COLLISION_ACTOR)
    off_road = _Flag(EventRow.OFF_ROAD)
    red_light = _Flag(EventRow.RED_LIGHT)
    stop_sign = _Flag(EventRow.STOP_SIGN)
    wrong_way = _Flag(EventRow.WRONG_WAY)
    route_deviation = _Flag(EventRow.ROUTE_DEVIATION)
    goal_reached = _Flag(EventRow.GOAL_REACHED)
    lane_invasion = _Flag(EventRow.LANE_INVASION)


Group = TypeVar("Group", EgoState, ActorStates, RoadState, Events)


@dataclass(frozen=True, slots=True)
class SceneBatch:
    """One moment of B worlds.

    ``time_s`` ``(B,)`` simulated seconds since the episode began; ``step`` ``(B,)`` decision steps since then;
    ``cell`` ``(B,)`` index of the scenario cell in the environment's scenario set; ``seed`` ``(B,)`` int64 that
    the world's own chances hash: the episode's, unless its scenario wants the clocks of its signals otherwise.
    """

    time_s: FloatArray
    step: IntArray
    cell: IntArray
    seed: IntArray
    ego: EgoState
    actors: ActorStates
    road: RoadState
    route: RouteState
    events: Events

    @classmethod
    def empty(cls, batch: int, actors: int) -> SceneBatch:
        """Return a scene of ``batch`` worlds and ``actors`` slots with every number zero."""
        return cls(
            time_s=np.zeros(batch),
            step=np.zeros(batch, dtype=np.int64),
            cell=np.zeros(batch, dtype=np.int64),
            seed=np.zeros(batch, dtype=np.int64),
            ego=EgoState(np.zeros((len(EgoRow), batch))),
            actors=ActorStates(np.zeros((len(ActorRow), batch, actors))),
            road=RoadState(np.zeros((len(RoadRow), batch))),
            route=RouteState(np.zeros((len(RouteRow), batch)), np.zeros((batch, ROUTE_POINTS, 3))),
            events=Events(np.zeros((len(EventRow), batch))),
        )

    @property
    def batch_size(self) -> int:
        """Number of worlds B."""
        return len(self.time_s)

    @property
    def actor_slots(self) -> int:
        """Number of actor slots A."""
        return int(self.actors.block.shape[2])

    def rows(self, index: npt.NDArray[Any] | Sequence[int] | slice) -> SceneBatch:
        """Return a copy of the worlds chosen by ``index`` (integers, slice or mask over B)."""
        chosen = np.arange(self.batch_size)[index]
        return SceneBatch(
            time_s=self.time_s[chosen],
            step=self.step[chosen],
            cell=self.cell[chosen],
            seed=self.seed[chosen],
            ego=EgoState(self.ego.block[:, chosen]),
            actors=ActorStates(self.actors.block[:, chosen]),
            road=RoadState(self.road.block[:, chosen]),
            route=RouteState(self.route.block[:, chosen], self.route.points[chosen]),
            events=Events(self.events.block[:, chosen]),
        )

    def copy(self) -> SceneBatch:
        """Return a scene that later steps of the simulator do not change."""
        return self.rows(slice(None))
