"""The curves as one SVG file that needs nothing else: a panel for each way of being wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from hcrmp.robustness.curves import Curve, Point

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart."""
DASHES = ("", "7 3", "2 3")
"""Once the colours are used up."""

WIDTH, HEIGHT, GAP = 360.0, 270.0, 46.0
LEFT, TOP, FOOT = 58.0, 66.0, 62.0
LEGEND_ROW, LEGEND_COLUMN = 19.0, 400.0
APART = 3.0
"""Between the intervals of two curves at one rate (px), so that they do not hide each other."""

PAPER_RATE = 0.42
"""Share of wrong answers of the paper's best model (100 % less its 57.95 %)."""


def svg(curves: Sequence[Curve], title: str, x_label: str) -> str:
    """Return the plot of ``curves``: success over the share of wrong hints, with intervals and every seed."""
    modes = list(dict.fromkeys(curve.mode for curve in curves))
    methods = list(dict.fromkeys(curve.method for curve in curves))
    width = max(LEFT + len(modes) * (WIDTH + GAP), LEFT + LEGEND_COLUMN + 20.0)
    columns = max(1, int((width - LEFT) // LEGEND_COLUMN))
    rows = -(-len(methods) // columns)
    height = TOP + HEIGHT + FOOT + rows * LEGEND_ROW + 10.0
    body: list[str] = [_text(LEFT, 24, title, size=15, weight=600)]
    for place, mode in enumerate(modes):
        left = LEFT + place * (WIDTH + GAP)
        body += _frame(left, f"wrong hints: {mode}", x_label, with_y_label=place == 0)
        chosen = [curve for curve in curves if curve.mode == mode]
        for curve in chosen:
            body += _curve(left, curve, methods.index(curve.method), len(methods))
    body += _legend(methods, columns)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="Helvetica, Arial, sans-serif" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _x(left: float, rate: float) -> float:
    return left + rate * WIDTH


def _y(share: float) -> float:
    return TOP + (1.0 - share) * HEIGHT


def _frame(left: float, heading: str, x_label: str, *, with_y_label: bool) -> Iterator[str]:
    """Yield a panel without its curves: grid, axes, words."""
    yield _text(left, TOP - 12, heading, size=13)
    for tenth in range(0, 11, 2):
        y = _y(tenth / 10)
        yield _line((left, y), (left + WIDTH, y), "#e4e4e4" if tenth else "#555555")
        yield _text(left - 7, y + 4, f"{10 * tenth}", size=11, anchor="end")
    for quarter in range(5):
        x = _x(left, quarter / 4)
        yield _line((x, _y(0)), (x, _y(0) + 4), "#555555")
        yield _text(x, _y(0) + 18, f"{25 * quarter}", size=11, anchor="middle")
    x = _x(left, PAPER_RATE)
    yield _line((x, _y(0)), (x, _y(1)), "#bbbbbb", dash="3 3")
    yield _text(x + 4, _y(0) - 6, "the paper's best LLM", size=10, colour="#777777")
    yield _text(left + WIDTH / 2, _y(0) + 38, x_label, size=12, anchor="middle")
    if with_y_label:
        yield (
            f'<text transform="translate({left - 40:g} {_y(0.5):g}) rotate(-90)" text-anchor="middle" font-size="12" '
            f'fill="#222222">episodes that succeed (%)</text>'
        )


def _curve(left: float, curve: Curve, index: int, count: int) -> Iterator[str]:
    colour, dash = _style(index)
    aside = APART * (index - (count - 1) / 2)
    middle = [(_x(left, point.rate) + aside, _y(point.success.value)) for point in curve.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in middle)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{_dashed(dash)}/>'
    for point, (x, y) in zip(curve.points, middle, strict=True):
        yield from _whiskers(point, x, y, colour, curve.method)


def _whiskers(point: Point, x: float, y: float, colour: str, method: str) -> Iterator[str]:
    """Yield the interval, a ring for each seed, and the mean, which tells its numbers to whoever points at it."""
    yield _line((x, _y(point.success.low)), (x, _y(point.success.high)), colour, width=1.3)
    for share in point.seeds.values():
        yield f'<circle cx="{x:.1f}" cy="{_y(share):.1f}" r="2.2" fill="#ffffff" stroke="{colour}"/>'
    low, value, high = (100 * number for number in (point.success.low, point.success.value, point.success.high))
    told = f"{method}, {100 * point.rate:g} % wrong: {value:.1f} % ({low:.1f} to {high:.1f})"
    yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" fill="{colour}"><title>{escape(told)}</title></circle>'


def _legend(methods: Sequence[str], columns: int) -> Iterator[str]:
    for index, method in enumerate(methods):
        colour, dash = _style(index)
        x = LEFT + (index % columns) * LEGEND_COLUMN
        y = TOP + HEIGHT + FOOT + (index // columns) * LEGEND_ROW
        yield _line((x, y), (x + 26, y), colour, width=2, dash=dash)
        yield f'<circle cx="{x + 13:g}" cy="{y:g}" r="3.6" fill="{colour}"/>'
        yield _text(x + 34, y + 4, method, size=12)


def _style(index: int) -> tuple[str, str]:
    return COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS) % len(DASHES)]


def _dashed(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""


def _line(
    start: tuple[float, float], end: tuple[float, float], colour: str, *, width: float = 1.0, dash: str = ""
) -> str:
    (x1, y1), (x2, y2) = start, end
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width:g}"{_dashed(dash)}/>'
    )


def _text(
    x: float, y: float, words: str, *, size: int, anchor: str = "start", weight: int = 400, colour: str = "#222222"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{colour}">{escape(words)}</text>'
    )
