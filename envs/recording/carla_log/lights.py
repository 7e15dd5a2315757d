"""Recorded traffic lights and the signals of the map: which is which, and what each group showed when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from envs.carla_frame import CENTIMETRES, mirrored
from envs.carla_recording import Packet, RecordedActor, RecordedFrame
from envs.recording import DriveLog
from envs.roads.controls import ProgramColumn, TrafficControls
from envs.roads.elements import OpenDrive
from envs.roads.gate_lines import shown_state
from envs.roads.geometry import evaluate_line
from envs.roads.lane_graph import LaneGraph
from envs.scene import FloatArray, IntArray, SignalState

SAME_PLACE_M = 2.0
"""A light is the signal of the map that stands within this (m, ours; in a real recording they are 0.3 m apart)."""

LIGHT = "traffic.traffic_light"
_SHOWN = (SignalState.RED, SignalState.YELLOW, SignalState.GREEN, SignalState.NONE, SignalState.NONE)
"""What CARLA's states are to the scene: red, yellow, green, off, unknown."""

_UNKNOWN = 4


def heads_of(opendrive: OpenDrive) -> dict[str, FloatArray]:
    """Return the places ``(2,)`` of all signals of a map by their ids (m)."""
    return dict(_heads(opendrive))


def _heads(opendrive: OpenDrive) -> Iterator[tuple[str, FloatArray]]:
    for road in opendrive.roads.values():
        for signal in road.signals:
            curve = evaluate_line(road.geometries, np.array([signal.s]))
            aside = np.array([-np.sin(curve.heading[0]), np.cos(curve.heading[0])])
            yield signal.id, np.array([curve.x[0], curve.y[0]]) + signal.t * aside


def signal_of(light: RecordedActor, heads: Mapping[str, FloatArray]) -> str:
    """Return the id of the signal that a recorded light is, "" where there is none."""
    told = next((value for name, _, value in light.attributes if name == "sign_id"), "")
    if told in heads:
        return told
    here = mirrored(np.array(light.location_cm) / CENTIMETRES)[:2]
    away = {name: float(np.hypot(*(place - here))) for name, place in heads.items()}
    nearest = min(away, key=lambda name: away[name], default="")
    return nearest if nearest and away[nearest] <= SAME_PLACE_M else ""


def shown_by_group(
    frames: Sequence[RecordedFrame], lights: Sequence[RecordedActor], controls: TrafficControls,
    heads: Mapping[str, FloatArray],
) -> IntArray:  # fmt: skip
    """Return the ``SignalState`` ``(T, G)`` of every signal group at every frame, -1 where nothing tells."""
    group_of = {name: group for group, names in enumerate(controls.signal_ids) for name in names}
    column = {light.id: group_of.get(signal_of(light, heads), -1) for light in lights}
    states = np.full((len(frames), len(controls.plan)), -1, dtype=np.int64)
    for tick, frame in enumerate(frames):
        states[tick] = states[max(tick - 1, 0)]
        table = frame.table(Packet.LIGHTS)
        for light_id, state in zip(table["id"].tolist(), table["state"].tolist(), strict=True):
            if column.get(light_id, -1) >= 0:
                states[tick, column[light_id]] = _SHOWN[min(state, len(_SHOWN) - 1)]
    return states


def program_that_shows(state: int) -> FloatArray:
    """Return a program ``(4,)`` that shows one state all the time; what is no light, or unknown, holds nobody."""
    program = np.zeros(len(ProgramColumn))
    program[ProgramColumn.CYCLE] = 1.0
    program[ProgramColumn.GREEN_UNTIL] = 0.0 if state in (SignalState.YELLOW, SignalState.RED) else 1.0
    program[ProgramColumn.YELLOW_UNTIL] = 0.0 if state == SignalState.RED else 1.0
    return program


def runs_of(time_s: FloatArray, states: IntArray) -> FloatArray:
    """Return when a group changed and to what, ``(n, 2)``, of its states ``(T,)``; what nothing tells is no light."""
    starts = np.flatnonzero(np.diff(states, prepend=states[0] - 1))
    return np.column_stack([time_s[starts], np.maximum(states[starts], SignalState.NONE)]).astype(np.float64)


def recorded_states(drive: DriveLog, graph: LaneGraph) -> IntArray:
    """Return CARLA's state ``(T, G)`` of every signal group of a drive's map at every tick.

    A drive tells of stop lines: a group is that of the line with its program and plan.
    """
    controls, time_s, seed = graph.controls, drive.scenes.time_s.tolist(), int(drive.scenes.seed[0])
    states = np.full((len(drive), len(controls.plan)), _UNKNOWN, dtype=np.int64)
    for group, (plan, program) in enumerate(zip(controls.plan.tolist(), controls.programs, strict=True)):
        alike = (gate for gate in drive.drawing.gates if gate.plan == plan and np.allclose(gate.program, program))
        gate = next(alike, None)
        if gate is not None:
            states[:, group] = [_SHOWN.index(shown_state(gate, now, seed)) for now in time_s]
    return states
