"""The curves as one SVG file that needs nothing else: a column of panels for each way of being wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from hcrmp.robustness.curves import Curve, Point, Share, named_with_seeds

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Okabe and Ito's, which the colour-blind can tell apart."""
DASHES = ("", "7 3", "2 3")
"""Once the colours are used up."""

MEASURES: tuple[tuple[str, Callable[[Point], Share]], ...] = (
    ("succeed (% of episodes)", lambda point: point.success),
    ("collide (% of episodes)", lambda point: point.collision),
)
"""A row of panels each: whoever waits until the time is over fails as well, but not as whoever collides does."""

WIDTH, HEIGHT, GAP = 360.0, 220.0, 46.0
LEAST_WIDTH = 720.0
"""Least width of the whole: the title is longer than one panel."""
LEFT, TOP, FOOT = 58.0, 66.0, 62.0
LEGEND_ROW = 19.0
APART = 3.0
"""Between the intervals of two curves at one rate (px), so that they do not hide each other."""

PAPER_RATE = 0.42
"""Share of wrong answers of the paper's best model (100 % less its 57.95 %)."""


@dataclass(frozen=True, slots=True)
class Panel:
    """The place of a panel: its upper left corner (px)."""

    left: float
    top: float

    def x(self, rate: float) -> float:
        """Return where a rate in [0, 1] lies."""
        return self.left + rate * WIDTH

    def y(self, share: float) -> float:
        """Return where a share in [0, 1] lies."""
        return self.top + (1.0 - share) * HEIGHT


def svg(curves: Sequence[Curve], title: str, x_label: str, made_by: str = "") -> str:
    """Return the plot of ``curves``: how episodes ended over the share of wrong hints; intervals and every seed.

    ``made_by`` says how it was made, in the file's metadata.
    """
    modes = list(dict.fromkeys(curve.mode for curve in curves))
    methods = list(dict.fromkeys(curve.method for curve in curves))
    width = max(LEFT + len(modes) * (WIDTH + GAP), LEAST_WIDTH)
    legend_top = TOP + len(MEASURES) * (HEIGHT + FOOT)
    height = legend_top + len(methods) * LEGEND_ROW + 10.0
    body = [_text(LEFT, 24, title, size=15, weight=600)]
    for row, (label, share_of) in enumerate(MEASURES):
        for column, mode in enumerate(modes):
            panel = Panel(LEFT + column * (WIDTH + GAP), TOP + row * (HEIGHT + FOOT))
            body += _frame(panel, "" if row else f"wrong hints: {mode}", x_label, "" if column else label)
            for curve in (curve for curve in curves if curve.mode == mode):
                body += _curve(panel, curve, share_of, methods.index(curve.method), len(methods))
    body += _legend(list(named_with_seeds(curves).values()), legend_top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" font-family="Helvetica, Arial, sans-serif" role="img">\n'
        f"<title>{escape(title)}</title>\n<metadata>{escape(made_by)}</metadata>\n"
        f'<rect width="{width:g}" height="{height:g}" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _frame(panel: Panel, heading: str, x_label: str, y_label: str) -> Iterator[str]:
    """Yield a panel without its curves: grid, axes, words."""
    bottom = panel.y(0)
    yield _text(panel.left, panel.top - 12, heading, size=13)
    for tenth in range(0, 11, 2):
        y = panel.y(tenth / 10)
        yield _line((panel.left, y), (panel.x(1), y), "#e4e4e4" if tenth else "#555555")
        yield _text(panel.left - 7, y + 4, f"{10 * tenth}", size=11, anchor="end")
    for quarter in range(5):
        x = panel.x(quarter / 4)
        yield _line((x, bottom), (x, bottom + 4), "#555555")
        yield _text(x, bottom + 18, f"{25 * quarter}", size=11, anchor="middle")
    x = panel.x(PAPER_RATE)
    yield _line((x, bottom), (x, panel.top), "#bbbbbb", dash="3 3")
    yield _text(x + 4, panel.top + 12, "the paper's best LLM", size=10, colour="#777777")
    yield _text(panel.x(0.5), bottom + 38, x_label, size=12, anchor="middle")
    yield (
        f'<text transform="translate({panel.left - 40:g} {panel.y(0.5):g}) rotate(-90)" text-anchor="middle" '
        f'font-size="12" fill="#222222">{escape(y_label)}</text>'
    )


def _curve(
    panel: Panel, curve: Curve, share_of: Callable[[Point], Share], index: int, count: int
) -> Iterator[str]:
    colour, dash = _style(index)
    aside = APART * (index - (count - 1) / 2)
    shares = [share_of(point) for point in curve.points]
    places = [panel.x(point.rate) + aside for point in curve.points]
    path = " ".join(f"{x:.1f},{panel.y(share.over_all.value):.1f}" for x, share in zip(places, shares, strict=True))
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{_dashed(dash)}/>'
    for point, x, share in zip(curve.points, places, shares, strict=True):
        yield from _mark(panel, x, share, colour, f"{curve.method}, {100 * point.rate:g} % wrong")


def _mark(panel: Panel, x: float, share: Share, colour: str, told: str) -> Iterator[str]:
    """Yield the interval, a ring for each seed, and the mean, which tells its numbers to whoever points at it."""
    estimate = share.over_all
    yield _line((x, panel.y(estimate.low)), (x, panel.y(estimate.high)), colour, width=1.3)
    for of_seed in share.seeds.values():
        yield f'<circle cx="{x:.1f}" cy="{panel.y(of_seed):.1f}" r="2.2" fill="#ffffff" stroke="{colour}"/>'
    low, value, high = (100 * number for number in (estimate.low, estimate.value, estimate.high))
    words = escape(f"{told}: {value:.1f} % ({low:.1f} to {high:.1f})")
    place = f'cx="{x:.1f}" cy="{panel.y(estimate.value):.1f}"'
    yield f'<circle {place} r="3.6" fill="{colour}"><title>{words}</title></circle>'


def _legend(names: Sequence[str], top: float) -> Iterator[str]:
    for index, name in enumerate(names):
        colour, dash = _style(index)
        y = top + index * LEGEND_ROW
        yield _line((LEFT, y), (LEFT + 26, y), colour, width=2, dash=dash)
        yield f'<circle cx="{LEFT + 13:g}" cy="{y:g}" r="3.6" fill="{colour}"/>'
        yield _text(LEFT + 34, y + 4, name, size=12)


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
