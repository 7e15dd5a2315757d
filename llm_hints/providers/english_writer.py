"""Any causal language model that writes its answers, held to valid ones where ``llguidance`` is installed."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch as th
from transformers import LogitsProcessor, LogitsProcessorList

from llm_hints.facts import SceneFacts
from llm_hints.prompts import (
    Anchor,
    Messages,
    QuestionKind,
    Style,
    held_schema,
    hint_messages,
    on_one_line,
    question,
    read_codes,
)
from llm_hints.providers.base import QuestionAnswers
from llm_hints.providers.english_lm import prompt_tokens
from llm_hints.reference import KINDS


class EnglishWriter:
    """Writes answers with the most likely tokens; without ``llguidance`` nothing holds it to the form.

    With it a hint names only who is in the scene, and its weights sum to 1: what is left to the model is the choice.
    """

    reads_prose = True

    def __init__(self, model: Any, tokenizer: Any, rows: int, most_tokens: int, style: Style = "original") -> None:
        self._model, self._tokenizer, self._rows, self._style = model, tokenizer, rows, style
        self._most_tokens = most_tokens
        self._constrains = importlib.util.find_spec("llguidance") is not None
        self._grammar: Any = None
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token

    def hint_texts(self, facts: SceneFacts, anchors: Sequence[Sequence[Anchor]] | None = None) -> list[str]:
        """Return what the model writes when it is asked for the hints of n scenes."""
        chats = [
            hint_messages(facts, row, self._style, () if anchors is None else anchors[row])
            for row in range(len(facts))
        ]  # fmt: skip
        return self.write(chats, [json.dumps(held_schema(facts, row)) for row in range(len(facts))])

    def answer(self, facts: SceneFacts) -> dict[str, QuestionAnswers]:
        """Return the answers to the paper's five kinds of question; they come without probabilities."""
        found = {}
        for title, column in KINDS.items():
            asked = [question(facts, row, QuestionKind(column)) for row in range(len(facts))]
            schemas = [json.dumps(on_one_line(one.schema())) for one in asked]
            texts = self.write([one.messages for one in asked], schemas)
            found[title] = QuestionAnswers(read_codes(asked, texts), np.full(len(asked), np.nan))
        return found

    def write(self, chats: Sequence[Messages], schemas: Sequence[str]) -> list[str]:
        """Return the answers to chats, each held to its JSON schema if it can be."""
        texts: list[str] = []
        for start in range(0, len(chats), self._rows):
            stop = start + self._rows
            texts += self._write_some(chats[start:stop], schemas[start:stop])
        return texts

    def _write_some(self, chats: Sequence[Messages], schemas: Sequence[str]) -> list[str]:
        prompts = [prompt_tokens(self._tokenizer, chat) for chat in chats]
        longest = max(len(prompt) for prompt in prompts)
        tokens = th.full((len(prompts), longest), self._tokenizer.pad_token_id, dtype=th.int64)
        sees = th.zeros((len(prompts), longest), dtype=th.int64)
        for row, prompt in enumerate(prompts):
            tokens[row, longest - len(prompt) :], sees[row, longest - len(prompt) :] = th.as_tensor(prompt), 1
        processors = [JsonConstraint(self._tokenizer_of_grammar(), schemas, longest)] if self._constrains else []
        with th.inference_mode():
            written = self._model.generate(
                input_ids=tokens.to(self._model.device), attention_mask=sees.to(self._model.device), do_sample=False,
                max_new_tokens=self._most_tokens, pad_token_id=self._tokenizer.pad_token_id,
                logits_processor=LogitsProcessorList(processors),
            )  # fmt: skip
        texts: list[str] = self._tokenizer.batch_decode(written[:, longest:], skip_special_tokens=True)
        return texts

    def _tokenizer_of_grammar(self) -> Any:
        if self._grammar is None:
            from llguidance import hf

            self._grammar = hf.from_tokenizer(self._tokenizer, n_vocab=self._model.config.vocab_size)
        return self._grammar


class JsonConstraint(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Allows at every step the tokens alone with which a text of its row's JSON schema can go on."""

    def __init__(self, tokenizer: Any, schemas: Sequence[str], prompt: int) -> None:
        from llguidance import LLMatcher

        self._matchers = [LLMatcher(tokenizer, LLMatcher.grammar_from_json_schema(schema)) for schema in schemas]
        self._seen = prompt
        self._words = tokenizer.vocab_size

    def __call__(self, input_ids: th.Tensor, scores: th.Tensor) -> th.Tensor:
        """Return the scores ``(rows, words)`` without what is not allowed."""
        for row, matcher in enumerate(self._matchers):
            if input_ids.shape[1] > self._seen and not matcher.is_stopped():
                matcher.consume_token(int(input_ids[row, -1]))
        self._seen = input_ids.shape[1]
        allowed = th.as_tensor(self._allowed(), device=scores.device)[:, : scores.shape[1]]
        return scores.masked_fill(~allowed, float("-inf"))

    def _allowed(self) -> Any:
        """Return ``(rows, words)``: which tokens are allowed; the end where a text is whole."""
        from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask

        mask = allocate_token_bitmask(len(self._matchers), self._words)
        for row, matcher in enumerate(self._matchers):
            fill_next_token_bitmask(matcher, mask, row)
        bits = np.unpackbits(mask.view(np.uint8), axis=1, bitorder="little").astype(np.bool_)
        return bits[:, : self._words]
