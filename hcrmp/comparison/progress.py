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
        self._begun, self._done, self._lost = time.monotonic(), 0, 0

    def __enter__(self) -> ComparisonProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._bar.stop()
        if self._enabled and (self._done or self._lost):
            ended = "" if kind is None else "; the same command goes on from here"
            self._console.print(f"evaluate: {self._done} episodes driven, {self._words()}{ended}", highlight=False)

    def begin(self, missing: int, held: int) -> None:
        """Tell how much is missing, and how much was driven before."""
        self._begun = time.monotonic()
        self._bar.update(self._task, total=float(missing))
        if self._enabled and held:
            what = f"{missing} are missing" if missing else "nothing is missing (repeat=true drives them again)"
            self._console.print(f"evaluate: {held} episodes were driven before, {what}", highlight=False)

    def attempted(self, attempt: Attempt) -> None:
        """Count an attempt."""
        self._lost += attempt.lost
        self._done += not attempt.lost
        self._bar.update(self._task, completed=self._done, told=self._words())

    def driven_elsewhere(self, done: int) -> None:
        """Tell how many episodes were driven by others."""
        self._done = done
        self._bar.update(self._task, completed=self._done, told=self._words())

    def _words(self) -> str:
        rate = self._done / max(time.monotonic() - self._begun, 1e-6)
        return f"{rate:.0f}/s" + (f", {self._lost} attempts lost" if self._lost else "")
