"""Strangers' archives, arrays, weights and documents: sound ones come back, others are refused before they cost."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from safetensors.torch import save

from envs.untrusted import UntrustedFileError
from envs.untrusted.archives import Archive, leads_away
from envs.untrusted.arrays import read_npz
from envs.untrusted.documents import parse_json, read_bytes
from envs.untrusted.errors import LONGEST
from hcrmp.untrusted.torch_archives import read_torch
from hcrmp.untrusted.weights import read_safetensors
from tests.fuzz.planner_mutations import packed

MOST = 1 << 20


def refused(read: Callable[[], Any], words: str) -> None:
    with pytest.raises(UntrustedFileError, match=words) as error:
        read()
    assert str(error.value).isprintable()


def torch_file(value: Any) -> bytes:
    stream = io.BytesIO()
    th.save(value, stream)
    return stream.getvalue()


def members(content: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def with_pickle(content: bytes, change: Callable[[bytes], bytes]) -> bytes:
    return packed(
        [(name, change(inside) if name.endswith("data.pkl") else inside) for name, inside in members(content)]
    )


# ---- what torch.save writes


def same(a: Any, b: Any) -> bool:
    if isinstance(a, th.Tensor):
        return a.dtype == b.dtype and th.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and bool(a == b)


def test_networks_and_optimisers_come_back_bit_for_bit() -> None:
    net = th.nn.Sequential(th.nn.Linear(3, 4), th.nn.BatchNorm1d(4))
    optimiser = th.optim.Adam(net.parameters())
    net(th.ones(2, 3)).sum().backward()
    optimiser.step()
    turned = th.arange(12.0).reshape(3, 4).t()
    kinds = [th.ones(2, dtype=dtype) for dtype in (th.float64, th.bfloat16, th.int64, th.uint8, th.bool)]
    saved = {"net": net.state_dict(), "optimiser": optimiser.state_dict(), "turned": turned[1:], "none": None,
             "kinds": kinds, "empty": th.empty(0, 3), "big": 2**100, "rest": (1, -2, 3.5, True, "x")}  # fmt: skip
    read = read_torch(torch_file(saved), "x", MOST)
    assert same(read["net"], dict(net.state_dict())) and same(read["optimiser"], optimiser.state_dict())
    assert all(same(read[key], saved[key]) for key in ("turned", "none", "kinds", "empty", "rest"))


class Evil:
    """Makes a folder where anything unpickles it."""

    place = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.place,)


@pytest.fixture(autouse=True)
def nothing_was_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Evil, "place", str(tmp_path / "made"))
    yield
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("protocol", range(5))
def test_a_pickle_is_not_run(protocol: int) -> None:
    evil = pickle.dumps(Evil(), protocol=protocol)
    refused(lambda: read_torch(evil, "x", MOST), "no zip archive of torch.save")
    inside = with_pickle(torch_file({"a": th.ones(1)}), lambda _: evil)
    refused(lambda: read_torch(inside, "x", MOST), "could run code|is damaged")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (b"cos\nsystem\n", "names os.system"),
        (b"ctorch\nload\n", "names torch.load"),
        (b"cbuiltins\neval\n", "builtins.eval"),
        (b"\x93", "STACK_GLOBAL"),
        (b"\x81", "NEWOBJ"),
        (b"r\xff\xff\xff\x7f2", "DUP"),
    ],
)
def test_a_word_that_tensors_do_not_need_is_named(words: bytes, told: str) -> None:
    content = with_pickle(torch_file({"a": th.ones(1)}), lambda inside: inside[:2] + b"}" + words + inside[2:])
    refused(lambda: read_torch(content, "x", MOST), told)


def test_a_tensor_of_terabytes_is_refused_before_it_is_made() -> None:
    claims = torch_file({"a": th.arange(4.0)})
    refused(lambda: read_torch(with_pickle(claims, lambda p: p.replace(b"K\x04tq", b"M\xff\xfftq")), "x", MOST),
            "claims 65535 numbers .* 16 bytes are there")  # fmt: skip
    refused(lambda: read_torch(with_pickle(claims, lambda p: p.replace(b"K\x00K\x04\x85", b"K\x00M\xff\xff\x85")), "x",
                               MOST), "claimed in 4 numbers")  # fmt: skip
    spread = torch_file({"a": th.ones(1).expand(1 << 40)})
    refused(lambda: read_torch(spread, "x", MOST), "claimed in 1 numbers")


def test_a_storage_is_of_one_kind_of_number() -> None:
    two = torch_file({"a": th.ones(2), "b": th.ones(4, dtype=th.int16)})

    def as_one(inside: bytes) -> bytes:
        """The second tensor claims the storage of the first, which has as many bytes."""
        return re.sub(rb"(X\x01\x00\x00\x00)1", rb"\g<1>0", inside)

    refused(lambda: read_torch(with_pickle(two, as_one), "x", MOST), "data/0 as torch.float32 and as torch.int16")


@pytest.mark.parametrize("words", [b"t.", b"u.", b"e.", b"0.", b"}(s.", b"R.", b"Q.", b"h\x05.", b"", b"(.", b"b."])
def test_a_description_that_takes_what_is_not_there(words: bytes) -> None:
    content = with_pickle(torch_file({}), lambda _: b"\x80\x02" + words)
    refused(lambda: read_torch(content, "x", MOST), "is damaged|POP")


def test_lists_that_grow_tenfold_in_each_line_are_refused() -> None:
    lines = b"\x80\x02" + b"]q\x00" + b"".join(b"](" + b"h%c" % n * 10 + b"eq%c" % (n + 1) for n in range(9)) + b"."
    content = with_pickle(torch_file({}), lambda _: lines)
    refused(lambda: read_torch(content, "x", MOST), "one thing in two places")


def test_many_tensors_of_one_storage_are_refused() -> None:
    numbers = th.arange(10_000.0)
    assert len(read_torch(torch_file([numbers[n:] for n in range(3)]), "x", MOST)) == 3
    refused(lambda: read_torch(torch_file([numbers[n:] for n in range(100)]), "x", MOST), "more of its numbers")


def test_a_description_of_megabytes_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    content = with_pickle(torch_file({}), lambda inside: inside + b"]" * (1 << 21))
    monkeypatch.setattr(Archive, "read", None)
    refused(lambda: read_torch(content, "x", 1 << 30), "too long")


# ---- archives


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/etc/passwd", "C:\\a", "a\\b", "c:a"])
def test_names_that_lead_away(name: str) -> None:
    assert leads_away(name)
    refused(lambda: Archive(packed([(name, b"x")]), "x", MOST), "leads out")


def test_a_link_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    refused(lambda: Archive(stream.getvalue(), "x", MOST), "leads out")


def test_bombs_are_refused_unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile.ZipFile, "read", None)  # whoever unpacks fails
    dense = packed([("bomb", b"\0" * (1 << 24))], zipfile.ZIP_DEFLATED)
    assert len(dense) < 20_000
    refused(lambda: Archive(dense, "x", 1 << 30), "zip bomb")
    refused(lambda: Archive(packed([("a", b"x" * 600), ("b", b"x" * 600)]), "x", 1000), "unpacks to 1,200 bytes")


def test_members_that_lie_over_each_other_count_each() -> None:
    content = packed([(f"n{n}", b"x" * 100_000) for n in range(3)])
    refused(lambda: Archive(content, "x", 250_000), "zip bomb")
    refused(lambda: Archive(packed([("a", b""), ("a", b"")]), "x", MOST), "two members of one name")


def test_what_is_no_archive() -> None:
    for content in (b"", b"PK", b"nothing", packed([("a", b"x" * 50)])[:-30]):
        refused(lambda content=content: Archive(content, "x", MOST).read("a"), "no zip archive")  # type: ignore[misc]
    broken = bytearray(packed([("a", b"x" * 50)]))
    broken[40] ^= 1
    refused(lambda: Archive(bytes(broken), "x", MOST).read("a"), "a is damaged")


# ---- arrays


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_arrays_come_back() -> None:
    given = {"a": np.arange(6).reshape(2, 3), "f": np.asfortranarray(np.ones((2, 3))), "e": np.zeros((0, 4)),
             "t": np.array(["ab", "c"]), "s": np.zeros(2, [("x", "f4"), ("y", "i8")]), "n": np.array(3.5)}  # fmt: skip
    read = read_npz(npz(**given), "x", MOST)
    assert list(read) == list(given)
    for name, array in given.items():
        assert read[name].dtype == array.dtype and read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes() and read[name].flags.writeable


def test_arrays_of_objects_and_of_terabytes_are_refused() -> None:
    refused(lambda: read_npz(npz(a=np.array([Evil()], dtype=object)), "x", MOST), "pickled objects")
    huge = packed([(name, inside.replace(b"(6,)", b"(6000000000000,)").replace(b" " * 12, b"", 1))
                   for name, inside in members(npz(a=np.arange(6)))])  # fmt: skip
    refused(lambda: read_npz(huge, "x", MOST), r"claims \(6000000000000,\)")
    for told in (b"(((\n", b"{&a#: '\n", b"{'descr': '<f4'}\n"):
        broken = packed([("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(told)) + told)])
        refused(lambda broken=broken: read_npz(broken, "x", MOST), "no array")  # type: ignore[misc]


# ---- safetensors


def header(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    length = int.from_bytes(content[:8], "little")
    told = json.loads(content[8 : 8 + length])
    change(told)
    text = json.dumps(told).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


def test_weights_come_back_and_lies_do_not() -> None:
    content = save({"w": th.arange(6.0).reshape(2, 3)})
    assert th.equal(read_safetensors(content, "x")["w"], th.arange(6.0).reshape(2, 3))
    huge = header(content, lambda told: told["w"].update(shape=[2**30, 2**20], data_offsets=[0, 2**52]))
    refused(lambda: read_safetensors(huge, "x"), "claims tensors of 1,125,899,906,842,624 bytes, and 24 are there")
    refused(lambda: read_safetensors(struct.pack("<Q", 2**62) + content[8:], "x"), "cut short")
    refused(lambda: read_safetensors(content[:-3], "x"), "damaged")
    refused(lambda: read_safetensors(pickle.dumps(Evil()), "x"), "no safetensors file")
    refused(lambda: read_safetensors(save({"w": th.tensor([1.0, float("nan")])}), "x"), "w holds NaN")


# ---- documents and files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 100_000, "nested too deeply|no JSON"),
        (b'{"a":' * 45 + b"1" + b"}" * 45, "nested too deeply"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": 1, "a": 2}', "stands twice"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
        (b"[1]", "holds list"),
        (b'{"a": "\xff"}', "no JSON"),
        (b'{"a": 1', "cut short"),
        (b'{"' + b"a" * 2000 + b'": 1}', "at most 1,000"),
    ],
)
def test_documents_that_are_refused(content: bytes, words: str) -> None:
    most = 1000 if "1,000" in words else MOST
    refused(lambda: parse_json(content, "x", most=most), words)


def test_a_message_is_one_line_whatever_it_quotes() -> None:
    error = UntrustedFileError("a\nb\x1b[31m" + "c" * 10_000)
    assert str(error).startswith("a b?[31m") and str(error).isprintable() and len(str(error)) <= LONGEST + 4


def test_only_plain_files_of_a_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bytes(tmp_path / "file", 5) == b"12345"
    refused(lambda: read_bytes(tmp_path / "file", 4), "has 5 bytes, at most 4")
    refused(lambda: read_bytes(tmp_path, 4), "no plain file")
    refused(lambda: read_bytes(tmp_path / "none", 4), "cannot be read")
    os.mkfifo(tmp_path / "pipe")
    refused(lambda: read_bytes(tmp_path / "pipe", 4), "no plain file")  # and does not wait for a writer
