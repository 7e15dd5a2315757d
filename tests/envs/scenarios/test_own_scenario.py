"""Families of the user's own: they are cells as all others are, and tried out before anything runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.own_code import OwnCodeError
from envs.scenarios.catalogue import UnknownScenarioError, scenario_set, templates
from envs.scenarios.randomise import RandomiseError

MINE = """
from dataclasses import replace
from envs.scenarios.families import overtaking
from envs.scenarios.scenario import Range, exactly

def mine(density):
    return replace(overtaking(density), name="mine")

def taken(density):
    return overtaking(density)

def stuck(density):
    return replace(overtaking("low"), name="stuck")

def beyond(density):
    return replace(mine(density), ego_at=exactly(5000.0))

def crowded(density):
    made = mine("high")
    actors = tuple(replace(one, lane="right", after="ego", distance=Range(0.0, 1.0)) for one in made.actors)
    return replace(made, density=density, actors=actors)

def nothing(density): ...
number = 3
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(MINE)
    return str(tmp_path / "mine.py")


def test_an_own_family_is_sampled_as_any_other(mine: str) -> None:
    own = scenario_set(["merging", f"{mine}:mine"], ["low", "high"])
    assert [own.label(cell) for cell in range(4)] == ["merging/low", "merging/high", "mine/low", "mine/high"]
    case, same = own.sample(3, 7), scenario_set(f"{mine}:mine", "high").sample(0, 7)
    assert (case.name, case.density, case.cell) == ("mine", "high", 3) and case.agents.shape[1] == 3
    assert np.array_equal(case.agents, same.agents) and case.ego_s == same.ego_s
    assert not np.array_equal(case.agents, own.sample(3, 8).agents)


def test_ranges_of_an_own_family_are_randomised(mine: str) -> None:
    chosen = scenario_set(f"{mine}:mine", "low", randomise={"ego_speed": [5.0, 5.0]})
    assert chosen.sample(0, 1).ego_speed == 5.0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("taken", "give it this density and a name of its own, such as 'taken'"),
        ("stuck", "returned stuck/low for the density 'high'"),
        ("nothing", "returned NoneType: a Scenario is needed"),
        ("number", "is int: a function from a density is needed"),
        ("mien", "did you mean 'mine'"),
    ],
)
def test_what_makes_no_scenario_is_refused(mine: str, name: str, words: str) -> None:
    with pytest.raises(OwnCodeError, match=words):
        templates(f"{mine}:{name}", "high")


def test_a_family_without_room_is_refused_before_anything_runs(mine: str) -> None:
    with pytest.raises(RandomiseError, match=r"mine/low: ego_at: the ego would start 5000 m along"):
        scenario_set(f"{mine}:beyond", "low")
    with pytest.raises(RandomiseError, match=r"mine/low: bodies overlap at the start in 100%"):
        scenario_set(f"{mine}:crowded", "low")


def test_names_without_a_colon_stay_names() -> None:
    with pytest.raises(UnknownScenarioError, match="did you mean 'merging'"):
        templates("mergin")
