"""Scoring many candidate answers to one prompt in a single forward pass.

The prompt stands once, the candidates behind it as a tree of tokens: those that begin alike share their first tokens,
each token sees the prompt and what comes before it on its own branch alone. The score of a candidate is the log
probability of its tokens after what stands before it. What all prompts begin with is computed once (``Beginnings``).
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th
from transformers import DynamicCache

from envs.scene import FloatArray

BUCKET = 128
"""Rows are padded to multiples of so many tokens, so that a row's numbers do not depend on the rows beside it."""


@dataclass
class TokenTree:
    """Candidates after a prompt: ``tokens`` of the nodes, ``parents`` (-1: the prompt), ``paths`` by candidate."""

    prompt: list[int]
    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)
    _places: dict[tuple[int, int], int] = field(default_factory=dict)

    def add(self, candidate: Sequence[int], after: Sequence[int] = ()) -> None:
        """Add a candidate's tokens, which stand behind the prompt and the tokens ``after``; these are not scored."""
        parent = -1
        for token in after:
            parent = self._node(token, parent)
        path: list[int] = []
        for token in candidate:
            parent = self._node(token, parent)
            path.append(parent)
        self.paths.append(path)

    def _node(self, token: int, parent: int) -> int:
        place = self._places.setdefault((token, parent), len(self.tokens))
        if place == len(self.tokens):
            self.tokens.append(token)
            self.parents.append(parent)
        return place

    def __len__(self) -> int:
        """Return the number of tokens of the whole row."""
        return len(self.prompt) + len(self.tokens)

    def positions(self) -> list[int]:
        """Return the place in its own text of every token."""
        depth: list[int] = []
        for parent in self.parents:
            depth.append(len(self.prompt) if parent < 0 else depth[parent] + 1)
        return [*range(len(self.prompt)), *depth]

    def visible(self, length: int) -> npt.NDArray[np.bool_]:
        """Return ``(length, length)``: which tokens each token sees; padding sees itself."""
        prompt = len(self.prompt)
        sees = np.eye(length, dtype=np.bool_)
        sees[:prompt, :prompt] |= np.tril(np.ones((prompt, prompt), dtype=np.bool_))
        sees[prompt : len(self), :prompt] = True
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                sees[prompt + node, prompt:] |= sees[prompt + parent, prompt:]
        return sees


class Beginnings:
    """What a model has computed of the tokens that its prompts begin with, once for each such beginning."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: dict[tuple[int, ...], DynamicCache] = {}

    def after(self, tokens: Sequence[int], rows: int) -> dict[str, Any]:
        """Return how the network is called to go on from ``tokens`` in ``rows`` rows."""
        if not tokens:
            return {"use_cache": False}
        if tuple(tokens) not in self._known:
            self._known[tuple(tokens)] = self._computed(tokens)
        cache = copy.deepcopy(self._known[tuple(tokens)])  # a pass appends to it
        if rows > 1:
            cache.batch_repeat_interleave(rows)
        return {"use_cache": True, self._keyword(): cache}

    def _computed(self, tokens: Sequence[int]) -> DynamicCache:
        cache = DynamicCache()
        ids = th.as_tensor([list(tokens)], device=self._model.device)
        with th.inference_mode():
            self._model.base_model(input_ids=ids, use_cache=True, **{self._keyword(): cache})
        return cache

    def _keyword(self) -> str:
        """Return what this version of transformers calls the keys and values that were computed before."""
        known = inspect.signature(self._model.base_model.forward).parameters
        return "cache" if "cache" in known else "past_key_values"


def candidate_scores(
    model: Any,
    trees: Sequence[TokenTree],
    rows: int,
    beginning: Sequence[int] = (),
    beginnings: Beginnings | None = None,
) -> list[FloatArray]:
    """Return the log probabilities of every tree's candidates; ``rows`` trees of like length go in one pass.

    Every prompt begins with the tokens ``beginning``, which ``beginnings`` computes once; so is what is
    asked twice.
    """
    begun = len(beginning)
    known = beginnings or Beginnings(model)
    keys = [(*tree.prompt, -1, *tree.tokens) for tree in trees]
    distinct = {key: tree for key, tree in zip(keys, trees, strict=True)}
    scores: dict[tuple[int, ...], FloatArray] = {}
    for length, alike in _by_length(distinct, begun).items():
        for start in range(0, len(alike), rows):
            part = alike[start : start + rows]
            packed = _Packed.of([distinct[key] for key in part], length, rows)
            hidden = _hidden(model, packed, begun, known.after(beginning, rows))
            for row, key in enumerate(part):
                scores[key] = _scores_of(model, distinct[key], hidden[row], begun)
    return [scores[key] for key in keys]


def _by_length(trees: Mapping[tuple[int, ...], TokenTree], begun: int) -> dict[int, list[tuple[int, ...]]]:
    """Return the keys of ``trees`` by the length that they are padded to, ascending."""
    found: dict[int, list[tuple[int, ...]]] = {}
    for key, tree in trees.items():
        found.setdefault(begun + -(-(len(tree) - begun) // BUCKET) * BUCKET, []).append(key)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class _Packed:
    """Trees as rows of one length: ``tokens`` and ``positions`` ``(rows, length)``, ``sees`` with one more."""

    tokens: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    sees: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, trees: Sequence[TokenTree], length: int, rows: int) -> _Packed:
        tokens, positions = np.zeros((rows, length), np.int64), np.zeros((rows, length), np.int64)
        sees = np.tile(np.eye(length, dtype=np.bool_), (rows, 1, 1))
        for row, tree in enumerate(trees):
            tokens[row, : len(tree)] = tree.prompt + tree.tokens
            positions[row, : len(tree)] = tree.positions()
            sees[row] = tree.visible(length)
        return cls(tokens, positions, sees)


def _hidden(model: Any, packed: _Packed, begun: int, going_on: Mapping[str, Any]) -> th.Tensor:
    """Return what the network says ``(rows, length - begun, width)`` at every token after the beginning."""
    device = model.device
    with th.inference_mode():
        told: th.Tensor = model.base_model(
            input_ids=th.as_tensor(packed.tokens[:, begun:], device=device),
            position_ids=th.as_tensor(packed.positions[:, begun:], device=device),
            attention_mask=_additive(th.as_tensor(packed.sees[:, begun:], device=device), model.dtype),
            **going_on,
        ).last_hidden_state
    return told


def _additive(sees: th.Tensor, dtype: th.dtype) -> th.Tensor:
    """Return the mask ``(rows, 1, queries, keys)`` that is added to the attention's logits."""
    lowest = th.finfo(dtype).min
    return th.zeros(sees.shape, dtype=dtype, device=sees.device).masked_fill_(~sees, lowest)[:, None]


def _scores_of(model: Any, tree: TokenTree, hidden: th.Tensor, begun: int) -> FloatArray:
    """Return the log probabilities of one tree's candidates."""
    scored = sorted({node for path in tree.paths for node in path})
    before = len(tree.prompt) - 1 - begun
    parents = [tree.parents[node] for node in scored]
    asked = [before if parent < 0 else before + 1 + parent for parent in parents]
    with th.inference_mode():
        logits = _logits(model, hidden[asked])
        tokens = th.as_tensor([tree.tokens[node] for node in scored], device=logits.device)
        found = logits.log_softmax(dim=1)[th.arange(len(tokens), device=logits.device), tokens].double().cpu().numpy()
    each = np.zeros(len(tree.tokens))
    each[scored] = found
    return np.array([each[path].sum() for path in tree.paths])


def _logits(model: Any, hidden: th.Tensor) -> th.Tensor:
    """Return the logits ``(n, words)`` of what the network says ``(n, width)``, scaled and capped as the model does.

    Granite divides them, Cohere multiplies them, Gemma 2 caps them; ``packing_check`` finds who does otherwise.
    """
    logits: th.Tensor = model.get_output_embeddings()(hidden).float()
    config = model.config.get_text_config()
    logits = logits / (getattr(config, "logits_scaling", None) or 1.0) * (getattr(config, "logit_scale", None) or 1.0)
    cap = getattr(config, "final_logit_softcapping", None)
    return th.tanh(logits / cap) * cap if cap else logits
