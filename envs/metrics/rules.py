"""Red light, off road, route completion: what a drive did against the rules and for its goal.

``scenes`` are one drive: a ``SceneBatch`` whose batch axis is time, as ``DriveLog.scenes``.
"""

from __future__ import annotations

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch


def route_completion(scenes: SceneBatch) -> FloatArray:
    """Return the share ``(B,)`` of the route that has been driven, in [0, 1]; 1 for a route of no length."""
    length = scenes.route.length_m
    share = np.divide(scenes.route.progress_m, length, out=np.ones_like(length), where=length > 0.0)
    return np.clip(share, 0.0, 1.0)


def onsets(flags: BoolArray) -> IntArray:
    """Return the ticks at which ``flags`` ``(T,)`` become true: an event that lasts counts once."""
    before = np.concatenate([[False], flags[:-1]])
    return np.flatnonzero(flags & ~before)


def crosses_red_light(distance_m: FloatArray, red: BoolArray) -> BoolArray:
    """Return the ticks ``(..., T)`` in which the ego crossed its stop line while the light was red.

    ``distance_m`` ``(..., T)`` from the ego's front to one stop line (negative behind it), ``red`` ``(..., T)`` whether
    its light shows red. Who crossed on green or yellow may stand behind the line on red; a crossing is red where the
    light is red at its end.
    """
    crossed = np.zeros(np.shape(distance_m), dtype=np.bool_)
    crossed[..., 1:] = (distance_m[..., :-1] >= 0.0) & (distance_m[..., 1:] < 0.0) & red[..., 1:]
    return crossed


def driven_distance(scenes: SceneBatch) -> FloatArray:
    """Return the metres ``(T,)`` driven in each tick of a drive, from the ego's positions; 0 at the first."""
    step = np.hypot(np.diff(scenes.ego.x), np.diff(scenes.ego.y))
    return np.concatenate([[0.0], step])


def off_road(scenes: SceneBatch) -> BoolArray:
    """Return whether the ego's centre is off the drivable surface ``(B,)``: by the event, or beyond an edge.

    In a junction by the event alone: beside the edge of its way another way may lie.
    """
    beyond = (scenes.road.edge_left < 0.0) | (scenes.road.edge_right < 0.0)
    return scenes.events.off_road | (beyond & ~scenes.road.in_junction)


def off_road_distance(scenes: SceneBatch) -> float:
    """Return the metres of a drive that were off road; a tick counts where the ego is off road at its end."""
    return float(driven_distance(scenes)[off_road(scenes)].sum())


def off_road_share(scenes: SceneBatch) -> float:
    """Return the share of the driven distance that was off road, in [0, 1]; 0 for a drive that did not move."""
    total = float(driven_distance(scenes).sum())
    return off_road_distance(scenes) / total if total > 0.0 else 0.0
