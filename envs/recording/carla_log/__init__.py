"""CARLA recorder files (``.log``) as drives, and drives as such files; no server and no CARLA is needed."""

from envs.recording.carla_log.known_map import KnownMap
from envs.recording.carla_log.reading import FindMap, drive_of_carla_log
from envs.recording.carla_log.writing import write_carla_log

__all__ = ["FindMap", "KnownMap", "drive_of_carla_log", "write_carla_log"]
