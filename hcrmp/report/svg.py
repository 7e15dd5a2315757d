"""Small line charts as SVG inside the page: colours are the page's variables, so that they follow light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape

LEFT, RIGHT, TOP, BOTTOM = 42.0, 12.0, 10.0, 38.0
"""Room around the plot (px)."""

COLOURS = 7
DASHES = ("", "6 3", "2 3")
"""Once the colours are used up."""

MOST_POINTS = 160
"""Points of a line beyond which no screen shows more."""


@dataclass(frozen=True)
class Axis:
    """An axis from ``low`` to ``high`` with its ``ticks``, what stands beside it, and how a number is written."""

    low: float
    high: float
    ticks: Sequence[float]
    label: str = ""
    text: Callable[[float], str] = "{:g}".format

    def share(self, value: float) -> float:
        """Return where ``value`` lies on the axis, in [0, 1]."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


@dataclass(frozen=True)
class Line:
    """A line through ``xs`` and ``ys`` in colour ``index``, with a band between ``lows`` and ``highs``."""

    name: str
    index: int
    xs: Sequence[float]
    ys: Sequence[float]
    lows: Sequence[float] = field(default_factory=tuple)
    highs: Sequence[float] = field(default_factory=tuple)
    marks: bool = False
    colour: str = ""
    """A CSS colour in place of that of ``index``."""

    @property
    def style(self) -> str:
        """The stroke of the line."""
        dash = DASHES[self.index // COLOURS % len(DASHES)]
        return f"stroke:{self.paint}" + (f";stroke-dasharray:{dash}" if dash else "")

    @property
    def paint(self) -> str:
        """The line's colour."""
        return self.colour or colour(self.index)


def colour(index: int) -> str:
    """Return the CSS colour of a contestant."""
    return f"var(--c{index % COLOURS})"


def share_axis(label: str = "", high: float = 1.0) -> Axis:
    """Return an axis of shares that holds ``high`` and is no longer than needed, written in percent."""
    end = next((end for end in (0.1, 0.2, 0.4) if high <= end), 1.0)
    ticks = [round(number * end / 4, 10) for number in range(5)]
    return Axis(0.0, end, ticks, label, lambda value: f"{100 * value:g}")


def whole_axis(high: float, label: str = "", text: Callable[[float], str] = "{:g}".format) -> Axis:
    """Return an axis that goes from 0 to ``high`` itself, with round ticks on the way."""
    step = _round_step(max(high, 1e-9) / 4)
    return Axis(0.0, high, [round(number * step, 10) for number in range(int(high / step + 1e-9) + 1)], label, text)


def nice_axis(low: float, high: float, label: str = "", text: Callable[[float], str] = "{:g}".format) -> Axis:
    """Return an axis with round ticks that holds ``low`` and ``high``."""
    if not high > low:
        high = low + (abs(low) or 1.0)
    step = _round_step((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = [round(number * step, 10) for number in range(first, last + 1)]
    return Axis(ticks[0], ticks[-1], ticks, label, text)


def _round_step(step: float) -> float:
    scale = 10.0 ** math.floor(math.log10(step))
    return next(factor * scale for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if factor * scale >= step * (1 - 1e-9))


def chart(title: str, lines: Sequence[Line], x: Axis, y: Axis, width: float = 440.0, height: float = 220.0) -> str:
    """Return the chart of ``lines``; ``title`` is read aloud by a screen reader."""
    plot = _Plot(x, y, width - LEFT - RIGHT, height - TOP - BOTTOM)
    parts = [*_grid(plot), *(part for line in lines for part in _band(plot, line))]
    parts += [part for line in lines for part in _line(plot, line)]
    return (
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )


STANDALONE_STYLE = """
svg { --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #cc79a7; --c4: #b07d00; --c5: #56b4e9; --c6: #444444 }
text { font: 12px Helvetica, Arial, sans-serif; fill: #222222 }
.grid { stroke: #e0e0e0 } .axis { stroke: #555555 } .line { fill: none; stroke-width: 1.9 } .band { opacity: .16 }
"""
"""What a page gives its charts, for one that stands alone: Okabe and Ito's colours."""


def standalone(picture: str, title: str, legend: Sequence[tuple[str, str]]) -> str:
    """Return a ``chart`` as a file of its own, with what it shows and its ``legend`` (name, paint) below."""
    head, _, body = picture.partition(">")
    width, height = map(float, head.split('viewBox="0 0 ')[1].split('"')[0].split())
    rows = f'<text x="{LEFT:g}" y="{height + 14:g}" style="font-weight:600">{escape(title)}</text>'
    rows += "".join(
        f'<rect x="{LEFT:g}" y="{height + 20 * row + 10:g}" width="24" height="4" style="fill:{paint}"/>'
        f'<text x="{LEFT + 34:g}" y="{height + 20 * row + 16:g}">{escape(name)}</text>'
        for row, (name, paint) in enumerate(legend, start=1)
    )
    whole = height + 20 * len(legend) + 28
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {whole:g}" width="{width:g}" '
        f'height="{whole:g}"><style>{STANDALONE_STYLE}</style>'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{body.removesuffix("</svg>")}{rows}</svg>\n'
    )


@dataclass(frozen=True)
class _Plot:
    x: Axis
    y: Axis
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies (px)."""
        return LEFT + self.x.share(x) * self.width, TOP + (1.0 - self.y.share(y)) * self.height


def _grid(plot: _Plot) -> Iterator[str]:
    right, bottom = LEFT + plot.width, TOP + plot.height
    for value in plot.y.ticks:
        _, y = plot.at(plot.x.low, value)
        kind = "axis" if value == plot.y.low else "grid"
        yield f'<line class="{kind}" x1="{LEFT:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 6:g}" y="{y + 3.5:.1f}" text-anchor="end">{escape(plot.y.text(value))}</text>'
    for value in plot.x.ticks:
        x, _ = plot.at(value, plot.y.low)
        yield f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom:g}" y2="{bottom + 4:g}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16:g}" text-anchor="middle">{escape(plot.x.text(value))}</text>'
    middle = LEFT + plot.width / 2
    yield f'<text class="label" x="{middle:g}" y="{bottom + 32:g}" text-anchor="middle">{escape(plot.x.label)}</text>'


def _band(plot: _Plot, line: Line) -> Iterator[str]:
    if not line.lows:
        return
    chosen = _few(len(line.xs))
    upper = [plot.at(line.xs[i], line.highs[i]) for i in chosen]
    lower = [plot.at(line.xs[i], line.lows[i]) for i in reversed(chosen)]
    if line.marks:
        for (x, top), (_, bottom) in zip(upper, reversed(lower), strict=True):
            yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.1f}" y2="{bottom:.1f}" style="stroke:{line.paint}"/>'
        return
    yield f'<polygon class="band" points="{_points([*upper, *lower])}" style="fill:{line.paint}"/>'


def _line(plot: _Plot, line: Line) -> Iterator[str]:
    points = [plot.at(line.xs[i], line.ys[i]) for i in _few(len(line.xs))]
    yield f'<polyline class="line" points="{_points(points)}" style="{line.style}"/>'
    if line.marks:
        for (x, y), value in zip(points, line.ys, strict=True):
            told = escape(f"{line.name}: {plot.y.text(value)}")
            yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.2" style="fill:{line.paint}"><title>{told}</title></circle>'


def _few(count: int) -> list[int]:
    """Return the indices of at most ``MOST_POINTS`` of ``count`` points, the last one among them."""
    if count <= MOST_POINTS:
        return list(range(count))
    return [round(number * (count - 1) / (MOST_POINTS - 1)) for number in range(MOST_POINTS)]


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
