"""Any causal language model, asked in English: the allowed answers are compared, or it writes JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from jinja2 import TemplateError

from envs.scene import FloatArray
from llm_hints.closed_answers import NOBODY, ClosedAnswers
from llm_hints.compact import QUESTION_OF, SLOTS
from llm_hints.facts import SceneFacts
from llm_hints.grounding import road_users
from llm_hints.hint import CATEGORY_WORDS, CRITICS, DENSITY_WORDS
from llm_hints.prompts import Anchor, Messages, QuestionKind, Style, hint_messages, question
from llm_hints.providers.packed_forward import Beginnings, TokenTree, candidate_scores
from llm_hints.reference import KINDS

Candidates = dict[str, list[tuple[int, str]]]
"""By question: the code of each answer and its text; one code may have several, as two cars ahead have."""

WEIGHT_STEP = 5
"""Hundredths between the weights that are compared."""

_UNLIKELY = -1e4
"""Logit of an answer that was not among the candidates."""


class EnglishScorer:
    """Compares the allowed answers to English questions: one pass for a hint, one for all kinds of question."""

    reads_prose = True

    def __init__(
        self, model: Any, tokenizer: Any, rows: int, style: Style = "original",
        temperatures: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self._model, self._tokenizer, self._rows, self._style = model, tokenizer, rows, style
        self._temperatures = dict(temperatures or {})
        self._beginnings = Beginnings(model)

    def ask(self, facts: SceneFacts, anchors: Sequence[Sequence[Anchor]] | None = None) -> ClosedAnswers:
        """Return the answers that make hints of n scenes; ``anchors`` for each."""
        asked, trees, beginning = [], [], list[int]()
        for row in range(len(facts)):
            candidates = hint_candidates(facts, row)
            messages = hint_messages(facts, row, self._style, () if anchors is None else anchors[row])
            tree = TokenTree(prompt_tokens(self._tokenizer, messages))
            for answers in candidates.values():
                self._add(tree, (text for _, text in answers))
            asked.append(candidates)
            trees.append(tree)
            beginning = self._beginning(messages, tree.prompt)
        logits = _by_question(asked, self._scores(trees, beginning))
        for name in ("second", "third"):  # one comparison ranks them all
            logits[name] = logits["first"]
        return ClosedAnswers.of_logits(logits, facts, self._temperatures)

    def ask_kinds(self, facts: SceneFacts) -> ClosedAnswers:
        """Return the answers to the paper's five kinds of question, which share what is told of their scene."""
        asked, trees, beginning = [], [], list[int]()
        for row in range(len(facts)):
            questions = {
                QUESTION_OF[title]: question(facts, row, QuestionKind(column)) for title, column in KINDS.items()
            }
            prompts = [prompt_tokens(self._tokenizer, one.messages) for one in questions.values()]
            tree = TokenTree(common_beginning(prompts))
            candidates: Candidates = {}
            for (name, one), prompt in zip(questions.items(), prompts, strict=True):
                candidates[name] = [
                    (NOBODY if code < 0 else code, f'{{"answer": "{word}"}}') for word, code in one.answers.items()
                ]
                self._add(tree, (text for _, text in candidates[name]), prompt[len(tree.prompt) :])
                beginning = self._beginning(one.messages, tree.prompt)
            asked.append(candidates)
            trees.append(tree)
        return ClosedAnswers.of_logits(_by_question(asked, self._scores(trees, beginning)), facts, self._temperatures)

    def _add(self, tree: TokenTree, texts: Iterable[str], after: Sequence[int] = ()) -> None:
        for text in texts:
            tree.add(self._tokenizer(text, add_special_tokens=False)["input_ids"], after)

    def _beginning(self, messages: Messages, prompt: Sequence[int]) -> list[int]:
        """Return the tokens of ``prompt`` up to what the user says, which are the same for every scene."""
        another = prompt_tokens(self._tokenizer, [*messages[:-1], {**messages[-1], "content": "-"}])
        return common_beginning([prompt, another])

    def _scores(self, trees: Sequence[TokenTree], beginning: Sequence[int]) -> list[FloatArray]:
        return candidate_scores(self._model, trees, self._rows, beginning, self._beginnings)


def common_beginning(texts: Sequence[Sequence[int]]) -> list[int]:
    """Return the tokens that all texts begin with."""
    shortest = min(texts, key=len)
    for place, token in enumerate(shortest):
        if any(text[place] != token for text in texts):
            return list(shortest[:place])
    return list(shortest)


def prompt_tokens(tokenizer: Any, messages: Messages) -> list[int]:
    """Return the tokens of a chat up to where the answer begins; a model without a chat template reads plain text.

    Templates that know no system message (Gemma's) are given its words at the beginning of the user's.
    """
    if tokenizer.chat_template:
        try:
            text = _templated(tokenizer, messages)
        except TemplateError:
            text = _templated(tokenizer, [{"role": "user", "content": _plain(messages)}])
        tokens: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    else:
        tokens = tokenizer(f"{_plain(messages)}\n\nAnswer: ")["input_ids"]
    return tokens


def _templated(tokenizer: Any, messages: Messages) -> str:
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


def _plain(messages: Messages) -> str:
    return "\n\n".join(message["content"] for message in messages)


def hint_candidates(facts: SceneFacts, row: int) -> Candidates:
    """Return the texts that are compared for the hint of a scene, each as the JSON answer would begin."""
    there = [
        (8 * int(entity.kind) + int(entity.direction), f'"critical_entities": [{json.dumps(entity.to_object())}')
        for entity in road_users(facts, row)
    ]
    hundredths = range(0, 101, WEIGHT_STEP)
    return {
        "road": [(int(code), f'"road_category": "{word}"') for code, word in CATEGORY_WORDS.items()],
        "density": [(int(code), f'"traffic_density": "{word}"') for code, word in DENSITY_WORDS.items()],
        "first": [*there, (NOBODY, '"critical_entities": []')],
        **{name: [(number, f'"weights": {{"{name}": {number / 100:.2f}') for number in hundredths] for name in CRITICS},
    }


def _by_question(asked: Sequence[Candidates], scores: Sequence[FloatArray]) -> dict[str, FloatArray]:
    """Return the logits ``(n, answers)`` of each question from the scores of all candidates, scene by scene."""
    logits = {name: np.full((len(asked), len(SLOTS[name])), _UNLIKELY) for name in asked[0]} if asked else {}
    for row, (candidates, found) in enumerate(zip(asked, scores, strict=True)):
        at = 0
        for name, answers in candidates.items():
            codes = [code for code, _ in answers]
            np.logaddexp.at(logits[name][row], codes, found[at : at + len(codes)])
            at += len(codes)
    return logits
