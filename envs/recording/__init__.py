"""Recorded drives: ``DriveRecorder`` collects one, ``DriveLog`` is one, a Parquet file holds one."""

from envs.recording.drive_log import DriveLog
from envs.recording.recorder import DriveRecorder
from envs.recording.schema import REWARD_NAMES, DriveLogError, DriveMeta, HintTold, PlannerTrace, Tick
from envs.recording.state_hash import state_hash, trace_hash

__all__ = [
    "REWARD_NAMES",
    "DriveLog",
    "DriveLogError",
    "DriveMeta",
    "DriveRecorder",
    "HintTold",
    "PlannerTrace",
    "Tick",
    "state_hash",
    "trace_hash",
]
