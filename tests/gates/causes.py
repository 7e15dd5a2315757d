"""How a cause of standing is told.

A vehicle stands with a cause where the chain of who waits for whom (``CAUSED_BY``) ends, before it comes back to
somebody in it, at a signal that is not green, at a pedestrian or at the ego. A circle is no cause, and neither is a
parked body, a full street whose first vehicle could drive, nor traffic that never leaves a gap.
"""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentMode, AgentRow, WaitCause

_SIGNAL, _CROSSWALK, _EGO = int(WaitCause.SIGNAL), int(WaitCause.CROSSWALK), int(WaitCause.EGO)
_WALKER = int(AgentMode.WALKER)


@njit
def has_cause(agents: FloatArray, b: int, i: int) -> bool:
    """Return whether agent ``i`` of world ``b`` waits, through however many others, for something that will end."""
    count = agents.shape[2]
    waiting = i
    for _ in range(count + 1):
        cause = int(agents[AgentRow.CAUSE, b, waiting])
        if cause == _SIGNAL or cause == _CROSSWALK or cause == _EGO:
            return True
        by = int(agents[AgentRow.CAUSED_BY, b, waiting])
        if by < 0:
            return False
        if by >= count or int(agents[AgentRow.MODE, b, by]) == _WALKER:
            return True
        waiting = by
    return False
