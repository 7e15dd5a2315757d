"""Arrays of an ``.npz`` file: no objects, and no array that is larger than the bytes that are there for it."""

from __future__ import annotations

import io
import math
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from envs.untrusted.archives import Archive
from envs.untrusted.errors import UntrustedFileError

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

HEADER_DAMAGE = (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError, OverflowError, EOFError)
"""What numpy lets through where a header is none: it is the text of a dict."""


def read_npz(content: bytes, what: str, most: int) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of ``content`` by name; ``most``: bytes that it may unpack to."""
    archive = Archive(content, what, most)
    return {name.removesuffix(".npy"): _array(archive.read(name), f"{what}: {name}") for name in archive.names}


def _array(content: bytes, what: str) -> npt.NDArray[Any]:
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise UntrustedFileError(f"{what} is an array of format {version}, which is not read")
        shape, fortran, dtype = _HEADERS[version](stream)
    except HEADER_DAMAGE as error:
        raise UntrustedFileError(f"{what} is no array ({error})") from error
    if dtype.hasobject:
        raise UntrustedFileError(f"{what} holds pickled objects, which are not read: they could run code")
    there = len(content) - stream.tell()
    if dtype.itemsize == 0 or any(side < 0 for side in shape) or math.prod(shape) * dtype.itemsize != there:
        raise UntrustedFileError(f"{what} claims {shape} {dtype}, and {there:,} bytes are there")
    if not there:
        return np.empty(shape, dtype)
    flat = np.frombuffer(content, dtype, offset=stream.tell())
    array: npt.NDArray[Any] = flat.reshape(shape, order="F" if fortran else "C").copy(order="K")
    return array
