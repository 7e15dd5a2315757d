"""A plain client of the protocol, for what the real one would never send."""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgpack


class RawClient:
    """One connection to the port of the calls."""

    def __init__(self, port: int, timeout_s: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.unpacker = msgpack.Unpacker(raw=False, unicode_errors="surrogateescape")
        self.number = 0

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, message: Any) -> None:
        self.socket.sendall(msgpack.packb(message))

    def reply(self) -> Any:
        """Return the next reply ``[1, number, error, result]``; None where the server has closed."""
        while True:
            for message in self.unpacker:
                return message
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.unpacker.feed(data)

    def call(self, name: str, *arguments: Any) -> Any:
        """Return the result of a call, as it is wrapped; raises where the error slot is filled."""
        self.number += 1
        self.send([0, self.number, name, [[False], *arguments]])
        reply = self.reply()
        assert reply is not None and reply[:2] == [1, self.number], reply
        if reply[2] is not None:
            raise RuntimeError(reply[2])
        return reply[3]

    def value(self, name: str, *arguments: Any) -> Any:
        """Return the value that a call answers with; raises ``RuntimeError`` for an error in the answer."""
        ((index, value),) = self.call(name, *arguments)
        if index == 0:
            raise RuntimeError(value[0])
        return value


class RawStream:
    """One connection to the stream port."""

    def __init__(self, port: int, stream: int, timeout_s: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self.socket.sendall(struct.pack("<I", stream))

    def __enter__(self) -> RawStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def message(self) -> bytes:
        (size,) = struct.unpack("<I", self._exactly(4))
        return self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            assert part, "the stream has ended"
            data += part
        return data
