"""SceneRenderer: one world of a SceneBatch as an RGB picture that a person can read.

Seen from above; the route runs to the right and the ego keeps its place in the left third, so that a lane change
turns the ego and not the world. Colours name the kind of a road user; what the ego cannot see is drawn as a ghost.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

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
ALARM_COLOUR: Colour = (239, 68, 68)
_SUPERSAMPLING = 2
_VELOCITY_S = 1.0
_PEDESTRIAN_RADIUS_M = 0.45


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
        image.paste(self._map(scene, row, height), (0, top))
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

    def _map(self, scene: SceneBatch, row: int, height: int) -> Image.Image:
        """Return the map band, drawn larger and reduced: Pillow draws no smooth edges itself."""
        width, tall = self.size[0] * _SUPERSAMPLING, height * _SUPERSAMPLING
        camera = _camera(scene, row, (width, tall), width / self.metres)
        image = Image.new("RGB", (width, tall), GROUND)
        canvas = ImageDraw.Draw(image, "RGBA")
        reach = np.hypot(self.metres, self.metres * tall / width)
        self._draw_road(canvas, camera, float(reach))
        for gate in self._gates:
            _draw_gate(canvas, camera, gate, float(scene.time_s[row]), int(scene.seed[row]))
        _draw_route(canvas, camera, scene, row)
        for slot in np.flatnonzero(scene.actors.valid[row]):
            _draw_actor(canvas, camera, scene, row, int(slot))
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


def _box(x: float, y: float, yaw: float, length: float, width: float) -> FloatArray:
    """Return the corners ``(4, 2)`` of a body: front left, front right, rear right, rear left."""
    along = np.array([np.cos(yaw), np.sin(yaw)])
    left = np.array([-along[1], along[0]])
    corners = np.array([[0.5, 0.5], [0.5, -0.5], [-0.5, -0.5], [-0.5, 0.5]]) * [length, width]
    placed: FloatArray = np.array([x, y]) + corners[:, :1] * along + corners[:, 1:] * left
    return placed


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
    if kind == ActorKind.PEDESTRIAN:
        _draw_disc(canvas, camera, (x, y), colour, seen)
    else:
        size = float(actors.length[row, slot]), float(actors.width[row, slot])
        _draw_body(canvas, camera, _box(x, y, yaw, *size), colour, seen, kind != ActorKind.STATIC)


def _draw_body(
    canvas: ImageDraw.ImageDraw, camera: _Camera, box: FloatArray, colour: Colour, seen: bool, notch: bool
) -> None:
    """Draw a body: filled when seen, a hatched ghost when not; the notch is a windscreen that tells its heading."""
    corners = camera.pixels(box)
    line = max(_SUPERSAMPLING, round(0.1 * camera.scale))
    if not seen:
        canvas.polygon(corners, fill=(*colour, 38))
        for share in np.linspace(0.0, 1.0, 6)[1:-1]:
            stripe = [box[0] + share * (box[3] - box[0]), box[1] + min(1.0, share + 0.2) * (box[2] - box[1])]
            canvas.line(camera.pixels(stripe), fill=(*colour, 130), width=max(1, line // 2))
        canvas.line([*corners, corners[0]], fill=(*colour, 170), width=max(1, line // 2))
        return
    canvas.polygon(corners, fill=colour)
    if notch:
        canvas.polygon(camera.pixels(_windscreen(box)), fill=(*_shade(colour, 0.35), 255))
    canvas.line([*corners, corners[0]], fill=_shade(colour, 0.55), width=max(1, line // 2))


def _windscreen(box: FloatArray) -> FloatArray:
    """Return a trapezium ``(4, 2)`` in the front third of a body, narrower towards the cabin."""
    left, right = box[3] - box[0], box[2] - box[1]
    across = box[1] - box[0]
    front_left, front_right = box[0] + 0.2 * left + 0.1 * across, box[1] + 0.2 * right - 0.1 * across
    back_left, back_right = box[0] + 0.36 * left + 0.2 * across, box[1] + 0.36 * right - 0.2 * across
    return np.array([front_left, front_right, back_right, back_left])


def _draw_disc(
    canvas: ImageDraw.ImageDraw, camera: _Camera, centre: tuple[float, float], colour: Colour, seen: bool
) -> None:
    ((x, y),) = camera.pixels([centre])
    radius = max(5.0 * _SUPERSAMPLING, _PEDESTRIAN_RADIUS_M * camera.scale)
    box = (x - radius, y - radius, x + radius, y + radius)
    if seen:
        canvas.ellipse(box, fill=colour, outline=(255, 255, 255), width=_SUPERSAMPLING)
    else:
        canvas.ellipse(box, fill=(*colour, 45), outline=(*colour, 180), width=_SUPERSAMPLING)


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
    halo = _box(x, y, yaw, length + 1.4, width + 1.4)
    canvas.polygon(camera.pixels(halo), fill=(*EGO_COLOUR, 60))
    _draw_velocity(canvas, camera, np.array([x, y]), velocity, (*EGO_COLOUR, 200))
    _draw_body(canvas, camera, _box(x, y, yaw, length, width), EGO_COLOUR, True, True)


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


def _shade(colour: Colour, share: float) -> Colour:
    """Return a colour darkened to ``share`` of its brightness."""
    red, green, blue = (round(channel * share) for channel in colour)
    return red, green, blue
