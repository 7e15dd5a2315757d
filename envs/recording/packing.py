"""Packed JSON in a file's metadata: compressed, and text again, as other tools expect of metadata."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

from envs.roads.drawing import RoadDrawing

LARGEST_BYTES = 2**28
"""Packed values may unpack to so much at most: a file cannot fill the memory."""


def pack(value: Any) -> bytes:
    """Return ``value`` (plain JSON values) packed."""
    return base64.b85encode(zlib.compress(json.dumps(value, allow_nan=False).encode(), 6))


def unpack(packed: bytes) -> Any:
    """Inverse of ``pack``; raises ValueError where it is none."""
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(base64.b85decode(packed), LARGEST_BYTES)
    except (ValueError, zlib.error, binascii.Error) as error:
        raise ValueError("packed metadata that cannot be unpacked") from error
    if not unpacker.eof:
        raise ValueError("packed metadata that is cut short or too large")
    return json.loads(text)


class PackedValues(dict[str, Any]):
    """Plain values that are packed once, for the many drives that have them in common."""

    @cached_property
    def packed(self) -> bytes:
        """The values, packed."""
        return pack(dict(self))


def packed_values(values: Mapping[str, Any]) -> bytes:
    """Return values packed."""
    return values.packed if isinstance(values, PackedValues) else pack(dict(values))


@lru_cache(maxsize=64)
def packed_drawing(drawing: RoadDrawing) -> bytes:
    """Return the drawing packed, to the millimetre; the many drives of one road pack it once."""
    return pack(drawing.to_lists(digits=3))
