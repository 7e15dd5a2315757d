"""TET and TIT by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.metrics.exposure import time_exposed, time_integrated

TTC = np.array([math.inf, 4.0, 3.0, 2.0, 1.0, 2.5, math.inf])


def test_by_hand() -> None:
    """At or below 2.5 s: 2.0, 1.0 and 2.5; short by 0.5, 1.5 and 0; a tick is 0.1 s."""
    assert time_exposed(TTC, 2.5, 0.1) == pytest.approx(0.3)
    assert time_integrated(TTC, 2.5, 0.1) == pytest.approx(0.2)


def test_a_batch_of_drives() -> None:
    batch = np.stack([TTC, np.full(7, math.inf)])
    assert time_exposed(batch, 2.5, 0.1) == pytest.approx([0.3, 0.0])
    assert time_integrated(batch, 2.5, 0.1) == pytest.approx([0.2, 0.0])


@given(st.lists(st.floats(0.0, 10.0), min_size=1, max_size=30), st.floats(0.1, 5.0), st.floats(0.0, 5.0))
def test_bounds_and_a_stricter_threshold(times: list[float], threshold: float, more: float) -> None:
    ttc = np.array(times)
    exposed, integrated = time_exposed(ttc, threshold, 0.1), time_integrated(ttc, threshold, 0.1)
    assert 0.0 <= integrated <= threshold * exposed + 1e-9
    assert exposed <= time_exposed(ttc, threshold + more, 0.1) + 1e-9
    assert integrated <= time_integrated(ttc, threshold + more, 0.1) + 1e-9
