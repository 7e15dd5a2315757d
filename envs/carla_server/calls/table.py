"""How a call is declared, its arguments are read and its answer is wrapped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from envs.carla_recording import CarlaLogError
from envs.carla_server.payloads import PayloadError
from envs.carla_server.rpc import UnknownCallError
from envs.carla_server.world import WorldError
from envs.errors import EnvsError
from envs.roads.elements import OpenDriveError

LOG = logging.getLogger(__name__)
CLIENT_ERRORS = (PayloadError, WorldError, EnvsError, OpenDriveError, CarlaLogError)
"""What a client's call can do wrong; it is told so in the answer."""

Parser = Callable[[Any], Any]


class Reply(Enum):
    """How an answer is wrapped."""

    VALUE = "value"
    NOTHING = "nothing"
    BARE = "bare"


@dataclass(frozen=True, slots=True)
class Call:
    """A call: what does it, the parsers of its arguments, and how its answer is wrapped."""

    function: Callable[..., Any]
    parsers: tuple[Parser, ...]
    reply: Reply


def value(function: Callable[..., Any], *parsers: Parser) -> Call:
    """Declare a call that is answered with a value."""
    return Call(function, parsers, Reply.VALUE)


def nothing(function: Callable[..., Any], *parsers: Parser) -> Call:
    """Declare a call that is answered with its having been done."""
    return Call(function, parsers, Reply.NOTHING)


def bare(function: Callable[..., Any], *parsers: Parser) -> Call:
    """Declare a call whose answer travels as it is."""
    return Call(function, parsers, Reply.BARE)


@dataclass(frozen=True, slots=True)
class CallTable:
    """All calls by name."""

    calls: dict[str, Call]

    def dispatch(self, name: str, arguments: list[Any]) -> Any:
        """Answer a call; a client's error goes into the answer, an unknown name is an ``UnknownCallError``.

        The first argument is the client's metadata: whether it waits for the answer.
        """
        call = self.calls.get(name)
        if call is None:
            raise UnknownCallError(f"this server does not implement the call {name!r}")
        asynchronous = _is_asynchronous(arguments)
        try:
            result = call.function(*_parsed(call, arguments[1:]))
        except CLIENT_ERRORS as error:
            if asynchronous:
                LOG.warning("%s: %s", name, error)
            return _failed(call, name, str(error))
        except Exception as error:
            # A fault of ours: it is told and logged, and the server goes on for everybody.
            LOG.exception("%s: a fault of the server", name)
            return _failed(call, name, f"a fault of the server: {type(error).__name__}: {error}")
        return None if asynchronous else _wrapped(call, result)


def _is_asynchronous(arguments: list[Any]) -> bool:
    head = arguments[0] if arguments else None
    return isinstance(head, list) and len(head) == 1 and head[0] is True


def _parsed(call: Call, arguments: list[Any]) -> list[Any]:
    if len(arguments) != len(call.parsers):
        raise PayloadError(f"takes {len(call.parsers)} arguments, got {len(arguments)}")
    parsed = []
    for position, (parser, argument) in enumerate(zip(call.parsers, arguments, strict=True), start=1):
        try:
            parsed.append(parser(argument))
        except PayloadError as error:
            raise PayloadError(f"argument {position}: {error}") from None
    return parsed


def _wrapped(call: Call, result: Any) -> Any:
    if call.reply is Reply.VALUE:
        return [[1, result]]
    return [[False]] if call.reply is Reply.NOTHING else result


def _failed(call: Call, name: str, message: str) -> Any:
    text = f"{name}: {' '.join(message.split())}"
    if call.reply is Reply.VALUE:
        return [[0, [text]]]
    if call.reply is Reply.NOTHING:
        return [[True, [text]]]
    raise UnknownCallError(text)
