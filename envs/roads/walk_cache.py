"""Compiled walk graphs on disk, beside the lane graphs: see ``cache``."""

from __future__ import annotations

import contextlib
from dataclasses import fields
from pathlib import Path

import numpy as np

from envs.roads.cache import UNREADABLE, cache_folder, content_key, read_map, write_entry
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from envs.roads.walk_graph import WalkGraph, walk_graph_of_map

WALK_COMPILER_VERSION = 1
"""Raised with every change of what ``walk_graph_of_map`` returns."""

_ARRAYS = tuple(item.name for item in fields(WalkGraph) if item.name != "name")


def load_walk_graph(path: Path | str, graph: LaneGraph) -> WalkGraph:
    """Return where one walks on the OpenDRIVE file at ``path``, whose lane graph is ``graph``; compiled or cached."""
    path = Path(path)
    return walk_graph_of(read_map(path), path.stem, graph)


def walk_graph_of(content: bytes, name: str, graph: LaneGraph) -> WalkGraph:
    """Return where one walks on an OpenDRIVE map, given as bytes; compiled or cached."""
    entry = cache_folder() / f"{content_key(content, name)}.walk{WALK_COMPILER_VERSION}.npz"
    with contextlib.suppress(*UNREADABLE), entry.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        return WalkGraph(name=name, **{key: file[key] for key in _ARRAYS})
    walk = walk_graph_of_map(parse_opendrive(content, name), graph)
    with contextlib.suppress(OSError):
        write_entry(entry, {key: getattr(walk, key) for key in _ARRAYS})
    return walk
