"""Where evaluations leave their files, and what is found there again."""

from __future__ import annotations

from pathlib import Path

from hcrmp.comparison.contestants import Contestant
from hcrmp.comparison.job import _broken_off
from hcrmp.comparison.places import OwnFolder, drives_of


def test_members_have_folders_of_their_own_and_what_was_cut_short_is_no_drive_of_theirs(tmp_path: Path) -> None:
    places, names = OwnFolder(tmp_path), ("ppo@a", "ppo_a", "ppo a")
    files = {name: places.drive_file((name, "merging/low", 3, 0)) for name in names}
    assert len({path.parent for path in files.values()}) == 3 and files["ppo_a"].parent.name == "ppo_a"
    for path in files.values():
        path.parent.mkdir(parents=True)
        for name in (path.name, "merging-low-3-cut.arrow", "merging-low-3-cut2.arrow", "merging-low-3-again1.arrow"):
            (path.parent / name).touch()
    for name, path in files.items():
        assert drives_of(tmp_path, name) == [path.parent / "merging-low-3-again1.arrow", path]


def test_an_episode_that_was_given_up_is_of_the_planner_that_was_to_drive_it() -> None:
    member = Contestant("ppo", "ppo-3", "run", planner_seed=3)
    record = _broken_off(("ppo-3", "merging/low", 1, 0), [7, 8], member)
    assert (record.planner_seed, record.seed, record.outcome) == (3, 8, "infrastructure")
