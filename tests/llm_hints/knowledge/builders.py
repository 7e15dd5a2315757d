"""Small knowledge bases for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.scene import FloatArray
from llm_hints.knowledge.passage import Passage


def make_passage(
    name: str = "one",
    text: str = "Keep a distance to the vehicle in front that lets you stop. It may brake at any moment.",
    kinds: tuple[str, ...] = ("following",),
    emphasis: tuple[float, float, float] = (0.6, 0.3, 0.1),
    title: str = "Distance",
) -> Passage:
    """Return a passage that is valid unless told otherwise."""
    return Passage(name, title, text, "House rules, 1", kinds, emphasis)


class LetterEncoder:
    """Counts the letters of a text: two texts of the same letters are the same. ``calls`` counts the texts it read."""

    name = "letters"

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> FloatArray:
        self.calls += len(texts)
        counts = np.array([[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts])
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True))

    def fingerprint(self) -> str:
        return self.version
