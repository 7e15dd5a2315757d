"""SceneRenderer: one world of a SceneBatch as an RGB picture that a person can read.

Seen from above; the route runs to the right and the ego keeps its place in the left third, so that a lane change
turns the ego and not the world. Colours name the kind of a road user; what the ego cannot see is drawn as a ghost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from envs.rendering.bodies import body_shape, placed, rounded_box
from envs.rendering.panel import Colour, RenderOverlay, draw_header, draw_legend, draw_panel, font
from envs.rendering.road import GROUND, marks, near, surfaces
from envs.roads.drawing import GateLine, RoadDrawing
from envs.roads.gate_lines import shown_state
from envs.scene import ActorKind, FloatArray, SceneBatch, SignalState

EGO_COLOUR: Colour = (52, 211, 153)
KIND_COLOURS: dict[ActorKind, Colour] = {
    ActorKind.CAR: (96, 165, 250),
    ActorKind.TRUCK: (251, 146, 60),
    ActorKind.BUS: (250, 204, 21),
    ActorKind.MOTORCYCLE: (167, 139, 250),
    ActorKind.PEDESTRIAN: (244, 114, 182),
    ActorKind.CYCLIST: (34, 211, 238),
    ActorKind.STATIC: (156, 163, 175),
}
SIGNAL_COLOURS: dict[SignalState, Colour] = {
    SignalState.GREEN: (34, 197, 94),
    SignalState.YELLOW: (250, 204, 21),
    SignalState.RED: (239, 68, 68),
}
SIGN_COLOUR: Colour = (229, 231, 235)
TRAIL_COLOUR: Colour = (53, 148, 115)
"""The ego's, as if it were seen through; what is really seen through shows every joint of a line."""

ALARM_COLOUR: Colour = (239, 68, 68)
_SUPERSAMPLING = 2
_VELOCITY_S = 1.0
_PEDESTRIAN_PIXELS = 5.0
"""Least radius of a pedestrian in the picture, pixels; ``_LEAST_PIXELS`` the least size of any body."""

_LEAST_PIXELS = 4.0
_GLASS: Colour = (11, 14, 18)
CRITICAL_COLOUR: Colour = (251, 191, 36)


@dataclass(frozen=True, slots=True)
class _Camera:
    """World to pixels: ``origin`` (m) lies at ``centre`` (px), ``heading`` (rad) points right, ``scale`` in px/m."""

    origin: tuple[float, float]
    heading: float
    centre: tuple[float, float]
    scale: float

    def pixels(self, points: npt.ArrayLike) -> list[tuple[float, float]]:
        """Return ``(n, 2)`` world points as pixel pairs."""
        dx, dy = (np.asarray(points, dtype=np.float64) - self.origin).T
        cos, sin = np.cos(self.heading), np.sin(self.heading)
        right = self.centre[0] + self.scale * (dx * cos + dy * sin)
        down = self.centre[1] + self.scale * (dx * sin - dy * cos)
        return list(zip(right.tolist(), down.tolist(), strict=True))


class SceneRenderer:
    """Draws scenes on one road.

    ``drawing`` of the road; ``size`` of the picture (width, height) in pixels; ``metres`` of road that its width shows.
    """

    def __init__(self, drawing: RoadDrawing, size: tuple[int, int] = (960, 540), metres: float = 80.0) -> None:
        if size[0] < 160 or size[1] < 120:
            raise ValueError(f"a picture of {size[0]} x {size[1]} pixels is too small to read: at least 160 x 120")
        if not metres > 0.0:
            raise ValueError(f"metres is {metres}; it must be positive: the length of road across the picture")
        self.size = size
        self.metres = metres
        self._surfaces = surfaces(drawing)
        self._marks = marks(drawing)
        self._gates = drawing.gates
        self._header = round(0.065 * size[1])
        self._panel = round(0.25 * size[1])

    def render(self, scene: SceneBatch, row: int = 0, overlay: RenderOverlay | None = None) -> npt.NDArray[np.uint8]:
        """Return world ``row`` of ``scene`` as ``(height, width, 3)`` uint8; an overlay adds words and bars."""
        image = Image.new("RGB", self.size, GROUND)
        top, height = self._map_band(overlay)
        image.paste(self._map(scene, row, height, overlay or RenderOverlay()), (0, top))
        canvas = ImageDraw.Draw(image, "RGBA")
        self._scale_bar(canvas, top + height)
        if overlay is not None:
            draw_header(canvas, (0, 0, self.size[0], top), scene, row, overlay)
            draw_legend(canvas, (self.size[0], top), self._header, _legend(scene, row))
            draw_panel(canvas, (0, top + height, self.size[0], self.size[1]), scene, row, overlay)
        return np.asarray(image, dtype=np.uint8)

    def _map_band(self, overlay: RenderOverlay | None) -> tuple[int, int]:
        """Return top and height of the map in the picture, px."""
        if overlay is None:
            return 0, self.size[1]
        return self._header, self.size[1] - self._header - self._panel

    def _map(self, scene: SceneBatch, row: int, height: int, overlay: RenderOverlay) -> Image.Image:
        """Return the map band, drawn larger and reduced: Pillow draws no smooth edges itself."""
        width, tall = self.size[0] * _SUPERSAMPLING, height * _SUPERSAMPLING
        camera = _camera(scene, row, (width, tall), width / self.metres)
        image = Image.new("RGB", (width, tall), GROUND)
        canvas = ImageDraw.Draw(image, "RGBA")
        reach = np.hypot(self.metres, self.metres * tall / width)
        self._draw_road(canvas, camera, float(reach))
        for gate in self._gates:
            _draw_gate(canvas, camera, gate, float(scene.time_s[row]), int(scene.seed[row]))
        _draw_trail(canvas, camera, overlay.trail)
        _draw_route(canvas, camera, scene, row)
        for slot in np.flatnonzero(scene.actors.valid[row]):
            _draw_actor(canvas, camera, scene, row, int(slot))
        _draw_critical(canvas, camera, scene, row, overlay.critical)
        _draw_ego(canvas, camera, scene, row)
        _draw_collision(canvas, camera, scene, row)
        return image.reduce(_SUPERSAMPLING)

    def _draw_road(self, canvas: ImageDraw.ImageDraw, camera: _Camera, reach: float) -> None:
        for area in near(self._surfaces, camera.origin, reach):
            canvas.polygon(camera.pixels(area.points), fill=area.colour)
        for mark in near(self._marks, camera.origin, reach):
            width = max(_SUPERSAMPLING, round(mark.width_m * camera.scale))
            canvas.line(camera.pixels(mark.points), fill=mark.colour, width=width, joint="curve")

    def _scale_bar(self, canvas: ImageDraw.ImageDraw, bottom: int) -> None:
        length = 10.0 * self.size[0] / self.metres
        unit = self.size[1] / 540.0
        right, y = self.size[0] - 14 * unit, bottom - 12 * unit
        canvas.line([(right - length, y), (right, y)], fill=(229, 231, 235), width=max(1, round(2 * unit)))
        for x in (right - length, right):
            canvas.line([(x, y - 4 * unit), (x, y + 4 * unit)], fill=(229, 231, 235), width=max(1, round(2 * unit)))
        canvas.text((right - length / 2, y - 6 * unit), "10 m", fill=(229, 231, 235), font=font(11 * unit), anchor="mb")


def _camera(scene: SceneBatch, row: int, size: tuple[int, int], scale: float) -> _Camera:
    ego = scene.ego
    return _Camera(
        origin=(float(ego.x[row]), float(ego.y[row])),
        heading=float(ego.yaw[row] - scene.route.heading_error[row]),
        centre=(size[0] / 3.0, size[1] / 2.0),
        scale=scale,
    )


def _draw_gate(canvas: ImageDraw.ImageDraw, camera: _Camera, gate: GateLine, time_s: float, seed: int) -> None:
    """Draw a stop line in the colour of its signal, white at a stop sign, broken at a yield sign."""
    ends = np.asarray(gate.points)
    pieces, colour = [ends], SIGN_COLOUR
    if gate.kind == "signal":
        colour = SIGNAL_COLOURS.get(shown_state(gate, time_s, seed), SIGN_COLOUR)
    elif gate.kind == "yield":
        shares = np.array([(0.0, 0.25), (0.4, 0.6), (0.75, 1.0)])
        pieces = [ends[0] + share[:, None] * (ends[1] - ends[0]) for share in shares]
    for piece in pieces:
        canvas.line(camera.pixels(piece), fill=colour, width=max(_SUPERSAMPLING, round(0.45 * camera.scale)))


def _draw_trail(canvas: ImageDraw.ImageDraw, camera: _Camera, trail: npt.ArrayLike | None) -> None:
    if trail is not None and len(np.asarray(trail)) > 1:
        width = max(_SUPERSAMPLING, round(0.22 * camera.scale))
        canvas.line(camera.pixels(trail), fill=TRAIL_COLOUR, width=width, joint="curve")


def _draw_critical(canvas: ImageDraw.ImageDraw, camera: _Camera, scene: SceneBatch, row: int, slot: int) -> None:
    """Draw a broken ring around the road user in ``slot``; -1: around none."""
    if slot < 0:
        return
    actors = scene.actors
    ((x, y),) = camera.pixels([(actors.x[row, slot], actors.y[row, slot])])
    size = max(float(actors.length[row, slot]), float(actors.width[row, slot]))
    radius = max(0.62 * size * camera.scale, 11.0 * _SUPERSAMPLING)
    for start in range(0, 360, 36):
        box = (x - radius, y - radius, x + radius, y + radius)
        canvas.arc(box, start, start + 26, fill=CRITICAL_COLOUR, width=2 * _SUPERSAMPLING)


def _draw_route(canvas: ImageDraw.ImageDraw, camera: _Camera, scene: SceneBatch, row: int) -> None:
    points = camera.pixels(scene.route.points[row, :, :2])
    radius = max(2.0 * _SUPERSAMPLING, 0.28 * camera.scale)
    if len(set(points)) > 1:
        canvas.line(points, fill=(*EGO_COLOUR, 70), width=max(_SUPERSAMPLING, round(0.12 * camera.scale)))
        for x, y in points:
            canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(*EGO_COLOUR, 150))


def _draw_actor(canvas: ImageDraw.ImageDraw, camera: _Camera, scene: SceneBatch, row: int, slot: int) -> None:
    actors = scene.actors
    kind = ActorKind(int(actors.kind[row, slot]))
    x, y, yaw = (float(group[row, slot]) for group in (actors.x, actors.y, actors.yaw))
    seen = bool(actors.visible[row, slot])
    colour = KIND_COLOURS[kind]
    velocity = np.array([actors.vx[row, slot], actors.vy[row, slot]])
    _draw_velocity(canvas, camera, np.array([x, y]), velocity, (*colour, 190 if seen else 90))
    least = _LEAST_PIXELS * _SUPERSAMPLING / camera.scale
    if kind == ActorKind.PEDESTRIAN:
        least = 2 * _PEDESTRIAN_PIXELS * _SUPERSAMPLING / camera.scale
    size = max(float(actors.length[row, slot]), least), max(float(actors.width[row, slot]), least)
    _draw_body(canvas, camera, kind, (x, y, yaw), size, colour, seen)


def _draw_body(
    canvas: ImageDraw.ImageDraw,
    camera: _Camera,
    kind: ActorKind,
    pose: tuple[float, float, float],
    size: tuple[float, float],
    colour: Colour,
    seen: bool,
) -> None:
    """Draw a body: filled when seen, a pale ghost when not."""
    shape = body_shape(kind, *size)
    line = max(1, round(0.05 * camera.scale))
    for hull in shape.hull:
        corners = camera.pixels(placed(hull, *pose))
        canvas.polygon(corners, fill=colour if seen else (*colour, 38))
        canvas.line([*corners, corners[0]], fill=GROUND if seen else (*colour, 190), width=line)
    for glass in shape.glass:
        canvas.polygon(camera.pixels(placed(glass, *pose)), fill=(*_GLASS, 165 if seen else 60))


def _draw_velocity(
    canvas: ImageDraw.ImageDraw,
    camera: _Camera,
    start: FloatArray,
    velocity: FloatArray,
    colour: tuple[int, int, int, int],
) -> None:
    """Draw an arrow to where the body will be in a second at this velocity."""
    speed = float(np.hypot(*velocity))
    if speed < 0.3:
        return
    end = start + _VELOCITY_S * velocity
    along = velocity / speed
    side = np.array([-along[1], along[0]])
    head = np.array([end, end - 0.9 * along + 0.45 * side, end - 0.9 * along - 0.45 * side])
    canvas.line(camera.pixels([start, end - 0.5 * along]), fill=colour, width=max(1, round(0.14 * camera.scale)))
    canvas.polygon(camera.pixels(head), fill=colour)


def _draw_ego(canvas: ImageDraw.ImageDraw, camera: _Camera, scene: SceneBatch, row: int) -> None:
    ego = scene.ego
    x, y, yaw = float(ego.x[row]), float(ego.y[row]), float(ego.yaw[row])
    length, width = float(ego.length[row]), float(ego.width[row])
    cos, sin = np.cos(yaw), np.sin(yaw)
    speed, lateral = float(ego.speed[row]), float(ego.lateral_speed[row])
    velocity = np.array([speed * cos - lateral * sin, speed * sin + lateral * cos])
    halo = rounded_box(-length / 2 - 0.7, length / 2 + 0.7, width + 1.4, 0.9)
    canvas.polygon(camera.pixels(placed(halo, x, y, yaw)), fill=(*EGO_COLOUR, 60))
    _draw_velocity(canvas, camera, np.array([x, y]), velocity, (*EGO_COLOUR, 200))
    _draw_body(canvas, camera, ActorKind.CAR, (x, y, yaw), (length, width), EGO_COLOUR, True)


def _draw_collision(canvas: ImageDraw.ImageDraw, camera: _Camera, scene: SceneBatch, row: int) -> None:
    """Ring the ego in red when it hit something."""
    if not scene.events.collision[row]:
        return
    ((x, y),) = camera.pixels([(scene.ego.x[row], scene.ego.y[row])])
    radius = 0.75 * float(scene.ego.length[row]) * camera.scale + 6 * _SUPERSAMPLING
    box = (x - radius, y - radius, x + radius, y + radius)
    canvas.ellipse(box, fill=(*ALARM_COLOUR, 40), outline=(*ALARM_COLOUR, 255), width=3 * _SUPERSAMPLING)


def _legend(scene: SceneBatch, row: int) -> list[tuple[str, Colour]]:
    """Return the kinds of road users that are in the scene, with their colours."""
    kinds = sorted(set(scene.actors.kind[row][scene.actors.valid[row]].tolist()))
    return [("ego", EGO_COLOUR)] + [(ActorKind(kind).name.lower(), KIND_COLOURS[ActorKind(kind)]) for kind in kinds]
