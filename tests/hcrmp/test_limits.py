"""Settings that mean nothing are refused before anything is trained, in words."""

from __future__ import annotations

from dataclasses import fields

import pytest

from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.baselines import PpoOptions, SacOptions, Td3Options
from hcrmp.config import load
from hcrmp.errors import ConfigError
from hcrmp.limits import LIMITS
from hcrmp.policy import PolicyConfig


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["algo.gamma=1.5"], "gamma must be from 0 to 1, got 1.5"),
        (["algo=ppo", "algo.learning_rate=-1"], "learning_rate must be at least 0, got -1"),
        (["algo=sac", "algo.tau=7"], "tau must be from 0 to 1, got 7"),
        (["algo=td3", "algo.net_arch=[64,0]"], "net_arch must be at least 1, got 0"),
        (["algo.policy.actor_layers=[-3]"], "actor_layers must be at least 1, got -3"),
        (["algo.clip_range=0"], "clip_range must be more than 0, got 0"),
        (["algo.scale_terms=true"], "scale_terms scales what weights_on=reward adds up"),
        (["seed=-1"], "seed must be at least 0, got -1"),
    ],
)
def test_a_number_outside_of_its_limit_is_named_with_what_is_allowed(words: list[str], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load("train", words)
    assert told in str(refused.value)


def test_a_demo_of_nothing_is_refused() -> None:
    for words in (["minutes=-1"], ["episodes=0"]):
        with pytest.raises(ConfigError, match="must be"):
            load("demo", words)


def test_every_limit_is_of_a_setting() -> None:
    settings = (HcrmpConfig, PpoOptions, SacOptions, Td3Options, PolicyConfig)
    assert set(LIMITS) <= {field.name for one in settings for field in fields(one)}
