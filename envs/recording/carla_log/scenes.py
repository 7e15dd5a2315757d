"""The scenes of a recording's bodies: who is where at each tick, who sees whom, and whom the ego hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.carla_recording import CarlaLogError, Packet, RecordedFrame
from envs.embedded.visibility import BINS, RANGE_M, look_around
from envs.recording.carla_log.motion import in_body_frame
from envs.recording.carla_log.slots import slots_of
from envs.recording.carla_log.tracks import Track
from envs.scene import ActorKind, ActorRow, BoolArray, EgoRow, EventRow, FloatArray, IntArray, SceneBatch

OUT_OF_WORLD_M = 50.0
"""A body this much above or below the ego is not in the world (m, ours): scenario_runner keeps cars for later there."""


def moved_m(track: Track) -> float:
    """Return how far a body comes from where it is first (m)."""
    return float(np.hypot(track.x - track.x[0], track.y - track.y[0]).max())


def longest_stay(track: Track) -> tuple[int, int]:
    """Return the first frame and the one behind the last of the ego's longest unbroken time in the recording.

    Raises:
        CarlaLogError: that is one frame alone.
    """
    cuts = np.flatnonzero(np.diff(track.ticks) > 1) + 1
    stays = np.split(track.ticks, cuts)
    longest = max(stays, key=len)
    if len(longest) < 2:
        raise CarlaLogError(f"the ego, actor {track.body.id}, is there for one frame alone: a drive has two at least")
    return int(longest[0]), int(longest[-1]) + 1


def within(track: Track, first: int, end: int) -> Track:
    """Return the part of a track between two frames, counted from the first."""
    kept = (track.ticks >= first) & (track.ticks < end)
    return _kept(replace(track, ticks=track.ticks - first), kept)


def _kept(track: Track, kept: BoolArray) -> Track:
    arrays = {name: getattr(track, name)[kept] for name in Track.__slots__ if name != "body"}
    return Track(body=track.body, **arrays)


def in_the_world(ego: Track, others: Sequence[Track]) -> list[Track]:
    """Return the others where they are on the ego's level; of the static props those that it comes near."""
    here = []
    for track in others:
        level = _kept(track, np.abs(track.z - ego.z[track.ticks]) <= OUT_OF_WORLD_M)
        if len(level.ticks) and (track.body.kind != ActorKind.STATIC or _comes_near(ego, level)):
            here.append(level)
    return here


def _comes_near(ego: Track, track: Track) -> bool:
    away = np.hypot(track.x - ego.x[track.ticks], track.y - ego.y[track.ticks])
    return bool(away.min() <= RANGE_M)


def scenes_of(frames: Sequence[RecordedFrame], ego: Track, others: Sequence[Track]) -> SceneBatch:
    """Return the scenes (batch axis: time) of the bodies alone: no road, no route, no events yet."""
    slots, count = slots_of(others, len(frames))
    scenes = SceneBatch.empty(len(frames), count)
    scenes.time_s[:] = [frame.elapsed_s - frames[0].elapsed_s for frame in frames]
    scenes.step[:] = np.arange(len(frames))
    _write_ego(scenes, ego)
    levels = np.zeros((len(frames), count))
    for track, slot in zip(others, slots, strict=True):
        _write_actor(scenes, track, slot)
        levels[track.ticks, slot] = track.z
    nearness, nearest = np.zeros(BINS), np.zeros(BINS)
    for tick in range(len(frames)):
        look_around(scenes.actors.block, scenes.ego.block, levels[tick], float(ego.z[tick]), nearness, nearest, tick)
    return scenes


def _write_ego(scenes: SceneBatch, ego: Track) -> None:
    speed, aside = in_body_frame(ego.velocity, ego.yaw)
    along, across = in_body_frame(ego.acceleration, ego.yaw)
    throttle, brake, steer = ego.control.T
    rows = {
        EgoRow.X: ego.x, EgoRow.Y: ego.y, EgoRow.YAW: _wrapped(ego.yaw), EgoRow.SPEED: speed,
        EgoRow.LATERAL_SPEED: aside, EgoRow.ACCELERATION: along, EgoRow.LATERAL_ACCELERATION: across,
        EgoRow.YAW_RATE: ego.yaw_rate, EgoRow.JERK: ego.jerk, EgoRow.LENGTH: 2.0 * ego.body.half_length,
        EgoRow.WIDTH: 2.0 * ego.body.half_width, EgoRow.STEER: steer, EgoRow.THROTTLE: throttle, EgoRow.BRAKE: brake,
        EgoRow.STEER_CHANGE: np.diff(steer, prepend=steer[0]),
    }  # fmt: skip
    for row, values in rows.items():
        scenes.ego.block[row] = values


def _write_actor(scenes: SceneBatch, track: Track, slot: int) -> None:
    body = track.body
    along, _ = in_body_frame(track.velocity, track.yaw)
    rows: dict[ActorRow, float | FloatArray] = {
        ActorRow.VALID: 1.0, ActorRow.KIND: float(body.kind), ActorRow.ID: float(body.id), ActorRow.X: track.x,
        ActorRow.Y: track.y, ActorRow.YAW: _wrapped(track.yaw), ActorRow.SPEED: along,
        ActorRow.VX: track.velocity[:, 0], ActorRow.VY: track.velocity[:, 1],
        ActorRow.ACCELERATION: in_body_frame(track.acceleration, track.yaw)[0],
        ActorRow.LENGTH: 2.0 * body.half_length, ActorRow.WIDTH: 2.0 * body.half_width,
    }  # fmt: skip
    for row, values in rows.items():
        scenes.actors.block[row, track.ticks, slot] = values


def _wrapped(yaw: FloatArray) -> FloatArray:
    """Return angles in [-pi, pi)."""
    wrapped: FloatArray = np.mod(yaw + np.pi, 2.0 * np.pi) - np.pi
    return wrapped


def write_collisions(scenes: SceneBatch, frames: Sequence[RecordedFrame], kept: IntArray, ego_id: int) -> None:
    """Mark the ticks of the ego's collisions, which are those since the tick before; -1: the other has no body here."""
    scenes.events.block[EventRow.COLLISION_ACTOR] = -1.0
    for number in range(kept[0], kept[-1] + 1):
        for row in frames[number].table(Packet.COLLISIONS):
            pair = int(row["first"]), int(row["second"])
            if ego_id not in pair:
                continue
            other = pair[1] if pair[0] == ego_id else pair[0]
            tick = int(np.searchsorted(kept, number))
            there = scenes.actors.valid[tick] & (scenes.actors.id[tick] == other)
            scenes.events.block[EventRow.COLLISION, tick] = 1.0
            if there.any():
                scenes.events.block[EventRow.COLLISION_ACTOR, tick] = int(np.argmax(there))
