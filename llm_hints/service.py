"""HintService: when to ask, what to return meanwhile, and how often each happened (the paper's SCM).

Time is simulated. Every world asks at its own 0, period, 2 periods, ... . An answer that takes ``latency`` holds from
asked + latency; until then the previous hint holds. What is not there ``window_s`` after the question is replaced:
by the nearest entry of the semantic cache, else by the last valid hint while it decays, else by the prior. An answer
that comes later than that only enters the cache, where its world may find it; a world with a question in the air
asks no second one, and its due times are served by the cache. With the policy ``cache_first`` the cache is called
first at every due time, and the provider is asked only about what it does not know. Events in the scene may make a
hint due before the period is over. Nothing that a provider answers, or fails to answer, ends an episode.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.asking import Asked, Clock, FailureLog, Latency, LatencyMeter, ask
from llm_hints.cache import SemanticCache
from llm_hints.chance import draw_key
from llm_hints.counters import HintCounters, HintCounts
from llm_hints.features import scene_keys
from llm_hints.held import HeldHints
from llm_hints.hint import HintBatch, HintSource
from llm_hints.providers.base import HintProvider
from llm_hints.questions import EPSILON_S, OpenQuestions, simulated_latency
from llm_hints.saving import Part, restore_parts, save_parts
from llm_hints.schedule import Schedule
from llm_hints.service_config import HintServiceConfig
from llm_hints.situation import bucket_of
from llm_hints.told import TalkLog
from llm_hints.watch import SceneWatch
from llm_hints.worker import CLOSE_TIMEOUT_S, HintWorker

_MODEL, _CACHE = int(HintSource.MODEL), int(HintSource.CACHE)


class HintService:
    """The hints of B worlds over time. ``reset`` at the start of episodes, ``poll`` at every environment step."""

    def __init__(
        self,
        provider: HintProvider,
        config: HintServiceConfig | None = None,
        batch_size: int = 1,
        rng: np.random.Generator | None = None,
        cache: SemanticCache | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        """Serve ``batch_size`` worlds from ``provider``.

        ``rng`` gives the key of the latency jitter; ``cache`` is the bank to use where the configuration has the cache
        on, perhaps a stored or shared one (by default a new one with default settings); ``clock`` tells wall time (s),
        for the latencies that are reported. ``talk`` tells what language models were asked and said in the last poll,
        if it is ``on``.
        """
        self.config = config or HintServiceConfig()
        self.provider = provider
        self.batch_size = batch_size
        self.cache = (cache if cache is not None else SemanticCache()) if self.config.cache else None
        self._key = draw_key(rng or np.random.default_rng(0))
        self._clock = clock
        self._worker = HintWorker(provider, clock) if self.config.mode == "realtime" else None
        self._watch = SceneWatch(self.config, batch_size)
        self._counts = HintCounts(batch_size)
        self._latencies, self._failures = LatencyMeter(), FailureLog(provider.name)
        self.talk = TalkLog(batch_size)
        self._held = HeldHints(batch_size, self.config.prior_weights, self.config.decay_s)
        self._questions = OpenQuestions(batch_size)
        self._schedule = Schedule(batch_size, self.config.period_s)
        self._needy = np.zeros(batch_size, dtype=np.bool_)  # within a poll: must be served without an answer
        self._missed = np.zeros(batch_size, dtype=np.bool_)  # within a poll: the cache has been called in vain

    @property
    def counters(self) -> HintCounters:
        """A snapshot of the counters since the service began."""
        return self._counts.total()

    def episode_counters(self, world: int) -> HintCounters:
        """Return the counters since the episode of ``world`` began."""
        return self._counts.of_episode(world)

    @property
    def latency(self) -> Latency:
        """The provider's recent wall times."""
        return self._latencies.told()

    @property
    def wall_times(self) -> tuple[FloatArray, FloatArray]:
        """The provider's recent wall times (s) of n batches, whole and divided by their hints, ``(n,)`` each."""
        return self._latencies.times()

    @property
    def hints(self) -> HintBatch:
        """The hints of the last poll."""
        return self._held.hints

    def reset(self, mask: BoolArray | None, scene: SceneBatch) -> HintBatch:
        """Forget the worlds of ``mask`` ``(B,)`` (all by default), whose episodes begin with ``scene``, and poll."""
        rows = np.arange(self.batch_size) if mask is None else np.flatnonzero(mask)
        self._schedule.hasten(rows)
        self._schedule.waiting[rows] = False
        self._schedule.recalled[rows] = False
        self._questions.forget(rows)
        self._watch.forget(rows)
        self._counts.begin_episodes(rows)
        self._held.clear(rows, scene.time_s[rows])
        if self._worker is not None:
            self._worker.forget(rows)
        return self.poll(scene)

    def poll(self, scene: SceneBatch) -> HintBatch:
        """Return the hints ``(B, ...)`` that hold at ``scene``.

        The returned arrays are the service's own and change with the next call: copy what is to be kept.
        """
        self.talk.clear()
        if self._watch.on:
            self._notice(scene)
        if self._worker is not None:
            self._collect(scene, self._worker)
        rows = self._schedule.attention(scene.time_s)
        if len(rows):
            self._serve(scene, rows)
        return self._held.hints

    def _notice(self, scene: SceneBatch) -> None:
        """Make a hint due now where danger or an event has overtaken the one that is held."""
        early = self._watch.notice(scene, self._open() | self._schedule.waiting)
        self._counts.count("events", early)
        self._schedule.hasten(early)

    def _open(self) -> BoolArray:
        """Return which worlds ``(B,)`` have a question in the air."""
        in_the_air: BoolArray = np.isfinite(self._questions.arrive_at_s)
        if self._worker is not None:
            in_the_air[self._worker.open_rows] = True
        return in_the_air

    def _serve(self, scene: SceneBatch, rows: IntArray) -> None:
        """Do all that is due in the worlds ``rows``, in the order in which it happened."""
        now = scene.time_s[rows]
        self._deliver(self._questions.arrived_by(rows, now))
        self._needy[self._questions.give_up(rows, now)] = True
        self._attend(scene, self._schedule.due(rows, now))
        self._fall_back(scene, rows[self._needy[rows]])
        fading = rows[self._held.is_fading(rows)]
        if len(fading):
            self._held.decay(fading, scene.time_s[fading])
        self._missed[rows] = False
        self._settle(rows)

    def _settle(self, rows: IntArray) -> None:
        """Set when each of ``rows`` needs attention next."""
        open_until_s = np.minimum(self._questions.arrive_at_s[rows], self._questions.expire_at_s[rows])
        self._schedule.settle(rows, open_until_s, self._held.is_fading(rows))

    def _attend(self, scene: SceneBatch, rows: IntArray) -> None:
        """Give ``rows``, whose hints are due, what the policy says: an entry of the cache, or a question."""
        if not len(rows):
            return
        self._counts.due(rows[~self._schedule.recalled[rows]])
        self._schedule.recalled[rows] = False
        if self.config.policy == "cache_first":
            rows = self._unknown(scene, rows)
        free = self._is_free(rows)
        if not free.all():
            self._put_off(rows[~free])
            rows = rows[free]
        if len(rows):
            self._ask(scene, rows)

    def _unknown(self, scene: SceneBatch, rows: IntArray) -> IntArray:
        """Serve from the cache what it knows of ``rows``; return the others, which must be asked about."""
        known = np.zeros(len(rows), dtype=np.bool_)
        may_look = ~self._watch.must_ask[rows]
        known[may_look] = self._look_up(scene, rows[may_look])
        self._missed[rows] = may_look & ~known
        # What was asked before and comes in its window still counts; nobody waits for it.
        self._questions.expire_at_s[rows[known]] = np.inf
        self._schedule.waiting[rows[known]] = False
        return rows[~known]

    def _is_free(self, rows: IntArray) -> BoolArray:
        """Return which of ``rows`` may ask now."""
        if self._worker is None:
            free: BoolArray = np.isinf(self._questions.arrive_at_s[rows])
            return free
        return np.full(len(rows), self._worker.idle)

    def _put_off(self, rows: IntArray) -> None:
        """Note that ``rows`` are due and cannot ask; those that do not wait for an answer must be served without."""
        self._counts.count("busy", rows)
        unserved = rows[np.isinf(self._questions.expire_at_s[rows])]
        self._schedule.waiting[unserved] = self._worker is not None
        self._needy[unserved] = True

    def _ask(self, scene: SceneBatch, rows: IntArray) -> None:
        """Send the questions of ``rows``; in lockstep the answers are taken at once and held until they arrive."""
        self._counts.count("asked", rows)
        self._questions.begin(rows, scene.time_s[rows], self.config.window_s)
        self._schedule.waiting[rows] = False
        self._watch.must_ask[rows] = False
        self._describe(scene, rows)
        if self._worker is not None:
            self._worker.submit(scene.rows(rows), rows)
            return
        asked = ask(self.provider, scene, rows, self._clock)
        self._note(rows, asked)
        latency = simulated_latency(self.config, self._key, scene, rows, asked.answers)
        self._questions.arrive_at_s[rows] = scene.time_s[rows] + latency
        self._lose(rows[np.isinf(latency)])
        self._deliver(rows[latency <= EPSILON_S])

    def _describe(self, scene: SceneBatch, rows: IntArray) -> None:
        """Note what ``rows`` ask about: for the cache, and for what may overtake the answer."""
        situations = self._watch.see(scene, rows)
        if self.cache is not None:
            self._questions.keys[rows] = scene_keys(scene, rows)
            self._questions.buckets[rows] = bucket_of(situations)

    def _note(self, rows: IntArray, asked: Asked) -> None:
        """Keep the answers of ``rows`` until they arrive, and count what the asking cost."""
        self._latencies.add(asked.wall_s, asked.asked)
        self._questions.keep(rows, asked.answers)
        self.talk.keep(rows, asked.answers)
        if asked.error is not None:
            self._counts.count("errors", rows)
            self._failures.tell(asked.error)

    def _lose(self, rows: IntArray) -> None:
        """Note that no answer will come for ``rows``; the window's end will find nothing."""
        self._counts.count("missing", rows)
        self._questions.arrive_at_s[rows] = np.inf

    def _deliver(self, rows: IntArray) -> None:
        """Take the answers that have arrived for ``rows``."""
        if not len(rows):
            return
        in_time, valid = self._questions.in_time(rows, self.config.window_s), self._questions.valid[rows]
        self._questions.arrive_at_s[rows] = np.inf
        self.talk.deliver(rows, self._questions.asked_at_s[rows], valid, in_time)
        self._remember(rows[valid])
        self._adopt(rows[valid & in_time])
        self._counts.count("invalid", rows[~valid])
        refused = rows[~valid & in_time]
        self._questions.expire_at_s[refused] = np.inf
        self._needy[refused] = True
        late = rows[valid & ~in_time]
        self._counts.count("late", late)
        self._needy[late] = self._held.is_stale(late)

    def _remember(self, rows: IntArray) -> None:
        """Put the pending answers of ``rows`` into the cache."""
        if self.cache is not None and len(rows):
            asked = self._questions
            self.cache.insert(asked.keys[rows], asked.buckets[rows], asked.hint_state[rows], asked.weights[rows])

    def _adopt(self, rows: IntArray) -> None:
        """Make the pending answers of ``rows`` their hints."""
        self._counts.count("answered", rows)
        asked = self._questions
        asked.expire_at_s[rows] = np.inf
        self._needy[rows] = False
        self._held.hold(rows, asked.hint_state[rows], asked.weights[rows], _MODEL, asked.asked_at_s[rows])

    def _fall_back(self, scene: SceneBatch, rows: IntArray) -> None:
        """Serve ``rows`` without an answer: from the cache, else from the last valid hint as it decays."""
        if not len(rows):
            return
        self._needy[rows] = False
        served = np.zeros(len(rows), dtype=np.bool_)
        if self.cache is not None:
            ask_cache = ~self._missed[rows]
            served[ask_cache] = self._look_up(scene, rows[ask_cache])
        left = rows[~served]
        self._counts.count("stale", left)
        self._held.go_stale(left, scene.time_s[left])

    def _look_up(self, scene: SceneBatch, rows: IntArray) -> BoolArray:
        """Serve ``rows`` (n) from the cache; return which of them it knew."""
        if self.cache is None or not len(rows):
            return np.zeros(len(rows), dtype=np.bool_)
        self._counts.call(rows)
        situations = self._watch.see(scene, rows)
        found = self.cache.lookup(scene_keys(scene, rows), bucket_of(situations))
        hit = rows[found.hit]
        self._counts.count("hits", hit)
        self._counts.count("misses", rows[~found.hit])
        self._needy[hit] = False
        self._held.hold(hit, found.state[found.hit], found.weights[found.hit], _CACHE, scene.time_s[hit])
        return found.hit

    def _collect(self, scene: SceneBatch, worker: HintWorker) -> None:
        """Take what the worker has finished since the last poll (realtime)."""
        finished = worker.finished()
        if finished is None:
            return
        rows, asked = finished
        self._note(rows, asked)
        self._questions.arrive_at_s[rows] = scene.time_s[rows]
        lost = np.isinf(asked.answers.latency_s)
        self._lose(rows[lost])
        self._deliver(rows[~lost])
        self._fall_back(scene, rows[self._needy[rows]])
        self._settle(rows)
        self._schedule.recall()

    def state(self) -> dict[str, Any]:
        """Return everything that later polls depend on, as plain arrays; open questions of realtime are lost."""
        return {"key": np.array(self._key), **save_parts(self.batch_size, self._parts())}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` of a service of the same configuration returned."""
        restore_parts(self.batch_size, self._parts(), state)
        self._key = int(state["key"])
        if self._worker is not None:
            self._worker.forget(np.arange(self.batch_size))

    def _parts(self) -> dict[str, Part]:
        """Return the parts that save themselves, by their names in the state."""
        parts: dict[str, Part] = {
            "counts": self._counts,
            "latencies": self._latencies,
            "held": self._held,
            "watch": self._watch,
            "questions": self._questions,
            "schedule": self._schedule,
            "provider": self.provider,
        }
        return parts if self.cache is None else {**parts, "cache": self.cache}

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        """End the worker thread, if there is one; a provider that hangs is left behind after ``timeout_s``."""
        if self._worker is not None:
            self._worker.close(timeout_s)
