"""The journal: nothing that was told is lost, and nothing is gone on with that is something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hcrmp.comparison.journal import Attempt, HintTimes, Journal, Key
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import RunFolderError

PROTOCOL = {"name": "x", "hash": "aa", "episodes": 5}
MEMBERS = {"one": "sum1"}


def key(number: int = 0, member: str = "one") -> Key:
    return member, "merging/low", number, 0


def record(outcome: Any = "success") -> EpisodeRecord:
    return EpisodeRecord("merging", "low", 0, outcome, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def opened(path: Path, protocol: Any = PROTOCOL, members: Any = MEMBERS) -> Journal:
    return Journal.open(path / "journal.jsonl", protocol, members)


def test_what_was_told_is_there_after_any_end(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.add([Attempt(key(0), record(), "hash"), Attempt(key(1), None, error="it broke")])
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"key": ["one", "merg')
    with opened(tmp_path) as journal:
        assert journal.attempts == {
            key(0): [Attempt(key(0), record(), "hash")], key(1): [Attempt(key(1), None, error="it broke")]
        }  # fmt: skip
        journal.add([Attempt(key(1), record("timeout"), "other")])
    with opened(tmp_path) as journal:
        assert [one.lost for one in journal.attempts[key(1)]] == [True, False]


def test_an_episode_is_done_when_it_was_driven_or_lost_too_often(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert not journal.done(key(), retries=1)
        journal.add([Attempt(key(), None, error="gone")])
        assert journal.done(key(), retries=0) and not journal.done(key(), retries=1)
        journal.add([Attempt(key(), record("infrastructure"))])
        assert journal.done(key(), retries=1) and not journal.done(key(), retries=2)
        journal.add([Attempt(key(), record())])
        assert journal.done(key(), retries=9)


def test_an_episode_that_is_driven_again_for_its_recording_is_no_second_attempt(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.add([Attempt(key(), None, error="gone"), Attempt(key(), record(), "a"), Attempt(key(), record(), "b")])
        assert [one.trace_hash for one in journal.attempts[key()]] == ["", "b"]
        held = journal.attempts
    with opened(tmp_path) as journal:
        assert journal.attempts == held


def test_an_episode_that_was_lost_when_driven_again_for_its_recording_stays_measured(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        journal.add([Attempt(key(), record(), "a"), Attempt(key(), None, error="gone")])
        assert [one.trace_hash for one in journal.attempts[key()]] == ["a"] and journal.done(key(), retries=0)
    with opened(tmp_path) as journal:
        assert not journal.attempts[key()][-1].lost


def test_a_jobs_journal_is_taken_in_once(tmp_path: Path) -> None:
    lost, times = Attempt(key(), None, error="gone"), HintTimes("one", (0.1,), (0.01,))
    for _ in range(2):  # killed before the job's journal was removed
        with opened(tmp_path) as journal:
            journal.absorb([lost], [times], "0.jsonl abc")
            assert journal.attempts == {key(): [lost]} and journal.times == [times]
    with opened(tmp_path) as journal:
        journal.absorb([lost], [], "0.jsonl def")
        assert journal.attempts == {key(): [lost, lost]}


def test_it_knows_which_programs_drove(tmp_path: Path) -> None:
    def by(code: str) -> Journal:
        return Journal.open(tmp_path / "journal.jsonl", PROTOCOL, MEMBERS, code=code)

    with by("first") as journal:
        assert not journal.go_on_with_other_code()
    with by("second") as journal:
        assert journal.go_on_with_other_code() and journal.codes == ["first", "second"]
    with by("second") as journal:
        assert journal.go_on_with_other_code() and journal.codes == ["first", "second"]
        journal.begin_again()
        assert not journal.go_on_with_other_code() and journal.codes == ["second"]


def test_what_is_something_else_gives_way_only_where_it_is_to(tmp_path: Path) -> None:
    for other, told in (({"name": "x", "hash": "bb", "episodes": 7}, "episodes 7 instead of 5"), (PROTOCOL, "trained")):
        with opened(tmp_path) as journal:
            journal.add([Attempt(key(), record())])
        members = {"one": "sum2"} if other is PROTOCOL else MEMBERS
        with Journal.open(tmp_path / "journal.jsonl", other, members, replace_other=True) as journal:
            assert told in journal.put_aside and not journal.attempts and not journal.earlier
        (tmp_path / "journal.jsonl").unlink()


def test_another_protocol_is_refused_with_what_differs(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(RunFolderError, match="begun otherwise: episodes 7 instead of 5"):
        opened(tmp_path, {"name": "y", "hash": "bb", "episodes": 7})


def test_a_planner_may_join_but_not_change(tmp_path: Path) -> None:
    opened(tmp_path).close()
    opened(tmp_path, members=MEMBERS | {"two": "sum2"}).close()
    opened(tmp_path, members={"two": "sum2"}).close()
    with pytest.raises(RunFolderError, match="episodes of two as it was before"):
        opened(tmp_path, members={"two": "trained on"})


def test_two_cannot_write_at_once(tmp_path: Path) -> None:
    with opened(tmp_path), pytest.raises(RunFolderError, match="being written by another evaluation"):
        opened(tmp_path)
    opened(tmp_path).close()


@pytest.mark.parametrize("content", ["no json\n", "[1]\n", '{"journal": 99}\n', "{}\n"])
def test_what_is_no_journal_is_one_line_and_stays_as_it_was(tmp_path: Path, content: str) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_text(content)
    with pytest.raises(RunFolderError, match="is no journal"):
        opened(tmp_path)
    assert path.read_text() == content


def test_a_repetition_keeps_what_was(tmp_path: Path) -> None:
    first = Attempt(key(0), record(), "before")
    with opened(tmp_path) as journal:
        journal.add([first])
        journal.begin_again()
        assert (journal.attempts, journal.earlier) == ({}, {key(0): [first]})
    with opened(tmp_path) as journal:
        assert (journal.attempts, journal.earlier) == ({}, {key(0): [first]})
