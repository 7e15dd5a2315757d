"""The stop lines near a drive, and what each signal showed at every tick, as runs: (first tick, state)."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.recording import DriveLog
from envs.roads.drawing import GateLine
from envs.roads.gate_lines import shown_state
from envs.scene import FloatArray, SceneBatch

REACH_M = 120.0
"""Stop lines farther than this from the drive's bounding box are left out of the page (m)."""


def encode_gates(drive: DriveLog) -> list[dict[str, Any]]:
    """Return kind, both ends (m) and the runs of states of every stop line that the drive comes near."""
    path = np.column_stack([drive.scenes.ego.x, drive.scenes.ego.y])
    low, high = path.min(axis=0) - REACH_M, path.max(axis=0) + REACH_M
    return [_gate(gate, drive.scenes) for gate in drive.drawing.gates if _within(gate.points, low, high)]


def _within(points: FloatArray, low: FloatArray, high: FloatArray) -> bool:
    return bool((points >= low).all() and (points <= high).all())


def _gate(gate: GateLine, scenes: SceneBatch) -> dict[str, Any]:
    states = _states(gate, scenes) if gate.kind == "signal" else [gate.kind]
    starts = [tick for tick, state in enumerate(states) if tick == 0 or state != states[tick - 1]]
    return {
        "kind": gate.kind,
        "x": np.round(gate.points[:, 0], 2).tolist(),
        "y": np.round(gate.points[:, 1], 2).tolist(),
        "start": starts,
        "state": [states[tick] for tick in starts],
    }


def _states(gate: GateLine, scenes: SceneBatch) -> list[str]:
    seed = int(scenes.seed[0])
    return [shown_state(gate, time_s, seed).name.lower() for time_s in scenes.time_s.tolist()]
