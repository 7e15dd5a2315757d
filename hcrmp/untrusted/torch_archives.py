"""What ``torch.save`` wrote of tensors, names and numbers, read without an unpickler.

Such a file is a zip archive: the numbers of each tensor as plain bytes, and a pickle that says which tensor has which
name and shape. The pickle's words are followed here one by one, and the few that describe tensors are all that there
are: any other is refused by its name, so that nothing in the file can be run. Unlike ``torch.load`` the size that a
tensor claims is held against the bytes that are there in every version of torch.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch as th

from envs.untrusted.archives import Archive
from envs.untrusted.errors import UntrustedFileError

LARGEST_PICKLE = 1 << 21
"""Bytes of the description; each may become a list of sixty. A thousand tensors with their optimiser need 200 kB."""
MOST_DIMENSIONS = 8
DTYPES = {
    "FloatStorage": th.float32, "DoubleStorage": th.float64, "HalfStorage": th.float16, "BFloat16Storage": th.bfloat16,
    "LongStorage": th.int64, "IntStorage": th.int32, "ShortStorage": th.int16, "CharStorage": th.int8,
    "ByteStorage": th.uint8, "BoolStorage": th.bool,
}  # fmt: skip
TENSOR, PARAMETER, ORDERED = (
    "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter", "collections OrderedDict",
)  # fmt: skip
_CONSTANTS = ("BINUNICODE", "SHORT_BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT")
_VALUES: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
_SHORT_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A name of the pickle that stands for one of the few things that describe tensors."""

    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """The numbers of one tensor or of several."""

    numbers: th.Tensor


def read_torch(content: bytes, what: str, most: int) -> Any:
    """Return the nested dicts, lists, tensors and numbers of ``content``, on the CPU.

    Args:
        content: the file, as ``torch.save`` writes it since version 1.6.
        what: name of the file, for messages.
        most: bytes that it may unpack to.
    """
    if not content.startswith(b"PK"):
        raise UntrustedFileError(
            f"{what} is no zip archive of torch.save: a pickle, or a file of a torch before 1.6, is not read, since it "
            "could run code"
        )
    archive = Archive(content, what, most)
    described = [name for name in archive.names if name.endswith("/data.pkl")]
    if len(described) != 1:
        raise UntrustedFileError(f"{what} has {len(described)} descriptions of tensors (data.pkl), expected one")
    root = described[0].removesuffix("data.pkl")
    if archive.size(described[0]) > LARGEST_PICKLE:
        raise UntrustedFileError(f"{what} describes its tensors in {archive.size(described[0]):,} bytes: too long")
    if f"{root}byteorder" in archive.names and archive.read(f"{root}byteorder") != b"little":
        raise UntrustedFileError(f"{what} was written on a machine of another byte order, which is not read")
    try:
        return _Words(archive, root, what, most).read(archive.read(described[0]))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError, RuntimeError,
            struct.error, RecursionError, MemoryError) as error:  # fmt: skip
        raise UntrustedFileError(f"{what} is damaged: {error or type(error).__name__}") from error


class _Words:
    """Follows the words of one pickle."""

    def __init__(self, archive: Archive, root: str, what: str, most: int) -> None:
        self._archive, self._root, self._what, self._left = archive, root, what, most
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._storages: dict[str, tuple[th.dtype, _Storage]] = {}

    def read(self, pickle: bytes) -> Any:
        """Return what the pickle describes."""
        for opcode, argument, _ in pickletools.genops(io.BytesIO(pickle)):
            if opcode.name == "STOP":
                break
            self._follow(opcode.name, argument)
        if len(self._stack) != 1 or self._stack[0] is _MARK:
            raise ValueError("its description of tensors ends in the middle")
        return self._stack[0]

    def _follow(self, word: str, argument: Any) -> None:
        stack = self._stack
        if word in _CONSTANTS:
            stack.append(argument)
        elif word in _VALUES:
            stack.append(_VALUES[word])
        elif word in _EMPTY:
            stack.append(_EMPTY[word]())
        elif word in _SHORT_TUPLES:
            stack[-_SHORT_TUPLES[word] :] = [tuple(self._last(_SHORT_TUPLES[word]))]
        elif word in _ACTIONS:
            _ACTIONS[word](self, argument)
        elif word != "PROTO":
            raise UntrustedFileError(f"{self._what}: its pickle says {word}, which no description of tensors needs: "
                                     "it could run code, so that nothing of it is read")  # fmt: skip

    def _last(self, count: int) -> list[Any]:
        if len(self._stack) < count or any(item is _MARK for item in self._stack[-count:]):
            raise ValueError("its description of tensors takes what is not there")
        return self._stack[-count:]

    def _pop(self) -> Any:
        (item,) = self._last(1)
        self._stack.pop()
        return item

    def _since_mark(self) -> list[Any]:
        place = next((n for n in reversed(range(len(self._stack))) if self._stack[n] is _MARK), None)
        if place is None:
            raise ValueError("its description of tensors takes what is not there")
        items = self._stack[place + 1 :]
        del self._stack[place:]
        return items

    def _mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def _symbol(self, name: str) -> None:
        storages = [f"torch {storage}" for storage in DTYPES]
        if name not in (TENSOR, PARAMETER, ORDERED, *storages):
            raise UntrustedFileError(
                f"{self._what} names {name.replace(' ', '.')}, which is neither tensor nor number: it could run code, "
                "so that nothing of it is read"
            )
        self._stack.append(_Symbol(name))

    def _put(self, place: int) -> None:
        self._memo[place] = self._last(1)[0]

    def _get(self, place: int) -> None:
        item = self._memo[place]
        # A container that is in itself, or in ten others that are in ten others, would never end.
        if isinstance(item, (dict, list)) or (isinstance(item, tuple) and any(map(_is_container, item))):
            raise ValueError("its description of tensors holds one thing in two places")
        self._stack.append(item)

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _append(self, _: Any) -> None:
        self._extend([self._pop()])

    def _appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    def _extend(self, items: list[Any]) -> None:
        (target,) = self._last(1)
        if not isinstance(target, list):
            raise TypeError("its description of tensors puts items into what is no list")
        target.extend(items)

    def _set_item(self, _: Any) -> None:
        value, key = self._pop(), self._pop()
        self._update([key, value])

    def _set_items(self, _: Any) -> None:
        self._update(self._since_mark())

    def _update(self, items: list[Any]) -> None:
        (target,) = self._last(1)
        keys = items[::2]
        if not isinstance(target, dict) or len(items) % 2 or not all(isinstance(key, (str, int)) for key in keys):
            raise TypeError("its description of tensors has a dict whose keys are no names")
        target.update(zip(keys, items[1::2], strict=True))

    def _build(self, _: Any) -> None:
        """Pass over the notes that a state dict carries along (``_metadata``)."""
        state = self._pop()
        if not isinstance(state, dict) or not isinstance(self._last(1)[0], dict):
            raise TypeError("its description of tensors sets attributes")

    def _call(self, _: Any) -> None:
        arguments, symbol = self._pop(), self._pop()
        if not isinstance(symbol, _Symbol) or not isinstance(arguments, tuple):
            raise TypeError("its description of tensors calls what is no name")
        if symbol.name == TENSOR:
            tensor = _tensor(*arguments[:4])
            self._left -= tensor.nbytes
            if self._left < 0:  # one storage may be claimed by many
                raise UntrustedFileError(f"{self._what} makes more of its numbers than it may unpack to")
            self._stack.append(tensor)
        elif symbol.name == PARAMETER and isinstance(arguments[0], th.Tensor):
            self._stack.append(arguments[0])
        elif symbol.name == ORDERED and not arguments:
            self._stack.append({})
        else:
            raise TypeError(f"its description of tensors calls {symbol.name} in an unknown way")

    def _storage(self, _: Any) -> None:
        kind, symbol, key, _place, count = self._pop()
        if kind != "storage" or not isinstance(symbol, _Symbol) or not isinstance(key, str):
            raise TypeError("its description of tensors names no storage")
        dtype = DTYPES[symbol.name.removeprefix("torch ")]
        name = f"{self._root}data/{key}"
        there = self._archive.size(name)
        if not isinstance(count, int) or count * dtype.itemsize != there:
            raise UntrustedFileError(f"{self._what} claims {count} numbers for {name}, and {there:,} bytes are there")
        if key not in self._storages:
            self._storages[key] = dtype, _Storage(_numbers(self._archive.read(name), dtype))
        known, storage = self._storages[key]
        if known is not dtype:  # each kind of number would be one more copy of it
            raise UntrustedFileError(f"{self._what} claims {name} as {known} and as {dtype}")
        self._stack.append(storage)


_ACTIONS: dict[str, Callable[[_Words, Any], None]] = {
    "MARK": _Words._mark, "GLOBAL": _Words._symbol, "BINPUT": _Words._put, "LONG_BINPUT": _Words._put,
    "BINGET": _Words._get, "LONG_BINGET": _Words._get, "TUPLE": _Words._tuple, "APPEND": _Words._append,
    "APPENDS": _Words._appends, "SETITEM": _Words._set_item, "SETITEMS": _Words._set_items, "BUILD": _Words._build,
    "REDUCE": _Words._call, "BINPERSID": _Words._storage,
}  # fmt: skip


def _is_container(item: Any) -> bool:
    return isinstance(item, (dict, list, tuple))


def _numbers(content: bytes, dtype: th.dtype) -> th.Tensor:
    return th.frombuffer(bytearray(content), dtype=dtype) if content else th.empty(0, dtype=dtype)


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any) -> th.Tensor:
    """Return the tensor of ``shape`` in a storage, all of whose numbers must be there."""
    numbers = (offset, *shape, *stride)
    if not isinstance(storage, _Storage) or not all(type(number) is int and number >= 0 for number in numbers):
        raise TypeError("a tensor's place is no row of numbers")
    if len(shape) != len(stride) or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"a tensor has the shape {shape} and the strides {stride}")
    there, count = storage.numbers.numel(), math.prod(shape)
    last = offset + sum((side - 1) * step for side, step in zip(shape, stride, strict=True))
    if count and (count > there or last >= there):
        raise ValueError(f"a tensor of the shape {shape} is claimed in {there:,} numbers")
    return (
        storage.numbers.as_strided(shape, stride, offset).clone()
        if count
        else th.empty(shape, dtype=storage.numbers.dtype)
    )
