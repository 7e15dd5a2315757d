"""The curves of ``hcrmp robustness`` as charts of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hcrmp.report.contestants import with_colours
from hcrmp.report.learning import Panel
from hcrmp.report.material import Robustness
from hcrmp.report.svg import Line, chart, share_axis
from hcrmp.robustness.curves import Curve, Point, Share, named_with_seeds
from hcrmp.run_folder import command_of

MEASURES: tuple[tuple[str, Callable[[Point], Share]], ...] = (
    ("Success, %", lambda point: point.success),
    ("Collisions, %", lambda point: point.collision),
)

WORDS = {
    "test": "Hints are wrong at test time alone. Lines are means over seeds and conditions, bars 95 % intervals.",
    "training": "Hints are wrong in training and at test time. Lines are means over seeds, bars 95 % intervals.",
}


@dataclass(frozen=True)
class RobustnessFigure:
    """The charts of one file: ``panels``, who is in them, words below, and the command."""

    panels: tuple[Panel, ...]
    legend: tuple[tuple[str, int], ...]
    words: str
    commands: tuple[str, ...]


def robustness_figures(found: Sequence[Robustness], colours: Mapping[str, int]) -> list[RobustnessFigure]:
    """Return the figures of all files; ``colours`` by the method's name, which others get new ones beside."""
    return [_figure(one, colours) for one in found]


def _figure(one: Robustness, colours: Mapping[str, int]) -> RobustnessFigure:
    named = named_with_seeds(one.curves)
    index = with_colours(colours, list(named))
    modes = dict.fromkeys(curve.mode for curve in one.curves)
    panels = [
        Panel(f"{title} (wrong: {mode})", _chart([c for c in one.curves if c.mode == mode], share_of, index))
        for title, share_of in MEASURES
        for mode in modes
    ]
    legend = tuple((name, index[method]) for method, name in named.items())
    command = command_of(one.provenance)
    return RobustnessFigure(tuple(panels), legend, WORDS.get(one.when, ""), (command,) if command else ())


def _chart(curves: Sequence[Curve], share_of: Callable[[Point], Share], index: Mapping[str, int]) -> str:
    lines = [_line(curve, share_of, index[curve.method]) for curve in curves]
    title = "How often episodes end so by the share of wrong hints"
    high = max(end for line in lines for end in line.highs)
    return chart(title, lines, share_axis("wrong hints (%)"), share_axis(high=high))


def _line(curve: Curve, share_of: Callable[[Point], Share], index: int) -> Line:
    found = [share_of(point).over_all for point in curve.points]
    return Line(
        curve.method, index, [point.rate for point in curve.points], [one.value for one in found],
        [one.low for one in found], [one.high for one in found], marks=True,
    )  # fmt: skip
