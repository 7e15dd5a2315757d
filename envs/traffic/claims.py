"""What a driver asks for before a junction, as rows of an array."""

from __future__ import annotations

from enum import IntEnum


class ClaimRow(IntEnum):
    """Rows of the claims ``(len(ClaimRow), A)``: what each agent of a world asks for in this decision.

    ``LANE`` the way through the next junction without a grant (-1: none near), ``DISTANCE`` from the front to its stop
    line (m), ``PATH_START`` how far ahead of the centre the way starts (m), ``ORDER`` (along another axis) the agents
    in the order of deciding, ``MAY_GO`` the signal lets it, ``ASKS`` it is so near that it needs the grant now,
    ``AT`` the place of ``LANE`` on its path, ``HELD_BY`` the ``WaitCause`` of the decision before.
    """

    LANE = 0
    DISTANCE = 1
    PATH_START = 2
    ORDER = 3
    MAY_GO = 4
    ASKS = 5
    AT = 6
    HELD_BY = 7


CLAIM_ROWS = len(ClaimRow)
"""Number of rows of the claims."""
