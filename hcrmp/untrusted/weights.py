"""Weights in a safetensors file, and that weights are finite."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch as th
from safetensors import SafetensorError
from safetensors.torch import load

from envs.untrusted.documents import MEGABYTE, parse_json, read_bytes
from envs.untrusted.errors import UntrustedFileError

LARGEST_WEIGHTS = 1 << 30
"""Bytes of a file of weights; the largest of our networks has 20 million."""


def read_safetensors(content: bytes, what: str) -> dict[str, th.Tensor]:
    """Return the tensors of a safetensors file; its header is held against its size before anything is made."""
    _check_header(content, what)
    try:
        tensors: dict[str, th.Tensor] = load(content)
    except (SafetensorError, ValueError, TypeError, KeyError, RuntimeError, OverflowError) as error:
        raise UntrustedFileError(f"{what} is no safetensors file or is damaged ({error})") from error
    check_finite(tensors, what)
    return tensors


def _check_header(content: bytes, what: str) -> None:
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or length > len(content) - 8:
        raise UntrustedFileError(f"{what} is no safetensors file or is cut short: {len(content):,} bytes")
    header = parse_json(content[8 : 8 + length].rstrip(b" "), f"{what}: its header", most=MEGABYTE)
    there = len(content) - 8 - length
    claimed = sum(_claimed(entry) for name, entry in header.items() if name != "__metadata__")
    if claimed > there:
        raise UntrustedFileError(f"{what} claims tensors of {claimed:,} bytes, and {there:,} are there")


def _claimed(entry: Any) -> int:
    """Return the least bytes that the entry of a tensor needs; its type is the library's to check."""
    shape = entry.get("shape") if isinstance(entry, dict) else None
    if not isinstance(shape, list) or not all(type(side) is int and side >= 0 for side in shape):
        return 0
    return math.prod(shape)


def check_finite(tensors: Mapping[str, th.Tensor], what: str) -> None:
    """Refuse weights that are not numbers: a planner with one of them drives nowhere, or anywhere."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not bool(th.isfinite(tensor).all()):
            raise UntrustedFileError(f"{what}: {name} holds NaN or infinite weights")


def check_shapes(tensors: Mapping[str, th.Tensor], wanted: Mapping[str, th.Tensor], what: str) -> None:
    """Refuse tensors that are not those of a network, by name, shape and type."""
    for name in {**wanted, **tensors}:
        theirs, ours = _told(tensors, name), _told(wanted, name)
        if theirs != ours:
            raise UntrustedFileError(f"{what}: the weights {name} are {theirs} there and {ours} in its architecture")


def _told(tensors: Mapping[str, th.Tensor], name: str) -> str:
    if name not in tensors:
        return "absent"
    return f"{str(tensors[name].dtype).removeprefix('torch.')} {tuple(tensors[name].shape)}"


def read_weights(path: Path) -> bytes:
    """Return the content of a file of weights."""
    return read_bytes(path, LARGEST_WEIGHTS)
