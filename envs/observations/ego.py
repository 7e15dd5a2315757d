"""The ego's own motion and last command (the paper's decision process: ego dynamics)."""

from __future__ import annotations

from envs.compiled import njit
from envs.observations.block import Float32Array, ObservationBlock
from envs.observations.scaling import clip_unit
from envs.scene import EgoRow, FloatArray, IntArray, RoadRow, SceneBatch


class EgoBlock(ObservationBlock):
    """Motion, pedals and steering, and the last command: its own next change is limited, so it is part of the state."""

    name = "ego"
    names = (
        "speed/30mps",
        "speed_over_limit/10mps",
        "lateral_speed/2mps",
        "acceleration/5mps2",
        "lateral_acceleration/5mps2",
        "yaw_rate/0.5radps",
        "jerk/20mps3",
        "steer",
        "throttle",
        "brake",
        "command_longitudinal",
        "command_steer",
    )
    shape = (len(names),)

    def write(
        self, scene: SceneBatch, command: FloatArray, rows: IntArray, out: Float32Array, start: int, fresh: bool
    ) -> None:
        """Write the block; see ``ObservationBlock.write``."""
        _write(scene.ego.block, scene.road.block, command, rows, out, start)


@njit
def _write(
    ego: FloatArray, road: FloatArray, command: FloatArray, rows: IntArray, out: Float32Array, start: int
) -> None:
    for b in rows:
        row = out[b, start:]
        row[0] = clip_unit(ego[EgoRow.SPEED, b] / 30.0)
        row[1] = clip_unit((ego[EgoRow.SPEED, b] - road[RoadRow.SPEED_LIMIT, b]) / 10.0)
        row[2] = clip_unit(ego[EgoRow.LATERAL_SPEED, b] / 2.0)
        row[3] = clip_unit(ego[EgoRow.ACCELERATION, b] / 5.0)
        row[4] = clip_unit(ego[EgoRow.LATERAL_ACCELERATION, b] / 5.0)
        row[5] = clip_unit(ego[EgoRow.YAW_RATE, b] / 0.5)
        row[6] = clip_unit(ego[EgoRow.JERK, b] / 20.0)
        row[7] = clip_unit(ego[EgoRow.STEER, b])
        row[8] = clip_unit(ego[EgoRow.THROTTLE, b])
        row[9] = clip_unit(ego[EgoRow.BRAKE, b])
        row[10] = clip_unit(command[b, 0])
        row[11] = clip_unit(command[b, 1])
