"""The ``openai`` provider: hints from any endpoint that speaks OpenAI's chat protocol, here or in a cloud.

Nothing that an endpoint does is an error of the program. An answer that does not come is missing, one that is no hint
of its scene is invalid; both are counted by kind, each kind is told once. After a batch of which nothing came the
endpoint is left alone for a while, so that one that is down does not hold up every step.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from envs.scene import FloatArray, IntArray, SceneBatch
from llm_hints.facts import AgentFact, SceneFacts, scene_facts
from llm_hints.grounding import HintGroundingError
from llm_hints.hint import HintFormatError
from llm_hints.prompts import Anchor, QuestionKind, Style, chat_text, hint_messages, json_schema, question, read_codes
from llm_hints.providers.base import HintAnswers, HintProviderError, QuestionAnswers, answers_from_texts
from llm_hints.providers.chat_batch import Reply
from llm_hints.providers.chat_client import Chat, ChatClient, ChatConfig
from llm_hints.providers.chat_endpoint import Fault
from llm_hints.reference import KINDS

Latency = Literal["simulated", "measured"]
Anchors = Callable[[SceneFacts], Sequence[Sequence[Anchor]]]
"""The passages for each of n scenes that go into its prompt."""

_LONGEST_PAUSE_S = 60.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAiConfig(ChatConfig):
    """The endpoint, and what it is asked for."""

    style: Style = "original"
    """How the prompt is written."""
    check_scene: bool = True
    """Refuse a hint that names who is not in its scene."""
    scene_ids: bool = False
    """Let the schema of an answer hold the ids of its own scene. A server compiles each new schema, which may take it
    longer than the answer: for local ones that are quick at it."""
    latency: Latency = "simulated"
    """``simulated``: an answer takes the service's ``latency_s`` of simulated time, so a run does not depend on the
    machine. ``measured``: it takes the wall time that it took, taken for simulated seconds, on top of that."""
    pause_s: float = 5.0
    """Wall time for which nobody is asked after a batch of which nothing came (s); it doubles each time, up to 60."""

    def __post_init__(self) -> None:
        """Refuse choices that do not exist."""
        super().__post_init__()
        for name, allowed in (("style", get_args(Style)), ("latency", get_args(Latency))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} {getattr(self, name)!r} came; allowed: {', '.join(allowed)}")
        if not self.pause_s >= 0:
            raise ValueError(f"pause_s = {self.pause_s} came; it must be at least 0 s")


class OpenAiProvider:
    """A ``HintProvider`` and ``QuestionAnswerer``; ``anchors`` finds the passages that anchor the weights (CSA)."""

    name = "openai"

    def __init__(self, config: OpenAiConfig, anchors: Anchors | None = None) -> None:
        """Read the key, where one is named; nothing is asked yet."""
        self.config = config
        self.client = ChatClient(config)
        self._anchors = anchors
        self._faults: Counter[Fault] = Counter()
        self._told: set[Fault] = set()
        self._pause_s = config.pause_s
        self._asleep_until = 0.0

    @property
    def faults(self) -> Mapping[str, int]:
        """How many questions each kind of fault has cost so far."""
        return {fault.value: count for fault, count in sorted(self._faults.items(), key=lambda item: item[0].value)}

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the model's hints for ``rows`` (n); raise ``HintProviderError`` where not one answer came."""
        if len(rows) == 0:
            return answers_from_texts([], np.zeros(0))
        facts = scene_facts(scene, rows)
        chats = self._chats(facts)
        answers = self._answers(facts, self._replies(facts, chats))
        return replace(answers, prompts=lambda k: chat_text(chats[k].messages))

    def answer(self, scene: SceneBatch, rows: IntArray) -> dict[str, QuestionAnswers]:
        """Return the answers to the paper's five kinds of question for ``rows`` (n); they come without probabilities.

        Raise ``HintProviderError`` where not one answer to the questions of a kind came.
        """
        facts = scene_facts(scene, rows)
        return {name: self._answers_of_kind(facts, QuestionKind(column)) for name, column in KINDS.items()}

    def _answers_of_kind(self, facts: SceneFacts, kind: QuestionKind) -> QuestionAnswers:
        asked = [question(facts, row, kind) for row in range(len(facts))]
        replies = self._replies(facts, [Chat(one.messages, one.schema()) for one in asked])
        texts = [reply.text for reply in replies]
        codes = read_codes(asked, texts, lambda row, error: self._refuse(replies[row], error))
        return QuestionAnswers(codes, np.full(len(codes), np.nan))

    def _replies(self, facts: SceneFacts, chats: Sequence[Chat]) -> list[Reply]:
        """Return the replies to questions about n scenes; the most urgent go first, so a deadline costs the others."""
        self._refuse_while_asleep(len(chats))
        order = np.argsort(np.where(facts.count > 0, facts.agents[:, 0, AgentFact.NEAR_S], np.inf), kind="stable")
        replies = self.client.complete([chats[row] for row in order])
        self._faults.update(reply.fault for reply in replies if reply.fault is not None)
        self._rest_after(replies)
        for reply in replies:
            if reply.fault is not None:
                self._tell(reply.fault, reply.detail)
        return [replies[place] for place in np.argsort(order)]

    def _chats(self, facts: SceneFacts) -> list[Chat]:
        """Return the question about each of n scenes."""
        anchors: Sequence[Sequence[Anchor]] = [()] * len(facts) if self._anchors is None else self._anchors(facts)
        any_scene = json_schema()
        return [
            Chat(
                hint_messages(facts, row, self.config.style, anchors[row]),
                json_schema(facts, row) if self.config.scene_ids else any_scene,
            )
            for row in range(len(facts))
        ]

    def _answers(self, facts: SceneFacts, replies: Sequence[Reply]) -> HintAnswers:
        """Return what the texts hold."""
        return answers_from_texts(
            [reply.text for reply in replies],
            self._latency(replies),
            facts if self.config.check_scene else None,
            lambda row, error: self._refuse(replies[row], error),
        )

    def _latency(self, replies: Sequence[Reply]) -> FloatArray:
        """Return the simulated seconds ``(n,)`` of each answer, see ``OpenAiConfig.latency``."""
        if self.config.latency == "simulated":
            return np.zeros(len(replies))
        return np.array([reply.seconds for reply in replies])

    def _refuse(self, reply: Reply, error: HintFormatError) -> None:
        """Count an answer that is no answer to its question."""
        fault = Fault.UNGROUNDED if isinstance(error, HintGroundingError) else Fault.MALFORMED
        fault = Fault.TRUNCATED if reply.truncated else fault
        self._faults[fault] += 1
        self._tell(fault, str(error))

    def _tell(self, fault: Fault, detail: str) -> None:
        """Tell of the first fault of a kind."""
        if fault not in self._told:
            self._told.add(fault)
            _log.warning("hints from %s, %s: %s (counted from now on, told once)", self.name, fault.value, detail)

    def _refuse_while_asleep(self, count: int) -> None:
        """Answer nobody while the endpoint is left alone."""
        left = self._asleep_until - time.monotonic()
        if left > 0.0:
            self._faults[Fault.PAUSED] += count
            raise HintProviderError(f"the endpoint answered nobody and is left alone for {left:.1f} s")

    def _rest_after(self, replies: Sequence[Reply]) -> None:
        """Leave the endpoint alone for a while if nothing came, longer each time."""
        if any(reply.text is not None for reply in replies):
            self._pause_s = self.config.pause_s
            return
        self._asleep_until = time.monotonic() + self._pause_s
        self._pause_s = min(2.0 * self._pause_s, max(self.config.pause_s, _LONGEST_PAUSE_S))
        first = replies[0]
        why = "" if first.fault is None else f": {first.fault.value}, {first.detail}"
        raise HintProviderError(f"none of {len(replies)} questions was answered{why}")

    def state(self) -> dict[str, Any]:
        """Return nothing: an answer depends on the scene, and on the endpoint."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore nothing."""
