"""How long a driver has waited behind a body that stands for good, and what that changes for it and for the others."""

from __future__ import annotations

from envs.compiled import njit
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow

MARGIN_S = 2.0
"""Time left at the end of a pass before the oncoming would be there (s, ours)."""

LEAST_MARGIN_S, PATIENCE_S = 1.0, 30.0
"""What is left of it after so long behind a standing body (s, ours): who waits accepts smaller gaps."""

COURTESY_S = 8.0
"""Wait behind a standing body after which others leave it a gap (s, ours), for ``LET_PASS_S``."""

LET_PASS_S = 60.0

STANDS_MPS = 0.5
"""Speed below which a driver stands (m/s, ours)."""


@njit
def wanted_margin(waited: float) -> float:
    """Return the time (s) left before the oncoming is there that a driver wants after it has ``waited`` (s)."""
    return float(MARGIN_S - (MARGIN_S - LEAST_MARGIN_S) * min(waited / PATIENCE_S, 1.0))


@njit
def count_wait(agents: FloatArray, b: int, i: int, standing: int, blocker: int, period: float) -> None:
    """Count for how long agent ``i`` has stood behind body ``standing`` because of others: they may let it pass.

    Who cannot pass for any other reason asks nobody to wait for it.
    """
    if blocker < 0:
        agents[AgentRow.PASS_WAITED, b, i] = 0.0
    elif agents[AgentRow.SPEED, b, i] < STANDS_MPS:
        agents[AgentRow.PASS_WAITED, b, i] += period
        agents[AgentRow.PASS_LAST, b, i] = standing


@njit
def asks_to_pass(agents: FloatArray, b: int, i: int) -> bool:
    """Return whether agent ``i`` has waited so long to pass a standing body that others leave it a gap now."""
    waited = agents[AgentRow.PASS_WAITED, b, i]
    return bool(waited >= COURTESY_S and waited % (COURTESY_S + LET_PASS_S) >= COURTESY_S)
