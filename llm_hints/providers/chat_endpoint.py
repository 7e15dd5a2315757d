"""One HTTP endpoint that speaks OpenAI's chat protocol: addresses, the key, exchanges, and what went wrong in each.

The standard library's client: a provider needs no package, a hanging exchange can be cut from outside by its socket,
and what can fail is known. The key comes from an environment variable; it is sent to this one address (redirections are
not followed, proxies not used) and cut out of whatever comes back, so that no log, error or record can have it.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
from contextlib import suppress
from enum import Enum
from typing import Any
from urllib.parse import SplitResult, urlsplit

MAX_BYTES = 2_000_000
"""A body that is longer is a runaway, or no answer at all."""

_MASK = "***"
_ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_]*")


class Fault(Enum):
    """What can go wrong with a question; the value is the name in counters and messages."""

    CONNECTION = "connection"
    DROPPED = "dropped"
    DEADLINE = "deadline"
    PAUSED = "paused"
    UNAUTHORISED = "unauthorised"
    NOT_FOUND = "not_found"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    NOT_JSON = "not_json"
    NO_CHOICE = "no_choice"
    NO_TEXT = "no_text"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    UNGROUNDED = "ungrounded"


class ExchangeError(Exception):
    """An exchange that brought no answer: ``fault``, one line of ``detail``, and when the server wants to be asked."""

    def __init__(self, fault: Fault, detail: str, retry_after_s: float = 0.0) -> None:
        super().__init__(f"{fault.value}: {detail}")
        self.fault = fault
        self.detail = detail
        self.retry_after_s = retry_after_s


def split_base_url(base_url: str) -> SplitResult:
    """Return the parts of ``base_url``; a wrong one is refused without being shown: there may be a key in it."""
    try:
        parts = urlsplit(base_url)
        known = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        known = False
    if not known:
        raise ValueError("base_url must be http://HOST:PORT/v1 or https://HOST/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError(
            "base_url must have no user, password, query or fragment: put a key into an environment variable and name "
            "that with api_key_env"
        )
    return parts


def check_key_name(api_key_env: str) -> None:
    """Refuse what is no name of an environment variable, without showing it: it may be the key itself."""
    if api_key_env and not _ENVIRONMENT_NAME.fullmatch(api_key_env):
        raise ValueError(
            "api_key_env must be the name of an environment variable that holds the key, in capitals, for example "
            "OPENAI_API_KEY; never the key itself"
        )


class Endpoint:
    """Where the questions go, and with which key."""

    def __init__(self, base_url: str, api_key_env: str = "") -> None:
        """Read the key from the environment variable ``api_key_env``, if one is named."""
        self._parts = split_base_url(base_url)
        self._key_name = api_key_env
        self._key = _read_key(api_key_env)
        self._tls = ssl.create_default_context() if self._parts.scheme == "https" else None

    @property
    def shown(self) -> str:
        """The address, for messages."""
        return self._parts.geturl()

    def connect(self) -> Connection:
        """Return a connection for the exchanges of one thread; it is opened when it is used."""
        return Connection(self)

    def open(self, timeout_s: float) -> http.client.HTTPConnection:
        """Return the client of a connection, not yet connected."""
        host, port = self._parts.hostname or "", self._parts.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=timeout_s, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=timeout_s)

    def target(self, path: str) -> str:
        """Return the path of a request below the endpoint's own."""
        return f"{self._parts.path.rstrip('/')}/{path}"

    def headers(self) -> dict[str, str]:
        """Return the headers of a request, the key among them."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "hcrmp"}
        return headers | ({"Authorization": f"Bearer {self._key}"} if self._key else {})

    def masked(self, text: str) -> str:
        """Return ``text`` without the key."""
        return text.replace(self._key, _MASK) if self._key else text

    def judged(self, status: int, reason: str, retry_after: str | None, body: str) -> dict[str, Any]:
        """Return the JSON object of a response, or raise ``ExchangeError`` for what it is instead."""
        said = f"HTTP {status} {_server_words(body) or reason}"
        if status in (401, 403):  # what the server says here may show a part of the key
            wrong = f"the key in {self._key_name} is not accepted" if self._key else "name a key with api_key_env"
            raise ExchangeError(Fault.UNAUTHORISED, f"HTTP {status}: {wrong}")
        if status == 429 or status in (502, 503, 504):
            raise ExchangeError(Fault.OVERLOADED, said, _seconds(retry_after))
        if status >= 500:
            raise ExchangeError(Fault.SERVER_ERROR, said, _seconds(retry_after))
        if status == 404:
            raise ExchangeError(Fault.NOT_FOUND, f"{said} (is the model's name right, and does base_url end in /v1?)")
        if status >= 400:
            raise ExchangeError(Fault.REFUSED, said)
        if status >= 300:
            raise ExchangeError(Fault.REDIRECTED, f"HTTP {status}: redirections are not followed; correct base_url")
        return _json_object(body)


class Connection:
    """A connection that is kept between exchanges. One thread uses it; any other may ``cut`` it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._client: http.client.HTTPConnection | None = None

    def exchange(self, path: str, body: dict[str, Any] | None, timeout_s: float) -> dict[str, Any]:
        """Post ``body`` to ``path`` (get it, without a body) and return the JSON object that comes back.

        ``timeout_s`` bounds each wait for the network, not their sum: ``cut`` ends an exchange that trickles.
        """
        fault, place = Fault.CONNECTION, self._endpoint.shown
        try:
            client = self._connected(timeout_s)
            fault = Fault.DROPPED
            return self._endpoint.judged(*self._exchange(client, path, body))
        except TimeoutError:
            self.close()
            raise ExchangeError(Fault.DEADLINE, f"no answer from {place} in time") from None
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            self.close()
            why = self._endpoint.masked(" ".join(f"{type(error).__name__}: {error}".split()))
            what = f"cannot reach {place}" if fault is Fault.CONNECTION else f"{place} broke off"
            raise ExchangeError(fault, f"{what} ({why})") from None

    def _exchange(
        self, client: http.client.HTTPConnection, path: str, body: dict[str, Any] | None
    ) -> tuple[int, str, str | None, str]:
        """Return status, reason, ``Retry-After`` and masked body of one exchange."""
        method, content = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        client.request(method, self._endpoint.target(path), content, self._endpoint.headers())
        response = client.getresponse()
        raw = response.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            self.close()  # what is left of the body would be taken for the next answer
        text = self._endpoint.masked(raw[:MAX_BYTES].decode("utf-8", "replace"))
        return response.status, response.reason, response.getheader("Retry-After"), text

    def _connected(self, timeout_s: float) -> http.client.HTTPConnection:
        """Return the client, connected and with its timeout set."""
        if self._client is None:
            self._client = self._endpoint.open(timeout_s)
        self._client.timeout = timeout_s
        if self._client.sock is None:
            self._client.connect()
        self._client.sock.settimeout(timeout_s)
        return self._client

    def cut(self) -> None:
        """End whatever another thread is waiting for here."""
        client = self._client
        sock = None if client is None else client.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next exchange opens a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def chat_text(answer: dict[str, Any]) -> tuple[str, bool]:
    """Return the text of a chat completion and whether it was cut off by the limit of tokens."""
    choices = answer.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        if answer.get("error"):
            raise ExchangeError(Fault.REFUSED, f"HTTP 200 {_server_words(json.dumps(answer))}")
        raise ExchangeError(Fault.NO_CHOICE, "a completion without choices came")
    message = choices[0].get("message")
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, str) or not content.strip():
        why = f"finish_reason {choices[0].get('finish_reason')!r}"
        raise ExchangeError(Fault.NO_TEXT, f"a completion without text came ({why})")
    # JSON can hold halves of characters, which no file takes.
    return content.encode("utf-8", "replace").decode(), choices[0].get("finish_reason") == "length"


def _read_key(name: str) -> str:
    """Return the key in the environment variable ``name``; "" where none is named."""
    check_key_name(name)
    key = os.environ.get(name, "").strip() if name else ""
    if name and not key:
        raise ValueError(f"the environment variable {name} (api_key_env) is not set: export it, or leave it out")
    if not (key.isascii() and key.isprintable()):
        raise ValueError(f"the environment variable {name} (api_key_env) holds characters that no key has")
    return key


def _json_object(body: str) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise ExchangeError(Fault.NOT_JSON, f"no JSON came but {_line(body)!r}") from None
    if not isinstance(answer, dict):
        raise ExchangeError(Fault.NOT_JSON, f"a JSON {type(answer).__name__} came, an object is needed")
    return answer


def _server_words(body: str) -> str:
    """Return what the server says of its refusal: the message of its JSON, else how its body begins."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return _line(body)
    error = answer.get("error", answer.get("detail", answer)) if isinstance(answer, dict) else answer
    return _line(str(error.get("message", error)) if isinstance(error, dict) else str(error))


def _line(text: str) -> str:
    """Return the beginning of ``text`` as one line."""
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:157] + "..."


def _seconds(retry_after: str | None) -> float:
    """Return the seconds of a ``Retry-After`` header; a date is not waited for."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0
