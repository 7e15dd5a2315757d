"""Run the gates on worlds of one map, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from envs.scene import FloatArray
from envs.traffic.agents import AgentRow, WaitCause
from envs.traffic.network import RoadArrays
from tests.gates.population import Worlds
from tests.gates.records import Count, Watch, new_watch
from tests.gates.watch import PERIOD_S, drive


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What happened in ``hours`` simulated hours (h) of all worlds together; ``events`` in words.

    ``mean_speed`` over all vehicles and all time, standing included (m/s); ``steps_per_s`` steps of one world, the
    gates' own looking included. The others as in ``Count``.
    """

    hours: float
    overlaps: int
    overlap_ticks: int
    causeless: int
    red_runs: int
    lines: int
    run_over: int
    crossings: int
    long: int
    passes: int
    jaywalks: int
    mean_speed: float
    steps_per_s: float
    events: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no gate has been missed."""
        return self.overlaps == self.causeless == self.red_runs == self.run_over == 0


def run_gates(worlds: Worlds, minutes: float, driven_by: RoadArrays | None = None) -> Report:
    """Let every world drive for so many simulated minutes; ``driven_by`` are other roads than those looked by."""
    roads = worlds.roads if driven_by is None else driven_by
    _, count, vehicles = worlds.agents.shape
    watch = new_watch(count, vehicles, worlds.traffic.crowd.people.shape[2])
    ticks = round(60.0 * minutes / PERIOD_S)
    bodies, rules = (worlds.agents, worlds.actors, worlds.traffic), (worlds.roads, worlds.seeds)
    drive(watch, *bodies, roads, *rules, 0, 0)  # compiles
    began = time.perf_counter()
    drive(watch, *bodies, roads, *rules, 0, ticks)
    took = time.perf_counter() - began
    return summarise(worlds, watch, minutes, worlds.agents.shape[1] * ticks / max(took, 1e-9))


def summarise(worlds: Worlds, watch: Watch, minutes: float, steps_per_s: float) -> Report:
    """Return what ``watch`` has seen of so many minutes of every world."""
    totals = watch.counts.sum(axis=1).astype(int).tolist()
    count = worlds.agents.shape[1]
    return Report(
        hours=count * minutes / 60.0,
        overlaps=totals[Count.OVERLAPS],
        overlap_ticks=totals[Count.OVERLAP_TICKS],
        causeless=totals[Count.CAUSELESS],
        red_runs=totals[Count.RED_RUNS],
        lines=totals[Count.LINES],
        run_over=totals[Count.RUN_OVER],
        crossings=totals[Count.CROSSINGS],
        long=totals[Count.LONG],
        passes=totals[Count.PASSES],
        jaywalks=totals[Count.JAYWALKS],
        mean_speed=float(worlds.agents[AgentRow.ODOMETER].mean() / (60.0 * minutes)),
        steps_per_s=steps_per_s,
        events=tuple(_describe(worlds, watch)),
    )


def _describe(worlds: Worlds, watch: Watch) -> list[str]:
    lines = []
    for b in range(worlds.agents.shape[1]):
        for what, now, i, j in watch.events[b, : int(watch.counts[Count.EVENTS, b])].tolist():
            name = Count(int(what)).name.lower()
            lines.append(f"seed {worlds.seeds[b]} t {now:.1f} s {name}: vehicle {int(i)}, {int(j)}")
        for i in np.flatnonzero(watch.uncaused[b] > 30.0).tolist():
            lines.append(f"seed {worlds.seeds[b]} at the end: {_standing(worlds, watch.uncaused[b], b, i)}")
    return lines


def _standing(worlds: Worlds, uncaused: FloatArray, b: int, i: int) -> str:
    agent = worlds.agents[:, b, i]
    lane, cause = int(agent[AgentRow.LANE]), WaitCause(int(agent[AgentRow.CAUSE]))
    return (
        f"vehicle {i} has stood {uncaused[i]:.0f} s without a cause on lane {lane} (junction "
        f"{worlds.graph.junction[lane]}) at {agent[AgentRow.S]:.1f} m of {worlds.graph.length[lane]:.1f} m, "
        f"{cause.name} by {int(agent[AgentRow.CAUSED_BY])}"
    )
