"""Reward terms beside the three: what they may be, what they change, and those that there are, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from envs.errors import InvalidConfigError
from envs.extra_terms import ExtraTerm
from envs.more_terms import courtesy, energy, lane_keeping
from envs.own_code import OwnCodeError
from envs.reward import RewardConfig, RewardFunction, reward_terms
from envs.scene import ActorRow, EgoRow, RoadRow
from envs.termination import Outcome
from tests.envs.builders import make_actor, make_scene

MINE = """
import numpy as np
def half_speed(scene): return scene.ego.speed / 2
def two(scene): return [0.0, 0.0]
def nothing(scene): return np.full(scene.batch_size, np.nan)
number = 3
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text(MINE)
    return f"{tmp_path / 'mine.py'}"


def test_a_term_is_one_more_column_and_part_of_the_sum(mine: str) -> None:
    scene = make_scene(3, ego={EgoRow.SPEED: 8.0, EgoRow.JERK: 5.0})
    outcome, before = np.full(3, int(Outcome.RUNNING)), np.zeros(3)
    config = RewardConfig(extra_terms={"pace": ExtraTerm(f"{mine}:half_speed", 0.25), "off": ExtraTerm()})
    assert config.names == ("safety", "efficiency", "comfort", "pace", "off")
    out, plain = np.empty((3, 5)), np.empty((3, 3))
    total = RewardFunction(config)(scene, outcome, before, out)
    without = RewardFunction(RewardConfig())(scene, outcome, before, plain)
    assert np.array_equal(out[:, :3], plain), "the three are what they were, bit for bit"
    assert out[:, 3].tolist() == [4.0] * 3 and out[:, 4].tolist() == [0.0] * 3
    assert np.array_equal(total, without + 0.25 * 4.0)
    assert np.array_equal(reward_terms(scene, outcome, before, config), out)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two", r"returned the shape \(2,\); \(3,\) is needed"),
        ("nothing", "returned nan"),
        ("number", "is no function"),
    ],
)
def test_a_function_that_is_none_is_told(mine: str, name: str, words: str) -> None:
    config = RewardConfig(extra_terms={"mine": ExtraTerm(f"{mine}:{name}")})
    with pytest.raises(OwnCodeError, match=rf"reward\.extra_terms\.mine\.function.*{words}"):
        reward_terms(make_scene(3), np.zeros(3, np.int64), np.zeros(3), config)


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ({"comfort": ExtraTerm()}, "there is a term of this name already"),
        ({"reward": ExtraTerm()}, "there is a term of this name already"),
        ({"my term": ExtraTerm()}, "is no name"),
        ({"a": ExtraTerm(weight=1.0)}, "at least 0 and less than 1, got 1.0"),
        ({"a": ExtraTerm(weight=0.6), "b": ExtraTerm(weight=0.4)}, "the weights sum to 1; leave a share"),
        ({"a": ExtraTerm("courtesy")}, "names code as FILE.py:name"),
    ],
)
def test_wrong_terms_are_refused_before_anything_is_imported(terms: dict[str, ExtraTerm], words: str) -> None:
    with pytest.raises((InvalidConfigError, OwnCodeError), match=words):
        RewardConfig(extra_terms=terms)


def test_courtesy_is_about_who_brakes_behind() -> None:
    def braking(x: float, y: float, acceleration: float) -> dict[ActorRow, float]:
        return make_actor(x, y) | {ActorRow.ACCELERATION: acceleration}

    ahead, aside, far = braking(10.0, 0.0, -3.0), braking(-10.0, 3.5, -3.0), braking(-40.0, 0.0, -3.0)
    assert courtesy(make_scene(actors=[ahead, aside, far])).tolist() == [0.0]
    assert courtesy(make_scene(actors=[braking(-10.0, 1.0, -1.5), braking(-9.0, 0.0, 2.0)])).tolist() == [-0.5]
    assert courtesy(make_scene(actors=[braking(-10.0, 0.0, -9.0)])).tolist() == [-1.0]
    assert courtesy(make_scene()).tolist() == [0.0]


def test_lane_keeping_and_energy() -> None:
    assert lane_keeping(make_scene(road={RoadRow.LANE_OFFSET: -0.5})).tolist() == [-0.25]
    assert lane_keeping(make_scene(road={RoadRow.LANE_OFFSET: 4.0})).tolist() == [-1.0]
    moving = {EgoRow.SPEED: 10.0, EgoRow.ACCELERATION: 1.5}
    assert energy(make_scene(ego=moving)).tolist() == [-0.5]
    assert energy(make_scene(ego=moving | {EgoRow.ACCELERATION: -4.0})).tolist() == [0.0]
