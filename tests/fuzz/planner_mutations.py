"""Mutations of planner files: of bytes, and of what the bytes mean, so that they get past the first checks."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.onnx_mutations import mutated_onnx
from tests.fuzz.value_mutations import Payload, Rng, mutated_bytes, mutated_json

Files = dict[str, bytes]


def mutated(files: Files, rng: Rng) -> Files:
    """Return ``files`` with one or several things changed, and the checksums made to fit, mostly."""
    changed = dict(files)
    for _ in range(int(rng.integers(1, 4))):
        name = sorted(changed)[int(rng.integers(len(changed)))]
        means = _by_meaning(name)
        change = means if means is not None and rng.random() < 0.75 else mutated_bytes
        changed[name] = change(changed[name], rng)
    return with_checksums(changed) if rng.random() < 0.9 else changed


def _by_meaning(name: str) -> Callable[[bytes, Rng], bytes] | None:
    return _FORMATS.get(Path(name).suffix)


# ---- archives


def mutated_zip(content: bytes, rng: Rng) -> bytes:
    """Return an archive with a member changed, and its checksum, or with one that should not be there."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zlib.error):
        return mutated_bytes(content, rng)
    if not members:
        return mutated_bytes(content, rng)
    place = int(rng.integers(len(members)))
    name, inside = members[place]
    kind = rng.random()
    if kind < 0.75:
        members[place] = (name, _mutated_member(name, inside, rng))
    elif kind < 0.85:
        del members[place]
    elif kind < 0.95:
        strange = ("../evil", "/etc/evil", "C:\\evil", "evil\x00", name, f"{name}_", "archive/data.pkl")
        members.append((strange[int(rng.integers(len(strange)))], inside))
    else:
        members.append(("bomb", b"\0" * (1 << 22)))
    return packed(members, zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED)


def packed(members: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of ``members``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, inside in members:
            # writestr warns of a name that is there already; an info of our own does not.
            info = zipfile.ZipInfo(name.replace("\x00", "_"))
            info.compress_type = compression
            archive.NameToInfo.pop(info.filename, None)
            archive.writestr(info, inside)
    return stream.getvalue()


def _mutated_member(name: str, inside: bytes, rng: Rng) -> bytes:
    if name.endswith(".pkl"):
        return mutated_pickle(inside, rng)
    if name == "data":
        return mutated_json(inside, rng)
    if name.endswith((".pth", ".pt")):
        return mutated_zip(inside, rng)
    if name.endswith(".npy") and rng.random() < 0.5:
        return inside.replace(b"(", b"(" + str(int(rng.integers(10**12))).encode() + b", ", 1)
    return mutated_bytes(inside, rng)


def mutated_pickle(inside: bytes, rng: Rng) -> bytes:
    """Return a pickle that is another's, has another's words within, or is broken."""
    kind = rng.random()
    if kind < 0.2:
        return pickle.dumps(Payload(), protocol=int(rng.integers(5)))
    if kind < 0.5:
        words = (b"cos\nsystem\n(S'true'\ntR", b"cbuiltins\neval\n", b"\x85R", b"b", b"}", b"h\x00", b"q\x00", b"Q",
                 b"ctorch\nload\n", b"ctorch._utils\n_rebuild_parameter\n", b"r\xff\xff\xff\x7f", b"2", b"0", b"(",
                 b"t", b"J\xff\xff\xff\x7f", b"\x8a\x08" + b"\xff" * 8, b"a", b"u", b"s", b"M\xff\xff")  # fmt: skip
        place = int(rng.integers(len(inside) + 1))
        return inside[:place] + words[int(rng.integers(len(words)))] + inside[place:]
    return mutated_bytes(inside, rng)


# ---- safetensors


def mutated_safetensors(content: bytes, rng: Rng) -> bytes:
    """Return weights whose header says something else."""
    length = int.from_bytes(content[:8], "little")
    if length > len(content) - 8:
        return mutated_bytes(content, rng)
    header = mutated_json(content[8 : 8 + length], rng)
    claimed = len(header) if rng.random() < 0.9 else int(rng.integers(2**62))
    return claimed.to_bytes(8, "little") + header + content[8 + length :]


_FORMATS: dict[str, Callable[[bytes, Rng], bytes]] = {
    ".json": mutated_json, ".zip": mutated_zip, ".npz": mutated_zip, ".pt": mutated_zip,
    ".safetensors": mutated_safetensors, ".onnx": mutated_onnx,
}  # fmt: skip


def with_checksums(files: Files) -> Files:
    """Return ``files`` with the checksums of the others in their JSON document: whoever means harm writes them so."""
    documents = [name for name in files if name.endswith(".json")]
    if not documents:
        return files
    try:
        document = json.loads(files[documents[0]])
        document["checksums"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name not in documents
        }
        return {**files, documents[0]: json.dumps(document).encode()}
    except (ValueError, TypeError, RecursionError):
        return files
