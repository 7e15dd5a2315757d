"""HintService: when to ask, what to return meanwhile, and how often each happened (the paper's SCM).

Time is simulated. Every world asks at its own 0, period, 2 periods, ... . An answer that takes ``latency`` holds from
asked + latency; until then the previous hint holds. What is not there ``window_s`` after the question is replaced:
by the nearest entry of the semantic cache, else by the last valid hint while it decays, else by the prior. An answer
that comes later than that only enters the cache, where its world may find it; a world with a question in the air
asks no second one, and its due times are served by the cache. Nothing that a provider answers, or fails to answer,
ends an episode.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.compiled import njit
from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.cache import SemanticCache
from llm_hints.chance import draw_key, uniforms
from llm_hints.features import FEATURE_SIZE, scene_keys
from llm_hints.hint import CRITICS, SCENARIO_SIZE, STATE_SIZE, HintBatch, HintSource
from llm_hints.providers.base import HintAnswers, HintProvider, HintProviderError
from llm_hints.providers.rules import RulesProvider
from llm_hints.service_config import HintCounters, HintServiceConfig
from llm_hints.worker import HintWorker

_EPSILON_S = 1e-6
"""Simulated times that differ by less are equal: times are sums of decision periods."""

_MODEL, _CACHE, _STALE, _PRIOR = (
    int(source) for source in (HintSource.MODEL, HintSource.CACHE, HintSource.STALE, HintSource.PRIOR)
)


@njit
def due_rows(time_s: FloatArray, due_s: FloatArray, rows: IntArray) -> int:
    """Write the worlds whose next event has come into ``rows`` (B); return how many they are."""
    count = 0
    for b in range(len(due_s)):
        if time_s[b] >= due_s[b]:
            rows[count] = b
            count += 1
    return count


class HintService:
    """The hints of B worlds over time. ``reset`` at the start of episodes, ``poll`` at every environment step."""

    def __init__(
        self,
        provider: HintProvider,
        config: HintServiceConfig | None = None,
        batch_size: int = 1,
        rng: np.random.Generator | None = None,
        cache: SemanticCache | None = None,
    ) -> None:
        """Serve ``batch_size`` worlds from ``provider``.

        ``rng`` gives the key of the latency jitter; ``cache`` is the bank to use where the configuration has the cache
        on, perhaps a stored or shared one (by default a new one with default settings).
        """
        self.config = config or HintServiceConfig()
        self.provider = provider
        self.batch_size = batch_size
        self.cache = (cache if cache is not None else SemanticCache()) if self.config.cache else None
        self._key = draw_key(rng or np.random.default_rng(0))
        self._worker = HintWorker(provider) if self.config.mode == "realtime" else None
        self._watch = RulesProvider() if self.config.ask_on_danger else None
        self._counts = dict.fromkeys(HintCounters.__dataclass_fields__, 0)
        self._rows = np.zeros(batch_size, dtype=np.int64)
        self._hints = HintBatch.prior(batch_size, self.config.prior_weights)
        self._allocate(batch_size)

    def _allocate(self, batch: int) -> None:
        """Create the arrays of every world's question and last valid hint."""
        forever = np.full(batch, np.inf)
        self._due_s = np.full(batch, -np.inf)  # next event of any kind; -inf: look at every poll
        self._ask_at_s = np.zeros(batch)
        self._asked_at_s = np.zeros(batch)
        self._arrive_at_s = forever.copy()  # inf: no question open
        self._expire_at_s = forever.copy()  # inf: nothing waited for
        self._stale_since_s = forever.copy()  # inf: not stale
        self._danger = np.zeros(batch, dtype=np.bool_)
        self._needy = np.zeros(batch, dtype=np.bool_)  # within a poll: must be served without an answer
        self._due_count = np.zeros(batch, dtype=np.int64)  # of the episode: times that a hint was due
        self._call_count = np.zeros(batch, dtype=np.int64)  # of the episode: times that the cache was called
        self._waiting = np.zeros(batch, dtype=np.bool_)  # realtime: due while the worker was at other worlds
        self._pending_valid = np.zeros(batch, dtype=np.bool_)
        self._pending_state = np.zeros((batch, STATE_SIZE))
        self._pending_weights = np.zeros((batch, len(CRITICS)))
        self._pending_keys = np.zeros((batch, FEATURE_SIZE))
        self._last_state = np.zeros((batch, STATE_SIZE))
        self._last_weights = np.tile(np.asarray(self.config.prior_weights, dtype=np.float64), (batch, 1))

    @property
    def counters(self) -> HintCounters:
        """A snapshot of the counters."""
        return HintCounters(**self._counts)

    @property
    def episode_counts(self) -> tuple[IntArray, IntArray]:
        """How often a hint was due, and the cache called for one, since each world's episode began, each ``(B,)``."""
        return self._due_count, self._call_count

    @property
    def hints(self) -> HintBatch:
        """The hints of the last poll."""
        return self._hints

    def reset(self, mask: BoolArray | None, scene: SceneBatch) -> HintBatch:
        """Forget the worlds of ``mask`` ``(B,)`` (all by default), whose episodes begin with ``scene``, and poll."""
        rows = np.arange(self.batch_size) if mask is None else np.flatnonzero(mask)
        self._ask_at_s[rows] = -np.inf
        self._due_s[rows] = -np.inf
        for times in (self._arrive_at_s, self._expire_at_s, self._stale_since_s):
            times[rows] = np.inf
        self._danger[rows] = False
        self._waiting[rows] = False
        self._due_count[rows], self._call_count[rows] = 0, 0
        self._last_state[rows] = 0.0
        self._last_weights[rows] = self.config.prior_weights
        self._show(rows, self._last_state[rows], self._last_weights[rows], _PRIOR, scene.time_s[rows])
        if self._worker is not None:
            self._worker.forget(rows)
        return self.poll(scene)

    def poll(self, scene: SceneBatch) -> HintBatch:
        """Return the hints ``(B, ...)`` that hold at ``scene``.

        The returned arrays are the service's own and change with the next call: copy what is to be kept.
        """
        if self._watch is not None:
            self._notice_danger(scene, self._watch)
        if self._worker is not None:
            self._collect(scene, self._worker)
        count = due_rows(scene.time_s, self._due_s, self._rows)
        if count:
            self._serve(scene, self._rows[:count].copy())
        return self._hints

    def _serve(self, scene: SceneBatch, rows: IntArray) -> None:
        """Do all that is due in the worlds ``rows``, in the order in which it happened."""
        now = scene.time_s[rows] + _EPSILON_S
        self._deliver(rows[self._arrive_at_s[rows] <= now])
        expired = rows[self._expire_at_s[rows] <= now]
        self._expire_at_s[expired] = np.inf
        self._needy[expired] = True
        self._ask_due(scene, rows[self._ask_at_s[rows] <= now])
        self._fall_back(scene, rows[self._needy[rows]])
        self._decay(scene, rows[np.isfinite(self._stale_since_s[rows])])
        self._schedule(rows)

    def _schedule(self, rows: IntArray) -> None:
        """Set when each of ``rows`` needs attention next; a stale one does at every step."""
        due = np.minimum(np.minimum(self._ask_at_s[rows], self._arrive_at_s[rows]), self._expire_at_s[rows])
        due[np.isfinite(self._stale_since_s[rows]) & (self._hints.source[rows] != _PRIOR)] = -np.inf
        self._due_s[rows] = due - _EPSILON_S

    def _ask_due(self, scene: SceneBatch, rows: IntArray) -> None:
        """Ask for those of ``rows`` that have no question open; serve the others from the cache."""
        if not len(rows):
            return
        self._due_count[rows] += 1
        now = scene.time_s[rows]
        self._ask_at_s[rows] = (np.floor((now + _EPSILON_S) / self.config.period_s) + 1.0) * self.config.period_s
        free = self._is_free(rows)
        if not free.all():
            busy = rows[~free]
            self._counts["busy"] += len(busy)
            unserved = busy[np.isinf(self._expire_at_s[busy])]
            self._waiting[unserved] = self._worker is not None
            self._needy[unserved] = True
            rows = rows[free]
        if len(rows):
            self._ask(scene, rows)

    def _is_free(self, rows: IntArray) -> BoolArray:
        """Return which of ``rows`` may ask now."""
        if self._worker is None:
            free: BoolArray = np.isinf(self._arrive_at_s[rows])
            return free
        return np.full(len(rows), self._worker.idle)

    def _ask(self, scene: SceneBatch, rows: IntArray) -> None:
        """Send the questions of ``rows``; in lockstep the answers are taken at once and held until they arrive."""
        self._counts["asked"] += len(rows)
        self._asked_at_s[rows] = scene.time_s[rows]
        self._waiting[rows] = False
        if self.cache is not None:
            self._pending_keys[rows] = scene_keys(scene, rows)
        if self._worker is not None:
            self._expire_at_s[rows] = scene.time_s[rows] + self.config.window_s
            self._worker.submit(scene.rows(rows), rows)
            return
        answers = self._answers(scene, rows)
        latency = self._latency(scene, rows, answers)
        self._pending_state[rows] = answers.hints.state
        self._pending_weights[rows] = answers.hints.weights
        self._pending_valid[rows] = answers.valid
        self._arrive_at_s[rows] = scene.time_s[rows] + latency
        self._expire_at_s[rows] = scene.time_s[rows] + self.config.window_s
        self._lose(rows[np.isinf(latency)])
        self._deliver(rows[latency <= _EPSILON_S])

    def _answers(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the provider's answers, or as many missing ones where it could not answer."""
        try:
            return self.provider.ask(scene, rows)
        except HintProviderError:
            nothing = HintBatch.prior(len(rows), self.config.prior_weights)
            return HintAnswers(nothing, np.zeros(len(rows), dtype=np.bool_), np.full(len(rows), np.inf))

    def _latency(self, scene: SceneBatch, rows: IntArray, answers: HintAnswers) -> FloatArray:
        """Return the simulated seconds ``(n,)`` until each answer holds."""
        latency = answers.latency_s + self.config.latency_s
        if self.config.latency_jitter_s > 0:
            latency += self.config.latency_jitter_s * uniforms(self._key, scene, rows, 1)[:, 0]
        if self.config.late == "wait":
            latency = np.where(np.isfinite(latency), np.minimum(latency, self.config.window_s), latency)
        return latency

    def _lose(self, rows: IntArray) -> None:
        """Note that no answer will come for ``rows``; the window's end will find nothing."""
        self._counts["missing"] += len(rows)
        self._arrive_at_s[rows] = np.inf

    def _deliver(self, rows: IntArray) -> None:
        """Take the answers that have arrived for ``rows``."""
        if not len(rows):
            return
        in_time = self._arrive_at_s[rows] <= self._asked_at_s[rows] + self.config.window_s + _EPSILON_S
        valid = self._pending_valid[rows]
        self._arrive_at_s[rows] = np.inf
        good = rows[valid]
        if self.cache is not None and len(good):
            self.cache.insert(self._pending_keys[good], self._pending_state[good], self._pending_weights[good])
        if valid.all() and in_time.all():
            self._adopt(rows)
            return
        self._counts["late"] += int((valid & ~in_time).sum())
        self._counts["invalid"] += int((~valid).sum())
        self._adopt(rows[valid & in_time])
        refused = rows[~valid & in_time]
        self._expire_at_s[refused] = np.inf
        self._needy[refused] = True
        late = rows[valid & ~in_time]
        self._needy[late] = np.isfinite(self._stale_since_s[late])

    def _adopt(self, rows: IntArray) -> None:
        """Make the pending answers of ``rows`` their hints."""
        self._counts["answered"] += len(rows)
        self._expire_at_s[rows] = np.inf
        self._hold(rows, self._pending_state[rows], self._pending_weights[rows], _MODEL, self._asked_at_s[rows])

    def _fall_back(self, scene: SceneBatch, rows: IntArray) -> None:
        """Serve ``rows`` without an answer: from the cache, else from the last valid hint as it decays."""
        if not len(rows):
            return
        self._needy[rows] = False
        served = np.zeros(len(rows), dtype=np.bool_)
        if self.cache is not None:
            self._call_count[rows] += 1
            found = self.cache.lookup(scene_keys(scene, rows))
            served = found.hit
            self._counts["hits"] += int(served.sum())
            self._counts["misses"] += int((~served).sum())
            hit = rows[served]
            self._hold(hit, found.state[served], found.weights[served], _CACHE, scene.time_s[hit])
        left = rows[~served]
        self._counts["stale"] += len(left)
        self._stale_since_s[left] = np.minimum(self._stale_since_s[left], scene.time_s[left])

    def _hold(self, rows: IntArray, state: FloatArray, weights: FloatArray, source: int, issued_s: FloatArray) -> None:
        """Make valid hints those of ``rows``, and remember them for decay."""
        self._needy[rows] = False
        self._last_state[rows] = state
        self._last_weights[rows] = weights
        self._stale_since_s[rows] = np.inf
        self._show(rows, state, weights, source, issued_s)

    def _show(self, rows: IntArray, state: FloatArray, weights: FloatArray, source: int, issued_s: FloatArray) -> None:
        """Write what the next poll returns for ``rows``."""
        self._hints.state[rows] = state
        self._hints.weights[rows] = weights
        self._hints.source[rows] = source
        self._hints.issued_at_s[rows] = issued_s

    def _decay(self, scene: SceneBatch, rows: IntArray) -> None:
        """Move stale hints towards the prior.

        The weights decay by exp(-t / decay_s). The critical entities, which describe a moment, are dropped when half of
        the trust is gone; road category and density are kept until the hint is the prior (5 % left).
        """
        rows = rows[self._hints.source[rows] != _PRIOR]
        if not len(rows):
            return
        trust = np.exp(-(scene.time_s[rows] - self._stale_since_s[rows]) / self.config.decay_s)
        prior = np.asarray(self.config.prior_weights)
        self._hints.weights[rows] = prior + trust[:, None] * (self._last_weights[rows] - prior)
        self._hints.source[rows] = _STALE
        self._hints.state[rows[trust < 0.5], SCENARIO_SIZE:] = 0.0
        gone = rows[trust < 0.05]
        self._hints.state[gone] = 0.0
        self._hints.weights[gone] = prior
        self._hints.source[gone] = _PRIOR

    def _notice_danger(self, scene: SceneBatch, watch: RulesProvider) -> None:
        """Make a world ask now where its risk has just risen above the threshold."""
        danger = watch.risk(scene) >= self.config.danger_risk
        onset = danger & ~self._danger & (scene.time_s - self._asked_at_s >= self.config.danger_gap_s - _EPSILON_S)
        self._danger = danger
        onset &= np.isinf(self._arrive_at_s)
        if onset.any():
            self._ask_at_s[onset] = -np.inf
            self._due_s[onset] = -np.inf

    def _collect(self, scene: SceneBatch, worker: HintWorker) -> None:
        """Take what the worker has finished since the last poll (realtime)."""
        finished = worker.finished()
        if finished is None:
            return
        rows, answers = finished
        self._pending_state[rows] = answers.hints.state
        self._pending_weights[rows] = answers.hints.weights
        self._pending_valid[rows] = answers.valid
        self._arrive_at_s[rows] = scene.time_s[rows]
        lost = np.isinf(answers.latency_s)
        self._lose(rows[lost])
        self._deliver(rows[~lost])
        self._fall_back(scene, rows[self._needy[rows]])
        self._schedule(rows)
        self._ask_at_s[self._waiting] = -np.inf
        self._due_s[self._waiting] = -np.inf

    def state(self) -> dict[str, Any]:
        """Return everything that later polls depend on, as plain arrays; open questions of realtime are lost."""
        return {
            "key": np.array(self._key),
            "counts": np.array(list(self._counts.values()), dtype=np.int64),
            "hints": {name: getattr(self._hints, name).copy() for name in HintBatch.__dataclass_fields__},
            "worlds": {name: getattr(self, name).copy() for name in _WORLD_ARRAYS},
            "cache": {} if self.cache is None else self.cache.state(),
            "provider": self.provider.state(),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` of a service of the same configuration returned."""
        if len(state["worlds"]["_due_s"]) != self.batch_size:
            raise ValueError(
                f"a hint service of {len(state['worlds']['_due_s'])} worlds came; this one has {self.batch_size}"
            )
        self._key = int(state["key"])
        self._counts = dict(zip(self._counts, (int(count) for count in state["counts"]), strict=True))
        for name, numbers in state["hints"].items():
            getattr(self._hints, name)[:] = numbers
        for name in _WORLD_ARRAYS:
            getattr(self, name)[:] = state["worlds"][name]
        if self.cache is not None:
            self.cache.set_state(state["cache"])
        self.provider.set_state(state["provider"])
        if self._worker is not None:
            self._worker.forget(np.arange(self.batch_size))

    def close(self) -> None:
        """End the worker thread, if there is one."""
        if self._worker is not None:
            self._worker.close()


_WORLD_ARRAYS = (
    "_due_s",
    "_ask_at_s",
    "_asked_at_s",
    "_arrive_at_s",
    "_expire_at_s",
    "_stale_since_s",
    "_danger",
    "_waiting",
    "_due_count",
    "_call_count",
    "_pending_valid",
    "_pending_state",
    "_pending_weights",
    "_pending_keys",
    "_last_state",
    "_last_weights",
)
"""Arrays of the service with one row per world, as they are saved."""
