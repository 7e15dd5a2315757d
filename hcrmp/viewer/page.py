"""write_html: drives as one HTML file that needs nothing else, now or in ten years."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2

from envs.recording import DriveLog
from hcrmp.run_folder import provenance, provenance_line
from hcrmp.viewer.encode import encode_drive, encode_road

_SCRIPTS = ("series.js", "map.js", "plots.js", "timeline.js", "player.js")
# In JSON these may be written as escapes; in HTML they could end the element that holds the data.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def write_html(drives: Sequence[DriveLog], path: str | os.PathLike[str]) -> Path:
    """Write one self-contained page that replays the drives (a list to choose from); return its path."""
    if not drives:
        raise ValueError("there is no drive to show: give at least one")
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    partial.write_text(page(drives), encoding="utf-8")
    os.replace(partial, target)
    return target


def page(drives: Sequence[DriveLog]) -> str:
    """Return the page's HTML text."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_resource("page.html.j2")).render(
        title=title(drives),
        generator=provenance_line(provenance(drives[0].meta.seed)),
        style=_resource("page.css"),
        scripts=[_resource(name) for name in _SCRIPTS],
        data=json_for_html(_data(drives)),
    )


def title(drives: Sequence[DriveLog]) -> str:
    """Return the page's title."""
    if len(drives) > 1:
        return f"{len(drives)} drives"
    meta = drives[0].meta
    name = ", ".join(part for part in (meta.scenario.replace("_", " "), meta.density) if part)
    return f"{name}, seed {meta.seed}: {meta.outcome.replace('_', ' ')}"


def json_for_html(data: Any) -> str:
    """Return JSON that may stand inside a script element, whatever its texts say."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False, ensure_ascii=False).translate(_ESCAPES)


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
