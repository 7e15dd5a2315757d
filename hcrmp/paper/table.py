"""A table as it is written: Markdown, JSON, and a figure; each says by which command it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcrmp.results import estimate_text
from hcrmp.run_folder import provenance, provenance_line, write_json, write_text
from hcrmp.statistics import Estimate

OTHER_PROTOCOL = "Rows and columns of *the paper* are its figures, from other scenes that are not published."


@dataclass(frozen=True)
class Section:
    """One table of a page, under its heading: ``head`` of the columns, ``rows`` of text."""

    heading: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Table:
    """A numbered table: its sections, what must be said with it, its numbers for programs, and a figure."""

    name: str
    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    data: Mapping[str, Any]
    figure: str = ""


def percent(estimate: Estimate | None, decimals: int = 1) -> str:
    """Return a share in [0, 1] with its interval, in percent."""
    return "-" if estimate is None else estimate_text(estimate, 100.0, decimals)


def points(found: tuple[Estimate, float] | None) -> str:
    """Return a difference of shares in points with its interval, and its p."""
    if found is None:
        return ""
    difference, p = found
    signed = "{:+.1f} ({:+.1f}..{:+.1f})".format(*(round(100.0 * number, 1) + 0.0 for number in _ends(difference)))
    return f"{signed}, p {p:.2g}" if p >= 0.001 else f"{signed}, p < 0.001"


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high


def markdown(table: Table, command: str, made: str) -> str:
    """Return the page of a table."""
    lines = [f"# {table.title}", "", f"`{command}`", "", made, ""]
    for section in table.sections:
        lines += [f"## {section.heading}", "", *_rows(section), ""]
    if table.figure:
        lines += [f"![{table.title}]({table.name}.svg)", ""]
    lines += [line for note in table.notes for line in (note, "")]
    return "\n".join(lines)


def _rows(section: Section) -> Sequence[str]:
    ruled: list[Sequence[str]] = [section.head, ["---"] * len(section.head), *section.rows]
    return [f"| {' | '.join(row)} |" for row in ruled]


@dataclass(frozen=True)
class Writer:
    """Writes tables to ``folder``; ``command`` makes them again; ``about`` stands in each JSON."""

    folder: Path
    about: Mapping[str, Any] = field(default_factory=dict)

    def write(self, table: Table, command: str) -> Path:
        """Write the files of ``table`` atomically; return the Markdown's path."""
        self.folder.mkdir(parents=True, exist_ok=True)
        made = provenance(0)
        page = self.folder / f"{table.name}.md"
        if table.figure:
            write_text(self.folder / f"{table.name}.svg", table.figure)
        write_text(page, markdown(table, command, f"{made['created'][:10]}, {provenance_line(made)}"))
        content = {"table": table.name, "title": table.title, "command": command, **self.about, **table.data}
        write_json(self.folder / f"{table.name}.json", {**content, "provenance": made})
        return page
