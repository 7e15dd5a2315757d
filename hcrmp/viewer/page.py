"""write_html: drives as one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from envs.recording import DriveLog
from hcrmp.run_folder import provenance, provenance_line, write_text
from hcrmp.viewer.comparison import encode_comparison
from hcrmp.viewer.encode import encode_drive, encode_road

_SCRIPTS = (
    *("series.js", "page.js", "bodies.js", "road.js", "sight.js", "camera.js", "map.js"),
    *("timeline.js", "moments.js", "plot_specs.js", "plots.js", "panel.js", "difference.js"),
    *("view.js", "keys.js", "player.js"),
)


def write_html(drives: Sequence[DriveLog], path: str | os.PathLike[str]) -> Path:
    """Write one self-contained page that replays the drives (a list to choose from); return its path."""
    if not drives:
        raise ValueError("there is no drive to show: give at least one")
    write_text(Path(path), page(title(drives), _data(drives), drives[0].meta.seed))
    return Path(path)


def write_comparison(
    first: DriveLog, second: DriveLog, path: str | os.PathLike[str], names: tuple[str, str] = ("A", "B")
) -> Path:
    """Write one self-contained page that replays two drives beside each other on one clock; return its path.

    ``names`` say which is which, as ``("recorded", "branch")``. The clock is the drives' own simulated time: a branch
    that begins at 12.4 s shows nothing before it.
    """
    heading = f"{names[0]} and {names[1]}: {title([first])}"
    data = _data([first, second]) | {"compared": encode_comparison(first, second, names)}
    write_text(Path(path), page(heading, data, first.meta.seed))
    return Path(path)


def page(heading: str, data: Mapping[str, Any], seed: int) -> str:
    """Return the HTML text of a page that shows ``data``, of a drive of that episode ``seed``."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_resource("page.html.j2")).render(
        title=_printable(heading),
        generator=provenance_line(provenance(seed)),
        style=_resource("page.css"),
        scripts=[_resource(name) for name in _SCRIPTS],
        data=packed(data),
    )


def title(drives: Sequence[DriveLog]) -> str:
    """Return the page's title."""
    if len(drives) > 1:
        return f"{len(drives)} drives"
    meta = drives[0].meta
    name = ", ".join(part for part in (meta.scenario.replace("_", " "), meta.density) if part)
    return f"{name}, seed {meta.seed}: {meta.outcome.replace('_', ' ')}"


def _printable(text: str) -> str:
    """Return ``text`` without the halves of characters that a damaged file may hold and no file can be written with."""
    return text.encode("utf-8", "replace").decode("utf-8")


def packed(data: Any) -> str:
    """Return JSON, deflated, in letters that may stand inside any element, whatever its texts say (RFC 1950, 4648)."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _data(drives: Sequence[DriveLog]) -> dict[str, Any]:
    """Return all drives; equal roads are stored once."""
    roads: dict[str, int] = {}
    encoded = []
    for drive in drives:
        road = json.dumps(encode_road(drive))
        encoded.append(encode_drive(drive) | {"road": roads.setdefault(road, len(roads))})
    return {"roads": [json.loads(road) for road in roads], "drives": encoded}


def _resource(name: str) -> str:
    return files("hcrmp.viewer").joinpath(name).read_text(encoding="utf-8")
