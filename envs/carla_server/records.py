"""From motion in our frame to the records of the world-state message."""

from __future__ import annotations

from enum import IntEnum

from envs.carla_frame import roll_to_carla, y_mirrored, yaw_to_carla
from envs.carla_server.wire import Records
from envs.compiled import njit
from envs.scene import FloatArray


class MotionColumn(IntEnum):
    """Columns of the motion of actors: pose, velocity, angular velocity and acceleration in our frame (m, rad, s)."""

    X = 0
    Y = 1
    Z = 2
    ROLL = 3
    PITCH = 4
    YAW = 5
    VX = 6
    VY = 7
    VZ = 8
    WX = 9
    WY = 10
    WZ = 11
    AX = 12
    AY = 13
    AZ = 14


@njit
def write_records(records: Records, motion: FloatArray, count: int) -> None:
    """Write what all kinds of actors share of the first ``count`` rows."""
    for row in range(count):
        record = records[row]
        record["x"] = motion[row, MotionColumn.X]
        record["y"] = y_mirrored(motion[row, MotionColumn.Y])
        record["z"] = motion[row, MotionColumn.Z]
        record["pitch"] = yaw_to_carla(motion[row, MotionColumn.PITCH])
        record["yaw"] = yaw_to_carla(motion[row, MotionColumn.YAW])
        record["roll"] = roll_to_carla(motion[row, MotionColumn.ROLL])
        record["vx"] = motion[row, MotionColumn.VX]
        record["vy"] = y_mirrored(motion[row, MotionColumn.VY])
        record["vz"] = motion[row, MotionColumn.VZ]
        record["wx"] = roll_to_carla(motion[row, MotionColumn.WX])
        record["wy"] = yaw_to_carla(motion[row, MotionColumn.WY])
        record["wz"] = yaw_to_carla(motion[row, MotionColumn.WZ])
        record["ax"] = motion[row, MotionColumn.AX]
        record["ay"] = y_mirrored(motion[row, MotionColumn.AY])
        record["az"] = motion[row, MotionColumn.AZ]
