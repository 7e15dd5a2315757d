"""The numbers of a drive by name, as every export shows them: each name ends in its unit."""

from __future__ import annotations

from dataclasses import fields
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.recording import REWARD_NAMES, DriveLog, PlannerTrace
from envs.recording.schema import MORE_TRACES
from envs.risk import time_to_collision
from envs.scene import ActorRow, EgoRow, EventRow, RoadRow, RouteRow

Columns = dict[str, npt.NDArray[Any]]

_UNITS = {
    "m": ("x", "y", "length", "width", "lane_width", "lane_offset", "distance_to_lane_end", "edge_left", "edge_right",
          "distance_to_junction", "distance_to_stop_line", "progress", "lateral_offset"),
    "rad": ("yaw", "heading_error"),
    "mps": ("speed", "lateral_speed", "speed_limit", "vx", "vy"),
    "mps2": ("acceleration", "lateral_acceleration"),
    "mps3": ("jerk",),
    "radps": ("yaw_rate",),
    "1pm": ("curvature",),
    "s": ("time_limit",),
}  # fmt: skip
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}
_LABELS = {
    "action": ("longitudinal", "steer"),
    "control": ("throttle", "brake", "steer"),
    "reward_terms": REWARD_NAMES,
    "weights": REWARD_NAMES,
    "values": REWARD_NAMES,
    "hint_weights": REWARD_NAMES,
}
LEFT_OUT = ("observation", "more_critics")
"""What a planner saw has hundreds of numbers without names: whoever wants it reads the drive. Names are no numbers."""


def column_name(row: IntEnum) -> str:
    """Return the name of a scene's row with its unit."""
    name = row.name.lower()
    return f"{name}_{_UNIT_OF[name]}" if name in _UNIT_OF else name


def ego_columns(drive: DriveLog) -> Columns:
    """Return a column ``(T,)`` for every number of the ego, its road, route and events, and the time to collision."""
    scenes = drive.scenes
    columns: Columns = {"time_s": scenes.time_s, "step": scenes.step}
    groups: tuple[tuple[str, type[IntEnum], npt.NDArray[Any]], ...] = (
        ("ego", EgoRow, scenes.ego.block),
        ("road", RoadRow, scenes.road.block),
        ("route", RouteRow, scenes.route.block),
        ("event", EventRow, scenes.events.block),
    )
    for group, rows, block in groups:
        columns |= {f"{group}_{column_name(row)}": block[row] for row in rows}
    return columns | {"ttc_s": time_to_collision(scenes)}


def planner_columns(drive: DriveLog) -> Columns:
    """Return the columns ``(T,)`` of what the planner did, got and was told, as far as the drive has them."""
    columns: Columns = {}
    for item in fields(PlannerTrace):
        given = getattr(drive.trace, item.name)
        if given is not None and item.name not in LEFT_OUT:
            labels = drive.trace.more_critics if item.name in MORE_TRACES else None
            columns |= _columns_of(item.name, np.asarray(given), labels)
    return columns


def _columns_of(name: str, values: npt.NDArray[Any], labels: tuple[str, ...] | None = None) -> Columns:
    if values.ndim == 1:
        return {name: values}
    labels = labels or _LABELS.get(name, tuple(map(str, range(values.shape[1]))))
    return {f"{name}_{label}": values[:, k] for k, label in enumerate(labels)}


def actor_rows() -> tuple[ActorRow, ...]:
    """Return the numbers of another road user that have a column of their own."""
    return tuple(row for row in ActorRow if row not in (ActorRow.VALID, ActorRow.VISIBLE, ActorRow.KIND, ActorRow.ID))
