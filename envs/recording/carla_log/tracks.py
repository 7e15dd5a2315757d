"""What each body of a recording does, frame by frame, in our frame and in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.carla_frame import CENTIMETRES, mirrored, rotation_from_carla, steer_mirrored, turn_rate_from_carla
from envs.carla_recording import CarlaLogError, Packet, RecordedFrame, Records
from envs.recording.carla_log.cast import Body
from envs.recording.carla_log.motion import derivative, in_body_frame, stretches_of
from envs.scene import FloatArray, IntArray

MOST_M = 1e6
"""Places farther out than this are none (m, ours)."""

MOST_RATE = 1e5
"""The same for velocities (m/s) and turn rates (degrees per second)."""

DRIVEN = ("throttle", "brake", "steer")


@dataclass(frozen=True, slots=True)
class Track:
    """One body over the n frames in which it is there.

    ``ticks`` ``(n,)`` numbers of the frames; ``x, y`` of its box's centre and ``z`` of its origin (m), ``yaw`` (rad,
    unwrapped); ``velocity``, ``acceleration`` ``(n, 2)`` in the world (m/s, m/s2); ``yaw_rate`` (rad/s); ``control``
    ``(n, 3)`` throttle, brake, steer that held on the way *to* this frame; ``jerk`` (m/s3) along its heading;
    ``velocity_recorded`` says of each frame whether its velocity was recorded; else it is the derivative of the place.
    """

    body: Body
    ticks: IntArray
    x: FloatArray
    y: FloatArray
    z: FloatArray
    yaw: FloatArray
    velocity: FloatArray
    acceleration: FloatArray
    yaw_rate: FloatArray
    jerk: FloatArray
    control: FloatArray
    velocity_recorded: np.ndarray


def tracks_of(frames: Sequence[RecordedFrame], cast: Mapping[int, Body]) -> dict[int, Track]:
    """Return the track of every body that is in any frame, by id.

    Raises:
        CarlaLogError: a number is not finite or beyond ``MOST_M`` or ``MOST_RATE``.
    """
    time_s = np.array([frame.elapsed_s for frame in frames])
    poses = _by_body(frames, Packet.POSITIONS, cast)
    speeds = _by_body(frames, Packet.KINEMATICS, cast)
    controls = _by_body(frames, Packet.DRIVEN, cast)
    nothing = {kind: (np.zeros(0, np.int64), frames[0].table(kind)[:0]) for kind in Packet if kind in _READ}
    return {
        actor_id: _track(
            cast[actor_id], time_s, poses[actor_id], speeds.get(actor_id, nothing[Packet.KINEMATICS]),
            controls.get(actor_id, nothing[Packet.DRIVEN]),
        )
        for actor_id in cast if actor_id in poses
    }  # fmt: skip


_READ = (Packet.POSITIONS, Packet.KINEMATICS, Packet.DRIVEN)
_Rows = tuple[IntArray, Records]


def _by_body(frames: Sequence[RecordedFrame], kind: Packet, cast: Mapping[int, Body]) -> dict[int, _Rows]:
    """Return the numbers of the frames and the rows of each body in the packets of one kind; one row for each frame."""
    tables = [frame.table(kind) for frame in frames]
    rows = np.concatenate(tables)
    ticks = np.repeat(np.arange(len(frames)), [len(table) for table in tables])
    known = np.isin(rows["id"], np.fromiter(cast, np.uint32, len(cast)))
    rows, ticks = rows[known], ticks[known]
    order = np.lexsort((ticks, rows["id"]))
    rows, ticks = rows[order], ticks[order]
    # Of a body that is told of twice in a frame the last row holds.
    last = np.ones(len(rows), dtype=np.bool_)
    last[:-1] = (rows["id"][1:] != rows["id"][:-1]) | (ticks[1:] != ticks[:-1])
    rows, ticks = rows[last], ticks[last]
    ids, first = np.unique(rows["id"], return_index=True)
    bounds = [*first.tolist(), len(rows)]
    return {
        actor_id: (ticks[begin:end], rows[begin:end])
        for actor_id, begin, end in zip(ids.tolist(), bounds, bounds[1:], strict=False)
    }


def _track(body: Body, all_times: FloatArray, poses: _Rows, speeds: _Rows, controls: _Rows) -> Track:
    ticks, rows = poses
    time_s = all_times[ticks]
    place = mirrored(_numbers(body, rows["location_cm"], MOST_M * CENTIMETRES, "place") / CENTIMETRES)
    turned = _numbers(body, rows["rotation_deg"], MOST_RATE, "rotation")
    yaw = np.unwrap(rotation_from_carla(turned[:, [1, 2, 0]])[:, 2])
    cosine, sine = np.cos(yaw), np.sin(yaw)
    x = place[:, 0] + body.ahead * cosine - body.left * sine
    y = place[:, 1] + body.ahead * sine + body.left * cosine
    stretches = stretches_of(ticks, time_s, place[:, :2])
    velocity = derivative(np.column_stack([x, y]), time_s, stretches)
    yaw_rate = derivative(yaw, time_s, stretches)
    known, velocity_there, turn_there = _recorded(body, ticks, speeds)
    velocity[known], yaw_rate[known] = velocity_there, turn_there
    acceleration = derivative(velocity, time_s, stretches)
    along, _ = in_body_frame(acceleration, yaw)
    return Track(
        body, ticks, x, y, place[:, 2], yaw, velocity, acceleration, yaw_rate,
        derivative(along, time_s, stretches), _controls(body, ticks, controls), known,
    )  # fmt: skip


def _recorded(body: Body, ticks: IntArray, speeds: _Rows) -> tuple[np.ndarray, FloatArray, FloatArray]:
    """Return which frames have a recorded velocity, that velocity ``(k, 2)`` (m/s) and yaw rate ``(k,)`` (rad/s)."""
    when, rows = speeds
    known, mine = np.isin(ticks, when), np.isin(when, ticks)
    velocity = mirrored(_numbers(body, rows["velocity_mps"][mine], MOST_RATE, "velocity"))
    rates = turn_rate_from_carla(_numbers(body, rows["turn_degps"][mine], MOST_RATE, "turn rate"))
    return known, velocity[:, :2], rates[:, 2]


def _controls(body: Body, ticks: IntArray, controls: _Rows) -> FloatArray:
    """Return throttle, brake and steer ``(n, 3)``, 0 where none is recorded."""
    when, rows = controls
    result = np.zeros((len(ticks), len(DRIVEN)))
    known, mine = np.isin(ticks, when), np.isin(when, ticks)
    for column, name in enumerate(DRIVEN):
        result[known, column] = np.clip(_numbers(body, rows[name][mine], MOST_RATE, "control"), -1.0, 1.0)
    result[:, :2] = np.maximum(result[:, :2], 0.0)
    result[:, 2] = np.vectorize(steer_mirrored, otypes=[np.float64])(result[:, 2])
    return result


def widened(values: np.ndarray) -> FloatArray:
    """Return recorded numbers as float64, without a word about those that are none."""
    with np.errstate(invalid="ignore"):
        return values.astype(np.float64)


def _numbers(body: Body, values: np.ndarray, most: float, what: str) -> FloatArray:
    """Return recorded numbers as float64; refuse what is not finite, or larger than ``most``."""
    numbers = widened(values)
    if not (np.abs(numbers) <= most).all():
        raise CarlaLogError(f"actor {body.id} ({body.type_id}) has a {what} that is not finite, or beyond all measure")
    return numbers
