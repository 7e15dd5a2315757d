"""Retrieval by the cosine of embeddings; those of the passages are kept on disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from envs.scene import FloatArray
from llm_hints.knowledge.passage import Passage


class Encoder(Protocol):
    """Makes vectors of texts."""

    @property
    def name(self) -> str:
        """Name of the model for records."""
        ...

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors ``(n, D)``."""
        ...

    def fingerprint(self) -> str:
        """Return a text that differs between models whose vectors differ."""
        ...


class EmbeddingRetriever:
    """Cosine of the text's vector and the passages', which ``folder`` keeps from run to run (None: it does not)."""

    def __init__(self, passages: Sequence[Passage], encoder: Encoder, folder: Path | None = None) -> None:
        self._encoder = encoder
        self._vectors = _kept_vectors(passages, encoder, folder)
        self.name = f"embedding {encoder.name}"

    def scores(self, queries: Sequence[str]) -> FloatArray:
        """Return the cosines ``(n, P)`` in [-1, 1]."""
        cosines: FloatArray = self._encoder.encode(queries) @ self._vectors.T
        return cosines


def _kept_vectors(passages: Sequence[Passage], encoder: Encoder, folder: Path | None) -> FloatArray:
    """Return the vectors ``(P, D)`` of the passages, from ``folder`` where they are there and whole."""
    texts = [passage.searched for passage in passages]
    if folder is None:
        return encoder.encode(texts)
    path = folder / f"{_key(texts, encoder.fingerprint())}.npy"
    kept = _read(path, len(texts))
    if kept is not None:
        return kept
    vectors = encoder.encode(texts)
    _write(path, vectors)
    return vectors


def _key(texts: Sequence[str], fingerprint: str) -> str:
    """Return a name that changes with any passage, their order or the model."""
    content = hashlib.sha256(fingerprint.encode())
    for text in texts:
        content.update(b"\0" + text.encode())
    return content.hexdigest()[:32]


def _read(path: Path, count: int) -> FloatArray | None:
    """Return stored vectors, or None where there are none or the file is damaged: they can be made again."""
    try:
        with path.open("rb") as file:
            vectors = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = (
        isinstance(vectors, np.ndarray)
        and vectors.ndim == 2
        and len(vectors) == count
        and vectors.dtype == np.float64
        and bool(np.isfinite(vectors).all())
    )
    return vectors if whole else None


def _write(path: Path, vectors: FloatArray) -> None:
    """Write the vectors at once or not at all: runs that begin together share the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            np.save(file, vectors)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
