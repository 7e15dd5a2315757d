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
from llm_hints.providers.packed_forward import BUCKET
from llm_hints.reference import KINDS

MOST_LIKELY: dict[str, Any] = {
    "do_sample": False, "num_beams": 1, "repetition_penalty": 1.0, "no_repeat_ngram_size": 0, "temperature": 1.0,
    "top_p": 1.0, "top_k": 50,
}  # fmt: skip
"""Each token is the most likely one, whatever a model's own settings say: JSON repeats itself and must be let."""


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
        """Return the answers to chats, each held to its JSON schema if it can be.

        Prompts of like length go together, always so many rows of one length: an answer does not depend on who else
        asks.
        """
        prompts = [prompt_tokens(self._tokenizer, chat) for chat in chats]
        texts = [""] * len(chats)
        for length, alike in _by_length(prompts).items():
            for start in range(0, len(alike), self._rows):
                part = alike[start : start + self._rows]
                filled = [*part, *[part[0]] * (self._rows - len(part))]
                written = self._written([prompts[k] for k in filled], [schemas[k] for k in filled], length)
                for k, text in zip(part, written, strict=False):
                    texts[k] = text
        return texts

    def _written(self, prompts: Sequence[list[int]], schemas: Sequence[str], length: int) -> list[str]:
        """Return what is written after prompts, which are filled up from the left to ``length`` tokens."""
        tokens = th.full((len(prompts), length), self._tokenizer.pad_token_id, dtype=th.int64)
        sees = th.zeros((len(prompts), length), dtype=th.int64)
        for row, prompt in enumerate(prompts):
            tokens[row, length - len(prompt) :], sees[row, length - len(prompt) :] = th.as_tensor(prompt), 1
        processors = [JsonConstraint(self._tokenizer_of_grammar(), schemas, length)] if self._constrains else []
        with th.inference_mode():
            written = self._model.generate(
                input_ids=tokens.to(self._model.device), attention_mask=sees.to(self._model.device),
                max_new_tokens=self._most_tokens, pad_token_id=self._tokenizer.pad_token_id,
                logits_processor=LogitsProcessorList(processors), **MOST_LIKELY,
            )  # fmt: skip
        texts: list[str] = self._tokenizer.batch_decode(written[:, length:], skip_special_tokens=True)
        return texts

    def _tokenizer_of_grammar(self) -> Any:
        if self._grammar is None:
            from llguidance import hf

            self._grammar = hf.from_tokenizer(self._tokenizer, n_vocab=self._model.config.vocab_size)
        return self._grammar


def _by_length(prompts: Sequence[Sequence[int]]) -> dict[int, list[int]]:
    """Return the places of ``prompts`` by the length that they are filled up to, ascending."""
    found: dict[int, list[int]] = {}
    for place, prompt in enumerate(prompts):
        found.setdefault(-(-len(prompt) // BUCKET) * BUCKET, []).append(place)
    return dict(sorted(found.items()))


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
