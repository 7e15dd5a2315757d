"""A chat endpoint on a free loopback port that does what a test tells it to: answers, errors, silence, rubbish."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[["Handler", dict[str, Any]], None]
"""What to do with a request: its handler, with which to answer, and its body."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the stub's behaviour."""

    protocol_version = "HTTP/1.1"
    server: Stub

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.note(self, body)
        self.server.behave(self, body)

    def do_GET(self) -> None:
        self.server.note(self, {})
        if self.server.behave_listing is not None:
            self.server.behave_listing(self, {})
            return
        self.json(200, {"data": [{"id": name} for name in self.server.models]})

    def json(self, status: int, answer: Any, **headers: str) -> None:
        self.text(status, json.dumps(answer), "application/json", **headers)

    def text(self, status: int, text: str, kind: str = "text/html", **headers: str) -> None:
        content = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def say(self, content: str | None, finish: str = "stop") -> None:
        message = {"role": "assistant", "content": content}
        self.json(200, {"choices": [{"index": 0, "message": message, "finish_reason": finish}]})

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Stub(ThreadingHTTPServer):
    """The endpoint; ``bodies`` and ``headers`` of the requests so far, in order."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.models = ["stub"]
        self.behave_listing: Behaviour | None = None
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.ended = threading.Event()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def note(self, handler: Handler, body: dict[str, Any]) -> None:
        with self._lock:
            self.bodies.append(body)
            self.headers.append(dict(handler.headers))
            self.paths.append(handler.path)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that have gone."""


@contextmanager
def stub(behave: Behaviour) -> Iterator[Stub]:
    """Serve ``behave`` until the block ends."""
    with Stub(behave) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def silent(handler: Handler, body: dict[str, Any]) -> None:
    """Accept the question and say nothing."""
    handler.server.ended.wait(20)
    handler.close_connection = True


def trickle(handler: Handler, body: dict[str, Any]) -> None:
    """Send one character every 20 ms, for ever: no single wait for the network is long."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not handler.server.ended.is_set():
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.02)


def break_off(handler: Handler, body: dict[str, Any]) -> None:
    """End the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(2)
