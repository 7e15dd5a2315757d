"""The bytes of a CARLA recorder file: what ``envs.carla_recording`` and CARLA's own tools read.

Everything is as the file has it: left-handed, locations in centimetres, rotations (roll, pitch, yaw) in degrees.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from envs.carla_recording import ADDED_ACTOR, FRAME, LAYOUTS, MAGIC, PACKET, Packet, RecordedActor, Records

VERSION = 1
SUFFIX = ".log"
MOST_ROWS = 65535
"""Rows that a table can count."""

Bytes = tuple[Packet, bytes]
"""A packet before it is written: its kind and its content."""


def header(map_name: str, started_unix_s: int) -> bytes:
    """Return the beginning of a file; ``started_unix_s`` seconds since 1970."""
    return struct.pack("<H", VERSION) + text(MAGIC) + struct.pack("<q", started_unix_s) + text(map_name)


def frame(number: int, duration_s: float, elapsed_s: float, packets: Iterable[Bytes]) -> bytes:
    """Return a frame with its ``packets``; ``elapsed_s`` since the recording began."""
    begin = (Packet.FRAME_START, FRAME.pack(number, duration_s, elapsed_s))
    parts = [begin, *packets, (Packet.FRAME_END, b"")]
    return b"".join(PACKET.pack(kind, len(payload)) + payload for kind, payload in parts)


def table(kind: Packet, rows: Iterable[tuple[float, ...]]) -> Bytes:
    """Return a packet of a counted table whose rows have the numbers of ``LAYOUTS[kind]``, vectors taken apart."""
    layout = LAYOUTS[kind]
    parted = [(f"{name}{k}", layout[name].base) for name in layout.names or () for k in range(_numbers(layout[name]))]
    return records(kind, np.array([tuple(row) for row in rows], dtype=np.dtype(parted)))


def records(kind: Packet, rows: Records) -> Bytes:
    """Return a packet of a counted table whose ``rows`` ``(n,)`` have the bytes of ``LAYOUTS[kind]`` already."""
    return kind, struct.pack("<H", len(rows)) + rows.tobytes()


def added(actors: Iterable[RecordedActor]) -> Bytes:
    """Return the packet of who has entered."""
    listed = [_added(actor) for actor in actors]
    return Packet.ADDED, struct.pack("<H", len(listed)) + b"".join(listed)


def text(content: str) -> bytes:
    """Return a text with its length."""
    data = content.encode("utf-8", "surrogateescape")[:65535]
    return struct.pack("<H", len(data)) + data


def _added(actor: RecordedActor) -> bytes:
    head = ADDED_ACTOR.pack(actor.id, actor.kind, *actor.location_cm, *actor.rotation_deg, actor.uid)
    attributes = [struct.pack("<B", kind) + text(name) + text(value) for name, kind, value in actor.attributes]
    return head + text(actor.type_id) + struct.pack("<H", len(attributes)) + b"".join(attributes)


def _numbers(kind: np.dtype[np.void]) -> int:
    return int(np.prod(kind.shape))
