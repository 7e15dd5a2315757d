"""Overtaking on two-way streets: past cyclists, the very slow and the parked, through the oncoming lane if need be.

A driver keeps its lane and moves sideways in it, over the centre line where the room asks for it, so everybody sees it
where it is: who comes towards it brakes for it, and who is passed is not behind it before it has returned. It pulls out
only where the way is clear for as long as it needs (``passing_gap``), gives up while it is still behind, and is back
before the next junction. One driver at a time overtakes on a street.
"""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, PassPhase
from envs.traffic.following import find_lane_leader
from envs.traffic.network import RoadArrays
from envs.traffic.passing_gap import (
    SHARE_OF_ACCELERATION,
    SHARE_OF_PACE,
    find_objection,
    pass_time,
    zone_end,
)
from envs.traffic.passing_leader import BACK_GAP_M, leader_while_out, nearest_in_way, time_back
from envs.traffic.passing_room import (
    PULL_OUT_MARGIN_M,
    body_ahead,
    faces,
    look_for,
    own_pace,
    pass_offset,
    pull_out_room,
    standing_ahead,
    steepness,
)
from envs.traffic.passing_wait import count_wait, wanted_margin
from envs.traffic.path_view import ViewRow
from envs.traffic.scratch import TrafficArrays

SLOW_SHARE = 0.6
"""Share of the own pace below which whoever is ahead is slow enough to be overtaken (ours)."""

SLOW_BY = 2.0
"""Difference of pace below which it is not worth the while (m/s, ours)."""

DECIDES_M = 25.0
"""Distance before the place to pull out behind a standing body from which a driver looks whether it can (m, ours)."""

FOLLOWS_M, FOLLOWS_S = 6.0, 1.2
"""Gap and headway up to which a driver overtakes somebody who moves: earlier it would be out for too long (m, s)."""

GIVES_UP_S = 0.5
"""Time left at the end before the oncoming would be there, below which a driver gives up (s, ours)."""

GIVES_UP_BRAKE = 2.0
"""Deceleration with which it must still get behind whom it would pass, to give up (m/s2, ours)."""

DONE_M = 0.3
"""Offset from where it keeps in its lane at which a driver is back (m, ours)."""

LOOKS_M = 80.0
"""Gap to whoever is ahead from which nobody thinks of overtaking (m, ours): a bus needs 45 m to pull out."""

FACING_M = 12.0
"""Distance to an overtaker at which the oncoming stops: the other can still return before it (m, ours)."""

_NONE, _OUT, _BACK = int(PassPhase.NONE), int(PassPhase.OUT), int(PassPhase.BACK)
_STATIC, _VEHICLE = int(AgentMode.STATIC), int(AgentMode.VEHICLE)


@njit
def street_leader(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, gap: float,
    leader: float, ahead: int, period: float, stands: bool,
) -> tuple[float, float, int]:  # fmt: skip
    """Return (gap m, its speed m/s, slot) of whom a driver in streets follows, and let it begin or end overtaking.

    ``gap``, ``leader``, ``ahead``: the nearest body in its way as it drives now; ``stands``: some body of the world
    stands for good.
    """
    s = agents[AgentRow.S, b, i]
    if int(agents[AgentRow.PASSING, b, i]) == _OUT:
        _go_on(agents, traffic, roads, count, b, i, s)
        if int(agents[AgentRow.PASSING, b, i]) == _OUT:
            return leader_while_out(agents, traffic, roads, count, b, i, s)
    phase = int(agents[AgentRow.PASSING, b, i])
    if phase == _BACK:
        if abs(agents[AgentRow.D, b, i] - agents[AgentRow.KEEP_D, b, i]) < DONE_M:
            agents[AgentRow.PASSING, b, i] = _NONE
        gap, leader, ahead = nearest_in_way(agents, traffic, count, b, i, s, time_back(agents, b, i))
    in_lane, its_speed, entering = find_lane_leader(
        agents, traffic.objects, traffic.seen, count, traffic.paths, b, i, s
    )
    if in_lane < gap:
        gap, leader, ahead = in_lane, its_speed, entering
    if 0 <= ahead < agents.shape[2] and int(agents[AgentRow.PASSING, b, ahead]) != _NONE and leader <= 0.0:
        if faces(traffic.seen, count, ahead):
            return _room_for(agents, traffic, count, b, i, s, gap, ahead), leader, ahead
    if gap > LOOKS_M:
        return gap, leader, ahead
    return _consider(agents, traffic, roads, count, b, i, s, gap, leader, ahead, period, stands)


@njit
def wanted_offset(agents: FloatArray, b: int, i: int, aside: float) -> float:
    """Return the offset (m) that agent ``i`` steers for; ``aside`` what it needs to let others pass."""
    if int(agents[AgentRow.PASSING, b, i]) == _OUT:
        return float(agents[AgentRow.PASS_D, b, i])
    keep = agents[AgentRow.KEEP_D, b, i]
    return float(keep if keep != 0.0 else aside)


@njit
def _room_for(
    agents: FloatArray, traffic: TrafficArrays, count: int, b: int, i: int, s: float, gap: float, j: int
) -> float:
    """Return the gap (m) at which agent ``i`` leaves the overtaker ``j``, who comes towards it, the room to return."""
    view, objects = traffic.seen, traffic.objects
    room = gap - FACING_M
    last = look_for(view, count, int(agents[AgentRow.PASS_LAST, b, j]))
    if last >= 0 and int(agents[AgentRow.PASSING, b, j]) == _OUT:
        returns = view[ViewRow.ALONG, last] - objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, last])]
        returns -= pull_out_room(objects, b, j, agents[AgentRow.PASS_D, b, j] - agents[AgentRow.KEEP_D, b, j])
        returns -= 2.0 * objects[ObjectRow.HALF_LENGTH, b, j]
        room = min(room, returns - s - objects[ObjectRow.HALF_LENGTH, b, i])
    return float(max(room, 0.1))


@njit
def _is_slow(agents: FloatArray, roads: RoadArrays, b: int, i: int, j: int) -> bool:
    """Return whether body ``j`` is one to overtake for agent ``i``: it stands for good, or is slow and free.

    Who waits at a line, or in a queue, is never passed; and a cyclist passes only whoever stands for good.
    """
    if j < 0 or j >= agents.shape[2]:
        return False
    if int(agents[AgentRow.MODE, b, j]) == _STATIC:
        return True
    if int(agents[AgentRow.MODE, b, j]) != _VEHICLE or agents[AgentRow.KEEP_D, b, i] != 0.0:
        return False
    mine, theirs = own_pace(agents, roads, b, i), own_pace(agents, roads, b, j)
    slow = theirs <= SLOW_SHARE * mine and mine - theirs >= SLOW_BY and agents[AgentRow.SPEED_FACTOR, b, j] > 0.0
    moves = agents[AgentRow.SPEED, b, j] > 0.5 * theirs
    return bool(slow and moves and agents[AgentRow.PASSING, b, j] == 0.0 and agents[AgentRow.CAUSE, b, j] <= 1.0)


@njit
def _consider(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, s: float, gap: float,
    leader: float, ahead: int, period: float, stands: bool,
) -> tuple[float, float, int]:  # fmt: skip
    """Pull out to pass whom agent ``i`` follows, if it may; before a standing body it waits where it can pull out."""
    view, objects = traffic.seen, traffic.objects
    standing = standing_ahead(agents, objects, view, count, b, i, s) if stands else -1
    first = standing if standing >= 0 and int(view[ViewRow.INDEX, standing]) == ahead else -1
    if first < 0 and _is_slow(agents, roads, b, i, ahead):
        first = look_for(view, count, ahead)
    if standing < 0:
        agents[AgentRow.PASS_WAITED, b, i] = 0.0
    if first < 0 and standing < 0:
        return gap, leader, ahead
    blocker = -1
    if first >= 0:
        last = _last_to_pass(agents, traffic, roads, count, b, i, first)
        offset = pass_offset(agents, objects, view, roads, b, i, first, last)
        near = gap < FOLLOWS_M + FOLLOWS_S * agents[AgentRow.SPEED, b, i]
        if first == standing:
            room = pull_out_room(objects, b, i, offset - agents[AgentRow.D, b, i]) - PULL_OUT_MARGIN_M
            near = room <= gap < room + DECIDES_M
        if last >= 0 and offset > 0.0 and near:
            margin = wanted_margin(agents[AgentRow.PASS_WAITED, b, i])
            blocker = _objection(agents, traffic, roads, count, b, i, s, first, last, offset, margin)
            if blocker == -1:
                agents[AgentRow.PASSING, b, i], agents[AgentRow.PASS_D, b, i] = _OUT, offset
                agents[AgentRow.PASS_WAITED, b, i] = 0.0
                agents[AgentRow.PASS_FIRST, b, i] = view[ViewRow.INDEX, first]
                agents[AgentRow.PASS_LAST, b, i] = view[ViewRow.INDEX, last]
                return gap, leader, ahead
    if standing < 0:
        return gap, leader, ahead
    count_wait(agents, b, i, int(view[ViewRow.INDEX, standing]), blocker, period)
    return _hold_back(agents, traffic, roads, b, i, s, standing, gap, leader, ahead if blocker < 0 else blocker)


@njit
def _hold_back(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, s: float, standing: int, gap: float,
    leader: float, ahead: int,
) -> tuple[float, float, int]:  # fmt: skip
    """Return whom agent ``i`` follows if it leaves itself the room to pull out behind the ``standing`` body."""
    view, objects = traffic.seen, traffic.objects
    offset = pass_offset(agents, objects, view, roads, b, i, standing, standing)
    j = int(view[ViewRow.INDEX, standing])
    distance = view[ViewRow.ALONG, standing] - s - objects[ObjectRow.HALF_LENGTH, b, i]
    distance -= objects[ObjectRow.HALF_LENGTH, b, j]
    distance -= pull_out_room(objects, b, i, offset - agents[AgentRow.KEEP_D, b, i])
    line = max(distance + agents[AgentRow.MIN_GAP, b, i], 0.1)
    if offset <= 0.0 or line >= gap:
        return gap, leader, ahead
    return line, 0.0, ahead


@njit
def _last_to_pass(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, first: int
) -> int:
    """Return whom agent ``i`` passes last if it begins with ``first``: that or the next, -1 if others follow.

    It passes both where there is no room to return between them, and neither where the next is none to be passed.
    """
    view, objects = traffic.seen, traffic.objects
    last = first
    for _ in range(2):
        following = body_ahead(view, count, i, last)
        if following < 0:
            return last
        room = 2.0 * objects[ObjectRow.HALF_LENGTH, b, i] + 2.0 * agents[AgentRow.MIN_GAP, b, i] + 8.0
        between = view[ViewRow.ALONG, following] - view[ViewRow.ALONG, last]
        between -= objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, following])]
        between -= objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, last])]
        if between >= room:
            return last
        if last != first or not _is_slow(agents, roads, b, i, int(view[ViewRow.INDEX, following])):
            return -1
        last = following
    return last


@njit
def _objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, s: float, first: int,
    last: int, offset: float, margin: float,
) -> int:  # fmt: skip
    """Return -1 where agent ``i`` can pass ``first`` to ``last`` of the view, the slot of who is in its way, or -2."""
    view, objects = traffic.seen, traffic.objects
    j, k = int(view[ViewRow.INDEX, first]), int(view[ViewRow.INDEX, last])
    half = objects[ObjectRow.HALF_LENGTH, b, i]
    begin = view[ViewRow.ALONG, first] - objects[ObjectRow.HALF_LENGTH, b, j]
    end = view[ViewRow.ALONG, last] + objects[ObjectRow.HALF_LENGTH, b, k]
    theirs = 0.0
    if int(agents[AgentRow.MODE, b, k]) != _STATIC:
        theirs = max(view[ViewRow.SPEED, last], own_pace(agents, roads, b, k))
    stands = int(agents[AgentRow.MODE, b, j]) == _STATIC
    limit = zone_end(agents, traffic, roads, b, i, s, begin, stands)
    seconds, way = pass_time(
        agents[AgentRow.SPEED, b, i], SHARE_OF_PACE * own_pace(agents, roads, b, i),
        SHARE_OF_ACCELERATION * agents[AgentRow.MAX_ACCELERATION, b, i], theirs,
        max(offset - agents[AgentRow.D, b, i], 0.0), steepness(objects, b, i), begin - s - half,
        end - s + half + BACK_GAP_M,
    )  # fmt: skip
    if limit < 0.0 or seconds < 0.0:
        return -2
    return find_objection(agents, traffic, roads, count, b, i, s, last, offset, limit, seconds, way, margin)


@njit
def _go_on(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, s: float
) -> None:
    """Return to the lane when whom agent ``i`` passes is behind it, or still ahead and the way not clear."""
    view, objects = traffic.seen, traffic.objects
    first = look_for(view, count, int(agents[AgentRow.PASS_FIRST, b, i]))
    last = look_for(view, count, int(agents[AgentRow.PASS_LAST, b, i]))
    if first < 0 or last < 0:
        agents[AgentRow.PASSING, b, i] = _BACK
        return
    half = objects[ObjectRow.HALF_LENGTH, b, i]
    passed = s - half - view[ViewRow.ALONG, last]
    passed -= objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, last])]
    if passed >= BACK_GAP_M:
        agents[AgentRow.PASSING, b, i] = _BACK
        return
    before = view[ViewRow.ALONG, first] - s - half
    before -= objects[ObjectRow.HALF_LENGTH, b, int(view[ViewRow.INDEX, first])]
    offset = agents[AgentRow.PASS_D, b, i]
    stands = int(agents[AgentRow.MODE, b, int(view[ViewRow.INDEX, first])]) == _STATIC
    closing = max(agents[AgentRow.SPEED, b, i] - view[ViewRow.SPEED, first], 0.0)
    room = 0.5 + closing * closing / (2.0 * GIVES_UP_BRAKE)
    if stands:
        # Nearer it would lack the room to pull out again; who comes leaves it the room to go on.
        room += pull_out_room(objects, b, i, offset - agents[AgentRow.KEEP_D, b, i])
    if before > room:
        if _objection(agents, traffic, roads, count, b, i, s, first, last, offset, GIVES_UP_S) != -1:
            agents[AgentRow.PASSING, b, i] = _BACK
