"""What the cache serves where a planner drives: as near to the expert's present weights as asking once a second."""

import numpy as np
import pytest

from hcrmp.bundled import bundled_planner
from llm_hints.cache import CacheConfig
from tests.benchmarks.bench_served import drive


@pytest.mark.parametrize(("family", "most"), [("occluded_pedestrian", 1.2), ("overtaking", 0.8)])
def test_what_the_cache_serves_follows_the_risk(family: str, most: float) -> None:
    """A key that cannot tell who leaves the path from who enters it serves twice the error where the ego stands."""
    moments = drive(bundled_planner(), family, CacheConfig(capacity=10_000, threshold=0.95), worlds=32, steps=200)
    seen = np.concatenate(list(moments))
    speed, second, cached, present, asked = seen.T
    chosen = speed < 0.5 if family == "occluded_pedestrian" else np.ones(len(seen), np.bool_)
    assert chosen.sum() > 500
    errors = [np.sqrt(((weights[chosen] - present[chosen]) ** 2).mean()) for weights in (second, cached)]
    assert errors[1] < most * errors[0]
    assert asked.mean() < 0.25, "else the cache has served nothing"
