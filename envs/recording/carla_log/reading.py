"""A CARLA recorder file as a drive: every frame in which the ego is there becomes a tick.

Recorded are places, rotations, controls, lights and collisions; velocities and boxes where CARLA was asked for
additional data. What is not there is derived: velocities and accelerations as ``motion`` says, sizes from CARLA's
catalogue, the road, the route and what the ego did against the rules from the map (``road``). A planner's numbers are
0: no hint, no reward, no value is in such a file, and nobody judged its outcome ("running", or "collision").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from envs.carla_recording import CarlaLogError, RecordedActor, RecordedFrame, Recording, read_recording
from envs.recording import DriveLog, DriveMeta, PlannerTrace
from envs.recording.carla_log.cast import cast_of, choose_ego
from envs.recording.carla_log.known_map import KnownMap
from envs.recording.carla_log.lights import LIGHT, heads_of, runs_of, shown_by_group
from envs.recording.carla_log.road import fill_road, forget_road
from envs.recording.carla_log.scenes import in_the_world, longest_stay, moved_m, scenes_of, within, write_collisions
from envs.recording.carla_log.tracks import Track, tracks_of
from envs.recording.names import weather_words
from envs.roads.drawing import RoadDrawing
from envs.roads.gate_lines import gate_lines
from envs.scene import IntArray, SceneBatch

ROUNDING = 1e-6
"""Share of a period by which a frame may come too early and still be the next one's."""

MOST_S, LEAST_STEP_S = 1e8, 1e-5
"""The longest recording, three years, and the shortest step (s, ours)."""


FindMap = Callable[[str], KnownMap | None]
"""Returns the map of a recorded name, None where it is not known: the drive then has no road."""


def drive_of_carla_log(path: str | Path, find_map: FindMap, ego: str = "", period_s: float = 0.0) -> DriveLog:
    """Return the drive in a recorder file.

    ``ego``: id or role of its ego, by default the hero or the first that moves; ``period_s``: ticks are the frames
    nearest behind its multiples (s), and all is derived from these alone, 0: all frames.

    Raises:
        CarlaLogError: in one line, when the file is missing, no recorder file, broken, or has no such ego.
    """
    source = Path(path)
    try:
        recording = read_recording(source)
    except OSError as error:
        raise CarlaLogError(f"cannot read the recording {source}: {error.strerror or error}") from None
    try:
        return _drive_of(recording, find_map, ego, period_s, source.name)
    except CarlaLogError as error:
        raise CarlaLogError(f"{source}: {error}") from None


def _drive_of(recording: Recording, find_map: FindMap, wish: str, period_s: float, name: str) -> DriveLog:
    cast = cast_of(recording)
    kept = _ticks(recording.frames, period_s)
    tracks = tracks_of([recording.frames[number] for number in kept], cast)
    chosen = choose_ego(cast, {actor_id: moved_m(track) for actor_id, track in tracks.items()}, wish)
    first, end = longest_stay(tracks[chosen])
    kept = kept[first:end]
    frames = [recording.frames[number] for number in kept]
    ego = within(tracks.pop(chosen), first, end)
    others = [within(track, first, end) for track in tracks.values()]
    others = in_the_world(ego, [track for track in others if len(track.ticks)])
    scenes = scenes_of(frames, ego, others)
    write_collisions(scenes, recording.frames, kept, chosen)
    known = find_map(recording.map_name)
    drawing = _write_road(scenes, recording, frames, known)
    return DriveLog(_meta(recording, scenes, ego, others, known, name), drawing, scenes, _trace(ego))


def _ticks(frames: Sequence[RecordedFrame], period_s: float) -> IntArray:
    """Return the numbers of the frames that become ticks: the first, and the first in each ``period_s`` after it."""
    time_s = np.array([frame.elapsed_s for frame in frames])
    if np.abs(time_s).max() > MOST_S or (np.diff(time_s) < LEAST_STEP_S).any():
        raise CarlaLogError(f"frames are nearer than {LEAST_STEP_S:g} s to one another, or beyond {MOST_S:g} s")
    if period_s <= 0.0:
        return np.arange(len(frames))
    periods = np.floor((time_s - time_s[0]) / period_s + ROUNDING)
    return np.flatnonzero(np.diff(periods, prepend=-1.0) > 0.0)


def _write_road(
    scenes: SceneBatch, recording: Recording, frames: Sequence[RecordedFrame], known: KnownMap | None
) -> RoadDrawing:
    """Write what the map tells of the road; return its drawing, whose lights show what was recorded."""
    if known is None:
        forget_road(scenes)
        return RoadDrawing((), ())
    graph = known.graph
    shown = shown_by_group(frames, _lights(recording), graph.controls, heads_of(known.opendrive))
    fill_road(scenes, known, shown)
    runs = {group: runs_of(scenes.time_s, shown[:, group]) for group in range(shown.shape[1])}
    return replace(graph.drawing, gates=gate_lines(graph, runs))


def _lights(recording: Recording) -> list[RecordedActor]:
    return [actor for frame in recording.frames for actor in frame.added() if actor.type_id == LIGHT]


def _meta(
    recording: Recording, scenes: SceneBatch, ego: Track, others: Sequence[Track], known: KnownMap | None, name: str
) -> DriveMeta:
    """Return what the drive is; ``extra`` says what was recorded and what was derived."""
    bodies = [ego.body, *(track.body for track in others)]
    extra = {
        "imported_from": name,
        "recorded_unix_s": str(recording.started_unix_s),
        "recorded_map": recording.map_name,
        "ego": f"{ego.body.id} {ego.body.type_id}",
        "velocities": _told(float(np.mean(ego.velocity_recorded)), "derived from places"),
        "sizes": _told(float(np.mean([body.measured for body in bodies])), "from CARLA's catalogue"),
    }
    extra |= weather_words(next((told for frame in recording.frames if (told := frame.weather())), {}))
    return DriveMeta(
        scenario="recording",
        planner=ego.body.role or ego.body.type_id,
        map_name=recording.map_name if known is None else known.name,
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
