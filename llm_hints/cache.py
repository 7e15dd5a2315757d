"""SemanticCache, the paper's SCM: a memory bank of past conditions and their hints.

An entry is a key (``llm_hints.features``), its bucket (``llm_hints.situation``), the 13 state numbers and the three
weights. A lookup returns, of the entries in the same bucket, the one of highest cosine similarity if that reaches the
threshold. The search is exact and needs no index: see ``llm_hints.cache_kernels``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray
from envs.untrusted import UntrustedFileError
from envs.untrusted.arrays import read_npz
from envs.untrusted.documents import read_bytes
from llm_hints.cache_kernels import BLOCK, HEADS, Count, Float32Array, insert, look_up, rest_length
from llm_hints.features import FEATURE_SIZE, FEATURE_VERSION
from llm_hints.hint import CRITICS, STATE_SIZE

Eviction = Literal["lru", "risk_protected"]

LARGEST_BANK = 1 << 30
"""Bytes of a file that is read: two million entries."""

_FORMAT = "hcrmp-semantic-cache"
_ARRAYS = ("keys", "buckets", "hint_state", "weights", "last_used")


class CacheFileError(ValueError):
    """A file that is no memory bank of this version; says what came."""


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Settings of the bank."""

    capacity: int = 1024
    """Entries that it holds."""
    threshold: float = 0.9
    """Lowest cosine similarity of a hit, in [-1, 1]."""
    merge_threshold: float = 0.995
    """Similarity from which a new entry replaces the nearest one instead of taking a place."""
    eviction: Eviction = "lru"
    """``lru``, as in the paper, or ``risk_protected``, which spares what plain LRU loses against the cache's aim: the
    rare dangerous entries."""
    protected_safety: float = 0.6
    """Safety weight from which an entry counts as dangerous."""
    protected_share: float = 0.5
    """Largest share of the bank that protection may hold; beyond it dangerous entries evict each other."""

    def __post_init__(self) -> None:
        """Refuse settings with which the bank cannot work."""
        if self.capacity < 1:
            raise ValueError(f"cache capacity {self.capacity} came; at least 1 entry is needed")
        if self.eviction not in get_args(Eviction):
            raise ValueError(f"cache eviction {self.eviction!r} came; allowed: {', '.join(get_args(Eviction))}")
        if not -1 <= self.threshold <= self.merge_threshold:
            raise ValueError(
                f"cache threshold {self.threshold}, merge_threshold {self.merge_threshold} came; "
                "needed is -1 <= threshold <= merge_threshold"
            )
        if not 0 <= self.protected_share < 1:
            raise ValueError(f"cache protected_share {self.protected_share} came; allowed is [0, 1)")


@dataclass(frozen=True, slots=True)
class CacheCounters:
    """What the bank has done: lookups that hit and missed, entries added, refreshed in place and evicted."""

    hits: int = 0
    misses: int = 0
    added: int = 0
    refreshed: int = 0
    evicted: int = 0


@dataclass(frozen=True, slots=True)
class CacheAnswers:
    """The answers to n lookups.

    ``hit`` ``(n,)``; ``state`` ``(n, 13)``; ``weights`` ``(n, 3)``; ``similarity`` ``(n,)`` cosine with the entry.
    Rows that did not hit hold zeros, and -1 for the similarity.
    """

    hit: BoolArray
    state: FloatArray
    weights: FloatArray
    similarity: FloatArray


class SemanticCache:
    """The memory bank. Lookups and insertions take batches and do one after the other: the order is that of use."""

    def __init__(self, config: CacheConfig | None = None) -> None:
        self.config = config or CacheConfig()
        capacity = self.config.capacity
        self._keys = np.zeros((capacity, FEATURE_SIZE))
        self._heads, self._rests = np.zeros((len(HEADS), capacity), np.float32), np.zeros(capacity, np.float32)
        self._buckets = np.zeros(capacity, dtype=np.int64)
        self._state = np.zeros((capacity, STATE_SIZE))
        self._weights = np.zeros((capacity, len(CRITICS)))
        self._last_used = np.zeros(capacity, dtype=np.int64)
        self._size = 0
        self._clock = 0
        self._counts = np.zeros(len(Count), dtype=np.int64)
        self._work = np.zeros(BLOCK, np.float32)

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._size

    @property
    def counters(self) -> CacheCounters:
        """What the bank has done so far."""
        return CacheCounters(*self._counts.tolist())

    @property
    def _search(self) -> tuple[FloatArray, Float32Array, Float32Array, IntArray]:
        return self._keys, self._heads, self._rests, self._buckets

    def lookup(self, keys: FloatArray, buckets: IntArray) -> CacheAnswers:
        """Return the nearest entry to each of ``keys`` ``(n, 40)`` in its bucket, and mark those that hit as used.

        ``buckets`` ``(n,)`` of the situations (``llm_hints.situation``).
        """
        count = len(keys)
        answers = CacheAnswers(
            np.empty(count, np.bool_), np.zeros((count, STATE_SIZE)), np.zeros((count, len(CRITICS))), np.empty(count)
        )
        self._clock = look_up(
            *self._search, self._state, self._weights, self._last_used, self._size, self._clock,
            keys, buckets, self.config.threshold,
            answers.hit, answers.similarity, answers.state, answers.weights, self._counts, self._work,
        )  # fmt: skip
        return answers

    def insert(self, keys: FloatArray, buckets: IntArray, state: FloatArray, weights: FloatArray) -> None:
        """Remember hints: ``keys`` ``(n, 40)``, ``buckets`` ``(n,)``, ``state`` ``(n, 13)``, ``weights`` ``(n, 3)``.

        A key that nearly equals a stored one of its bucket replaces it: the newer answer holds.
        """
        config = self.config
        self._size, self._clock = insert(
            *self._search, self._state, self._weights, self._last_used, self._size, self._clock,
            keys, buckets, state, weights,
            config.merge_threshold, config.eviction == "risk_protected", config.protected_safety,
            config.protected_share * config.capacity, self._counts, self._work,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """Return everything that later answers depend on, as plain arrays."""
        size = self._size
        return {
            "version": np.array(FEATURE_VERSION),
            **{name: mine[:size].copy() for name, mine in self._stored().items()},
            "clock": np.array(self._clock),
            "counts": self._counts.copy(),
        }

    def _stored(self) -> dict[str, Any]:
        """Return the arrays that a bank is saved as, by the names of ``_ARRAYS``."""
        arrays = (self._keys, self._buckets, self._state, self._weights, self._last_used)
        return dict(zip(_ARRAYS, arrays, strict=True))

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned, into a bank of at least that many entries."""
        if not same_version(state):
            raise CacheFileError(
                f"a memory bank of version {state.get('version')} came; this program reads {FEATURE_VERSION}: "
                "build it anew"
            )
        size = len(state["keys"])
        if size > self.config.capacity:
            raise CacheFileError(
                f"a memory bank of {size} entries came; the cache's capacity is {self.config.capacity}: raise it"
            )
        self._size = size
        for name, mine in self._stored().items():
            mine[:] = 0
            mine[:size] = state[name]
        self._heads[:, :size] = self._keys[:size, HEADS].T
        for place in range(size):
            self._rests[place] = rest_length(self._keys[place])
        self._clock = int(state["clock"])
        self._counts[:] = state["counts"]

    def save(self, path: Path) -> None:
        """Write the bank to ``path`` (npz) at once or not at all."""
        path = Path(path)
        temporary = path.with_name(path.name + f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(file, format=np.array(_FORMAT), **self.state())
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise CacheFileError(f"the memory bank cannot be written to {path}: {error.strerror}") from error
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, config: CacheConfig | None = None) -> SemanticCache:
        """Return the bank that ``save`` wrote; raise ``CacheFileError`` in one line for anything else."""
        path = Path(path)
        state = _read(path)
        size = len(state["keys"])
        config = config or CacheConfig(capacity=max(CacheConfig().capacity, size))
        if size > config.capacity:
            raise CacheFileError(f"{path} holds {size} entries; the cache's capacity is {config.capacity}: raise it")
        bank = cls(config)
        bank.set_state(state)
        return bank

    @classmethod
    def open(cls, path: Path, config: CacheConfig) -> SemanticCache:
        """Return the bank at ``path``, or a new one where nothing is there yet but a place to save it."""
        path = Path(path)
        if path.exists():
            return cls.load(path, config)
        if not os.access(path.parent, os.W_OK):
            raise CacheFileError(f"{path.parent} is no folder that a memory bank can be written to: make it first")
        return cls(config)


def same_version(state: Mapping[str, Any]) -> bool:
    """Return whether ``SemanticCache.state`` of this version gave ``state``."""
    return "version" in state and np.array_equal(state["version"], FEATURE_VERSION)


def _read(path: Path) -> dict[str, Any]:
    """Return the checked arrays of a stored bank."""
    if not path.exists():
        raise CacheFileError(f"no memory bank at {path}")
    try:
        content = read_bytes(path, LARGEST_BANK)
    except UntrustedFileError as error:
        raise CacheFileError(f"the memory bank {error}: name another file") from None
    try:
        state: dict[str, Any] = dict(read_npz(content, "it", LARGEST_BANK))
    except UntrustedFileError as error:
        raise CacheFileError(f"{path} is no memory bank, or is damaged ({error}): remove it, or name another") from None
    if str(state.pop("format", "")) != _FORMAT:
        raise CacheFileError(f"{path} is no memory bank: name another file")
    if not same_version(state):
        raise CacheFileError(
            f"{path} has feature version {state.get('version')}; this program reads {FEATURE_VERSION}: remove it, or "
            "name another; a bank fills anew by itself"
        )
    _check_arrays(path, state)
    return state


def _check_arrays(path: Path, state: Mapping[str, Any]) -> None:
    """Refuse arrays that are no bank's."""
    size = len(np.atleast_1d(state["keys"])) if "keys" in state else -1
    shapes: dict[str, tuple[int, ...]] = {
        "keys": (size, FEATURE_SIZE),
        "buckets": (size,),
        "hint_state": (size, STATE_SIZE),
        "weights": (size, len(CRITICS)),
        "last_used": (size,),
        "clock": (),
        "counts": (len(Count),),
    }
    for name, shape in shapes.items():
        came = state.get(name)
        if came is None or came.shape != shape or came.dtype.kind not in "fi" or not np.isfinite(came).all():
            told = "nothing" if came is None else f"{came.dtype} of shape {came.shape}"
            raise CacheFileError(
                f"{path} is damaged: {told} came for {name}; finite numbers of shape {shape} are needed: remove it, "
                "or name another"
            )
