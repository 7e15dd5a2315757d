"""The words and bars around a rendered scene: header, legend and the panel under the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import ImageDraw, ImageFont

from envs.scene import SceneBatch

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

_TEXT: Colour = (229, 231, 235)
_FAINT: Colour = (146, 153, 164)
_PANEL: Colour = (17, 20, 25)
_TRACK: Colour = (43, 49, 58)
_SAFETY: Colour = (240, 102, 127)
_EFFICIENCY: Colour = (91, 157, 250)
_COMFORT: Colour = (240, 194, 67)
_GOOD: Colour = (52, 211, 153)
_BAD: Colour = (239, 68, 68)
_AMBER: Colour = (251, 191, 36)
_CRITICS = (("safety", _SAFETY), ("efficiency", _EFFICIENCY), ("comfort", _COMFORT))


@dataclass(frozen=True, slots=True)
class RenderOverlay:
    """What to write around a scene.

    ``title`` for example scenario and density; ``subtitle`` for example planner and seed; ``hint_text`` in words,
    with its ``hint_source`` and ``hint_age_s`` (simulated seconds); ``weights`` (3,) of safety, efficiency, comfort;
    ``outcome`` of an ended episode ("": it runs); ``trail`` ``(n, 2)`` the way that the ego has come (m); ``critical``
    the slot of the road user that a ring is drawn around (-1: none).
    """

    title: str = ""
    subtitle: str = ""
    hint_text: str = ""
    hint_source: str = ""
    hint_age_s: float = 0.0
    weights: npt.ArrayLike | None = None
    outcome: str = ""
    trail: npt.ArrayLike | None = None
    critical: int = -1


@lru_cache(maxsize=32)
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font (it needs no file on the machine) at ``size`` pixels."""
    return ImageFont.load_default(max(6.0, round(size, 1)))


def draw_header(canvas: ImageDraw.ImageDraw, box: Box, scene: SceneBatch, row: int, overlay: RenderOverlay) -> None:
    """Write title, subtitle, time and outcome in one line."""
    left, top, right, bottom = box
    unit = (bottom - top) / 35.0
    middle = (top + bottom) / 2
    canvas.rectangle(box, fill=_PANEL)
    canvas.text((left + 14 * unit, middle), overlay.title, fill=_TEXT, font=font(16 * unit), anchor="lm")
    after = left + 14 * unit + canvas.textlength(overlay.title, font(16 * unit)) + 12 * unit
    clock = f"{float(scene.time_s[row]):.1f} s"
    edge = right - 14 * unit
    canvas.text((edge, middle), clock, fill=_TEXT, font=font(16 * unit), anchor="rm")
    edge -= max(58 * unit, canvas.textlength(clock, font(16 * unit)) + 14 * unit)
    if overlay.outcome:
        edge = _badge(canvas, edge, middle, unit, overlay.outcome)
    subtitle = _clip(canvas, overlay.subtitle, font(13 * unit), edge - after)
    canvas.text((after, middle), subtitle, fill=_FAINT, font=font(13 * unit), anchor="lm")


def _badge(canvas: ImageDraw.ImageDraw, right: float, middle: float, unit: float, outcome: str) -> float:
    """Draw the outcome as a coloured badge that ends at ``right``; return where it begins."""
    words = outcome.replace("_", " ")
    colour = {"success": _GOOD, "running": _FAINT, "timeout": _AMBER}.get(outcome, _BAD)
    width = canvas.textlength(words, font(13 * unit)) + 20 * unit
    canvas.rounded_rectangle((right - width, middle - 11 * unit, right, middle + 11 * unit), 11 * unit, fill=colour)
    canvas.text((right - width / 2, middle), words, fill=_PANEL, font=font(13 * unit), anchor="mm")
    return right - width - 10 * unit


def draw_legend(
    canvas: ImageDraw.ImageDraw, corner: tuple[float, float], header: float, entries: Sequence[tuple[str, Colour]]
) -> None:
    """Name the colours that occur, right-aligned under ``corner``."""
    unit = header / 35.0
    right, top = corner[0] - 14 * unit, corner[1] + 16 * unit
    for name, colour in reversed(entries):
        width = canvas.textlength(name, font(12 * unit))
        canvas.text((right, top), name, fill=_TEXT, font=font(12 * unit), anchor="rm")
        square = right - width - 14 * unit
        canvas.rounded_rectangle((square, top - 5 * unit, square + 10 * unit, top + 5 * unit), 2 * unit, fill=colour)
        right = square - 14 * unit


def draw_panel(canvas: ImageDraw.ImageDraw, box: Box, scene: SceneBatch, row: int, overlay: RenderOverlay) -> None:
    """Draw speed, hint, weights and controls side by side."""
    left, top, right, bottom = box
    unit = (bottom - top) / 135.0
    canvas.rectangle(box, fill=_PANEL)
    shares = (0.0, 0.17, 0.52, 0.77, 1.0)
    edges = [left + 14 * unit + share * (right - left - 28 * unit) for share in shares]
    _speed(canvas, (edges[0], top, edges[1], bottom), unit, scene, row)
    _hint(canvas, (edges[1], top, edges[2], bottom), unit, overlay)
    _weights(canvas, (edges[2], top, edges[3], bottom), unit, overlay)
    _controls(canvas, (edges[3], top, edges[4], bottom), unit, scene, row)


def _heading(canvas: ImageDraw.ImageDraw, box: Box, unit: float, words: str) -> None:
    canvas.text((box[0], box[1] + 18 * unit), words, fill=_FAINT, font=font(12 * unit), anchor="lm")


def _speed(canvas: ImageDraw.ImageDraw, box: Box, unit: float, scene: SceneBatch, row: int) -> None:
    speed, limit = float(scene.ego.speed[row]), float(scene.road.speed_limit[row])
    _heading(canvas, box, unit, "speed")
    over = limit > 0.0 and speed > 1.02 * limit
    number = f"{speed:.1f}"
    canvas.text((box[0], box[1] + 54 * unit), number, fill=_AMBER if over else _TEXT, font=font(38 * unit), anchor="lm")
    after = box[0] + canvas.textlength(number, font(38 * unit)) + 6 * unit
    canvas.text((after, box[1] + 62 * unit), "m/s", fill=_FAINT, font=font(13 * unit), anchor="lm")
    if limit > 0.0:
        canvas.text((box[0], box[1] + 90 * unit), f"limit {limit:.1f}", fill=_FAINT, font=font(13 * unit), anchor="lm")
    progress, length = float(scene.route.progress_m[row]), float(scene.route.length_m[row])
    if length > 0.0:
        words = f"route {progress:.0f} / {length:.0f} m"
        canvas.text((box[0], box[1] + 111 * unit), words, fill=_FAINT, font=font(13 * unit), anchor="lm")


def _hint(canvas: ImageDraw.ImageDraw, box: Box, unit: float, overlay: RenderOverlay) -> None:
    if not overlay.hint_text and not overlay.hint_source:
        _heading(canvas, box, unit, "no hint")
        return
    source = f", {overlay.hint_source}, {overlay.hint_age_s:.1f} s old" if overlay.hint_source else ""
    _heading(canvas, box, unit, "hint" + source)
    lines = wrapped(canvas, overlay.hint_text, font(14 * unit), box[2] - box[0] - 18 * unit, 4)
    for number, line in enumerate(lines):
        y = box[1] + (42 + 22 * number) * unit
        canvas.text((box[0], y), line, fill=_TEXT, font=font(14 * unit), anchor="lm")


def _weights(canvas: ImageDraw.ImageDraw, box: Box, unit: float, overlay: RenderOverlay) -> None:
    if overlay.weights is None:
        _heading(canvas, box, unit, "no weights")
        return
    _heading(canvas, box, unit, "weights of the critics")
    values = np.asarray(overlay.weights, dtype=np.float64).tolist()
    for number, ((name, colour), value) in enumerate(zip(_CRITICS, values, strict=True)):
        _bar(canvas, box, unit, number, name, f"{value:.2f}", (0.0, value), colour)


def _controls(canvas: ImageDraw.ImageDraw, box: Box, unit: float, scene: SceneBatch, row: int) -> None:
    _heading(canvas, box, unit, "controls")
    throttle, brake = float(scene.ego.throttle[row]), float(scene.ego.brake[row])
    steer = round(float(scene.ego.steer[row]), 2) + 0.0  # no "-0.00"
    _bar(canvas, box, unit, 0, "throttle", f"{throttle:.2f}", (0.0, throttle), _GOOD)
    _bar(canvas, box, unit, 1, "brake", f"{brake:.2f}", (0.0, brake), _SAFETY)
    # The bar of the steering grows from the middle, to the side to which the car turns (positive is left).
    span = (0.5 - steer / 2, 0.5) if steer > 0 else (0.5, 0.5 - steer / 2)
    _bar(canvas, box, unit, 2, "steer", f"{steer:+.2f}", span, _AMBER)


def _bar(
    canvas: ImageDraw.ImageDraw,
    box: Box,
    unit: float,
    number: int,
    name: str,
    value: str,
    span: tuple[float, float],
    colour: Colour,
) -> None:
    """Draw line ``number`` of a column: a name, a bar filled over ``span`` (shares of its length) and a value."""
    y = box[1] + (44 + 30 * number) * unit
    start, end = box[0] + 66 * unit, box[2] - 56 * unit
    low, high = (start + min(1.0, max(0.0, share)) * (end - start) for share in span)
    canvas.text((box[0], y), name, fill=_TEXT, font=font(13 * unit), anchor="lm")
    canvas.rounded_rectangle((start, y - 6 * unit, end, y + 6 * unit), 3 * unit, fill=_TRACK)
    if high - low >= 1.0:
        canvas.rounded_rectangle((low, y - 6 * unit, high, y + 6 * unit), min(3 * unit, (high - low) / 2), fill=colour)
    canvas.text((box[2] - 50 * unit, y), value, fill=_TEXT, font=font(13 * unit), anchor="lm")


def wrapped(
    canvas: ImageDraw.ImageDraw,
    words: str,
    face: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: float,
    most: int,
) -> list[str]:
    """Break words into at most ``most`` lines of ``width`` pixels; what does not fit ends in dots."""
    lines: list[str] = []
    line = ""
    for word in words.split():
        longer = f"{line} {word}".strip()
        if line and canvas.textlength(longer, face) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
    return [_clip(canvas, line, face, width) for line in lines]


def _clip(
    canvas: ImageDraw.ImageDraw, words: str, face: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float
) -> str:
    """Shorten words to ``width`` pixels, ended by dots."""
    if canvas.textlength(words, face) <= width:
        return words
    while words and canvas.textlength(words + "...", face) > width:
        words = words[:-1]
    return words.rstrip() + "..." if words else ""
