"""Whether an overtaker's way is clear: how long it takes, how far it goes, what it sees, and where it must be back."""

from __future__ import annotations

import math

from envs.compiled import njit
from envs.roads.projection import pose_at
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow, PassPhase
from envs.traffic.letting_pass import FAR_M, let_pass_until
from envs.traffic.network import RoadArrays
from envs.traffic.oncoming import who_comes, who_enters, who_stands
from envs.traffic.passing_room import IN_LANE_M, lane_width, own_pace
from envs.traffic.path_view import ViewRow
from envs.traffic.paths import PATH_LANES
from envs.traffic.relations import REACH_M
from envs.traffic.scratch import TrafficArrays

BEFORE_JUNCTION_M = 12.0
"""Distance before a stop line or a crosswalk at which an overtaker is back in its lane (m, ours)."""

QUEUE_GAP_M = 2.5
"""Gap in the queue into which everybody ahead is reckoned to come to stand before the junction (m, ours)."""

SHARE_OF_PACE = 0.9
"""What an overtaker reaches of its pace: it comes close to that in infinite time (ours)."""

SHARE_OF_ACCELERATION = 0.6
"""Mean of the driver model's acceleration on the way there, as a share of the largest (ours)."""

LEAST_FASTER = 1.5
"""Difference of speed without which nobody overtakes (m/s, ours)."""

BACK_MPS = 1.2
"""Mean speed sideways of a return to the lane (m/s, ours)."""

MOST_SIDEWAYS = 1.6
"""Speed sideways at which one pulls out (m/s, as in ``brain``)."""

SLOWS_BY = 2.0
"""Deceleration of an overtaker as it pulls out towards a standing body (m/s2, ours); ``SLOWLY_MPS`` its least."""

SLOWLY_MPS = 4.0

STANDS_MPS = 0.5
BESIDE_M = 2.0
"""Gap up to which an overtaker closes up before it is beside (m, ours)."""

SPARE_M = 5.0
"""Distance left to the oncoming at the end, beyond the margin in time (m, ours)."""

SIGHT_RAD = 0.7
"""Change of the road's heading behind which an overtaker does not see who comes (rad, ours)."""

SIGHT_STEP_M = 10.0
SEES_ALL_M = 1e6

_STATIC, _NONE = int(AgentMode.STATIC), int(PassPhase.NONE)


@njit
def pass_time(
    speed: float, top: float, rate: float, theirs: float, sideways: float, steep: float, gap: float, gains: float
) -> tuple[float, float]:
    """Return the time (s) and the way (m) until an overtaker can return, both -1 where it is not fast enough.

    It drives at ``speed``, moves ``sideways`` (m) by at most ``steep`` of its way while it is behind, then accelerates
    at ``rate`` (m/s2) to ``top``; the other drives at ``theirs`` (m/s), ``gap`` (m) ahead, and ``gains`` (m) are to be
    made up on it. Who comes too near before it is beside goes on from the other's speed.
    """
    if top - theirs < LEAST_FASTER:
        return -1.0, -1.0
    if theirs > STANDS_MPS:
        out = sideways / min(MOST_SIDEWAYS, steep * max(speed, 3.0))
        begins, closes = speed, (speed - theirs) * out
        if closes > gap - BESIDE_M or closes < 0.0:
            begins, closes = theirs, min(max(closes, 0.0), max(gap - BESIDE_M, 0.0))
    else:
        # It pulls out slowly, since it drives towards the standing body until it is beside it.
        closes = min(sideways / steep, max(gap, 0.0))
        slow = max(speed - SLOWS_BY * closes / max(speed, 2.0), min(max(speed, SLOWLY_MPS), top))
        out, begins = time_over(closes, speed, slow, rate)
    rest = max(gains - closes, 0.0)
    beside, _ = time_over(rest, min(begins, top) - theirs, top - theirs, rate)
    return float(out + beside), float(closes + rest + theirs * (out + beside))


@njit
def time_over(distance: float, speed: float, top: float, rate: float) -> tuple[float, float]:
    """Return the time (s) over a ``distance`` (m) and the speed at its end (m/s), accelerating evenly to ``top``.

    Who is faster than ``top`` is taken to lose the difference on the way.
    """
    if speed >= top:
        return distance / max(0.5 * (speed + top), 0.1), top
    end = math.sqrt(speed * speed + 2.0 * rate * distance)
    if end <= top:
        return (end - speed) / rate, end
    accelerating = (top - speed) / rate
    return accelerating + (distance - 0.5 * (speed + top) * accelerating) / top, top


@njit
def zone_end(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, s: float, begin: float, stands: bool
) -> float:
    """Return where on its path (m from its first lane's start) agent ``i`` must be back at the latest, or -1.

    The zone reaches from behind the vehicle to shortly before the next junction or crosswalk, over lanes that are alone
    in their direction beside an oncoming one, where the marking between them may be crossed. ``begin``: what is to be
    passed begins there (m). Where that ``stands`` for good, a crosswalk before it does not end the zone: nobody would
    ever get by.
    """
    if s < traffic.objects[ObjectRow.HALF_LENGTH, b, i]:
        return -1.0
    along = 0.0
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0 or along > s + REACH_M:
            return along if begin < along else -1.0
        if roads.junction[lane] >= 0:
            end = along - roads.stop_gap[lane] - BEFORE_JUNCTION_M
            return float(end) if begin < end else -1.0
        if roads.left[lane] >= 0 or roads.right[lane] >= 0 or not roads.opposite_change[lane]:
            return along if begin < along else -1.0
        if roads.opposite[lane] < 0:
            return along if begin < along else -1.0
        strip = _first_strip(traffic, lane, (begin if stands else s) - along)
        if strip >= 0.0:
            end = along + strip - BEFORE_JUNCTION_M
            return end if begin < end else -1.0
        along += roads.length[lane]
    return -1.0


@njit
def _first_strip(traffic: TrafficArrays, lane: int, beyond: float) -> float:
    """Return where the first crosswalk's strip on ``lane`` that ends ``beyond`` (m) begins (m), or -1."""
    crowd = traffic.crowd
    if crowd.people.shape[2] == 0:
        return -1.0
    for n in range(crowd.strip_start[lane], crowd.strip_start[lane + 1]):
        c = crowd.strips[n]
        if crowd.walk.crossing_to[c] > beyond:
            return float(crowd.walk.crossing_from[c])
    return -1.0


@njit
def find_objection(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, count: int, b: int, i: int, s: float, last: int,
    offset: float, limit: float, seconds: float, way: float, margin: float,
) -> int:  # fmt: skip
    """Return -1 where agent ``i`` can pass in so many ``seconds`` and (m) of ``way``, who is in its way, or -2.

    ``last`` place in the view of whom it passes last, ``limit`` where it must be back (m), ``margin`` (s) left before
    the oncoming are there.
    """
    passer = _passer_of(agents, b, i)
    if passer >= 0:
        return passer
    objects, lane = traffic.objects, int(agents[AgentRow.LANE, b, i])
    front, half = s + objects[ObjectRow.HALF_LENGTH, b, i], objects[ObjectRow.HALF_WIDTH, b, i]
    top = SHARE_OF_PACE * own_pace(agents, roads, b, i)
    room = _no_room(agents, traffic, count, b, i, last, front + way + top * offset / MOST_SIDEWAYS, limit, seconds)
    own_edge = 0.5 * lane_width(roads, lane, s)
    if room != -1 or offset + half <= own_edge:
        return room
    for j in range(agents.shape[2]):
        if j != i and int(agents[AgentRow.PASSING, b, j]) != _NONE and _same_street(agents, traffic, roads, b, i, j):
            return j
    # The oncoming can pass as soon as nobody is wider than its half of the road.
    clears = max(offset + half - own_edge, 0.0) / BACK_MPS
    seconds, way = seconds + clears, way + top * clears + SPARE_M
    # Behind a bend somebody may come who is not seen. Past a body that stands for good one goes by who really comes:
    # a driver would edge forward until it sees, or wait for ever.
    if int(agents[AgentRow.MODE, b, int(traffic.seen[ViewRow.INDEX, last])]) != _STATIC:
        if _sight(traffic, roads, b, i, s) - front < way + (seconds + margin) * roads.advised[lane]:
            return -2
    until = let_pass_until(agents, traffic, roads, b, i, front)
    blocker = who_comes(agents, traffic, roads, b, i, front, seconds + margin, way, until)
    if blocker == -1:
        blocker = who_stands(objects, traffic, count, b, i, s, offset, front + way, until)
    if blocker == -1 and until >= FAR_M:
        blocker = who_enters(agents, traffic, roads, b, i, front, seconds + margin, way)
    return blocker


@njit
def _passer_of(agents: FloatArray, b: int, i: int) -> int:
    """Return who passes agent ``i`` just now, or -1: pulling out then, even within the own lane, would block both."""
    for j in range(agents.shape[2]):
        if j != i and int(agents[AgentRow.PASSING, b, j]) != _NONE:
            if int(agents[AgentRow.PASS_FIRST, b, j]) == i or int(agents[AgentRow.PASS_LAST, b, j]) == i:
                return j
    return -1


@njit
def _no_room(
    agents: FloatArray, traffic: TrafficArrays, count: int, b: int, i: int, last: int, end: float, limit: float,
    seconds: float,
) -> int:  # fmt: skip
    """Return -1 where agent ``i`` has room to return at ``end`` (m), who takes it, or -2 for the junction.

    Everybody ahead is reckoned to stop at the junction, and the next not to go on as fast as it does.
    """
    view, objects = traffic.seen, traffic.objects
    headway = agents[AgentRow.MIN_GAP, b, i] + 0.5 * agents[AgentRow.SPEED, b, i]
    queues = -2
    for n in range(count):
        j, along = int(view[ViewRow.INDEX, n]), view[ViewRow.ALONG, n]
        if j == i or n == last or along <= view[ViewRow.ALONG, last] or abs(view[ViewRow.ACROSS, n]) > IN_LANE_M:
            continue
        half = objects[ObjectRow.HALF_LENGTH, b, j]
        tail = along - half + 0.6 * max(view[ViewRow.SPEED, n], 0.0) * seconds
        if end + headway > tail:
            return j
        if along < limit + 30.0:
            limit -= 2.0 * half + QUEUE_GAP_M
            queues = j
    return -1 if end < limit else queues


@njit
def _same_street(
    agents: FloatArray, traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, j: int
) -> bool:
    """Return whether ``j`` is on the street of agent ``i``, in either direction, as far as its path leads."""
    theirs = int(agents[AgentRow.LANE, b, j])
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0:
            return False
        if lane == theirs or roads.opposite[lane] == theirs:
            return True
    for n in range(PATH_LANES):
        if int(traffic.paths[b, j, n]) == int(agents[AgentRow.LANE, b, i]):
            return True
    return False


@njit
def _sight(traffic: TrafficArrays, roads: RoadArrays, b: int, i: int, s: float) -> float:
    """Return how far agent ``i`` sees the oncoming lane (m from its path's start): to a bend or its path's end.

    Up to a junction it sees the whole street, and who is in the junction; nobody enters while it passes.
    """
    first = int(traffic.paths[b, i, 0])
    _, _, ahead = pose_at(roads.samples, roads.start, roads.step, first, s, 0.0)
    along, at, least = 0.0, s, math.cos(SIGHT_RAD)
    for k in range(PATH_LANES):
        lane = int(traffic.paths[b, i, k])
        if lane < 0:
            return along
        if roads.junction[lane] >= 0:
            return SEES_ALL_M
        while at < along + roads.length[lane]:
            _, _, heading = pose_at(roads.samples, roads.start, roads.step, lane, at - along, 0.0)
            if math.cos(heading - ahead) < least:
                return at
            at += SIGHT_STEP_M
        along += roads.length[lane]
    return along
