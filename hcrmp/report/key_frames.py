"""The moment of a failure as a small drawing from above, and the page that replays it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envs.recording import DriveLog, DriveLogError
from envs.rendering.road import painted_lines
from envs.roads.drawing import simplified
from envs.scene import ActorKind, BoolArray, FloatArray
from hcrmp.report.failures import Failure, Kind
from hcrmp.viewer import write_html

AHEAD_M, BEHIND_M, ASIDE_M = 34.0, 22.0, 13.0
"""What the drawing shows of the road before, behind and beside the ego (m)."""

MARGIN_M = 2.0
TRAIL_S = 4.0
"""How far back the ego's trail goes (s)."""

SMALL_M = 1.2
"""A body below this is drawn as a disc that can be seen (m)."""

TOLERANCE_M = 0.08
DRAWN = 8
"""Key frames on a page."""


def replay_page(drive: Path) -> Path:
    """Return where the replay page of a recorded drive of a run stands."""
    return drive.parent.parent / "replay" / f"{drive.stem}.html"


def write_pages(kinds: dict[Kind, list[Failure]], most: int) -> int:
    """Write up to ``most`` replay pages of recorded failures that have none, each kind in turn; return how many."""
    written = 0
    for failure in in_turn(kinds):
        if written == most:
            break
        drive = failure.drive
        if drive is None or replay_page(drive).is_file():
            continue
        try:
            write_html([DriveLog.read(drive)], replay_page(drive))
        except DriveLogError:
            continue  # a damaged drive has no page, and the report says so by having no link
        written += 1
    return written


def in_turn(kinds: dict[Kind, list[Failure]]) -> Iterator[Failure]:
    """Yield recorded failures: one of each kind, then another of each."""
    waiting = [[one for one in found if one.drive is not None] for found in kinds.values()]
    for turn in range(max(map(len, waiting), default=0)):
        yield from (found[turn] for found in waiting if turn < len(found))


def key_frames(kinds: dict[Kind, list[Failure]]) -> list[tuple[Failure, str]]:
    """Return the failures that are drawn, one of each kind first, and their drawings."""
    found: list[tuple[Failure, str]] = []
    for failure in in_turn(kinds):
        if len(found) == DRAWN:
            break
        drive = failure.drive
        assert drive is not None
        try:
            found.append((failure, drawing(DriveLog.read(drive), failure.time_s)))
        except DriveLogError:
            continue
    return found


# ---- drawing


def drawing(drive: DriveLog, time_s: float) -> str:
    """Return the moment of a drive as SVG, the road ahead to the right; colours are the page's."""
    tick = drive.tick_at(time_s)
    frame = _Frame.of(drive, tick)
    parts = [*_road(drive, frame), *_trail(drive, tick, frame), *_bodies(drive, tick, frame)]
    box = f"{-BEHIND_M:g} {-ASIDE_M:g} {AHEAD_M + BEHIND_M:g} {2 * ASIDE_M:g}"
    return f'<svg class="frame" viewBox="{box}" aria-hidden="true">{"".join(parts)}</svg>'


@dataclass(frozen=True)
class _Frame:
    """The ego's place and the direction of its route (rad) in the map."""

    x: float
    y: float
    heading: float

    @classmethod
    def of(cls, drive: DriveLog, tick: int) -> _Frame:
        """Return the frame of a tick."""
        scenes = drive.scenes
        heading = float(scenes.ego.yaw[tick] - scenes.route.heading_error[tick])
        return cls(float(scenes.ego.x[tick]), float(scenes.ego.y[tick]), heading)

    def local(self, points: FloatArray) -> FloatArray:
        """Return points ``(n, 2)`` of the map in the drawing: ahead to the right, left upwards (m)."""
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        dx, dy = points[:, 0] - self.x, points[:, 1] - self.y
        return np.column_stack([dx * cos + dy * sin, dx * sin - dy * cos])


def _road(drive: DriveLog, frame: _Frame) -> Iterator[str]:
    for area in drive.drawing.areas:
        clipped = clip(frame.local(area.points[:, :2]))
        if len(clipped) >= 3:
            yield f'<polygon class="a-{_word(area.kind)}" points="{_points(clipped)}"/>'
    for stroke in drive.drawing.strokes:
        for pattern, points in painted_lines(stroke):
            yellow = " yellow" if stroke.color == "yellow" else ""
            for piece in _inside(frame.local(points[:, :2])):
                yield f'<polyline class="m-{_word(pattern)}{yellow}" points="{_points(piece)}"/>'


def _trail(drive: DriveLog, tick: int, frame: _Frame) -> Iterator[str]:
    scenes = drive.scenes
    first = drive.tick_at(float(scenes.time_s[tick]) - TRAIL_S)
    path = frame.local(np.column_stack([scenes.ego.x[first : tick + 1], scenes.ego.y[first : tick + 1]]))
    if len(path) > 1:
        yield f'<polyline class="trail" points="{_points(path)}"/>'


def _bodies(drive: DriveLog, tick: int, frame: _Frame) -> Iterator[str]:
    scenes = drive.scenes
    actors, ego = scenes.actors, scenes.ego
    struck = int(scenes.events.collision_actor[tick]) if scenes.events.collision[tick] else -1
    for slot in np.flatnonzero(actors.valid[tick]).tolist():
        place = frame.local(np.array([[actors.x[tick, slot], actors.y[tick, slot]]]))[0]
        if not (-BEHIND_M - 10 < place[0] < AHEAD_M + 10 and abs(place[1]) < ASIDE_M + 10):
            continue
        kind = ActorKind(int(actors.kind[tick, slot])).name.lower()
        size = float(actors.length[tick, slot]), float(actors.width[tick, slot])
        turned = float(actors.yaw[tick, slot]) - frame.heading
        yield _body(place, turned, size, f"b-{kind}{' struck' if slot == struck else ''}")
    size = float(ego.length[tick]), float(ego.width[tick])
    turned = float(ego.yaw[tick]) - frame.heading
    yield _body(np.zeros(2), turned, size, f"b-ego{' struck' if scenes.events.collision[tick] else ''}")


def _body(place: FloatArray, turned: float, size: tuple[float, float], kind: str) -> str:
    """Return a body as a rectangle with a stroke across its front, which tells where it heads."""
    length, width = size
    if max(size) < SMALL_M:
        return f'<g class="{kind}"><circle cx="{place[0]:.1f}" cy="{place[1]:.1f}" r=".8"/></g>'
    degrees = -np.degrees(turned)
    where = f"translate({place[0]:.1f} {place[1]:.1f}) rotate({degrees:.0f})"
    shape = f'<rect x="{-length / 2:.2f}" y="{-width / 2:.2f}" width="{length:.2f}" height="{width:.2f}" rx=".4"/>'
    shape += f'<path d="M{length * 0.24:.2f} {-width * 0.34:.2f}V{width * 0.34:.2f}"/>'
    return f'<g class="{kind}" transform="{where}">{shape}</g>'


def clip(polygon: FloatArray) -> FloatArray:
    """Return the part of a ``polygon`` ``(n, 2)`` within the drawing and its margin (Sutherland and Hodgman)."""
    bounds = (
        (0, -BEHIND_M - MARGIN_M, 1.0), (0, AHEAD_M + MARGIN_M, -1.0),
        (1, -ASIDE_M - MARGIN_M, 1.0), (1, ASIDE_M + MARGIN_M, -1.0),
    )  # fmt: skip
    points = polygon
    for axis, border, sign in bounds:
        points = _clip_by(points, axis, border, sign)
        if len(points) < 3:
            return np.zeros((0, 2))
    return simplified(points, TOLERANCE_M)


def _clip_by(points: FloatArray, axis: int, border: float, sign: float) -> FloatArray:
    if len(points) == 0:
        return points
    inside = sign * (points[:, axis] - border) >= 0.0
    kept: list[FloatArray] = []
    for number in range(len(points)):
        before, here = points[number - 1], points[number]
        if inside[number] != inside[number - 1]:
            share = (border - before[axis]) / (here[axis] - before[axis])
            kept.append(before + share * (here - before))
        if inside[number]:
            kept.append(here)
    return np.array(kept).reshape(-1, 2)


def _inside(points: FloatArray) -> Iterator[FloatArray]:
    """Yield the pieces of a line ``(n, 2)`` that are in the drawing, with a point beyond each end."""
    # A segment may cross the drawing between two points outside: it is kept if its bounding box meets the drawing.
    low, high = np.minimum(points[:-1], points[1:]), np.maximum(points[:-1], points[1:])
    reach = np.array([AHEAD_M + MARGIN_M, ASIDE_M + MARGIN_M]), np.array([-BEHIND_M - MARGIN_M, -ASIDE_M - MARGIN_M])
    crosses: BoolArray = np.asarray(((low < reach[0]) & (high > reach[1])).all(axis=1))
    start = 0
    while start < len(crosses):
        if not crosses[start]:
            start += 1
            continue
        end = start
        while end < len(crosses) and crosses[end]:
            end += 1
        yield simplified(points[start : end + 1], TOLERANCE_M)
        start = end


def _points(points: FloatArray) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points.tolist())


def _word(kind: str) -> str:
    return "".join(letter for letter in kind if letter.isalnum() or letter == "_")


def sample_of(found: Sequence[Failure], most: int) -> tuple[list[Failure], int]:
    """Return up to ``most`` failures to list, recorded ones first, and how many are left out."""
    ordered = sorted(found, key=lambda one: (one.drive is None, one.contestant.index, one.record.cell, one.record.seed))
    return ordered[:most], max(0, len(found) - most)
