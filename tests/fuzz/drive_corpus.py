"""Small sound drives and a journal for the fuzz, and what is done to them."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from envs.recording import BatchRecorder, DriveMeta, DriveStart, HintTold, TickLayout
from envs.recording.packing import pack, unpack
from envs.recording.reading import PARQUET_MAGIC
from tests.envs.drive_builder import full_drive, make_drive, more_drive, street
from tests.envs.many_worlds import ACTORS, SEEN, SOURCES, WORLDS, Worlds, hint_words

OLD_DRIVES = sorted((Path(__file__).parents[1] / "envs" / "data").glob("drive_*.parquet"))
META_KEY = b"hcrmp.drive"

VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, -(2**63), 10**30, 1e308, float("inf"), float("nan"), "", "x",
    "../../x", "A" * 300,
    "\u0663", "\n", [], [1], [[1.0]], {}, {"x": 1}, [0.5] * 13,
)  # fmt: skip
"""What a value of the metadata becomes."""

Files = dict[str, bytes]


def drives() -> Files:
    """Return sound drive files by name."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_drive(8).save(folder / "plain")
        full_drive().save(folder / "full")
        more_drive().save(folder / "more")
        make_drive(1).save(folder / "short")
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return files | {path.stem: path.read_bytes() for path in OLD_DRIVES}


def journal() -> Files:
    """Return the files of a journal as a killed process leaves it: three drives, one of them ended."""
    with tempfile.TemporaryDirectory() as place:
        layout = TickLayout(ACTORS, SEEN, ("weights", "values", "distribution"))
        recorder, worlds = BatchRecorder(Path(place), layout, WORLDS, words=hint_words, sources=SOURCES), Worlds(1)
        meta = DriveMeta("merging", configuration={"n": 1})
        recorder.begin(np.arange(3), [DriveStart(name, meta, street()) for name in "abc"])
        recorder.tell(1, HintTold(0.0, "What is ahead?", "{}"))
        for _ in range(6):
            recorder.tick(worlds.scene, worlds.numbers())
            worlds.step()
        copy = shutil.copytree(recorder._journal.path, Path(place) / "copy")
        recorder.close()
        files = {path.name: path.read_bytes() for path in copy.iterdir()}
    lines = files["drives.jsonl"] + b'{"drive": 2, "ticks": 6, "outcome": "success", "extra": {}}\n'
    return files | {"drives.jsonl": lines}


def mutated_drive(content: bytes, rng: np.random.Generator) -> bytes:
    """Return a drive file with damaged bytes, or, of three in ten, with other metadata or columns."""
    return _other_words(content, rng) if rng.random() < 0.3 else damaged(content, rng)


def mutated_journal(files: Files, rng: np.random.Generator) -> Files:
    """Return a journal one of whose files is damaged, is gone, or says something else."""
    name = sorted(files)[int(rng.integers(len(files)))]
    choice = rng.random()
    if choice < 0.05:
        return {other: content for other, content in files.items() if other != name}
    if choice < 0.5 and name.endswith((".json", ".jsonl")):
        lines = files[name].decode().splitlines()
        place = int(rng.integers(len(lines)))
        lines[place] = json.dumps(changed(json.loads(lines[place]), rng))
        return files | {name: ("\n".join(lines) + "\n").encode()}
    return files | {name: damaged(files[name], rng)}


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return the bytes with one to four damages; half of them near the end, where a file's footer is.

    Of half of the files no byte changes its place, so that a reader comes further with them.
    """
    damages = _IN_PLACE if rng.random() < 0.5 else (*_IN_PLACE, *_ELSEWHERE)
    for _ in range(int(rng.integers(1, 5))):
        if not content:
            return content
        first = max(0, len(content) - 9000) if rng.random() < 0.5 else 0
        place = int(rng.integers(first, len(content)))
        content = damages[int(rng.integers(len(damages)))](content, place, rng)
    return content


def _byte(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    return content[:place] + bytes([int(rng.integers(256))]) + content[place + 1 :]


def _bit(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    return content[:place] + bytes([content[place] ^ (1 << int(rng.integers(8)))]) + content[place + 1 :]


def _cut(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    return content[:place]


def _without(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    return content[:place] + content[place + int(rng.integers(1, 64)) :]


def _twice(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    return content[:place] + content[place : place + int(rng.integers(1, 64))] + content[place:]


def _filled(content: bytes, place: int, rng: np.random.Generator) -> bytes:
    width = min(int(rng.integers(1, 32)), len(content) - place)
    return content[:place] + bytes([int(rng.choice([0, 255]))]) * width + content[place + width :]


_IN_PLACE = (_byte, _bit, _filled)
_ELSEWHERE = (_cut, _without, _twice)


def _other_words(content: bytes, rng: np.random.Generator) -> bytes:
    """Return the drive with a change in its metadata, or without, with a renamed or with a retyped column."""
    old = content.startswith(PARQUET_MAGIC)
    table = pq.read_table(io.BytesIO(content)) if old else pa.ipc.open_file(content).read_all()
    metadata = dict(table.schema.metadata)
    choice = rng.random()
    if choice < 0.6:
        metadata[META_KEY] = json.dumps(changed(json.loads(metadata[META_KEY]), rng)).encode()
    elif choice < 0.8:
        packed = [key for key in metadata if key != META_KEY]
        if packed:
            key = packed[int(rng.integers(len(packed)))]
            metadata[key] = rng.choice([pack(changed(unpack(metadata[key]), rng, finite=True)), b"", b"x"])
    else:
        name = table.column_names[int(rng.integers(table.num_columns))]
        other = table.column_names[int(rng.integers(table.num_columns))]
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(other)) if choice < 0.9 else table.drop_columns([name])
    table, buffer = table.replace_schema_metadata(metadata), io.BytesIO()
    if old:
        pq.write_table(table, buffer)
    else:
        with pa.ipc.new_file(buffer, table.schema) as writer:
            writer.write_table(table)
    return buffer.getvalue()


def changed(value: Any, rng: np.random.Generator, finite: bool = False) -> Any:
    """Return plain JSON values with one value, somewhere in them, replaced, removed or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = list(value)[int(rng.integers(len(value)))]
        if rng.random() < 0.1:
            return {name: item for name, item in value.items() if name != key}
        return value | {key: changed(value[key], rng, finite)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        place = int(rng.integers(len(value)))
        if rng.random() < 0.1:
            return value[:place] + value[place + 1 :]
        if rng.random() < 0.1:
            return value[:place] + [value[place]] + value[place:]
        return value[:place] + [changed(value[place], rng, finite)] + value[place + 1 :]
    new = VALUES[int(rng.integers(len(VALUES)))]
    return 0 if finite and isinstance(new, float) and not np.isfinite(new) else new
