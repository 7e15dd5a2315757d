"""How Rerun's viewer opens a drive: the scene from behind the ego, what happened below it, the plots beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envs.recording import REWARD_NAMES

PLOTS: dict[str, Sequence[str]] = {
    "speed, m/s": ("ego_speed_mps", "road_speed_limit_mps"),
    "time to collision, s": ("ttc_s",),
    "controls": ("control_throttle", "control_brake", "control_steer"),
    "weights of the critics": tuple(f"weights_{name}" for name in REWARD_NAMES),
    "values": tuple(f"values_{name}" for name in REWARD_NAMES),
    "rewards": tuple(f"reward_terms_{name}" for name in REWARD_NAMES),
}
"""Series of each plot by its title; a plot none of whose series a drive has is left out."""

FROM_BEHIND_M = (-25.0, 0.0, 18.0)
"""The eye, seen from the ego, along the map's axes."""


def layout(rerun: Any, series: Sequence[str], ego: tuple[float, float], followed: str) -> Any:
    """Return the blueprint of a drive that has ``series``; the eye begins at ``ego`` (m) and follows an entity."""
    blue = rerun.blueprint
    plots = [
        blue.TimeSeriesView(name=title, origin="/series", contents=[f"$origin/{name}" for name in names])
        for title, names in PLOTS.items()
        if any(name in series for name in names)
    ]
    events = blue.TextLogView(
        name="events and hints, and what a model was asked", origin="/", contents=["events", "planner/asked"]
    )
    scene = blue.Spatial3DView(name="scene", origin="/world", **_eye(blue, ego, followed))
    return blue.Blueprint(
        blue.Horizontal(
            blue.Vertical(scene, events, row_shares=[3, 1]), blue.Vertical(*plots), column_shares=[3, 2]
        ),
        blue.SelectionPanel(state="collapsed"),
        blue.BlueprintPanel(state="collapsed"),
        blue.TimePanel(state="collapsed"),
    )  # fmt: skip


def _eye(blue: Any, ego: tuple[float, float], followed: str) -> dict[str, Any]:
    """Return the eye's controls, which older versions of Rerun do not have."""
    if not hasattr(blue, "EyeControls3D"):
        return {}
    here = (*ego, 0.0)
    position = [place + away for place, away in zip(here, FROM_BEHIND_M, strict=True)]
    controls = blue.EyeControls3D(position=position, look_target=here, eye_up=(0.0, 0.0, 1.0), tracking_entity=followed)
    return {"eye_controls": controls}
