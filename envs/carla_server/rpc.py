"""msgpack-rpc over TCP, as the client's rpclib speaks it: ``[0, id, name, arguments]`` to ``[1, id, error, result]``.

A connection that sends what is no request, or more than ``MOST_BYTES`` in one, is closed; the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import msgpack

LOG = logging.getLogger(__name__)
REQUEST, REPLY, NOTIFICATION = 0, 1, 2
MOST_BYTES = 32 * 2**20
"""Largest request (a map's text is the largest that a client sends)."""

MOST_PENDING = 256 * 2**20
"""Bytes of unfinished requests of all connections together."""

MOST_UNREAD = 16 * 2**20
"""Replies (bytes) that wait for a client who does not read them, above which its requests are no longer read."""

UNFINISHED_S = 30.0
"""How long a request may stay unfinished (s): half of one must not hold memory for ever."""

Dispatch = Callable[[str, list[Any]], Any]
"""Answers a call by name and arguments; raises ``UnknownCallError``."""


Postpone = Callable[[str, Callable[[], None]], bool]
"""Says whether a call has to wait; if so, it calls back once when the connection may go on."""


class UnknownCallError(LookupError):
    """A call that the server does not know; the message names it."""


class RpcServer:
    """Accepts connections and answers the calls of each in the order of their arrival."""

    def __init__(self, dispatch: Dispatch, postpone: Postpone | None = None) -> None:
        self.dispatch = dispatch
        self.postpone: Postpone = postpone or (lambda name, go_on: False)
        self.connections: set[RpcConnection] = set()
        self.pending = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port (that was free where ``port`` is 0)."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: RpcConnection(self), host, port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self.connections):
            connection.close()
        await asyncio.sleep(0)


class RpcConnection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, server: RpcServer) -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None
        self._packer = msgpack.Packer(autoreset=True, unicode_errors="surrogateescape")
        self._unpacker = msgpack.Unpacker(
            raw=False, unicode_errors="surrogateescape", max_buffer_size=MOST_BYTES, strict_map_key=False
        )
        self._deadline: asyncio.TimerHandle | None = None
        self._received = self._answered = self._pending = 0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=MOST_UNREAD)
        self.transport = transport
        self.server.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """End; called by asyncio."""
        self.server.connections.discard(self)
        self._hold(0)

    def pause_writing(self) -> None:
        """Read no more calls of a client who does not read the answers; called by asyncio."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on; called by asyncio."""
        if self.transport is not None:
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Answer the calls that are complete; called by asyncio."""
        self._received += len(data)
        try:
            self._unpacker.feed(data)
            self._answer_all()
        except (msgpack.exceptions.UnpackException, msgpack.exceptions.ExtraData, ValueError) as error:
            LOG.warning("a client's connection is closed, because its bytes are no call: %s", error or type(error))
            self.close()
            return
        self._hold(0 if self._waiting else self._received - self._answered)

    def _answer_all(self) -> None:
        """Answer the calls that are complete, up to one that has to wait."""
        while not self._waiting:
            try:
                message = self._unpacker.unpack()
            except msgpack.OutOfData:
                return
            except TypeError as error:  # what a map with an array for a key is to Python
                raise ValueError(str(error)) from None
            self._answered = self._unpacker.tell()
            call = _call_of(message)
            self._waiting = self.server.postpone(call[1], partial(self._go_on, call))
            if not self._waiting:
                self._answer(*call)

    def _go_on(self, call: tuple[int | None, str, list[Any]]) -> None:
        """Answer a call that has waited, and those behind it."""
        self._waiting = False
        self._answer(*call)
        self.data_received(b"")

    def close(self) -> None:
        """Close the connection at once."""
        if self.transport is not None:
            self.transport.abort()

    def _hold(self, pending: int) -> None:
        """Count the bytes of an unfinished request; start or stop its clock."""
        more = pending > 0
        self.server.pending += pending - self._pending
        self._pending = pending
        if self.server.pending > MOST_PENDING:
            LOG.warning("a client's connection is closed: unfinished calls hold %d bytes", self.server.pending)
            self.close()
        if self._deadline is not None and not more:
            self._deadline.cancel()
            self._deadline = None
        elif self._deadline is None and more:
            self._deadline = asyncio.get_running_loop().call_later(UNFINISHED_S, self.close)

    def _answer(self, number: int | None, name: str, arguments: list[Any]) -> None:
        error, result = None, None
        try:
            result = self.server.dispatch(name, arguments)
        except UnknownCallError as unknown:
            error = str(unknown)
        if number is not None and self.transport is not None:
            self.transport.write(self._packer.pack([REPLY, number, error, result]))


def _call_of(message: Any) -> tuple[int | None, str, list[Any]]:
    """Return (number or None, name, arguments) of a message; ``ValueError`` where it is none."""
    if isinstance(message, list) and len(message) == 4 and message[0] == REQUEST:
        _, number, name, arguments = message
    elif isinstance(message, list) and len(message) == 3 and message[0] == NOTIFICATION:
        number, (_, name, arguments) = None, message
    else:
        raise ValueError("a message is neither a call nor a notification")
    whole = isinstance(name, str) and isinstance(arguments, list) and (number is None or isinstance(number, int))
    if not whole:
        raise ValueError("a call has no number, no name or no arguments")
    return number, name, arguments
