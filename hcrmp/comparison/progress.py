"""How far a comparison is: a bar on a terminal, a line elsewhere."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hcrmp.comparison.journal import Attempt


class ComparisonProgress:
    """A bar over all episodes of all planners, with their rate and what was lost."""

    def __init__(self, console: Console, enabled: bool) -> None:
        self._console, self._enabled = console, enabled
        self._bar = Progress(
            TextColumn("evaluate"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} episodes  {task.fields[told]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not (enabled and console.is_terminal),
            transient=True,
        )
        self._task = self._bar.add_task("episodes", total=0.0, told="")
        self._begun, self._done, self._lost, self._successes = time.monotonic(), 0, 0, 0

    def __enter__(self) -> ComparisonProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if self._enabled and (self._done or self._lost):
            ended = "" if kind is None else "; the same command goes on from here"
            self.say(f"{self._done} episodes driven, {self._words()}{ended}")

    def begin(self, missing: int, held: int) -> None:
        """Tell how much is missing, and how much was driven before."""
        self._begun = time.monotonic()
        self._bar.update(self._task, total=float(missing))
        if self._enabled and held:
            what = f"{missing} are missing" if missing else "nothing is missing (repeat=true drives them again)"
            self.say(f"{held} episodes were driven before, {what}")

    def say(self, words: str) -> None:
        """Tell something in a line."""
        if self._enabled and words:
            self._console.print(f"evaluate: {words}", highlight=False, soft_wrap=True)

    def attempted(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self._lost += attempt.lost
        self._done += not attempt.lost
        self._successes += attempt.record is not None and attempt.record.outcome == "success"
        self._bar.update(self._task, completed=self._done, told=self._words())

    def driven_elsewhere(self, done: int) -> None:
        """Tell how many episodes were driven by others."""
        self._done, self._successes = done, 0
        self._bar.update(self._task, completed=self._done, told=self._words())

    def _words(self) -> str:
        rate = self._done / max(time.monotonic() - self._begun, 1e-6)
        words = [f"{rate:.0f}/s"]
        words += [f"{self._successes / self._done:.0%} successes"] if self._successes else []
        words += [f"{self._lost} attempts lost"] if self._lost else []
        return ", ".join(words)
