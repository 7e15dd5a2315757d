"""Retriever: how well each passage fits a text; and the one that needs no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy.sparse import csr_array

from envs.scene import FloatArray
from llm_hints.knowledge.passage import Passage
from llm_hints.knowledge.words import stems


class Retriever(Protocol):
    """Scores the passages that it was built for."""

    @property
    def name(self) -> str:
        """Name for records: what was searched with."""
        ...

    def scores(self, queries: Sequence[str]) -> FloatArray:
        """Return ``(n, P)``: how well each of P passages fits each of n texts; more is better, 0 or less no fit."""
        ...


class LexicalRetriever:
    """BM25 over stemmed words (Robertson and Zaragoza 2009); the words of a passage's kinds count twice.

    A word counts once however often a query has it: a scene's text names every car, and a passage about cars is not
    the better for it.
    """

    name = "lexical"

    SATURATION = 1.2
    """k1: how much a repeated word of a passage adds."""
    LENGTH_NORM = 0.75
    """b: how much a long passage is held back."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        counts = [Counter(stems(f"{passage.searched} {passage.kind_words}")) for passage in passages]
        vocabulary = sorted(set().union(*counts))
        self._column = {word: column for column, word in enumerate(vocabulary)}
        self._weights = self._bm25(counts)

    def _bm25(self, counts: Sequence[Counter[str]]) -> csr_array:
        """Return ``(P, V)``: what each word of the vocabulary adds to the score of each passage."""
        lengths = np.array([sum(count.values()) for count in counts], dtype=np.float64)
        frequency = Counter(word for count in counts for word in count)
        rows = [row for row, count in enumerate(counts) for _ in count]
        words = [word for count in counts for word in count]
        repeats = np.array([times for count in counts for times in count.values()], dtype=np.float64)
        holders = np.array([frequency[word] for word in words], dtype=np.float64)
        rarity = np.log1p((len(counts) - holders + 0.5) / (holders + 0.5))
        norm = self.SATURATION * (1.0 - self.LENGTH_NORM + self.LENGTH_NORM * (lengths / lengths.mean())[rows])
        added = rarity * repeats * (self.SATURATION + 1.0) / (repeats + norm)
        columns = [self._column[word] for word in words]
        return csr_array((added, (rows, columns)), shape=(len(counts), len(self._column)))

    def scores(self, queries: Sequence[str]) -> FloatArray:
        """Return ``(n, P)``, 0 where a passage and a text share no word."""
        asked = np.zeros((len(queries), len(self._column)))
        for row, query in enumerate(queries):
            known = {self._column[word] for word in stems(query) if word in self._column}
            asked[row, list(known)] = 1.0
        scores: FloatArray = (self._weights @ asked.T).T
        return scores
