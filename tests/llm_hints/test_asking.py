"""One call of a provider: wall times by a clock that the test turns, failures told once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.scene import IntArray, SceneBatch
from llm_hints.asking import REMEMBERED, TOLD_KINDS, FailureLog, Latency, LatencyMeter
from llm_hints.providers.base import HintAnswers, HintProviderError
from llm_hints.providers.rules import RulesProvider
from llm_hints.saving import HintStateError
from llm_hints.service import HintService
from llm_hints.service_config import HintServiceConfig
from tests.envs.builders import make_scene
from tests.llm_hints.drives import drive


def test_percentiles_by_hand() -> None:
    """Batches of 1 to 100 seconds, ten hints each: half took at most 50 s."""
    meter = LatencyMeter()
    assert meter.told().batches == 0 and math.isnan(meter.told().batch_p50_ms)
    for seconds in np.random.default_rng(0).permutation(np.arange(1, 101)):
        meter.add(float(seconds), 10)
    expected = Latency(100, 50_000.0, 95_000.0, 99_000.0, 5_000.0, 9_500.0, 9_900.0)
    assert meter.told() == expected


def test_only_the_last_batches_are_remembered() -> None:
    meter = LatencyMeter()
    for _ in range(REMEMBERED):
        meter.add(9.0, 1)
    for _ in range(REMEMBERED):
        meter.add(1.0, 1)
    assert meter.told() == Latency(REMEMBERED, *[1000.0] * 6)


class Ticking:
    """A clock that shows a quarter of a second more each time that it is looked at."""

    def __init__(self) -> None:
        self.shown = 0.0

    def __call__(self) -> float:
        self.shown += 0.25
        return self.shown


@pytest.mark.parametrize("mode", ["lockstep", "realtime"])
def test_the_service_times_each_batch_and_a_resumed_one_remembers(mode: str) -> None:
    """Each call looks at the clock before and after: 250 ms a batch of five worlds, 50 ms a hint."""
    config = HintServiceConfig(mode=mode)  # type: ignore[arg-type]
    service, resumed = HintService(RulesProvider(), config, 5, clock=Ticking()), HintService(RulesProvider(), config, 5)
    scene = make_scene(5)
    try:
        service.reset(None, scene)
        if service._worker is not None:
            service._worker._results.put(service._worker._results.get(timeout=120.0))
            service.poll(scene)
        assert service.latency == Latency(1, 250.0, 250.0, 250.0, 50.0, 50.0, 50.0)
        resumed.set_state(service.state())
        assert resumed.latency == service.latency
    finally:
        service.close()
        resumed.close()


class Failing(RulesProvider):
    """Fails as the test says, in turn, then goes on with the last."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self.errors = list(errors)

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        raise self.errors.pop(0) if len(self.errors) > 1 else self.errors[0]


def test_each_kind_of_failure_is_told_once_and_counted_always(caplog: pytest.LogCaptureFixture) -> None:
    refused = [HintProviderError(f"no connection to port {port}") for port in (8000, 8001)]
    deadline = HintProviderError("no answer\nwithin 2.5 s")
    service = HintService(Failing(*refused, deadline), batch_size=3)
    steps = sum(1 for _ in drive(service, make_scene(3), 4.5))
    assert steps == 46, "no step was in the way"
    assert [record.getMessage() for record in caplog.records] == [
        "hint provider rules: no connection to port 8000 (counted as missing; told once)",
        "hint provider rules: no answer within 2.5 s (counted as missing; told once)",
    ]
    counts = service.counters
    assert (counts.asked, counts.missing, counts.errors, counts.answered) == (15, 15, 15, 0)


def test_a_failure_with_another_cause_is_another_kind(caplog: pytest.LogCaptureFixture) -> None:
    log = FailureLog("x")
    for cause in (TimeoutError(), TimeoutError(), ConnectionError()):
        error = HintProviderError("no answer")
        error.__cause__ = cause
        log.tell(error)
    assert len(caplog.records) == 2


def test_failures_that_all_read_otherwise_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log = FailureLog("x")
    for number in range(100):
        log.tell(HintProviderError("a" * number))
    assert len(caplog.records) == TOLD_KINDS


def test_any_other_exception_is_a_fault_and_surfaces() -> None:
    with pytest.raises(KeyError, match="a fault"):
        HintService(Failing(KeyError("a fault"))).reset(None, make_scene(1))


def test_a_state_of_another_version_is_refused_before_anything_is_touched() -> None:
    service = HintService(RulesProvider())
    service.reset(None, make_scene(1))
    old = {name: part for name, part in service.state().items() if name != "questions"}
    with pytest.raises(HintStateError, match="another version"):
        service.set_state(old)
    assert service.counters.asked == 1
