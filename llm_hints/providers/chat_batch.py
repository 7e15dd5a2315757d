"""Many exchanges at once, in a bounded number of threads, within one deadline of wall time."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llm_hints.providers.chat_endpoint import Connection, Endpoint, ExchangeError, Fault, chat_text

_FIRST_BACKOFF_S = 0.25
_RETRIED = (Fault.CONNECTION, Fault.DROPPED, Fault.OVERLOADED, Fault.SERVER_ERROR)
_SAME_FOR_ALL = (Fault.CONNECTION, Fault.UNAUTHORISED, Fault.NOT_FOUND, Fault.REDIRECTED)
"""Faults of the endpoint, not of a question: whoever has not been asked yet need not be."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one question.

    ``text`` of the answer, ``None`` where there is none; then ``fault`` and one line of ``detail`` say why.
    ``truncated``: the text was cut off by the limit of tokens. ``seconds`` of wall time since the batch began.
    """

    text: str | None
    fault: Fault | None = None
    detail: str = ""
    truncated: bool = False
    seconds: float = 0.0


class ChatBatch:
    """Posts the ``bodies`` of chat completions; ``run`` returns the replies.

    At the deadline (of ``time.monotonic``) what is still open is given up: its sockets are shut down, so its threads
    end. They are daemons, as a look-up of a host's name cannot be cut.
    """

    def __init__(self, endpoint: Endpoint, bodies: Sequence[dict[str, Any]], deadline: float, retries: int) -> None:
        self._endpoint = endpoint
        self._bodies = bodies
        self._deadline = deadline
        self._retries = retries
        self._began = time.monotonic()
        self._changed = threading.Condition()
        self._next = 0
        self._over = False
        self._replies: dict[int, Reply] = {}
        self._connections: list[Connection] = []
        self._same: ExchangeError | None = None
        self._bug: BaseException | None = None

    def run(self, parallel: int) -> list[Reply]:
        """Return one reply for each body, in order; at most ``parallel`` are under way at once."""
        threads = [
            threading.Thread(target=self._work, name=f"chat-{number}", daemon=True)
            for number in range(min(parallel, len(self._bodies)))
        ]
        for thread in threads:
            thread.start()
        try:
            self._wait()
        finally:
            self._give_up()
        if self._bug is not None:
            raise self._bug
        late = Reply(None, Fault.DEADLINE, f"no answer from {self._endpoint.shown} in time", seconds=self._elapsed())
        return [self._replies.get(index, late) for index in range(len(self._bodies))]

    def _wait(self) -> None:
        """Wait until all is done or the deadline is there."""
        with self._changed:
            while len(self._replies) < len(self._bodies) and self._bug is None and self._left() > 0.0:
                self._changed.wait(self._left())

    def _give_up(self) -> None:
        """Let no further question be asked, and end those that are under way."""
        with self._changed:
            self._over = True
            open_ones = list(self._connections)
        for connection in open_ones:
            connection.cut()

    def _work(self) -> None:
        """Answer questions until none is left: the life of one thread."""
        connection = self._endpoint.connect()
        with self._changed:
            self._connections.append(connection)
        try:
            while (index := self._take()) is not None:
                self._put(index, self._reply(connection, self._bodies[index]))
        except BaseException as error:  # a fault in the program belongs to the thread that asked
            with self._changed:
                if not self._over:  # else it is how a library takes it that its socket was shut down
                    self._bug = error
                    self._changed.notify()
        finally:
            with self._changed:
                self._connections.remove(connection)
            connection.close()

    def _take(self) -> int | None:
        """Return the index of the next question."""
        with self._changed:
            if self._over or self._next >= len(self._bodies):
                return None
            self._next += 1
            return self._next - 1

    def _put(self, index: int, reply: Reply) -> None:
        with self._changed:
            if not self._over:
                self._replies[index] = reply
                self._changed.notify()

    def _reply(self, connection: Connection, body: dict[str, Any]) -> Reply:
        """Return the reply to one question, after as many attempts as are allowed."""
        try:
            text, truncated = self._text(connection, body)
        except ExchangeError as error:
            if error.fault in _SAME_FOR_ALL:
                self._same = error
            return Reply(None, error.fault, error.detail, seconds=self._elapsed())
        return Reply(text, truncated=truncated, seconds=self._elapsed())

    def _text(self, connection: Connection, body: dict[str, Any]) -> tuple[str, bool]:
        for attempt in range(self._retries + 1):
            if self._same is not None:
                raise ExchangeError(self._same.fault, self._same.detail)
            try:
                return chat_text(connection.exchange("chat/completions", body, max(self._left(), 1e-3)))
            except ExchangeError as error:
                wait = max(_FIRST_BACKOFF_S * 2**attempt, error.retry_after_s)
                if error.fault not in _RETRIED or attempt == self._retries or wait >= self._left() or self._over:
                    raise
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _left(self) -> float:
        """Return the seconds until the deadline."""
        return self._deadline - time.monotonic()

    def _elapsed(self) -> float:
        return time.monotonic() - self._began
