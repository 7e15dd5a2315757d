"""The work of an evaluation on several machines: jobs of a cluster, handed in with submitit (extra ``cluster``).

Each job drives its share into a journal of its own beside the evaluation's, which takes in what they hold when they
end: well, at their time limit, or with their node. What is missing then is driven by the same command again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hcrmp.comparison.journal import Journal
from hcrmp.comparison.places import Places
from hcrmp.comparison.processes import drive_all
from hcrmp.comparison.tasks import Labels, Task, TaskQueue
from hcrmp.errors import UserError
from hcrmp.evaluate_config import EvaluateConfig

if TYPE_CHECKING:
    import submitit

LOGS = "logs"
POLL_S = 2.0
"""Time between two looks at the jobs (s)."""

LIMIT_MIN = 24 * 60
"""Time limit of a job unless another is given (minutes)."""


@dataclass(frozen=True)
class Shard:
    """One job's share: ``tasks`` of an evaluation, driven into the journal at ``path``."""

    config: EvaluateConfig
    places: Places
    tasks: tuple[Task, ...]
    labels: Labels
    path: Path
    protocol: Mapping[str, Any]
    members: Mapping[str, str]

    def __call__(self) -> int:
        """Drive what the journal does not hold yet; return the number of episodes in it."""
        with Journal.open(self.path, self.protocol, self.members) as journal:
            queue = TaskQueue(journal, self.labels, self.config.retries)
            queue.put(self.tasks, whole=not self.config.deterministic)
            drive_all(self.config, self.places, queue)
            return len(journal.attempts)

    def checkpoint(self) -> Any:
        """Go on after the cluster has taken the node away for somebody else."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def drive_on_cluster(
    config: EvaluateConfig,
    places: Places,
    queue: TaskQueue,
    journal: Journal,
    labels: Labels,
    told: Callable[[int], None],
) -> None:
    """Drive all that waits in ``queue`` in jobs of a cluster, and take it into ``journal``.

    ``told`` hears now and then how many episodes the jobs have driven.

    Raises:
        UserError: submitit is not installed, or jobs ended before their work was done.
    """
    executor = _executor(config, places.shards / LOGS)
    shards = split(config, places, queue, journal, labels)
    jobs = [executor.submit(shard) for shard in shards]
    try:
        while not all(job.done() for job in jobs):
            told(sum(_lines(shard.path) for shard in shards))
            time.sleep(POLL_S)
    except BaseException:
        for job in jobs:
            job.cancel(check=False)
        raise
    finally:
        absorb(places, journal)
    told(len(journal.attempts))
    broken = [words for job in jobs if (words := _failure(job))]
    if broken:
        raise UserError(
            f"{len(broken)} of {len(jobs)} jobs ended before their work was done ({broken[0]}; their output is in "
            f"{places.shards / LOGS}): the same command goes on with what is missing"
        )


def split(config: EvaluateConfig, places: Places, queue: TaskQueue, journal: Journal, labels: Labels) -> list[Shard]:
    """Return what waits in ``queue`` in at most ``config.shards`` shares of whole pieces, dealt in turn."""
    tasks = []
    while (task := queue.take()) is not None:
        tasks.append(task)
    count = min(config.shards, len(tasks))
    # A shard is one of those jobs itself.
    inside, head = replace(config, cluster="none", progress=False), journal.head
    folder = places.shards.absolute()
    return [
        Shard(
            inside, places, tuple(tasks[k::count]), tuple(labels), folder / f"{k}.jsonl", head["protocol"],
            head["members"],
        )
        for k in range(count)
    ]  # fmt: skip


def absorb(places: Places, journal: Journal) -> None:
    """Take into ``journal`` what jobs have left, of this start or an earlier one, and remove their journals.

    Raises:
        RunFolderError: a job of an earlier start is still driving.
    """
    for path in sorted(places.shards.glob("*.jsonl")):
        with Journal.open(path, journal.head["protocol"], journal.head["members"]) as part:
            mark = f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
            journal.absorb([attempt for tried in part.attempts.values() for attempt in tried], part.times, mark)
        path.unlink()


def _executor(config: EvaluateConfig, logs: Path) -> submitit.AutoExecutor:
    try:
        import submitit
    except ImportError as error:
        raise UserError(f"cluster={config.cluster} needs submitit: pip install 'hcrmp[cluster]'") from error
    executor = submitit.AutoExecutor(folder=logs, cluster=config.cluster)
    try:
        executor.update_parameters(**{"timeout_min": LIMIT_MIN, "name": "hcrmp", **config.cluster_parameters})
    except (NameError, TypeError, ValueError) as error:
        raise UserError(f"cluster_parameters: {' '.join(str(error).split())}") from error
    return executor


def _failure(job: submitit.Job[int]) -> str:
    """Return why a job failed in words, "" where it did not."""
    error = job.exception()
    if error is None:
        return ""
    lines = str(error).strip().splitlines()
    return f"job {job.job_id}: {lines[-1] if lines else type(error).__name__}"


def _lines(path: Path) -> int:
    """Return how many episodes a journal tells of."""
    return max(path.read_bytes().count(b"\n") - 1, 0) if path.is_file() else 0
