"""How large an Arrow message becomes when its buffers are decompressed: read from its head, before anything is made.

Arrow allocates what a compressed buffer says of itself; a file of some kilobytes could say terabytes. The layout of a
message's head is a FlatBuffer: ``Message.fbs`` of the Arrow columnar format (Message, RecordBatch, Buffer), and
"Encapsulated message format" and "Compression" there for the eight bytes in front of each buffer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pyarrow as pa

_MESSAGE_HEADER, _BATCH_BUFFERS, _BATCH_COMPRESSION, _DICTIONARY_DATA = 2, 2, 3, 1
"""Places of the fields in their tables."""
_BUFFER = struct.Struct("<qq")
_LENGTH = struct.Struct("<q")


def decompressed_bytes(content: pa.Buffer) -> int:
    """Return the bytes of all record batches in a stream of messages, decompressed.

    Raises:
        ValueError, struct.error: a head is none; pyarrow.ArrowInvalid: the stream is none.
    """
    return sum(map(_message_bytes, _messages(content)))


def _messages(content: pa.Buffer) -> Iterator[pa.Message]:
    reader = pa.ipc.MessageReader.open_stream(content)
    while True:
        try:
            yield reader.read_next_message()
        except StopIteration:
            return


def _message_bytes(message: pa.Message) -> int:
    if message.type == "schema":
        return 0
    head, body = memoryview(message.metadata), memoryview(message.body if message.body is not None else b"")
    batch = _table(head, _pointer(head, 0), _MESSAGE_HEADER)
    if message.type == "dictionary":
        batch = _table(head, batch, _DICTIONARY_DATA)
    compressed = _field(head, batch, _BATCH_COMPRESSION) is not None
    return sum(_buffer_bytes(body, *place, compressed) for place in _buffers(head, batch))


def _buffers(head: memoryview, batch: int) -> Iterator[tuple[int, int]]:
    """Yield offset and length of each buffer in the body."""
    field = _field(head, batch, _BATCH_BUFFERS)
    if field is None:
        return
    vector = _pointer(head, field)
    (count,) = struct.unpack_from("<I", head, vector)
    if count * _BUFFER.size > len(head):
        raise ValueError(f"a message of {count} buffers")
    for number in range(count):
        yield _BUFFER.unpack_from(head, vector + 4 + number * _BUFFER.size)


def _buffer_bytes(body: memoryview, offset: int, length: int, compressed: bool) -> int:
    if offset < 0 or length < 0 or offset + length > len(body):
        raise ValueError(f"a buffer of {length} bytes at {offset} of {len(body)}")
    if not compressed or not length:
        return length
    (whole,) = _LENGTH.unpack_from(body, offset)
    if whole < -1:
        raise ValueError(f"a buffer of {whole} bytes")
    return length if whole == -1 else whole  # -1: this one is not compressed


# ---- FlatBuffers: a table begins with the way back to its list of fields' places


def _pointer(head: memoryview, place: int) -> int:
    (way,) = struct.unpack_from("<I", head, place)
    return int(place + way)


def _field(head: memoryview, table: int, number: int) -> int | None:
    """Return where a field of a table stands, None where it is left out."""
    (back,) = struct.unpack_from("<i", head, table)
    places = table - back
    if places < 0:
        raise ValueError("a table without a list of fields")
    (size,) = struct.unpack_from("<H", head, places)
    entry = 4 + 2 * number
    if entry + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", head, places + entry)
    return table + offset if offset else None


def _table(head: memoryview, table: int, number: int) -> int:
    field = _field(head, table, number)
    if field is None:
        raise ValueError(f"a message without its field {number}")
    return _pointer(head, field)
