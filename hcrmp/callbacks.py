"""What happens beside the learning: checkpoints, outcome statistics, the progress bar."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from stable_baselines3.common.callbacks import BaseCallback

from envs.termination import Outcome
from hcrmp.curriculum import Curriculum
from hcrmp.hinted_env import HintedVecEnv
from llm_hints.hint import CRITICS

RECENT_EPISODES = 500
"""Episodes over which training statistics are told."""

TOLD_OUTCOMES = (Outcome.SUCCESS, Outcome.COLLISION, Outcome.OFF_ROAD, Outcome.TIMEOUT)
"""Outcomes whose shares stand in the progress bar."""


class CheckpointCallback(BaseCallback):
    """Calls ``save`` every ``every`` steps, between an update and the next rollout, where a resume is exact."""

    def __init__(self, save: Callable[[], None], every: int) -> None:
        super().__init__()
        self._save = save
        self._every = every
        self._next = 0

    def _on_training_start(self) -> None:
        self._next = self.model.num_timesteps + self._every

    def _on_rollout_start(self) -> None:
        if self.model.num_timesteps >= self._next:
            self._save()
            self._next = self.model.num_timesteps + self._every

    def _on_step(self) -> bool:
        return True


class OutcomeCallback(BaseCallback):
    """Counts how training episodes end, overall and by cell, and logs the shares of the recent ones."""

    def __init__(self, env: HintedVecEnv) -> None:
        super().__init__()
        self._env = env
        self.recent: deque[tuple[int, Outcome]] = deque(maxlen=RECENT_EPISODES)

    def _on_step(self) -> bool:
        for b in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][b]
            self.recent.append((info["cell"], info["outcome"]))
        return True

    def _on_rollout_end(self) -> None:
        for outcome in Outcome:
            if outcome is not Outcome.RUNNING and self.recent:
                self.logger.record(f"outcome/{outcome.word}", self.share(outcome))
        labels = getattr(self._env.driving.scenarios, "label", str)
        for cell in sorted({cell for cell, _ in self.recent}):
            ends = [outcome is Outcome.SUCCESS for c, outcome in self.recent if c == cell]
            self.logger.record(f"success/{labels(cell)}", float(np.mean(ends)))

    def share(self, outcome: Outcome) -> float:
        """Return the share of the recent episodes that ended so; NaN before the first."""
        return float(np.mean([ended is outcome for _, ended in self.recent])) if self.recent else float("nan")


class HintsCallback(BaseCallback):
    """Logs what happened to the hints of each rollout, the provider's recent wall times, and the weights that hold."""

    def __init__(self, env: HintedVecEnv) -> None:
        super().__init__()
        self._env = env
        self._before = env.service.counters  # those of a resumed training go on

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        service = self._env.service
        counters, latency = service.counters, service.latency
        weights = service.hints.weights.mean(0)
        told = counters.since(self._before).told()
        told |= {f"weight_{name}": float(weight) for name, weight in zip(CRITICS, weights, strict=True)}
        told |= asdict(latency) if latency.batches else {}
        for name, value in told.items():
            self.logger.record(f"hints/{name}", value)
        self._before = counters


class CurriculumCallback(BaseCallback):
    """Tells the curriculum how episodes end, and weighs the cells by it before each rollout."""

    def __init__(self, curriculum: Curriculum, env: HintedVecEnv, total_steps: int) -> None:
        super().__init__()
        self._curriculum, self._env, self._total = curriculum, env, total_steps

    def apply(self, steps: int) -> None:
        """Weigh the cells as the curriculum has it after ``steps`` decisions."""
        self._env.driving.stream.set_weights(self._curriculum.weights(steps / self._total))

    def _on_rollout_start(self) -> None:
        self.apply(self.model.num_timesteps)

    def _on_step(self) -> bool:
        for b in np.flatnonzero(self.locals["dones"]):
            info = self.locals["infos"][b]
            self._curriculum.note(info["cell"], info["is_success"])
        return True

    def _on_rollout_end(self) -> None:
        labels = getattr(self._env.driving.scenarios, "label", str)
        weights = self._env.driving.stream.weights
        for cell, weight in enumerate(() if weights is None else weights):
            self.logger.record(f"curriculum/{labels(cell)}", float(weight))


class ProgressCallback(BaseCallback):
    """A bar with steps per second, time left and how recent episodes ended; ten lines without a terminal.

    Use it in a ``with``, which takes the bar away however the training ends.
    """

    def __init__(self, total_steps: int, outcomes: OutcomeCallback, console: Console, enabled: bool) -> None:
        super().__init__()
        self._total = total_steps
        self._outcomes = outcomes
        self._bar = Progress(
            TextColumn("train"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} steps  {task.fields[rate]}/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[ends]}"),
            console=console,
            disable=not (enabled and console.is_terminal),
        )
        self._console, self._lines = console, enabled and not console.is_terminal
        self._next_line = 0
        self._task: TaskID | None = None
        self._begun: tuple[float, int] | None = None

    def _on_training_start(self) -> None:
        self._bar.start()
        self._task = self._bar.add_task(
            "train", total=self._total, completed=self.model.num_timesteps, rate="", ends=""
        )

    def _on_step(self) -> bool:
        # Not before: during the first decision of all kernels may be compiled, for minutes.
        self._begun = self._begun or (time.monotonic(), self.model.num_timesteps)
        return True

    def _on_rollout_end(self) -> None:
        assert self._begun is not None
        seconds = max(time.monotonic() - self._begun[0], 1e-6)
        rate = (self.model.num_timesteps - self._begun[1]) / seconds
        told = TOLD_OUTCOMES if self._outcomes.recent else ()
        shares = [f"{outcome.word} {self._outcomes.share(outcome):.0%}" for outcome in told]
        assert self._task is not None
        self._bar.update(self._task, completed=self.model.num_timesteps, rate=f"{rate:,.0f}", ends="  ".join(shares))
        if self._lines and self.model.num_timesteps >= self._next_line:
            self._next_line = self.model.num_timesteps + self._total // 10
            line = f"train {self.model.num_timesteps:,}/{self._total:,} steps  {rate:,.0f}/s  {'  '.join(shares)}"
            self._console.print(line, highlight=False, soft_wrap=True)

    def __enter__(self) -> ProgressCallback:
        return self

    def __exit__(self, *ended: object) -> None:
        self._bar.stop()
