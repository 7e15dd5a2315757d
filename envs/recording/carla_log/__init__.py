"""CARLA recorder files (``.log``) as drives, and drives as such files; no server and no CARLA is needed."""

from envs.recording.carla_log.reading import drive_of_carla_log


__all__ = ["drive_of_carla_log"]
