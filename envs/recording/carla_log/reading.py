"""A CARLA recorder file as a drive: every frame in which the ego is there becomes a tick.

Recorded are places, rotations, controls, lights and collisions; velocities and boxes where CARLA was asked for additional
data. What is not there is derived: velocities and accelerations as ``motion`` says, sizes from CARLA's catalogue, the
road, the route and what the ego did against the rules from the map (``road``). A planner's numbers are 0: no hint, no
reward, no value is in such a file, and nobody judged its outcome ("running", or "collision").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from envs.carla_recording import CarlaLogError, Packet, RecordedActor, RecordedFrame, Recording, read_recording
from envs.embedded.visibility import BINS, RANGE_M, look_around
from envs.recording.carla_log.cast import Body, cast_of, choose_ego
from envs.recording.carla_log.lights import LIGHT, heads_of, runs_of, shown_by_group
from envs.recording.carla_log.motion import in_body_frame
from envs.recording.carla_log.road import fill_road, forget_road
from envs.recording.carla_log.slots import slots_of
from envs.recording.carla_log.tracks import Track, tracks_of
from envs.recording.drive_log import DriveLog, DriveMeta, PlannerTrace
from envs.roads.drawing import RoadDrawing
from envs.roads.elements import OpenDrive
from envs.roads.gate_lines import gate_lines
from envs.roads.lane_graph import LaneGraph
from envs.scene import ActorKind, ActorRow, EgoRow, EventRow, SceneBatch

OUT_OF_WORLD_M = 50.0
"""A body this much above or below the ego is not in the world (m, ours): scenario_runner keeps cars for later there."""

ACTION_OF_CONTROL = 1.0
"""The planner's action that a control is taken for: throttle less brake, and steer, unlimited."""


@dataclass(frozen=True, slots=True)
class KnownMap:
    """A map: its compiled lanes, and its OpenDRIVE elements, which say where its signals stand."""

    graph: LaneGraph
    opendrive: OpenDrive


FindMap = Callable[[str], KnownMap | None]
"""Returns the map of a recorded name, None where it is not known: the drive then has no road."""


def drive_of_carla_log(path: str | Path, find_map: FindMap, ego: str = "") -> DriveLog:
    """Return the drive in a recorder file; ``ego``: id or role of its ego, by default the hero or the first that moves.

    Raises:
        CarlaLogError: in one line, when the file is missing, no recorder file, broken, or has no such ego.
    """
    source = Path(path)
    try:
        recording = read_recording(source)
    except OSError as error:
        raise CarlaLogError(f"cannot read the recording {source}: {error.strerror or error}") from None
    try:
        return _drive_of(recording, find_map, ego, source.name)
    except CarlaLogError as error:
        raise CarlaLogError(f"{source}: {error}") from None


def _drive_of(recording: Recording, find_map: FindMap, wish: str, name: str) -> DriveLog:
    cast = cast_of(recording)
    tracks = tracks_of(recording.frames, cast)
    chosen = choose_ego(cast, {actor_id: _moved_m(track) for actor_id, track in tracks.items()}, wish)
    first, end = _longest_stay(tracks[chosen])
    frames = recording.frames[first:end]
    ego = _within(tracks.pop(chosen), first, end)
    others = [_within(track, first, end) for track in tracks.values()]
    others = _in_the_world(ego, [track for track in others if len(track.ticks)])
    scenes = _scenes(frames, ego, others)
    _write_collisions(scenes, frames, chosen)
    known = find_map(recording.map_name)
    drawing = _write_road(scenes, recording, frames, known)
    meta = _meta(recording, scenes, ego, others, first, name)
    return DriveLog(meta, drawing, scenes, _trace(ego))


def _moved_m(track: Track) -> float:
    return float(np.hypot(track.x - track.x[0], track.y - track.y[0]).max())


def _longest_stay(track: Track) -> tuple[int, int]:
    """Return the first frame and the one behind the last of the ego's longest unbroken time in the recording."""
    cuts = np.flatnonzero(np.diff(track.ticks) > 1) + 1
    stays = np.split(track.ticks, cuts)
    longest = max(stays, key=len)
    if len(longest) < 2:
        raise CarlaLogError(f"the ego, actor {track.body.id}, is there for one frame alone: a drive has two at least")
    return int(longest[0]), int(longest[-1]) + 1


def _within(track: Track, first: int, end: int) -> Track:
    """Return the part of a track between two frames, counted from the first."""
    kept = (track.ticks >= first) & (track.ticks < end)
    return _kept(replace(track, ticks=track.ticks - first), kept)


def _kept(track: Track, kept: np.ndarray) -> Track:
    arrays = {name: getattr(track, name)[kept] for name in Track.__slots__ if name != "body"}
    return Track(body=track.body, **arrays)


def _in_the_world(ego: Track, others: Sequence[Track]) -> list[Track]:
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


def _scenes(frames: Sequence[RecordedFrame], ego: Track, others: Sequence[Track]) -> SceneBatch:
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
        look_around(
            scenes.actors.block, scenes.ego.block, levels[tick], float(ego.z[tick]), nearness, nearest, tick
        )
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
    rows = {
        ActorRow.VALID: 1.0, ActorRow.KIND: float(body.kind), ActorRow.ID: float(body.id), ActorRow.X: track.x,
        ActorRow.Y: track.y, ActorRow.YAW: _wrapped(track.yaw), ActorRow.SPEED: along,
        ActorRow.VX: track.velocity[:, 0], ActorRow.VY: track.velocity[:, 1],
        ActorRow.ACCELERATION: in_body_frame(track.acceleration, track.yaw)[0],
        ActorRow.LENGTH: 2.0 * body.half_length, ActorRow.WIDTH: 2.0 * body.half_width,
    }  # fmt: skip
    for row, values in rows.items():
        scenes.actors.block[row, track.ticks, slot] = values


def _wrapped(yaw: np.ndarray) -> np.ndarray:
    """Return angles in [-pi, pi)."""
    return np.mod(yaw + np.pi, 2.0 * np.pi) - np.pi


def _write_collisions(scenes: SceneBatch, frames: Sequence[RecordedFrame], ego_id: int) -> None:
    """Mark the frames of the ego's collisions; the other is -1 where it has no body of its own."""
    scenes.events.block[EventRow.COLLISION_ACTOR] = -1.0
    for tick, frame in enumerate(frames):
        for row in frame.table(Packet.COLLISIONS):
            pair = int(row["first"]), int(row["second"])
            if ego_id not in pair:
                continue
            other = pair[1] if pair[0] == ego_id else pair[0]
            there = scenes.actors.valid[tick] & (scenes.actors.id[tick] == other)
            scenes.events.block[EventRow.COLLISION, tick] = 1.0
            if there.any():
                scenes.events.block[EventRow.COLLISION_ACTOR, tick] = int(np.argmax(there))


def _write_road(
    scenes: SceneBatch, recording: Recording, frames: Sequence[RecordedFrame], known: KnownMap | None
) -> RoadDrawing:
    """Write what the map tells of the road; return its drawing, whose lights show what was recorded."""
    if known is None:
        forget_road(scenes)
        return RoadDrawing((), ())
    graph = known.graph
    shown = shown_by_group(frames, _lights(recording), graph.controls, heads_of(known.opendrive))
    fill_road(scenes, graph, shown)
    runs = {group: runs_of(scenes.time_s, shown[:, group]) for group in range(shown.shape[1])}
    return replace(graph.drawing, gates=gate_lines(graph, runs))


def _lights(recording: Recording) -> list[RecordedActor]:
    return [actor for frame in recording.frames for actor in frame.added() if actor.type_id == LIGHT]


def _meta(
    recording: Recording, scenes: SceneBatch, ego: Track, others: Sequence[Track], first: int, name: str
) -> DriveMeta:
    """Return what the drive is; ``extra`` says what was recorded and what was derived."""
    bodies = [ego.body, *(track.body for track in others)]
    extra = {
        "imported_from": name,
        "recorded_unix_s": str(recording.started_unix_s),
        "recording_begins_s": f"{recording.frames[first].elapsed_s:g}",
        "ego": f"{ego.body.id} {ego.body.type_id}",
        "velocities": _told(float(np.mean(ego.velocity_recorded)), "derived from places"),
        "sizes": _told(float(np.mean([body.measured for body in bodies])), "from CARLA's catalogue"),
    }
    weather = next((told for frame in recording.frames if (told := frame.weather())), {})
    extra |= {f"weather_{key}": f"{value:g}" for key, value in weather.items()}
    return DriveMeta(
        scenario="recording",
        planner=ego.body.role or ego.body.type_id,
        map_name=recording.map_name,
        simulator="carla",
        decision_period_s=float(np.median(np.diff(scenes.time_s))),
        outcome="collision" if scenes.events.collision.any() else "running",
        extra=extra,
    )


def _told(share: float, otherwise: str) -> str:
    if share >= 1.0:
        return "recorded"
    return otherwise if share <= 0.0 else f"recorded for {100.0 * share:.0f} %, else {otherwise}"


def _trace(ego: Track) -> PlannerTrace:
    """Return the planner's numbers: the controls, and as actions what they come to."""
    count = len(ego.ticks)
    throttle, brake, steer = ego.control.T
    return PlannerTrace(
        action=np.column_stack([throttle - brake, steer]),
        control=ego.control,
        reward_terms=np.zeros((count, 3)),
        hint_state=None,
        weights=None,
        values=None,
        hint_text=("",) * count,
        hint_source=("",) * count,
        hint_age_s=np.zeros(count),
    )


__all__ = ["Body", "KnownMap", "drive_of_carla_log"]
