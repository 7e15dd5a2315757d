"""How much a stranger's planner or drive may say that was seen: checked before anything is built to see it again."""

from __future__ import annotations

from envs.observation import ObservationConfig

MOST_INPUTS = 1 << 17
"""Numbers of a row of the observation, pictures apart."""
MOST_BYTES = 1 << 25
"""Bytes of the pictures of one row."""


def check_observation(config: ObservationConfig) -> None:
    """Raise ``ValueError`` where an environment of ``config`` would remember or picture too much."""
    cameras = config.cameras
    remembered = config.rays * config.frames * config.frame_stride
    pictured = len(cameras.views) * cameras.width * cameras.height * cameras.frames * cameras.frame_stride
    if max(remembered, config.agents_per_place) > MOST_INPUTS or pictured > MOST_BYTES:
        raise ValueError(f"its observation remembers {remembered:,} rays and {pictured:,} pixels, beyond bounds")
