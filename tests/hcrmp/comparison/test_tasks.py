"""Pieces of work: what is queued, and what becomes of one that breaks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hcrmp.comparison.contestants import Contestant
from hcrmp.comparison.journal import Attempt, Journal
from hcrmp.comparison.tasks import CHUNK, Task, TaskQueue, split_broken
from hcrmp.course import Episode
from tests.hcrmp.comparison.test_journal import MEMBERS, PROTOCOL, key, record

ONE = Contestant("method", "one", "driver")
LABELS = (("merging", "low"),)
EPISODES = tuple(Episode(0, k, 100 + k) for k in range(6))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal.jsonl", PROTOCOL, MEMBERS) as opened:
        yield opened


def queue_of(journal: Journal, retries: int = 2, episodes: tuple[Episode, ...] = EPISODES) -> TaskQueue:
    queue = TaskQueue(journal, LABELS, retries)
    queue.fill([ONE], 1, episodes, whole=False)
    return queue


def taken(queue: TaskQueue) -> Task:
    task = queue.take()
    assert task is not None
    return task


def test_the_running_ones_are_those_that_have_begun_and_not_ended() -> None:
    task = Task(ONE, 0, EPISODES)
    running, rest = split_broken(task, [key(1)], 2, LABELS)
    # Two worlds begin 0 and 1; where 1 ends, 2 begins.
    assert ([one.number for one in running], [one.number for one in rest]) == ([0, 2], [3, 4, 5])
    running, rest = split_broken(task, [key(k) for k in range(5)], 4, LABELS)
    assert ([one.number for one in running], rest) == ([5], [])


def test_what_was_running_is_lost_and_comes_again_alone(journal: Journal) -> None:
    queue = queue_of(journal)
    task = taken(queue)
    queue.attempted(task, Attempt(key(1), record(), "h"))
    queue.broken(task, [key(1)], 2, "it broke")
    waiting = [taken(queue) for _ in range(3)]
    assert [([one.number for one in task.episodes], task.alone) for task in waiting] == [
        ([0], True), ([2], True), ([3, 4, 5], False)
    ]  # fmt: skip
    assert queue.take() is None


def test_an_episode_that_always_breaks_is_given_up(journal: Journal) -> None:
    queue = queue_of(journal, retries=2, episodes=EPISODES[:1])
    attempts = 0
    while (task := queue.take()) is not None:
        queue.broken(task, [], 1, "again")
        attempts += 1
    assert attempts == 3


def test_what_the_journal_holds_is_not_queued_again(journal: Journal) -> None:
    journal.add([Attempt(key(0), record(), "h"), Attempt(key(3), None, error="lost")])
    queue = TaskQueue(journal, LABELS, 2)
    queue.fill([ONE], 1, EPISODES, whole=False)
    waiting = [taken(queue) for _ in range(2)]
    assert [([one.number for one in task.episodes], task.alone) for task in waiting] == [
        ([1, 2, 4, 5], False), ([3], True)
    ]  # fmt: skip
    whole = TaskQueue(journal, LABELS, 2)
    whole.fill([ONE], 1, EPISODES, whole=True)
    assert len(taken(whole).episodes) == len(EPISODES), "a sample is drawn for a piece of work as a whole"


def test_pieces_do_not_depend_on_who_drives_them(journal: Journal) -> None:
    episodes = tuple(Episode(0, k, k) for k in range(2 * CHUNK + 1))
    queue = queue_of(journal, episodes=episodes)
    assert [len(taken(queue).episodes) for _ in range(3)] == [CHUNK, CHUNK, 1]
