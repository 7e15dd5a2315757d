"""The figure of the guide to the method: ``python -m hcrmp.guides.figure`` writes it anew beside this file."""

from __future__ import annotations

from html import escape
from pathlib import Path

FIGURE = Path(__file__).with_name("method.svg")
WIDTH, HEIGHT = 960, 492
CRITICS = ("safety", "efficiency", "comfort")

STYLE = """
  svg { --ink: #1d2733; --faint: #5b6775; --paper: #ffffff; --box: #f3f6f9; --edge: #9aa7b4; --slow: #fdf3dc;
        --safety: #c2344f; --efficiency: #2a6fdb; --comfort: #b07d00; }
  @media (prefers-color-scheme: dark) {
    svg { --ink: #e8edf2; --faint: #a9b5c1; --paper: #12181f; --box: #1e2731; --edge: #66727f; --slow: #2e2817;
          --safety: #f0667f; --efficiency: #6aa6ff; --comfort: #f0c243; }
  }
  text { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: var(--ink); text-anchor: middle; }
  .head { font-weight: 600; } .small { font-size: 12px; fill: var(--faint); } .left { text-anchor: start; }
  .paper { fill: var(--paper); } .slow { fill: var(--slow); } .box { fill: var(--box); stroke: var(--edge); }
  .arrow { fill: none; stroke: var(--faint); stroke-width: 1.6; marker-end: url(#tip); }
  .tip { fill: var(--faint); }
"""


def box(x: int, y: int, width: int, height: int, *lines: str, colour: str = "") -> str:
    """Return a box with its head and further lines in the middle."""
    edge = f' style="stroke: var(--{colour}); stroke-width: 2"' if colour else ""
    first = y + height / 2 - 9 * (len(lines) - 1) + 5
    texts = [
        f'<text x="{x + width / 2:g}" y="{first + 18 * n:g}" class="{"small" if n else "head"}">{escape(line)}</text>'
        for n, line in enumerate(lines)
    ]
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="8" class="box"{edge}/>' + "".join(texts)


def arrow(*points: tuple[int, int], colour: str = "") -> str:
    """Return an arrow through ``points``."""
    path = "M" + " L".join(f"{x} {y}" for x, y in points)
    style = f' style="stroke: var(--{colour})"' if colour else ""
    return f'<path d="{path}" class="arrow"{style}/>'


def note(x: int, y: int, text: str, kind: str = "small left") -> str:
    """Return a word beside an arrow."""
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'


def slow_half() -> list[str]:
    """Return what asks the language model, now and then."""
    return [
        f'<rect x="8" y="8" width="{WIDTH - 16}" height="142" rx="10" class="slow"/>',
        note(24, 30, "slow: a question every 1 to 2 simulated seconds"),
        box(250, 48, 170, 72, "Language model", "scene in words,", "three passages (CSA)"),
        box(480, 48, 170, 72, "Semantic cache", "(SCM) serves if no valid", "answer came in time"),
        box(710, 48, 226, 72, "Hint", "13 numbers: road, density,", "who is critical; 3 weights λ"),
        arrow((110, 200), (110, 84), (250, 84)),
        arrow((420, 84), (480, 84)),
        note(425, 76, "answer"),
        arrow((650, 84), (710, 84)),
    ]


def fast_half() -> list[str]:
    """Return what acts, ten times a second."""
    return [
        note(124, 176, "fast: ten decisions a second"),
        box(24, 200, 172, 76, "Scene", "embedded simulator", "or CARLA"),
        box(250, 200, 170, 76, "State", "s = (s_raw, s_llm)", "ASR adds the 13 numbers"),
        box(480, 200, 170, 76, "Actor π(a | s)", "Beta distribution of", "throttle/brake, steering"),
        arrow((196, 238), (250, 238)),
        arrow((420, 238), (480, 238)),
        arrow((750, 120), (750, 168), (335, 168), (335, 200)),
        note(560, 162, "13 numbers"),
        arrow((565, 276), (565, 300), (140, 300), (140, 276)),
        note(425, 316, "action"),
    ]


def learning() -> list[str]:
    """Return the three critics and how their advantages become one."""
    parts = [
        arrow((335, 276), (335, 338)),
        note(343, 330, "state"),
        note(56, 478, "three reward terms r_i"),
        box(710, 352, 226, 92, "A_int = Σ λ_i A_i", "Eq. 2, with the weights that", "held when the step was made"),
        arrow((860, 120), (860, 352)),
        note(868, 240, "weights λ"),
        arrow((770, 352), (770, 238), (650, 238)),
        note(664, 230, "loss, Eq. 3"),
    ]
    for row, name in enumerate(CRITICS):
        y = 338 + 42 * row
        parts += [
            box(250, y, 170, 34, f"critic {name}", colour=name),
            box(480, y, 170, 34, "A_i standardised", colour=name),
            arrow((80 - 12 * row, 276), (80 - 12 * row, y + 17), (250, y + 17), colour=name),
            arrow((420, y + 17), (480, y + 17), colour=name),
            arrow((650, y + 17), (710, 380 + 18 * row), colour=name),
        ]
    return [*parts, note(250, 478, "own, unweighted return"), note(480, 478, "by GAE; mean 0, deviation 1")]


def figure() -> str:
    """Return the whole figure as SVG."""
    parts = [*slow_half(), *fast_half(), *learning()]
    tip = (
        '<marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z" class="tip"/></marker>'
    )
    told = "How a hint becomes part of the state and the weights of three critics, and where the cache sits"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">'
    paper = f'<rect width="{WIDTH}" height="{HEIGHT}" class="paper"/>'
    return "\n".join([head, f"<style>{STYLE}</style>", f"<defs>{tip}</defs>", paper, *parts, "</svg>", ""])


if __name__ == "__main__":
    FIGURE.write_text(figure(), "utf-8")
    print(FIGURE)
