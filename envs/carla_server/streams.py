"""The stream port: a client names a stream by its id and is sent its messages from then on.

A client that does not read loses messages, not the server its memory: above ``MOST_QUEUED`` bytes a session's messages
are dropped (and counted) until it has caught up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from envs.carla_server.wire import MESSAGE_SIZE, STREAM_REQUEST

LOG = logging.getLogger(__name__)
MOST_QUEUED = 32 * 2**20
"""Bytes that may wait for one session."""

EXPECTED_S = 0.5
"""How long a tick waits for a client that has asked for a stream's token and has not connected yet (s)."""

PAUSE_S = 3.0
"""How long the listeners of a world are sent nothing when a client loads another (s)."""

HELLO_S = 10.0
"""How long a connection may take to name its stream (s)."""


class StreamServer:
    """Sessions by stream. A stream exists while its id is open; sessions of one that is closed are sent nothing."""

    def __init__(self) -> None:
        self.sessions: dict[int, list[StreamSession]] = {}
        self.connections: set[StreamSession] = set()
        self.dropped = 0
        self.expected: dict[int, asyncio.TimerHandle] = {}
        self.when_joined: list[Callable[[], None]] = []
        self.greet: Callable[[int], bytes | None] = lambda stream: None
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: StreamSession(self), host, port, backlog=1024)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for session in tuple(self.connections):
            session.close()
        for clock in self.expected.values():
            clock.cancel()
        self.expected.clear()
        await asyncio.sleep(0)

    def expect(self, stream: int) -> None:
        """Note that a client is about to connect to a stream: it has asked for its token."""
        if stream not in self.expected:
            clock = asyncio.get_running_loop().call_later(EXPECTED_S, self._arrived, stream)
            self.expected[stream] = clock

    def _arrived(self, stream: int) -> None:
        clock = self.expected.pop(stream, None)
        if clock is None or self.expected:
            return
        clock.cancel()
        waiting, self.when_joined = self.when_joined, []
        for go_on in waiting:
            go_on()

    def listened(self, stream: int) -> bool:
        """Say whether anybody listens to a stream."""
        return bool(self.sessions.get(stream))

    def send(self, stream: int, message: bytes) -> None:
        """Send a whole message (its size in front) to all sessions of a stream."""
        for session in self.sessions.get(stream, ()):
            session.send(message)

    def send_payload(self, stream: int, *parts: Any) -> None:
        """Send a message made of parts."""
        body = b"".join(parts)
        self.send(stream, MESSAGE_SIZE.pack(len(body)) + body)

    def pause(self, stream: int) -> None:
        """Write nothing for ``PAUSE_S`` to the sessions that a stream has now; then go on with those that are left.

        A client that loads a map closes its socket while its own thread still reads; bytes that arrive then end it.
        Those who did not load it go on listening.
        """
        paused = self.sessions.pop(stream, [])
        if paused:
            asyncio.get_running_loop().call_later(PAUSE_S, self._go_on, paused)

    def _go_on(self, paused: list[StreamSession]) -> None:
        for session in paused:
            if session in self.connections:
                self._add(session)

    def join(self, session: StreamSession, stream: int) -> None:
        """Add a session to a stream."""
        self._add(session)
        if stream in self.expected:
            self.expected[stream].cancel()
            self._arrived(stream)

    def _add(self, session: StreamSession) -> None:
        self.sessions.setdefault(session.stream, []).append(session)
        greeting = self.greet(session.stream)
        if greeting is not None:
            session.send(greeting)

    def leave(self, session: StreamSession) -> None:
        """Take a session away."""
        self.connections.discard(session)
        listening = self.sessions.get(session.stream, [])
        if session in listening:
            listening.remove(session)
            if not listening:
                del self.sessions[session.stream]


class StreamSession(asyncio.Protocol):
    """One client's connection to one stream."""

    def __init__(self, server: StreamServer) -> None:
        self.server = server
        self.stream = 0
        self._hello = b""
        self._transport: asyncio.Transport | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; called by asyncio."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.server.connections.add(self)
        self._deadline = asyncio.get_running_loop().call_later(HELLO_S, self.close)

    def data_received(self, data: bytes) -> None:
        """Take the stream's id; called by asyncio. What a client sends later says nothing."""
        if self.stream:
            return
        self._hello += data
        if len(self._hello) < STREAM_REQUEST.size:
            return
        (self.stream,) = STREAM_REQUEST.unpack(self._hello[: STREAM_REQUEST.size])
        self._hello = b""
        self._stop_clock()
        self.server.join(self, self.stream)

    def connection_lost(self, error: Exception | None) -> None:
        """End; called by asyncio."""
        self._stop_clock()
        self.server.leave(self)

    def send(self, message: bytes) -> None:
        """Send a message, or drop it where too much waits."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MOST_QUEUED:
            self.server.dropped += 1
            return
        self._transport.write(message)

    def close(self) -> None:
        """Close the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _stop_clock(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
