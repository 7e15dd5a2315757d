"""Read the vehicles out of a CARLA recorder file (``.log``), offline and without CARLA.

Poses and controls come out in this project's frame: metres, right-handed, yaw counter-clockwise in radians, steer
positive to the left. The file's frame is CARLA's: centimetres, left-handed, degrees, steer positive to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.carla_frame import CENTIMETRES, steer_mirrored, y_mirrored, yaw_from_carla
from envs.carla_recording import CarlaLogError as CarlaLogError
from envs.carla_recording import Packet, RecordedActor, Recording, read_recording
from envs.scene import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class VehicleTrack:
    """One recorded vehicle over the N frames in which it has both a pose and a control; arrays are ``(N,)``.

    ``time_s`` since the recording began; ``x, y, z`` of the actor's origin (m); ``yaw`` (rad, unwrapped);
    ``throttle``, ``brake`` in [0, 1], ``steer`` in [-1, 1] (positive left): the control that held while the vehicle
    moved *to* this pose; ``gear`` of the automatic gearbox (0 while it shifts).
    """

    actor_id: int
    type_id: str
    attributes: dict[str, str]
    time_s: FloatArray
    x: FloatArray
    y: FloatArray
    z: FloatArray
    yaw: FloatArray
    throttle: FloatArray
    brake: FloatArray
    steer: FloatArray
    gear: IntArray


@dataclass(frozen=True, slots=True)
class CarlaLog:
    """A recording: its map, its start (seconds since 1970), ``frame_time_s`` ``(F,)`` and its vehicles by actor id."""

    map_name: str
    started_unix_s: int
    frame_time_s: FloatArray
    vehicles: dict[int, VehicleTrack]


def read_carla_log(path: str | Path) -> CarlaLog:
    """Read the recorder file at ``path``; raise ``CarlaLogError`` with one line where it is not whole."""
    recording = read_recording(path)
    times = np.array([frame.elapsed_s for frame in recording.frames])
    try:
        return CarlaLog(recording.map_name, recording.started_unix_s, times, _vehicles(recording))
    except CarlaLogError as error:
        raise CarlaLogError(f"{path}: {error}") from None


def _vehicles(recording: Recording) -> dict[int, VehicleTrack]:
    actors: dict[int, RecordedActor] = {}
    rows: dict[int, list[tuple[float, ...]]] = {}
    for frame in recording.frames:
        actors.update((actor.id, actor) for actor in frame.added())
        poses = {int(pose["id"]): pose for pose in frame.table(Packet.POSITIONS)}
        for control in frame.table(Packet.DRIVEN):
            pose = poses.get(int(control["id"]))
            if pose is not None:
                rows.setdefault(int(control["id"]), []).append(_row(frame.elapsed_s, pose, control))
    return {actor_id: _track(actor_id, actors.get(actor_id), rows[actor_id]) for actor_id in sorted(rows)}


def _row(time_s: float, pose: np.void, control: np.void) -> tuple[float, ...]:
    """Return one row of a track, in our frame."""
    x, y, z = (float(value) / CENTIMETRES for value in pose["location_cm"])
    yaw = yaw_from_carla(float(pose["rotation_deg"][2]))
    pedals = float(control["throttle"]), float(control["brake"])
    return time_s, x, y_mirrored(y), z, yaw, *pedals, steer_mirrored(float(control["steer"])), float(control["gear"])


def _track(actor_id: int, actor: RecordedActor | None, rows: list[tuple[float, ...]]) -> VehicleTrack:
    if actor is None:
        raise CarlaLogError(f"vehicle {actor_id} moves but was never added")
    table = np.array(rows).T
    if not np.isfinite(table).all():
        raise CarlaLogError(f"vehicle {actor_id} has a pose or a control that is not a finite number")
    time_s, x, y, z, yaw, throttle, brake, steer, gear = table
    return VehicleTrack(
        actor_id=actor_id,
        type_id=actor.type_id,
        attributes={name: value for name, _, value in actor.attributes},
        time_s=time_s,
        x=x,
        y=y,
        z=z,
        yaw=np.unwrap(yaw),
        throttle=throttle,
        brake=brake,
        steer=steer,
        gear=gear.astype(np.int64),
    )
