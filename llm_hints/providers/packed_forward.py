"""Scoring many candidate answers to one prompt in a single forward pass.

The prompt stands once, the candidates behind it as a tree of tokens: those that begin alike share their first tokens,
each token sees the prompt and what comes before it on its own branch alone. The score of a candidate is the log
probability of its tokens after the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch as th

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

    def add(self, candidate: Sequence[int]) -> None:
        """Add a candidate's tokens."""
        path: list[int] = []
        for token in candidate:
            parent = path[-1] if path else -1
            path.append(self._node(token, parent))
        self.paths.append(path)

    def _node(self, token: int, parent: int) -> int:
        for node in range(len(self.tokens)):
            if self.tokens[node] == token and self.parents[node] == parent:
                return node
        self.tokens.append(token)
        self.parents.append(parent)
        return len(self.tokens) - 1

    def __len__(self) -> int:
        """Return the number of tokens of the whole row."""
        return len(self.prompt) + len(self.tokens)

    @property
    def padded(self) -> int:
        """Return the length that it is padded to."""
        return -(-len(self) // BUCKET) * BUCKET

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


def candidate_scores(model: Any, trees: Sequence[TokenTree], rows: int) -> list[FloatArray]:
    """Return the log probabilities of every tree's candidates; ``rows`` trees of like length go in one pass."""
    scores: list[FloatArray | None] = [None] * len(trees)
    for length in sorted({tree.padded for tree in trees}):
        places = [k for k, tree in enumerate(trees) if tree.padded == length]
        for start in range(0, len(places), rows):
            part = places[start : start + rows]
            for k, found in zip(part, _one_pass(model, [trees[k] for k in part], length, rows), strict=True):
                scores[k] = found
    return [score for score in scores if score is not None]


def _one_pass(model: Any, trees: Sequence[TokenTree], length: int, rows: int) -> list[FloatArray]:
    tokens, positions = np.zeros((rows, length), np.int64), np.zeros((rows, length), np.int64)
    sees = np.tile(np.eye(length, dtype=np.bool_), (rows, 1, 1))
    for row, tree in enumerate(trees):
        tokens[row, : len(tree)] = tree.prompt + tree.tokens
        positions[row, : len(tree)] = tree.positions()
        sees[row] = tree.visible(length)
    with th.inference_mode():
        device = model.device
        hidden = model.base_model(
            input_ids=th.as_tensor(tokens, device=device),
            position_ids=th.as_tensor(positions, device=device),
            attention_mask=_additive(th.as_tensor(sees, device=device), model.dtype),
            use_cache=False,
        ).last_hidden_state
        return [_scores_of(model, tree, hidden[row]) for row, tree in enumerate(trees)]


def _additive(sees: th.Tensor, dtype: th.dtype) -> th.Tensor:
    """Return the mask ``(rows, 1, length, length)`` that is added to the attention's logits."""
    lowest = th.finfo(dtype).min
    return th.zeros(sees.shape, dtype=dtype, device=sees.device).masked_fill_(~sees, lowest)[:, None]


def _scores_of(model: Any, tree: TokenTree, hidden: th.Tensor) -> FloatArray:
    """Return the log probabilities of one tree's candidates."""
    before = len(tree.prompt) - 1
    asked = [before if parent < 0 else before + 1 + parent for parent in tree.parents]
    logits = model.get_output_embeddings()(hidden[asked]).float()
    tokens = th.as_tensor(tree.tokens, device=logits.device)
    each = logits.log_softmax(dim=1)[th.arange(len(tokens), device=logits.device), tokens].double().cpu().numpy()
    return np.array([each[path].sum() for path in tree.paths])
