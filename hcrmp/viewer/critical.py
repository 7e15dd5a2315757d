"""Who is critical: the road user that the ego would touch first if all kept their velocity."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from envs.risk import TTC_HORIZON_S, time_to_collision
from envs.scene import ActorStates, FloatArray, IntArray, SceneBatch

CRITICAL_TTC_S = 4.0
"""A road user is critical from here on down (time to collision, s; ours: within what a calm driver reacts to)."""


@dataclass(frozen=True, slots=True)
class Critical:
    """``ttc_s`` ``(T,)`` the time to collision (the horizon where there is none); ``slot`` ``(T,)`` whose, or -1."""

    ttc_s: FloatArray
    slot: IntArray


def critical(scenes: SceneBatch) -> Critical:
    """Return who is critical at every tick of a drive."""
    ttc_s = np.full(scenes.batch_size, TTC_HORIZON_S)
    slots = np.full(scenes.batch_size, -1, dtype=np.int64)
    for slot in range(scenes.actor_slots):
        if not scenes.actors.valid[:, slot].any():
            continue
        alone = replace(scenes, actors=ActorStates(np.ascontiguousarray(scenes.actors.block[:, :, slot : slot + 1])))
        own = time_to_collision(alone)
        sooner = own < ttc_s
        ttc_s[sooner] = own[sooner]
        slots[sooner] = slot
    slots[ttc_s > CRITICAL_TTC_S] = -1
    return Critical(ttc_s, slots)
