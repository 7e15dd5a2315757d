"""Recorded drives: ``DriveLog`` is one, an Arrow file holds one.

``BatchRecorder`` records those of many worlds while they happen, ``DriveRecorder`` collects a single one, and
``recover_drives`` saves what a killed process left.
"""

from envs.recording.assembly import DriveStart
from envs.recording.batch_recorder import BatchRecorder
from envs.recording.drive_log import DriveLog
from envs.recording.recorder import DriveRecorder
from envs.recording.recovery import read_journal, recover_drives
from envs.recording.schema import REWARD_NAMES, DriveLogError, DriveMeta, HintTold, PlannerTrace, Tick
from envs.recording.state_hash import state_hash, trace_hash
from envs.recording.ticks import TickLayout

__all__ = [
    "REWARD_NAMES",
    "BatchRecorder",
    "DriveLog",
    "DriveLogError",
    "DriveMeta",
    "DriveRecorder",
    "DriveStart",
    "HintTold",
    "PlannerTrace",
    "Tick",
    "TickLayout",
    "read_journal",
    "recover_drives",
    "state_hash",
    "trace_hash",
]
