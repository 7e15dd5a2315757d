"""The question for a hint as a chat: scenario level, object level and critic weights, in three styles.

The paper's three prompts (its ASR and CSA) in our own words, asked at once, so that a hint is one answer: a JSON object
as ``llm_hints.parsing`` reads it. What is the same for every scene stands first, so that a server can keep its prefix.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from llm_hints.facts import SceneFacts
from llm_hints.prompts.scene_text import scene_text
from llm_hints.prompts.styles import STYLES

PROMPT_VERSION = 1
"""Goes up whenever the same scene would be told or asked in other words: answers to another version do not compare."""

Style = Literal["original", "detailed", "concise"]
"""``original`` asks as the paper does; ``detailed`` adds definitions, steps and an example; ``concise`` is short."""

Messages = list[dict[str, str]]
"""A chat: each message has a ``role`` (``system`` or ``user``) and its ``content``."""


class Anchor(Protocol):
    """A passage that the weights are to be anchored on (the paper's CSA)."""

    @property
    def title(self) -> str:
        """What the passage is about."""
        ...

    @property
    def text(self) -> str:
        """The passage."""
        ...

    @property
    def source(self) -> str:
        """Where it is from."""
        ...


def hint_messages(facts: SceneFacts, row: int, style: Style = "original", anchors: Sequence[Anchor] = ()) -> Messages:
    """Return the chat that asks for the hint of scene ``row``; ``anchors`` come before the question for weights."""
    if style not in STYLES:
        raise ValueError(f"prompt style {style!r} came; allowed: {', '.join(STYLES)}")
    words = STYLES[style]
    parts = [f"Scene\n{scene_text(facts, row)}", words.scenario, words.objects]
    if anchors:
        parts.append(anchor_block(anchors))
    parts += [words.weights + (words.weights_by_anchors if anchors else ""), words.closing]
    return chat(words.system, "\n\n".join(parts))


def chat_text(messages: Messages) -> str:
    """Return a chat as one text, for people."""
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)


def chat(system: str, user: str) -> Messages:
    """Return a chat of two messages."""
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def anchor_block(anchors: Sequence[Anchor]) -> str:
    """Return the passages, numbered."""
    lines = [
        f"[{number}] {anchor.title} ({anchor.source}): {' '.join(anchor.text.split())}"
        for number, anchor in enumerate(anchors, 1)
    ]
    return "\n".join(["Rules and guidance for a scene like this", *lines])
