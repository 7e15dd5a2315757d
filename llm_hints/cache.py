"""SemanticCache, the paper's SCM: a memory bank of past conditions and their hints (the paper's SCM).

An entry is a key (see ``llm_hints.features``), the 13 state numbers and the three weights. A lookup returns the entry
of highest cosine similarity if that reaches the threshold. All entries are compared in one product: below 1e5
entries that is faster than any index.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile

from envs.scene import BoolArray, FloatArray
from llm_hints.features import FEATURE_SIZE, FEATURE_VERSION
from llm_hints.hint import CRITICS, STATE_SIZE

Eviction = Literal["lru", "risk_protected"]

_FORMAT = "hcrmp-semantic-cache"
_ARRAYS = ("keys", "hint_state", "weights", "last_used")


class CacheFileError(ValueError):
    """A file that is no memory bank of this version; says what came."""


@dataclass(frozen=True, slots=True)
class CacheConfig:
    """Settings of the bank.

    ``capacity`` entries; ``threshold`` lowest cosine similarity of a hit, in [-1, 1]; ``merge_threshold`` similarity
    from which a new entry replaces the nearest one instead of taking a place; ``eviction``: ``lru`` as in the paper,
    or ``risk_protected``, which spares what plain LRU loses against the cache's aim, the rare dangerous entries;
    ``protected_safety`` safety weight from which an entry counts as dangerous; ``protected_share`` largest share of
    the bank that protection may hold, beyond which dangerous entries evict each other.
    """

    capacity: int = 1024
    threshold: float = 0.9
    merge_threshold: float = 0.995
    eviction: Eviction = "lru"
    protected_safety: float = 0.6
    protected_share: float = 0.5

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
    Rows that did not hit hold the nearest entry all the same (zeros and -1 where the bank is empty).
    """

    hit: BoolArray
    state: FloatArray
    weights: FloatArray
    similarity: FloatArray


class SemanticCache:
    """The memory bank. Lookups and insertions take batches; the order of the rows is the order of use."""

    def __init__(self, config: CacheConfig | None = None) -> None:
        self.config = config or CacheConfig()
        capacity = self.config.capacity
        self._keys = np.zeros((capacity, FEATURE_SIZE))
        self._state = np.zeros((capacity, STATE_SIZE))
        self._weights = np.zeros((capacity, len(CRITICS)))
        self._last_used = np.zeros(capacity, dtype=np.int64)
        self._size = 0
        self._clock = 0
        self._counts = dict.fromkeys(CacheCounters.__dataclass_fields__, 0)

    def __len__(self) -> int:
        """Return the number of entries."""
        return self._size

    @property
    def counters(self) -> CacheCounters:
        """What the bank has done so far."""
        return CacheCounters(**self._counts)

    def lookup(self, keys: FloatArray) -> CacheAnswers:
        """Return the nearest entry of each of ``keys`` ``(n, 36)``, and mark those that hit as used."""
        nearest, similarity = self._nearest(keys)
        hit = similarity >= self.config.threshold
        hits = int(hit.sum())
        self._counts["hits"] += hits
        self._counts["misses"] += len(keys) - hits
        if hits:
            self._touch(nearest[hit])
        return CacheAnswers(hit, self._state[nearest], self._weights[nearest], similarity)

    def insert(self, keys: FloatArray, state: FloatArray, weights: FloatArray) -> None:
        """Remember hints: ``keys`` ``(n, 36)``, ``state`` ``(n, 13)``, ``weights`` ``(n, 3)``.

        A key that nearly equals a stored one replaces it: the newer answer holds.
        """
        nearest, similarity = self._nearest(keys)
        known = similarity >= self.config.merge_threshold
        if known.any():
            self._put(nearest[known], keys[known], state[known], weights[known])
            self._counts["refreshed"] += int(known.sum())
        for row in np.flatnonzero(~known):
            self._put(self._free_place(), keys[row], state[row], weights[row])
            self._counts["added"] += 1

    def _nearest(self, keys: FloatArray) -> tuple[Any, FloatArray]:
        """Return the place and the similarity ``(n,)`` of the entry nearest to each key."""
        if self._size == 0:
            return np.zeros(len(keys), dtype=np.int64), np.full(len(keys), -1.0)
        similarity = keys @ self._keys[: self._size].T
        nearest = similarity.argmax(axis=1)
        return nearest, similarity[np.arange(len(keys)), nearest]

    def _touch(self, places: Any) -> None:
        """Mark ``places`` as the last used, in their order."""
        places = np.atleast_1d(places)
        self._last_used[places] = np.arange(self._clock + 1, self._clock + 1 + len(places))
        self._clock += len(places)

    def _put(self, places: Any, keys: FloatArray, state: FloatArray, weights: FloatArray) -> None:
        """Write entries to ``places``."""
        self._keys[places] = keys
        self._state[places] = state
        self._weights[places] = weights
        self._touch(places)

    def _free_place(self) -> int:
        """Return a place for a new entry: an empty one, else that of the evicted entry."""
        if self._size < self.config.capacity:
            self._size += 1
            return self._size - 1
        self._counts["evicted"] += 1
        if self.config.eviction == "lru":
            return int(self._last_used.argmin())
        return self._unprotected_place()

    def _unprotected_place(self) -> int:
        """Return the least recently used harmless entry, or dangerous one where these are too many."""
        dangerous = self._weights[:, CRITICS.index("safety")] >= self.config.protected_safety
        too_many = dangerous.sum() > self.config.protected_share * self.config.capacity
        candidates = dangerous if too_many else ~dangerous
        return int(np.where(candidates, self._last_used, self._clock + 1).argmin())

    def state(self) -> dict[str, Any]:
        """Return everything that later answers depend on, as plain arrays."""
        size = self._size
        return {
            "keys": self._keys[:size].copy(),
            "hint_state": self._state[:size].copy(),
            "weights": self._weights[:size].copy(),
            "last_used": self._last_used[:size].copy(),
            "clock": np.array(self._clock),
            "counts": np.array(list(self._counts.values()), dtype=np.int64),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned, into a bank of at least that many entries."""
        size = len(state["keys"])
        if size > self.config.capacity:
            raise ValueError(f"a bank of {size} entries came; the capacity is {self.config.capacity}: raise it")
        self._size = size
        for mine, name in zip((self._keys, self._state, self._weights, self._last_used), _ARRAYS, strict=True):
            mine[:] = 0
            mine[:size] = state[name]
        self._clock = int(state["clock"])
        self._counts = dict(zip(self._counts, (int(count) for count in state["counts"]), strict=True))

    def save(self, path: Path) -> None:
        """Write the bank to ``path`` (npz) at once or not at all."""
        path = Path(path)
        temporary = path.with_name(path.name + f".{os.getpid()}.tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(file, format=np.array(_FORMAT), version=np.array(FEATURE_VERSION), **self.state())
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path, config: CacheConfig | None = None) -> SemanticCache:
        """Return the bank that ``save`` wrote; raise ``CacheFileError`` in one line for anything else."""
        state = _read(Path(path))
        config = config or CacheConfig(capacity=max(CacheConfig().capacity, len(state["keys"])))
        bank = cls(config)
        bank.set_state(state)
        return bank


def _read(path: Path) -> dict[str, Any]:
    """Return the checked arrays of a stored bank."""
    try:
        # Opened here, as numpy leaves its own handle open where the file turns out to be damaged.
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            state = dict(content) if isinstance(content, NpzFile) else {}
    except FileNotFoundError:
        raise CacheFileError(f"no memory bank at {path}") from None
    except (OSError, ValueError, BadZipFile, EOFError) as error:
        raise CacheFileError(f"{path} is no memory bank, or is damaged: {error}") from None
    if str(state.pop("format", "")) != _FORMAT:
        raise CacheFileError(f"{path} is an npz file but no memory bank")
    version = state.pop("version", None)
    if version is None or not np.array_equal(version, FEATURE_VERSION):
        raise CacheFileError(
            f"{path} has feature version {version}; this program reads {FEATURE_VERSION}: build it anew"
        )
    size = len(state["keys"]) if "keys" in state else -1
    shapes: dict[str, tuple[int, ...]] = {
        "keys": (size, FEATURE_SIZE),
        "hint_state": (size, STATE_SIZE),
        "weights": (size, len(CRITICS)),
    }
    shapes |= {"last_used": (size,), "clock": (), "counts": (len(CacheCounters.__dataclass_fields__),)}
    for name, shape in shapes.items():
        came = state.get(name)
        if came is None or came.shape != shape or came.dtype.kind not in "fi":
            told = "nothing" if came is None else f"{came.dtype} of shape {came.shape}"
            raise CacheFileError(f"{path}: {told} came for {name}; numbers of shape {shape} are needed")
    return state
