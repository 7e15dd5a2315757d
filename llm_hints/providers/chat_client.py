"""ChatClient: chats in, texts out, from any endpoint of OpenAI's protocol, with the form that it can enforce."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from llm_hints.prompts import Messages
from llm_hints.providers.chat_batch import ChatBatch, Reply
from llm_hints.providers.chat_endpoint import Endpoint, ExchangeError, Fault, check_key_name, split_base_url

SchemaMode = Literal["auto", "json_schema", "json_object", "plain"]

_LADDER: tuple[SchemaMode, ...] = ("json_schema", "json_object", "plain")
_NO_SUCH_MODE = (Fault.REFUSED, Fault.SERVER_ERROR)
"""How servers answer a ``response_format`` that they do not know."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChatConfig:
    """An endpoint and how it is asked. All times are wall time."""

    base_url: str = "http://127.0.0.1:8000/v1"
    """Address of the endpoint, with its /v1: vLLM, llama.cpp's server, Ollama, ``transformers serve``, a cloud."""
    model: str = ""
    """Name of the model there; empty: the only one that the endpoint lists."""
    api_key_env: str = ""
    """Name of the environment variable that holds the key, for example OPENAI_API_KEY; empty: no key is sent. The key
    itself is never written anywhere."""
    temperature: float = 0.0
    """Sampling temperature; 0: the likeliest answer."""
    max_tokens: int = 400
    """Longest answer, in tokens; a model that thinks aloud first needs thousands."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Further fields of each request, for example ``{chat_template_kwargs: {enable_thinking: false}}``; null leaves one
    of the usual out, for example ``{max_tokens: null, max_completion_tokens: 400}``."""
    deadline_s: float = 30.0
    """Time for a whole batch of questions (s); what is not there by then is missing."""
    retries: int = 2
    """Further attempts at a question after no connection, HTTP 429 or 5xx, after 0.25 s, 0.5 s, 1 s ..."""
    parallel: int = 8
    """Questions under way at once."""
    schema: SchemaMode = "auto"
    """How the form of an answer is enforced; ``auto``: the strictest way that the endpoint takes, found out with the
    first question."""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked; nothing that may hold a key is shown."""
        split_base_url(self.base_url)
        check_key_name(self.api_key_env)
        if self.schema not in get_args(SchemaMode):
            raise ValueError(f"schema {self.schema!r} came; allowed: {', '.join(get_args(SchemaMode))}")
        if not self.deadline_s > 0:
            raise ValueError(f"deadline_s = {self.deadline_s} came; it must be above 0 s")
        for name, least in (("temperature", 0), ("max_tokens", 1), ("retries", 0), ("parallel", 1)):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} = {getattr(self, name)} came; it must be at least {least}")


@dataclass(frozen=True, slots=True)
class Chat:
    """One question: its ``messages`` and the JSON ``schema`` of its answer."""

    messages: Messages
    schema: dict[str, Any]


class ChatClient:
    """Asks the endpoint of ``config``. Raises nothing for what an endpoint does: each question has a ``Reply``."""

    def __init__(self, config: ChatConfig) -> None:
        self.config = config
        self._endpoint = Endpoint(config.base_url, config.api_key_env)
        self._model = config.model
        self._mode: SchemaMode | None = None if config.schema == "auto" else config.schema

    @property
    def schema_mode(self) -> SchemaMode | None:
        """How the form is enforced; ``None`` until an answer has shown it."""
        return self._mode

    def complete(self, chats: Sequence[Chat]) -> list[Reply]:
        """Return the replies to ``chats``, in order, within the deadline."""
        deadline = time.monotonic() + self.config.deadline_s
        if not chats:
            return []
        try:
            self._find_model(deadline)
        except ExchangeError as error:
            return [Reply(None, error.fault, error.detail)] * len(chats)
        if self._mode is not None:
            return self._batch(chats, self._mode, deadline)
        first = self._probe(chats[0], deadline)
        if self._mode is None:  # the endpoint has answered nobody: it would not answer the others either
            return [first] * len(chats)
        return [first, *self._batch(chats[1:], self._mode, deadline)]

    def _find_model(self, deadline: float) -> None:
        """Ask the endpoint which model it has, where none is named."""
        if self._model:
            return
        connection, left_s = self._endpoint.connect(), max(deadline - time.monotonic(), 1e-3)
        cut = threading.Timer(left_s, connection.cut)  # an answer that trickles in outlasts every single wait
        cut.start()
        try:
            answer = connection.exchange("models", None, left_s)
        except ExchangeError as error:
            if time.monotonic() < deadline:
                raise
            raise ExchangeError(Fault.DEADLINE, f"no list of models from {self._endpoint.shown} in time") from error
        finally:
            cut.cancel()
            connection.close()
        listed = answer.get("data")
        entries = listed if isinstance(listed, list) else []
        names = [str(entry["id"]) for entry in entries if isinstance(entry, dict) and entry.get("id")]
        if len(names) != 1:
            several = f"it lists {', '.join(sorted(names)[:20])}" if names else "it lists none"
            raise ExchangeError(Fault.NOT_FOUND, f"name a model of {self._endpoint.shown} with model=...: {several}")
        self._model = names[0]

    def _probe(self, chat: Chat, deadline: float) -> Reply:
        """Return the reply to the first question, in the strictest mode that the endpoint takes, and remember that."""
        for mode in _LADDER:
            reply = self._batch([chat], mode, deadline)[0]
            if reply.fault not in _NO_SUCH_MODE:
                break
        if reply.text is not None or reply.fault is Fault.NO_TEXT:
            self._mode = mode
            _log.info("%s answers in the mode %s", self._endpoint.shown, mode)
        return reply

    def _batch(self, chats: Sequence[Chat], mode: SchemaMode, deadline: float) -> list[Reply]:
        bodies = [self._body(chat, mode) for chat in chats]
        return ChatBatch(self._endpoint, bodies, deadline, self.config.retries).run(self.config.parallel)

    def _body(self, chat: Chat, mode: SchemaMode) -> dict[str, Any]:
        """Return the request of one question."""
        body: dict[str, Any] = {
            "model": self._model,
            "messages": chat.messages,
            "temperature": self.config.temperature,
            "max_tokens": self.config.max_tokens,
        }
        if mode == "json_schema":
            form = {"name": "answer", "strict": True, "schema": chat.schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif mode == "json_object":
            body["response_format"] = {"type": "json_object"}
        body |= self.config.extra
        return {name: value for name, value in body.items() if value is not None}
