"""Post-encroachment time (PET) from two recorded trajectories and the area that both cross.

Allen, Shin and Cooper (1978), "Analysis of traffic conflicts and collisions", Transportation Research Record 667: the
time from the moment that the first road user leaves the conflict area to the moment that the second enters it. PET is
undefined where both are inside together (Westhofen et al., 2022, read there); 0 for that case is ours.
"""

from __future__ import annotations

import numpy as np

from envs.metrics.boxes import actor_boxes, corners, ego_boxes, separation
from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch

_FAR_M = 1e6


def post_encroachment_time(
    poses: FloatArray,
    size: FloatArray,
    other_poses: FloatArray,
    other_size: FloatArray,
    area: FloatArray,
    time_s: FloatArray,
) -> FloatArray:
    """Return PET (s) ``(...)``; infinity where one of the two never enters, 0 where they are inside together.

    ``poses``, ``other_poses`` ``(..., T, 3)`` x, y, yaw of the centres; ``size``, ``other_size`` ``(..., 2)`` length
    and width (m); ``area`` ``(..., P, 2)`` a convex polygon (m); ``time_s`` ``(T,)``. Entry and exit are interpolated
    between ticks. A user is inside from its first entry to its last exit.
    """
    enter, leave = occupation(poses, size, area, time_s)
    other_enter, other_leave = occupation(other_poses, other_size, area, time_s)
    both = np.isfinite(enter) & np.isfinite(other_enter)
    first, second = np.where(both, enter, 0.0), np.where(both, other_enter, 0.0)
    # The difference in the wrong order is negative, and both are where the stays overlap.
    between = np.maximum(second - leave, first - other_leave)
    return np.where(both, np.maximum(between, 0.0), np.inf)


def actor_encroachment(scenes: SceneBatch, area: FloatArray) -> dict[int, float]:
    """Return PET (s) of the ego with every road user of a drive, by the road user's id; as ``post_encroachment_time``.

    ``scenes``: one drive, its batch axis is time; ``area`` ``(P, 2)`` a convex polygon (m). Who is not in the scene at
    a tick is outside of the area then.
    """
    ego, boxes = ego_boxes(scenes), actor_boxes(scenes)
    valid, ids = scenes.actors.valid, scenes.actors.id
    result = {}
    for actor_id in np.unique(ids[valid]).tolist():
        track = _track(boxes, valid & (ids == actor_id))
        size, own = track[:, 3:5].max(axis=0), ego[:, 3:5].max(axis=0)
        pet = post_encroachment_time(ego[:, :3], own, track[:, :3], size, area, scenes.time_s)
        result[int(actor_id)] = float(pet)
    return result


def _track(boxes: FloatArray, chosen: BoolArray) -> FloatArray:
    """Return the one chosen box ``(T, 5)`` of ``boxes`` ``(T, A, 5)`` at each tick; where none is, one far away."""
    track = np.zeros((len(boxes), boxes.shape[-1]))
    track[:, 0] = _FAR_M
    track[chosen.any(axis=1)] = boxes[chosen]
    return track


def occupation(
    poses: FloatArray, size: FloatArray, area: FloatArray, time_s: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the times ``(...)`` at which a body first enters and last leaves a convex ``area`` (s).

    Arguments as in ``post_encroachment_time``. (inf, inf) where it never enters. A body that is inside at the first
    tick enters then; one that is inside at the last tick does not leave: infinity.
    """
    apart = _separation_over_time(poses, size, area)
    inside = apart <= 0.0
    ever = inside.any(axis=-1)
    first = inside.argmax(axis=-1)
    last = inside.shape[-1] - 1 - inside[..., ::-1].argmax(axis=-1)
    enter = _crossing(apart, time_s, first - 1)
    leave = np.where(last == inside.shape[-1] - 1, np.inf, _crossing(apart, time_s, last))
    return np.where(ever, enter, np.inf), np.where(ever, leave, np.inf)


def _separation_over_time(poses: FloatArray, size: FloatArray, area: FloatArray) -> FloatArray:
    sizes = np.broadcast_to(size[..., None, :], (*poses.shape[:-1], 2))
    return separation(corners(np.concatenate([poses, sizes], axis=-1)), area[..., None, :, :])


def _crossing(apart: FloatArray, time_s: FloatArray, tick: IntArray) -> FloatArray:
    """Return when ``apart`` ``(..., T)`` crosses zero between ``tick`` and the next one (s)."""
    tick = np.clip(tick, 0, apart.shape[-1] - 2)
    before = np.take_along_axis(apart, tick[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(apart, tick[..., None] + 1, axis=-1)[..., 0]
    crosses = (before > 0.0) != (after > 0.0)
    share = np.divide(before, before - after, out=np.zeros_like(before), where=crosses)
    crossing: FloatArray = time_s[tick] + share * (time_s[tick + 1] - time_s[tick])
    return crossing
