"""Strict conversion of mappings to dataclasses, and the composition of every shipped configuration."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrmp.baselines import PpoOptions
from hcrmp.composition import compose, default_choices, groups, options
from hcrmp.config import load
from hcrmp.errors import ConfigError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.locate import locate_run
from hcrmp.mapping import from_mapping, to_mapping
from hcrmp.replay_config import ReplayConfig
from hcrmp.sections import HintsConfig
from hcrmp.train_config import HcrmpOptions, TrainConfig, load_train
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.providers.transformers_config import TransformersConfig


class Colour(IntEnum):
    RED = 0
    GREEN = 1


@dataclass(frozen=True)
class Cat:
    name: Literal["cat"] = "cat"
    lives: int = 9


@dataclass(frozen=True, slots=True)
class Dog:
    name: Literal["dog"] = "dog"
    barks: bool = True


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5

    def __post_init__(self) -> None:
        if self.rate < 0:
            raise ValueError(f"rate must be at least 0, got {self.rate}")


@dataclass(frozen=True)
class Outer:
    count: int
    name: str = "x"
    flag: bool = False
    limit: float | None = None
    mode: Literal["slow", "fast"] = "slow"
    colour: Colour = Colour.RED
    pair: tuple[float, float] = (1.0, 2.0)
    sizes: tuple[int, ...] = ()
    place: Path = Path("here")
    table: dict[str, float] = field(default_factory=dict)
    inner: Inner = field(default_factory=Inner)
    pet: Cat | Dog = field(default_factory=Cat)


def test_every_kind_of_field_is_converted() -> None:
    values = {
        "count": 3.0,
        "name": 7,
        "flag": True,
        "limit": 2,
        "mode": "fast",
        "colour": "green",
        "pair": [3, 4],
        "sizes": [1, 2, 3],
        "place": "a/b",
        "table": {"a": 1},
        "inner": {"rate": 1},
        "pet": {"name": "dog", "barks": False},
    }
    assert from_mapping(Outer, values) == Outer(
        count=3,
        name="7",
        flag=True,
        limit=2.0,
        mode="fast",
        colour=Colour.GREEN,
        pair=(3.0, 4.0),
        sizes=(1, 2, 3),
        place=Path("a/b"),
        table={"a": 1.0},
        inner=Inner(1.0),
        pet=Dog(barks=False),
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "count must be given: add count=..."),
        ({"count": 1, "nmae": "y"}, "unknown key nmae. Did you mean name?"),
        ({"count": 1, "inner": {"rte": 1}}, "unknown key inner.rte. Did you mean inner.rate? Valid: inner.rate."),
        ({"count": 1.5}, "count takes a whole number, got 1.5"),
        ({"count": True}, "count takes a whole number, got True"),
        ({"count": "3"}, "count takes a whole number, got '3'"),
        ({"count": 1, "flag": 1}, "flag takes true or false, got 1"),
        ({"count": 1, "name": None}, "name takes a text, got None"),
        ({"count": 1, "limit": "x"}, "limit takes a number, got 'x'"),
        ({"count": 1, "limit": float("nan")}, "limit takes a number, got nan"),
        ({"count": 1, "mode": "fats"}, "unknown value mode=fats. Did you mean mode=fast? Valid: mode=slow, mode=fast."),
        ({"count": 1, "colour": "gren"}, "Did you mean colour=green?"),
        ({"count": 1, "pair": [1]}, "pair takes a list of 2, got 1: [1]"),
        ({"count": 1, "pair": 1}, "pair takes a list, got 1: write pair=[...]"),
        ({"count": 1, "sizes": "123"}, "sizes takes a list"),
        ({"count": 1, "sizes": [1, "b"]}, "sizes[1] takes a whole number, got 'b'"),
        ({"count": 1, "table": {"a": "b"}}, "table.a takes a number"),
        ({"count": 1, "inner": 3}, "inner is a section, got 3: set its keys, inner.<key>=... (rate)"),
        ({"count": 1, "inner": {"rate": -1}}, "inner: rate must be at least 0, got -1.0"),
        ({"count": 1, "pet": {"name": "dgo"}}, "unknown value pet.name=dgo. Did you mean pet.name=dog?"),
        ({"count": 1, "pet": {"name": "dog", "lives": 3}}, "unknown key pet.lives"),
    ],
)
def test_what_does_not_fit_is_named_with_the_nearest(values: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(Outer, values)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    st.builds(
        Outer,
        count=st.integers(),
        name=st.text(),
        limit=st.none() | st.floats(allow_nan=False),
        mode=st.sampled_from(["slow", "fast"]),
        colour=st.sampled_from(Colour),
        pair=st.tuples(st.floats(allow_nan=False), st.floats(allow_nan=False)),
        sizes=st.lists(st.integers()).map(tuple),
        pet=st.builds(Cat, name=st.just("cat")) | st.builds(Dog, name=st.just("dog")),
    )
)
def test_what_is_written_is_read_back(config: Outer) -> None:
    assert from_mapping(Outer, to_mapping(config)) == config


@pytest.mark.parametrize("job", ["train", "evaluate"])
def test_every_option_of_every_group_composes(job: str) -> None:
    needed = ["run=x"] if job == "evaluate" else []
    choosable = groups(job)
    assert choosable
    for group, option in itertools.chain.from_iterable(((g, o) for o in found) for g, found in choosable.items()):
        config = load(job, [f"{group}={option}", *needed])
        assert type(config) is (TrainConfig if job == "train" else EvaluateConfig), (group, option)


def test_the_default_is_one_hinted_planner_over_all_cells() -> None:
    config = load("train")
    assert isinstance(config.algo, HcrmpOptions) and config.algo.csa == "hint" and config.algo.asr
    assert len(config.scenario.families) == 4 and config.density == "all"
    assert config.observation.perception == "scan" and config.hints.provider == "rules"


def test_options_change_what_they_name() -> None:
    assert load("train", ["algo=hcrmp_no_asr"]).algo.asr is False
    assert load("train", ["algo=hcrmp_equal"]).algo.csa == "equal"
    assert load("train", ["algo=llm_reward"]).algo == replace(load("train").algo, weights_on="reward", scale_terms=True)
    assert isinstance(load("train", ["algo=ppo"]).algo, PpoOptions)
    assert load("train", ["observation=agents"]).observation.perception == "agents"
    assert load("train", ["scenario=merging"]).scenario.families == ("merging",)


def test_the_mean_weights_control_has_the_priors_mean() -> None:
    algo = load("train", ["algo=hcrmp_mean"]).algo
    assert algo.csa == "fixed" and sum(algo.fixed_weights) == pytest.approx(1.0)


def test_keys_that_stand_in_no_yaml_can_be_set() -> None:
    config = load("train", ["algo.gamma=0.97", "hints.service.period_s=2", "total_steps=1e6", "algo.target_kl=null"])
    assert config.algo.gamma == 0.97
    assert config.hints.service.period_s == 2.0
    assert config.total_steps == 1_000_000
    assert config.algo.target_kl is None


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["senario=merging"], "unknown key senario. Did you mean scenario?"),
        (["algo=hcrpm"], "unknown value algo=hcrpm. Did you mean algo=hcrmp?"),
        (["density=hihg"], "Did you mean density=high?"),
        (["algo.gama=0.9"], "unknown key algo.gama. Did you mean algo.gamma?"),
        (["algo=ppo", "algo.csa=hint"], "unknown key algo.csa"),
        (["hints.faults.wrong=0.8"], "hints: faults.wrong=0.8, but provider=rules makes no faults: add hints=faulty"),
        (["hints=faulty", "hints.faults.wrong=1.2"], "hints.faults: fault rates"),
        (["hints=faulty", "hints.faults.wrong_mode=inverterd"], "Did you mean hints.faults.wrong_mode=inverted?"),
        (["action.max_steer_change=-1"], "action.max_steer_change must be a positive number"),
        (["scenario.families=[mergin]"], "Did you mean scenario.families[0]=merging?"),
        (["scenario.families=[]"], "must name each condition once, and one at least"),
        (["worlds=0"], "worlds must be at least 1, got 0"),
        (["worlds=many"], "worlds takes a whole number, got 'many'"),
        (["run=a/b"], "choose the folder with runs_dir"),
        (["merging"], "cannot read 'merging': write group=option or key=value"),
        (["--scenario=merging"], "cannot read '--scenario=merging'"),
        (["seed=1,2"], "seed=1,2"),
        (["seed=[1"], "seed=[1"),
    ],
)
def test_a_wrong_override_is_one_clear_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("train", overrides)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_without_a_name_is_named_after_what_was_chosen() -> None:
    assert load("train").run == "paper-hcrmp-seed0"
    named = load("train", ["scenario=merging", "density=high", "algo=ppo", "hints=none", "seed=3"])
    assert named.run == "merging-ppo-high-none-seed3"
    assert load("train", ["run=mine"]).run == "mine"
    inverted = ["hints=faulty", "hints.faults.wrong=0.8", "hints.faults.wrong_mode=inverted"]
    assert load("train", inverted).run == "paper-hcrmp-faulty-wrong0.8-inverted-seed0"


def test_what_a_run_folder_holds_is_the_same_configuration() -> None:
    config = load("train", ["algo=td3", "observation=agents", "density=low", "hints=faulty"])
    assert load_train(to_mapping(config)) == config


def test_an_evaluation_takes_the_runs_hints_unless_told() -> None:
    assert default_choices("evaluate")["hints"] is None
    assert load("evaluate", ["run=x"]).hints is None
    assert load("evaluate", ["run=x", "hints=faulty"]).hints.provider == "faulty"


def test_keys_of_the_chosen_provider_need_no_section() -> None:
    short = ["hints=openai", "base_url=http://10.0.0.1:8000/v1", "model=small", "extra.seed=3", "seed=5"]
    config = load("train", short)
    assert config.hints.provider == "openai" and config.hints.openai.base_url == "http://10.0.0.1:8000/v1"
    assert config.hints.openai.model == "small" and config.hints.openai.extra == {"seed": 3} and config.seed == 5
    full = [f"hints.openai.{key}" if key.startswith(("base", "model", "extra")) else key for key in short]
    assert load("train", full) == config
    assert load_train(to_mapping(config)) == config
    assert load("evaluate", ["run=x", "hints=openai", "model=small"]).hints.openai.model == "small"
    assert load("train", ["hints=rules", "range_m=30"]).hints.rules.range_m == 30.0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["base_url=http://x/v1"], "unknown key base_url"),
        (["hints=faulty", "model=small"], "unknown key model"),
        (["hints=openai", "base_ulr=http://x/v1"], "unknown key base_ulr"),
        (["hints=openai", "base_url=10.0.0.1:8000"], "hints.openai: base_url must be http://HOST:PORT/v1"),
        (["hints=openai", "api_key_env=sk-123"], "hints.openai: api_key_env must be the name of an environment"),
        (["hints=openai", "style=breif"], "hints.openai.style=breif"),
    ],
)
def test_a_wrong_key_of_a_provider_is_one_clear_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("train", overrides)
    assert message in str(caught.value) and "sk-123" not in str(caught.value)


def test_interpolation_of_yaml_errors_is_one_line() -> None:
    with pytest.raises(ConfigError) as caught:
        compose("train", ["run=${nowhere}"], ("run",))
    assert "nowhere" in str(caught.value) and "\n" not in str(caught.value)


def test_a_run_is_a_path_or_a_name(tmp_path: Path) -> None:
    assert locate_run("mine", "runs") == Path("runs/mine")
    assert locate_run("else/where", "runs") == Path("else/where")
    assert locate_run(str(tmp_path), "runs") == tmp_path
    assert ReplayConfig(run="mine", runs_dir="r").run_path == Path("r/mine")


@pytest.mark.parametrize(
    ("hints", "words"),
    [
        (HintsConfig(provider="rules"), "rules"),
        (HintsConfig(provider="transformers"), "bundled"),
        (
            HintsConfig(provider="transformers", transformers=TransformersConfig(model="models/Qwen2.5-0.5B")),
            "transformers-Qwen2.5-0.5B",
        ),
        (HintsConfig(provider="openai", openai=OpenAiConfig(model="org/small:7b")), "openai-org-small-7b"),
    ],
)
def test_a_name_says_which_model_is_asked(hints: HintsConfig, words: str) -> None:
    """Two models behind one provider leave two results."""
    assert hints.words == words


def test_every_experiment_is_a_training_whose_keys_exist_and_can_be_overridden() -> None:
    for name in options("experiment"):
        config = load("train", [f"experiment={name}", "seed=3"])
        assert config.run == f"{name.replace('/', '-')}-seed3"
        assert config.total_steps >= 1_000_000
    assert load("train", ["experiment=paper/hcrmp", "map=town"]).run == "paper-hcrmp-town-seed0"
    changed = load("train", ["experiment=paper/no_csa", "total_steps=9", "algo=hcrmp_mean"])
    assert (changed.total_steps, changed.algo.csa) == (9, "fixed")
    with pytest.raises(ConfigError, match="experiment=paper/no_csa"):
        load("train", ["experiment=paper/no_cas"])
