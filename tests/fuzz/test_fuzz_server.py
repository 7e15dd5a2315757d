"""A short, deterministic run of the server's fuzz, and that it would notice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from envs.carla_server.calls.table import CallTable, value
from envs.carla_server.payloads import integer
from tests.fuzz import fuzz_carla_server
from tests.fuzz.fuzz_carla_server import CALLS, fuzz_bytes, fuzz_call, fuzz_calls, mutated


def test_two_thousand_calls_are_answered_or_refused() -> None:
    outcomes = fuzz_calls(2000, seed=0)
    assert outcomes["failed"] == 0
    assert outcomes["answered"] > 200 and outcomes["refused"] > 200 and outcomes["unknown"] > 5


def test_broken_connections_do_not_disturb_a_sound_one() -> None:
    outcomes = fuzz_bytes(100, seed=0)
    assert outcomes["served"] == 100 and outcomes["failed"] == 0


def test_a_mutation_depends_on_its_seed_alone_and_leaves_the_original() -> None:
    arguments: Any = CALLS["spawn_actor"]
    before = repr(arguments)
    drawn = [repr(mutated(arguments, np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert repr(arguments) == before


def test_a_fault_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(number: int) -> float:
        return 1 / (number - number)

    monkeypatch.setattr(fuzz_carla_server, "CALLS", {"divide": [1]})
    table = CallTable({"divide": value(broken, integer)})
    with pytest.raises(AssertionError, match="a fault of the server"):
        for index in range(20):
            fuzz_call(table, 0, index)
