"""The figure of a table: a mark and an interval for each method, and a ring for each training seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from hcrmp.statistics import Estimate

ROW, LEFT, WIDTH, RIGHT, TOP, FOOT = 24.0, 400.0, 420.0, 24.0, 54.0, 40.0
LETTER = 6.5
"""Width of a letter of a name, on average and a little more."""
INK, FAINT, BLUE, RED = "#222222", "#d8d8d8", "#0072b2", "#d55e00"


@dataclass(frozen=True)
class Mark:
    """A row of the figure; shares in [0, 1]. ``published``: the paper's figure, where it has one."""

    name: str
    estimate: Estimate
    seeds: Sequence[float] = ()
    published: float | None = None


def forest(title: str, marks: Sequence[Mark], label: str) -> str:
    """Return the figure of ``marks``, one below the other; ``label`` of the axis, which is in percent."""
    low = _least(marks)
    height = TOP + ROW * len(marks) + FOOT
    begin = min(0.0, LEFT - 24.0 - LETTER * max((len(_plain(mark.name)) for mark in marks), default=0))
    width = LEFT + WIDTH + RIGHT - begin
    parts = [_text(begin + 12, 24, title, size=15, weight=600), *_grid(low, len(marks), label)]
    for row, mark in enumerate(marks):
        parts += _row(mark, low, TOP + ROW * (row + 0.5))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{begin:g} 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" font-family="Helvetica, Arial, sans-serif" role="img">\n'
        f'<title>{escape(title)}</title>\n<rect x="{begin:g}" width="100%" height="100%" fill="#ffffff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _plain(name: str) -> str:
    """Return a name without what Markdown makes of it."""
    return name.replace("**", "").replace("`", "")


def _least(marks: Sequence[Mark]) -> float:
    """Return where the axis begins: 0, or the tens below everything that is drawn."""
    numbers = [number for mark in marks for number in (mark.estimate.low, *mark.seeds, mark.published or 1.0)]
    return max(0.0, int(10.0 * min(numbers, default=0.0)) / 10.0)


def _x(share: float, low: float) -> float:
    return LEFT + WIDTH * (share - low) / (1.0 - low)


def _grid(low: float, rows: int, label: str) -> Iterator[str]:
    bottom = TOP + ROW * rows
    tenths = range(round(10 * low), 11)
    for tenth in tenths if len(tenths) <= 6 else tenths[::-2][::-1]:
        x = _x(tenth / 10, low)
        yield f'<line x1="{x:.1f}" y1="{TOP:g}" x2="{x:.1f}" y2="{bottom:.1f}" stroke="{FAINT}"/>'
        yield _text(x, bottom + 16, f"{10 * tenth}", size=11, anchor="middle")
    yield _text(LEFT + WIDTH / 2, bottom + 33, label, size=12, anchor="middle")


def _row(mark: Mark, low: float, y: float) -> Iterator[str]:
    yield _text(LEFT - 12, y + 4, _plain(mark.name), size=12, anchor="end")
    ends = (_x(number, low) for number in (mark.estimate.low, mark.estimate.high))
    left, right = ends
    yield f'<line x1="{left:.1f}" y1="{y:.1f}" x2="{right:.1f}" y2="{y:.1f}" stroke="{BLUE}" stroke-width="2"/>'
    for seed in mark.seeds:
        yield f'<circle cx="{_x(seed, low):.1f}" cy="{y:.1f}" r="3" fill="#ffffff" stroke="{BLUE}"/>'
    words = "{:.1f} % ({:.1f} to {:.1f})".format(
        *(100 * number for number in (mark.estimate.value, mark.estimate.low, mark.estimate.high))
    )
    yield (
        f'<circle cx="{_x(mark.estimate.value, low):.1f}" cy="{y:.1f}" r="4.5" fill="{BLUE}">'
        f"<title>{escape(mark.name)}: {words}</title></circle>"
    )
    if mark.published is not None:
        x = _x(mark.published, low)
        yield (
            f'<path transform="translate({x:.1f} {y:.1f})" d="M-4 -4L4 4M-4 4L4 -4" stroke="{RED}" stroke-width="1.8">'
            f"<title>the paper, other scenes: {100 * mark.published:g} %</title></path>"
        )


def _text(x: float, y: float, words: str, *, size: int, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{INK}">{escape(words)}</text>'
    )
