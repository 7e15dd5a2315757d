"""The error of values, by hand."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hcrmp.paper.values import discounted, over_seeds, value_error


@dataclass
class Drive:
    trace: Any


def drive(values: Any, rewards: Any) -> Any:
    return Drive(SimpleNamespace(values=values, reward_terms=rewards))


def test_returns_are_discounted_sums() -> None:
    assert discounted(np.array([[1.0, 0.0], [2.0, 0.0], [4.0, 8.0]]), 0.5).tolist() == [
        [3.0, 2.0],
        [4.0, 4.0],
        [4.0, 8.0],
    ]


def test_values_that_foretell_what_comes_have_no_error() -> None:
    # Rewards are earned by arriving in a scene: that of the first one is nobody's.
    rewards = np.array([[9.0, 9.0, 9.0], [1.0, 0.0, 2.0], [2.0, -4.0, 0.0]])
    right = np.array([[2.0, -2.0, 2.0], [2.0, -4.0, 0.0], [7.0, 7.0, 7.0]])  # the last scene's is never asked
    apart, size = value_error(drive(right, rewards), gamma=0.5)
    assert apart.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert size.tolist() == [4.0, 6.0, 2.0, 4.0]
    wrong = right + np.array([1.0, -1.0, 0.0])
    apart, _ = value_error(drive(wrong, rewards), gamma=0.5)
    assert apart.tolist() == [2.0, 2.0, 0.0, 0.0]  # in the sum the two errors are none


def test_the_interval_over_seeds_is_students() -> None:
    found = over_seeds([0.1, 0.2, 0.3])
    assert found.value == pytest.approx(0.2)
    assert found.high - found.value == pytest.approx(4.302653 * 0.1 / np.sqrt(3), rel=1e-6)
    alone = over_seeds([0.4])
    assert alone.value == 0.4 and np.isnan(alone.low)
