"""Cyclists in town traffic: how they ride, as numbers of which a seed draws one for each.

They keep to signals and right of way like everybody, near the right edge of their lane, and stay in it.
"""

from __future__ import annotations

import numpy as np

from envs.scenarios.sampling import draw_driver, uniform
from envs.scenarios.scenario import Driver, Range
from envs.scene import FloatArray
from envs.traffic.agents import AgentRow

CYCLIST_SPEED = Range(3.5, 6.5)
"""Speed on an even road (m/s, ours; 85 of 100 ride up to 6.1, FHWA-HRT-04-103, 2004)."""

CYCLIST_KEEPS = Range(-1.0, -0.8)
"""Offset from the lane's centre, to the right (m, ours): about 0.9 m from the edge of a lane 3.5 m wide."""

CYCLIST = Driver(
    headway=Range(0.8, 1.6),
    min_gap=Range(1.0, 2.0),
    max_acceleration=Range(0.5, 1.0),
    comfort_brake=Range(1.5, 2.5),
    hardest_brake=Range(4.5, 5.5),
)
"""Accelerations as the AASHTO guide for bicycle facilities (1999) has them; braking and gaps are ours, the hardest
below that at which a rider goes over the handlebars: 0.56 g by Wilson, Bicycling Science, 3rd edition, chapter 7, as
quoted from memory (not read again; other calculations of the same limit found 0.6 to 0.7 g)."""


def draw_cyclist(row: FloatArray, rng: np.random.Generator) -> None:
    """Draw how a cyclist rides into the agent's ``row`` ``(len(AgentRow),)``, its offset in the lane included."""
    draw_driver(row, CYCLIST, rng)
    row[AgentRow.SPEED_FACTOR] = 1.0
    row[AgentRow.DESIRED_SPEED] = uniform(rng, CYCLIST_SPEED)
    row[AgentRow.KEEP_D] = row[AgentRow.D] = uniform(rng, CYCLIST_KEEPS)
