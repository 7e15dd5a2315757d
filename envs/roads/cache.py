"""Compiled lane graphs on disk: a map is read and compiled once, then loaded from arrays.

A file is named by the hash of the map's content, its name and ``COMPILER_VERSION``, so it never goes stale; it is
written under another name and moved into place; one that cannot be read is compiled anew. Without a writable folder
everything works, only slower. Files are ``.npz`` and read without pickle.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from envs.roads.compiler import COMPILER_VERSION, compile_lane_graph
from envs.roads.controls import TrafficControls
from envs.roads.drawing import Area, RoadDrawing, Stroke
from envs.roads.elements import OpenDriveError
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.user_cache import user_cache

_ARRAYS = tuple(item.name for item in fields(LaneGraph) if item.name not in ("name", "road_ids", "drawing", "controls"))
_CONTROLS = tuple(item.name for item in fields(TrafficControls) if item.name != "signal_ids")
UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, EOFError, zipfile.BadZipFile)
"""What an entry raises that cannot be used: it is compiled anew."""


def cache_folder() -> Path:
    """Return the folder for compiled maps."""
    return user_cache() / "lane_graphs"


def load_lane_graph(path: Path | str) -> LaneGraph:
    """Return the lane graph of the OpenDRIVE file at ``path``, compiled or from the cache."""
    path = Path(path)
    return lane_graph_of(read_map(path), path.stem)


def lane_graph_of(content: bytes, name: str) -> LaneGraph:
    """Return the lane graph of an OpenDRIVE map's bytes, compiled or from the cache."""
    entry = cache_folder() / f"{content_key(content, name)}.npz"
    with contextlib.suppress(*UNREADABLE):
        return _read(entry)
    graph = compile_lane_graph(parse_opendrive(content, name))
    with contextlib.suppress(OSError):
        _write(entry, graph)
    return graph


def read_map(path: Path) -> bytes:
    """Return the bytes of a map's file; ``OpenDriveError`` says why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise OpenDriveError(f"cannot read the map {path}: {error.strerror or error}") from None


def content_key(content: bytes, name: str) -> str:
    """Return the name of the entry of a map with this content and name."""
    return hashlib.sha256(f"{COMPILER_VERSION}\0{name}\0".encode() + content).hexdigest()[:40]


def _write(entry: Path, graph: LaneGraph) -> None:
    arrays: dict[str, Any] = {name: getattr(graph, name) for name in _ARRAYS}
    arrays |= {f"controls.{name}": getattr(graph.controls, name) for name in _CONTROLS}
    drawing = graph.drawing
    outlines = [area.points for area in drawing.areas] + [stroke.points for stroke in drawing.strokes]
    texts = {
        "name": graph.name,
        "road_ids": graph.road_ids,
        "areas": [area.kind for area in drawing.areas],
        "strokes": [(stroke.kind, stroke.color) for stroke in drawing.strokes],
        "signal_ids": graph.controls.signal_ids,
    }
    arrays["texts"] = np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)
    arrays["counts"] = np.array([len(outline) for outline in outlines], dtype=np.int64)
    arrays["points"] = np.concatenate([np.zeros((0, 2)), *outlines])
    write_entry(entry, arrays)


def write_entry(entry: Path, arrays: dict[str, Any]) -> None:
    """Write arrays under another name and move the file into place."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=entry.parent, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **arrays)
        os.replace(part, entry)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise


def _read(entry: Path) -> LaneGraph:
    with entry.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    texts = json.loads(arrays["texts"].tobytes())
    outlines = np.split(arrays["points"], np.cumsum(arrays["counts"])[:-1])
    count = len(texts["areas"])
    areas = tuple(Area(kind, points) for kind, points in zip(texts["areas"], outlines[:count], strict=True))
    lines = outlines[count:] if texts["strokes"] else []
    strokes = tuple(Stroke(kind, color, points) for (kind, color), points in zip(texts["strokes"], lines, strict=True))
    return LaneGraph(
        name=texts["name"],
        road_ids=tuple(texts["road_ids"]),
        drawing=RoadDrawing(areas, strokes),
        controls=TrafficControls(
            **{name: arrays[f"controls.{name}"] for name in _CONTROLS},
            signal_ids=tuple(tuple(ids) for ids in texts["signal_ids"]),
        ),
        **{name: arrays[name] for name in _ARRAYS},
    )
