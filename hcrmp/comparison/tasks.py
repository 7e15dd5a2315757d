"""The work of an evaluation in pieces, whoever does it: what is left to drive, and what becomes of what was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from hcrmp.comparison.contestants import Contestant
from hcrmp.comparison.journal import Attempt, HintTimes, Journal, Key
from hcrmp.course import Episode

CHUNK = 128
"""Episodes of a piece of work. It is the same for any number of processes: a planner that samples its actions draws
anew for each piece."""

Labels = Sequence[tuple[str, str]]
"""(scenario, density) of each cell."""


@dataclass(frozen=True, slots=True)
class Task:
    """Episodes for one contestant in one repetition; ``number`` of the piece; ``alone``: one world, after a loss."""

    contestant: Contestant
    repetition: int
    episodes: tuple[Episode, ...]
    number: int = 0
    alone: bool = False

    def key(self, episode: Episode, labels: Labels) -> Key:
        """Return what the journal calls an episode."""
        return self.contestant.name, "/".join(labels[episode.cell]), episode.number, self.repetition


class TaskQueue:
    """What is left to drive, and the ``journal`` of what has been; ``on_attempt`` hears of each attempt.

    An episode that is lost comes again, alone, so that what breaks a world breaks no other twice; ``retries`` times.
    Those of ``again`` are driven although they were.
    """

    def __init__(
        self,
        journal: Journal,
        labels: Labels,
        retries: int,
        on_attempt: Callable[[Attempt], None] = lambda attempt: None,
        again: Collection[Key] = (),
    ) -> None:
        self._journal, self._labels, self._retries, self._on_attempt = journal, labels, retries, on_attempt
        self._waiting: deque[Task] = deque()
        self._again = frozenset(again)

    def fill(
        self, contestants: Sequence[Contestant], repetitions: int, episodes: Sequence[Episode], whole: bool
    ) -> None:
        """Queue what is not done yet; ``whole``: a piece that was begun is driven as a whole again."""
        for one in contestants:
            for repetition in range(repetitions):
                for number in range(0, len(episodes), CHUNK):
                    self._queue(Task(one, repetition, tuple(episodes[number : number + CHUNK]), number // CHUNK), whole)

    def put(self, tasks: Sequence[Task], whole: bool) -> None:
        """Queue what is not done yet of ``tasks``."""
        for task in tasks:
            self._queue(task, whole)

    def __len__(self) -> int:
        return sum(len(task.episodes) for task in self._waiting)

    @property
    def tasks(self) -> int:
        """Number of pieces that wait."""
        return len(self._waiting)

    def take(self) -> Task | None:
        """Return the next piece of work; None: nothing waits now, but what is being driven may yet be lost."""
        return self._waiting.popleft() if self._waiting else None

    def attempted(self, task: Task, attempt: Attempt) -> None:
        """Keep an attempt; if it was lost, and not too often yet, the episode is queued again."""
        self._journal.add([attempt])
        self._on_attempt(attempt)
        if attempt.lost and not self._journal.done(attempt.key, self._retries):
            (episode,) = (one for one in task.episodes if task.key(one, self._labels) == attempt.key)
            self._waiting.append(replace(task, episodes=(episode,), alone=True))

    def timed(self, times: HintTimes) -> None:
        """Keep how long the hints of a piece of work took."""
        self._journal.add_times(times)

    def broken(self, task: Task, ended: Sequence[Key], worlds: int, error: str) -> None:
        """Count what was running in ``worlds`` worlds as lost, and queue again what had not begun.

        ``ended`` are the episodes of the task that had ended, well or not, before it broke.
        """
        running, rest = split_broken(task, ended, worlds, self._labels)
        for episode in running:
            self.attempted(task, Attempt(task.key(episode, self._labels), None, error=error))
        if rest:
            self._waiting.append(replace(task, episodes=tuple(rest)))

    def _queue(self, task: Task, whole: bool) -> None:
        open_ones = [one for one in task.episodes if self._open(task.key(one, self._labels))]
        tried = [one for one in open_ones if self._lost(task.key(one, self._labels))]
        if whole and open_ones:
            self._waiting.append(task)
            return
        fresh = tuple(one for one in open_ones if one not in tried)
        if fresh:
            self._waiting.append(replace(task, episodes=fresh))
        self._waiting.extend(replace(task, episodes=(one,), alone=True) for one in tried)

    def _open(self, key: Key) -> bool:
        return key in self._again or not self._journal.done(key, self._retries)

    def _lost(self, key: Key) -> bool:
        tried = self._journal.attempts.get(key, [])
        return bool(tried) and tried[-1].lost


def split_broken(task: Task, ended: Sequence[Key], worlds: int, labels: Labels) -> tuple[list[Episode], list[Episode]]:
    """Return which episodes were running and which had not begun, of a task that broke in ``worlds`` worlds.

    Episodes begin in order, a new one where one ends: as many have begun as there are worlds, and one for each ended.
    """
    begun = task.episodes[: worlds + len(ended)]
    return [one for one in begun if task.key(one, labels) not in ended], list(task.episodes[worlds + len(ended) :])
