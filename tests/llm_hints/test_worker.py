"""Realtime: a slow provider never holds up a poll, and its thread ends with the service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from envs.scene import IntArray, SceneBatch
from llm_hints.hint import HintBatch, HintSource
from llm_hints.providers.base import HintAnswers, HintProviderError
from llm_hints.providers.rules import RulesProvider
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from llm_hints.worker import HintWorker
from tests.envs.builders import make_actor, make_scene

PRIOR, MODEL, CACHE, STALE = (int(source) for source in HintSource)
PATIENCE_S = 10.0
"""Longest that a test waits for a thread; a failing test ends, a passing one does not wait."""


class Gated(RulesProvider):
    """Rules that answer a batch when the test opens the gate; they may fail instead."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.asked: list[int] = []
        self.error: Exception | None = None

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        self.asked.append(len(rows))
        assert self.gate.acquire(timeout=PATIENCE_S)
        if self.error is not None:
            raise self.error
        return super().ask(scene, rows)


class Bench:
    """A realtime service with its gated provider and a scene of ``batch`` worlds with a car ahead."""

    def __init__(self, batch: int, cache: bool) -> None:
        self.provider = Gated()
        self.service = HintService(self.provider, HintServiceConfig(mode="realtime", cache=cache), batch)
        self.scene = make_scene(batch, [make_actor(20, 0)])
        self.scene.ego.speed[:] = 8.0

    def poll(self, time_s: float | list[float]) -> HintBatch:
        self.scene.time_s[:] = time_s
        return self.service.poll(self.scene).copy()

    def answer(self) -> None:
        """Let the provider answer one batch, and wait until the answer is there to be polled."""
        self.provider.gate.release()
        worker = self.service._worker
        assert worker is not None
        result = worker._results.get(timeout=PATIENCE_S)
        worker._results.put(result)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Return a maker of benches, whose threads are ended after the test."""
    made: list[Bench] = []

    def make(batch: int = 1, cache: bool = False) -> Bench:
        made.append(Bench(batch, cache))
        return made[-1]

    yield make
    for each in made:
        for _ in range(10):
            each.provider.gate.release()
        each.service.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("hints-")]


def test_a_poll_returns_before_the_answer_and_shows_it_afterwards(bench: Callable[..., Bench]) -> None:
    b = bench()
    assert b.service.reset(None, b.scene).source[0] == PRIOR
    assert b.poll(0.1).source[0] == PRIOR
    b.answer()
    shown = b.poll(0.4)
    assert shown.source[0] == MODEL and shown.issued_at_s[0] == 0.0
    assert shown.weights[0].tolist() == [0.72, 0.17, 0.11]


def test_the_scene_may_change_while_the_provider_thinks(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.service.reset(None, b.scene)
    b.scene.actors.block[:] = 0.0
    b.answer()
    assert b.poll(0.4).weights[0, 0] == 0.72


def test_after_the_window_it_goes_stale_and_the_answer_counts_as_late(bench: Callable[..., Bench]) -> None:
    b = bench(cache=True)
    b.service.reset(None, b.scene)
    b.answer()
    assert b.poll(0.5).source[0] == MODEL
    b.poll(1.0)
    assert b.poll(2.0).source[0] == CACHE
    b.answer()
    # Its next due time passed meanwhile, so it is asked about again as soon as the worker is idle.
    b.poll(2.5)
    counts = b.service.counters
    assert (counts.asked, counts.answered, counts.late, counts.busy, counts.hits) == (3, 1, 1, 1, 1)
    assert counts.due == 3, "a hint that waited was due once"


def test_an_episode_that_ended_does_not_get_the_answer(bench: Callable[..., Bench]) -> None:
    b = bench(batch=2)
    b.service.reset(None, b.scene)
    b.scene.time_s[:] = [0.5, 0.0]
    b.service.reset(np.array([False, True]), b.scene)
    b.answer()
    assert b.poll([0.6, 0.1]).source.tolist() == [MODEL, PRIOR]
    # World 1 had to wait for the worker; it is asked about as soon as that is idle.
    b.answer()
    assert b.poll([0.8, 0.3]).source.tolist() == [MODEL, MODEL]
    assert b.provider.asked == [2, 1]


def test_failures_of_the_provider_and_of_the_program(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.provider.error = HintProviderError("no connection")
    b.service.reset(None, b.scene)
    b.answer()
    assert b.poll(0.5).source[0] == PRIOR
    assert b.service.counters.missing == 1
    b.provider.error = KeyError("a fault")
    b.poll(1.0)
    b.answer()
    with pytest.raises(KeyError, match="a fault"):
        b.poll(1.5)


def test_resuming_drops_what_was_in_the_air(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.service.reset(None, b.scene)
    state = b.service.state()
    b.service.set_state(state)
    b.answer()
    assert b.poll(0.5).source[0] == PRIOR


def test_a_busy_or_closed_worker_takes_nothing() -> None:
    provider = Gated()
    worker = HintWorker(provider)
    worker.submit(make_scene(1), np.arange(1))
    with pytest.raises(RuntimeError, match="busy or closed"):
        worker.submit(make_scene(1), np.arange(1))
    provider.gate.release()
    worker.close()
    worker.close()
    assert worker.finished() is not None
    with pytest.raises(RuntimeError, match="busy or closed"):
        worker.submit(make_scene(1), np.arange(1))
