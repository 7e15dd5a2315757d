"""Mutations of recorder files: wrong numbers, cuts, and packets that are missing, doubled, swapped, renamed or lie."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np

from envs.carla_recording import PACKET

WORDS = (b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x00\x00\xc0\x7f", b"\x00\x00\x80\x7f",
         b"\x00\x00\x80\xff", b"\xff\xff\x7f\x7f", b"\x01\x00\x00\x00", b"\x00\x00\x80\x3f")  # fmt: skip
"""What four bytes become: the largest and smallest whole numbers, not a number, infinities, the largest float, 1."""

Mutation = Callable[[list[bytes], np.random.Generator], None]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a recording with one to four mutations; one in ten is also cut."""
    parts = packets(content)
    for _ in range(int(rng.integers(1, 5))):
        _MUTATIONS[int(rng.integers(len(_MUTATIONS)))](parts, rng)
    result = b"".join(parts)
    return result[: int(rng.integers(len(result) + 1))] if rng.random() < 0.1 else result


def packets(content: bytes) -> list[bytes]:
    """Return the header and each packet of a sound recording."""
    at = 4 + len("CARLA_RECORDER") + 8
    at += 2 + int.from_bytes(content[at : at + 2], "little")
    parts = [content[:at]]
    while at < len(content):
        end = at + PACKET.size + int(struct.unpack_from("<BI", content, at)[1])
        parts.append(content[at:end])
        at = end
    return parts


def _any(parts: list[bytes], rng: np.random.Generator) -> int:
    return int(rng.integers(len(parts)))


def _put(part: bytes, place: int, new: bytes) -> bytes:
    return part[:place] + new + part[place + len(new) :]


def _set_byte(parts: list[bytes], rng: np.random.Generator) -> None:
    index = _any(parts, rng)
    if parts[index]:
        parts[index] = _put(parts[index], int(rng.integers(len(parts[index]))), bytes([int(rng.integers(256))]))


def _set_word(parts: list[bytes], rng: np.random.Generator) -> None:
    index = _any(parts, rng)
    if len(parts[index]) >= 4:
        place = int(rng.integers(len(parts[index]) - 3))
        parts[index] = _put(parts[index], place, WORDS[int(rng.integers(len(WORDS)))])


def _set_number(parts: list[bytes], rng: np.random.Generator) -> None:
    """Change a number of a table where its rows are."""
    index = _any(parts, rng)
    words = (len(parts[index]) - PACKET.size - 2) // 4
    if words > 0:
        place = PACKET.size + 2 + 4 * int(rng.integers(words))
        parts[index] = _put(parts[index], place, WORDS[int(rng.integers(len(WORDS)))])


def _lie_of_size(parts: list[bytes], rng: np.random.Generator) -> None:
    index = _any(parts, rng)
    if index:
        size = (0, 1, 2**16, 2**31, 2**32 - 1)[int(rng.integers(5))]
        parts[index] = _put(parts[index], 1, struct.pack("<I", size))


def _lie_of_count(parts: list[bytes], rng: np.random.Generator) -> None:
    index = _any(parts, rng)
    if index and len(parts[index]) >= PACKET.size + 2:
        parts[index] = _put(parts[index], PACKET.size, struct.pack("<H", int(rng.integers(65536))))


def _rename(parts: list[bytes], rng: np.random.Generator) -> None:
    index = _any(parts, rng)
    if index:
        parts[index] = _put(parts[index], 0, bytes([int(rng.integers(26))]))


def _drop(parts: list[bytes], rng: np.random.Generator) -> None:
    if len(parts) > 1:
        del parts[_any(parts, rng)]


def _double(parts: list[bytes], rng: np.random.Generator) -> None:
    parts.insert(_any(parts, rng), parts[_any(parts, rng)])


def _swap(parts: list[bytes], rng: np.random.Generator) -> None:
    one, two = _any(parts, rng), _any(parts, rng)
    parts[one], parts[two] = parts[two], parts[one]


_MUTATIONS: tuple[Mutation, ...] = (
    _set_byte, _set_byte, _set_word, _set_number, _set_number, _set_number, _lie_of_size, _lie_of_count, _rename, _drop,
    _double, _swap,
)  # fmt: skip
