"""Recorded drives: ``DriveRecorder`` collects one, ``DriveLog`` is one, a Parquet file holds one."""

from envs.recording.drive_log import REWARD_NAMES, DriveLog, DriveLogError, DriveMeta, PlannerTrace, Tick
from envs.recording.recorder import DriveRecorder

__all__ = ["REWARD_NAMES", "DriveLog", "DriveLogError", "DriveMeta", "DriveRecorder", "PlannerTrace", "Tick"]
