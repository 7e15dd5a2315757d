"""Mutations of bytes and of JSON, among them a pickle that would be heard."""

from __future__ import annotations

import copy
import json
import pickle
import struct
from typing import Any

import numpy as np

Rng = np.random.Generator
ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 3, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), "", "x" * 5000, "\x1b[31m\n",
    "../../etc/passwd", [], [[]], [1], {}, {"a": 1}, [None] * 20, ["F32"], [2**40, 2**40], [0, 10**12], "beta", "I64",
)  # fmt: skip
"""What a value becomes."""


class Payload:
    """An object whose pickle says that it was run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("a pickle was run",)


def mutated_bytes(content: bytes, rng: Rng) -> bytes:
    """Return ``content`` with bytes flipped, cut off, doubled, or overwritten with a number or a pickle."""
    data = bytearray(content)
    if not data:
        return bytes(rng.integers(0, 256, 8, dtype=np.uint8))
    place = int(rng.integers(len(data)))
    kind = int(rng.integers(6))
    if kind == 0:
        for _ in range(int(rng.integers(1, 6))):
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        end = place + int(rng.integers(1, 200))
        data[place:place] = data[place:end]
    elif kind == 3:
        number = (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FC00000, 0xFF800000)[int(rng.integers(6))]
        data[place : place + 4] = struct.pack("<I", number)
    elif kind == 4:
        data[place:place] = pickle.dumps(Payload(), protocol=int(rng.integers(5)))
    else:
        del data[place : place + int(rng.integers(1, 50))]
    return bytes(data)


def mutated_value(value: Any, rng: Rng) -> Any:
    """Return ``value`` with one thing in it changed: replaced, left out, doubled, renamed, or a number scaled."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.85:
        return _mutated_inside(copy.copy(value), rng)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.5:
        return value * (-1, 0, 2, 1000, 10**9)[int(rng.integers(5))]
    if rng.random() < 0.03:
        deep: Any = value
        for _ in range(int(rng.integers(50, 3000))):
            deep = [deep]
        return deep
    return ODD[int(rng.integers(len(ODD)))]


def _mutated_inside(value: Any, rng: Rng) -> Any:
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key, kind = keys[int(rng.integers(len(keys)))], rng.random()
    if kind < 0.8:
        value[key] = mutated_value(value[key], rng)
    elif kind < 0.9:
        del value[key]
    elif isinstance(value, dict):
        value[f"{key}_"] = value.pop(key)
    else:
        value.insert(key, copy.deepcopy(value[key]))
    return value


def mutated_json(content: bytes, rng: Rng) -> bytes:
    """Return a JSON document with one value changed."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return mutated_bytes(content, rng)
    try:
        return json.dumps(mutated_value(value, rng)).encode()
    except RecursionError:  # what Python cannot write it may still be asked to read
        return b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
