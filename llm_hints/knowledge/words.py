"""Words of a text, reduced to stems, for retrieval without a model."""

from __future__ import annotations

import re
from functools import lru_cache

STOP_WORDS = frozenset(
    "a about after all also an and any are as at be been before but by can do does for from had has have he her "
    "his how i if in into is it its m may more most must no nor not now of off on one only or other others our "
    "out over own s she should so some such than that the their them then there these they this those to too "
    "under until up was we were what when where which while who whom whoever will with within without would you "
    "your".split()
)
"""Words that say nothing of a scene. ``over``, ``up`` and their like are among them, for scenes use them freely."""

_SUFFIXES = (("ingly", 3), ("edly", 3), ("ing", 3), ("ed", 3), ("er", 5), ("en", 5), ("ly", 3), ("ment", 3), ("ion", 3))
"""Endings, and the letters that must be left: ``sudden`` and ``rider`` are words of their own."""

_WORD = re.compile(r"[a-z]+")
_VOWEL = re.compile(r"[aeiouy]")


def stems(text: str) -> list[str]:
    """Return the stems of the words of ``text``, in order, without stop words and numbers."""
    found = (stem(word) for word in _WORD.findall(text.lower()) if len(word) > 1 and word not in STOP_WORDS)
    return [word for word in found if word not in _STOP_STEMS]


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return what the inflections of ``word`` share: ``overtakes``, ``overtaking`` and ``overtaken`` are one.

    A short form of the first step of Porter's algorithm (1980), and more eager at the end: what counts is that forms of
    a word meet, not that a stem is a word.
    """
    base = _without_plural(word)
    for suffix, least in _SUFFIXES:
        if base.endswith(suffix) and _is_stem(base[: -len(suffix)], least):
            base = _undoubled(base[: -len(suffix)])
            break
    if base.endswith("y") and len(base) > 3:
        base = base[:-1] + "i"
    return base[:-1] if base.endswith("e") and len(base) > 3 else base


def _without_plural(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _is_stem(base: str, least: int) -> bool:
    """Tell whether enough of a word is left to stand for it."""
    return len(base) >= least and _VOWEL.search(base) is not None


def _undoubled(base: str) -> str:
    """Return ``stop`` for ``stopp``; ``fall`` and ``pass`` keep theirs."""
    return base[:-1] if base[-1] == base[-2] and base[-1] not in "lsz" else base


_STOP_STEMS = frozenset(stem(word) for word in ("come", "get", "go", "do", "make", "take", "want", "just", "thing"))
"""Verbs that say as little in their other forms."""
