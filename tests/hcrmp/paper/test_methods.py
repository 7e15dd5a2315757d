"""The protocol on paper: every method is an experiment, every table has methods, the paper's figures are its own."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from hcrmp.composition import options
from hcrmp.config import load
from hcrmp.paper import published
from hcrmp.paper.beyond import SENSORS
from hcrmp.paper.config import TABLES
from hcrmp.paper.methods import METHODS, OF_TABLE, REFERENCE
from hcrmp.paper.trainings import EXPERIMENT
from hcrmp.train import changes
from hcrmp.train_config import plain_config


@cache
def config(name: str) -> dict[str, Any]:
    return plain_config(load("train", [f"experiment={EXPERIMENT}{name}", "run=one"]))


def test_every_method_is_an_experiment_and_in_a_table() -> None:
    experiments = {name.removeprefix(EXPERIMENT) for name in options("experiment") if name.startswith(EXPERIMENT)}
    assert experiments == set(METHODS)
    assert set(OF_TABLE) == set(TABLES)
    assert {method for methods in OF_TABLE.values() for method in methods} == set(METHODS)


def test_no_two_methods_are_the_same_training() -> None:
    configs = {name: config(name) for name in METHODS}
    names = list(configs)
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            differs = changes(configs[first], configs[second]) or (
                configs[first]["total_steps"] != configs[second]["total_steps"]
            )
            # The model without knowledge is made, and named, by the job.
            assert differs or {first, second} == {"hcrmp_bundled", "no_knowledge"}, (first, second)


def test_an_ablation_differs_from_the_method_in_what_it_leaves_out_alone() -> None:
    reference = config(REFERENCE)
    for name in ("no_asr", "no_csa", "fixed_mean", "fixed_safe", "shuffled", "anchored", "attention"):
        assert changes(reference, config(name)) == ["algo"], name
    assert {sensor.hinted for sensor in SENSORS.values()} == {REFERENCE, "few_rays", "short_range", "noisy"}
    for name in ("few_rays", "short_range", "noisy"):
        assert changes(reference, config(name)) == ["observation"], name
        assert changes(config(name), config(f"{name}_no_asr")) == ["algo"], name
        assert changes(config(name), config(f"{name}_no_hints")) == ["hints"], name
    for name in ("hcrmp_wrong", "hcrmp_bundled", "missing", "no_hints"):
        assert changes(reference, config(name)) == ["hints"], name
    assert config("ppo_5x")["total_steps"] == 5 * 4_000_000 == 5 * reference["total_steps"]


def test_the_papers_mean_is_that_of_its_cells() -> None:
    cells = [number for numbers in published.SUCCESS["HCRMP"].values() for number in numbers]
    assert len(cells) == 12
    assert float(np.mean(cells)) == published.MEAN_SUCCESS
    assert published.success_in("trilemma/high") == published.PROVIDERS["Gemini-2.5-Pro"] == 64
    assert published.success_in("trilemma/medium") == published.ABLATION["hcrmp"]
    assert published.success_in("trilemma/low", "Vanilla PPO") is None
