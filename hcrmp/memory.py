"""The hints' memory bank while a planner is measured: it answers, and learns nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from envs.scene import FloatArray, IntArray
from llm_hints.cache import CacheConfig, SemanticCache, same_version


class ReadOnlyMemory(SemanticCache):
    """A bank that keeps what it has.

    Worlds share the bank. If they wrote into it, an episode would depend on which others ran beside it, and so the
    results on the number of worlds.
    """

    def insert(self, keys: FloatArray, buckets: IntArray, state: FloatArray, weights: FloatArray) -> None:
        """Remember nothing."""


def read_only_memory(config: CacheConfig, stored: Mapping[str, Any]) -> ReadOnlyMemory:
    """Return the bank that a training left (its ``state()``; empty: none), however small ``config`` makes new ones.

    What an earlier version of the program remembered means something else to this one, and is left out.
    """
    entries = len(stored.get("keys", ())) if same_version(stored) else 0
    bank = ReadOnlyMemory(replace(config, capacity=max(config.capacity, entries)))
    if entries:
        bank.set_state(dict(stored))
    return bank
