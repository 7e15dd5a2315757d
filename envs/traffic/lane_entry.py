"""Two do not enter one lane at the same place: whoever is on its way into a lane counts there, wherever across."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, ObjectRow
from envs.traffic.following import ASKEW
from envs.traffic.path_view import ViewRow

ENTRY_GAP_M = 2.0
"""Gap to somebody who enters the same lane without which a driver does not (m, ours)."""

ENTRY_S = 2.0
"""Time for which the difference of the two speeds is reckoned with (s, ours): that of a change of lane."""


@njit
def somebody_enters(
    agents: FloatArray, objects: FloatArray, view: FloatArray, count: int, target: int, b: int, i: int, s: float
) -> bool:
    """Return whether somebody in lane ``target`` but still beside it is, or will be, where agent ``i`` would be.

    ``view`` of that lane, in which agent ``i`` would be at ``s`` (m). From the middle of the lane it is not seen yet,
    or not any more: two who came from either side would meet there.
    """
    for n in range(count):
        j = int(view[ViewRow.INDEX, n])
        if j == i or j >= agents.shape[2] or int(view[ViewRow.LANE, n]) != target:
            continue
        beside = abs(view[ViewRow.ACROSS, n]) > ASKEW
        if not beside or int(agents[AgentRow.MODE, b, j]) != AgentMode.VEHICLE:
            continue
        ahead = view[ViewRow.ALONG, n] - s
        closing = agents[AgentRow.SPEED, b, i] - view[ViewRow.SPEED, n]
        needed = objects[ObjectRow.HALF_LENGTH, b, i] + objects[ObjectRow.HALF_LENGTH, b, j] + ENTRY_GAP_M
        needed += ENTRY_S * max(closing if ahead > 0.0 else -closing, 0.0)
        if abs(ahead) < needed:
            return True
    return False
