"""DriveRecorder: collects a drive while it happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from envs.recording.drive_log import DriveLog
from envs.recording.schema import TRACE_WIDTHS, DriveLogError, DriveMeta, PlannerTrace, Tick
from envs.recording.state_hash import state_hash, trace_hash
from envs.roads.drawing import RoadDrawing
from envs.scene import ActorStates, EgoState, Events, RoadState, RouteState, SceneBatch


class DriveRecorder:
    """Collects the ticks of one world while it drives; ``append`` only copies, Arrow is built by ``finish``.

    One recorder per world and episode. The simulator may reuse its arrays between two calls.
    """

    def __init__(self, meta: DriveMeta, drawing: RoadDrawing) -> None:
        self.meta = meta
        self.drawing = drawing
        self._scenes: list[SceneBatch] = []
        self._ticks: list[Tick] = []

    def __len__(self) -> int:
        """Return the number of ticks so far."""
        return len(self._scenes)

    def append(self, scene: SceneBatch, row: int, tick: Tick | None = None) -> None:
        """Add world ``row`` of ``scene`` and what the planner did to arrive there."""
        self._scenes.append(scene.rows([row]))
        self._ticks.append(_frozen(tick if tick is not None else Tick()))

    def finish(self, outcome: str) -> DriveLog:
        """Return the drive so far, ended by ``outcome``; the recorder may go on."""
        if not self._scenes:
            raise DriveLogError("this drive has no ticks: append the scene of reset() first")
        scenes = _stack_in_time(self._scenes)
        hashes = state_hash(scenes)
        return DriveLog(
            meta=replace(self.meta, outcome=outcome, trace_hash=trace_hash(hashes)),
            drawing=self.drawing,
            scenes=scenes,
            trace=_trace(self._ticks),
            state_hash=hashes,
        )

    def save(self, path: str | os.PathLike[str], outcome: str) -> Path:
        """Write the drive so far as ``finish`` returns it."""
        return self.finish(outcome).save(path)


def _frozen(tick: Tick) -> Tick:
    """Copy the arrays of a tick and check their lengths."""
    copies: dict[str, Any] = {}
    for name, width in TRACE_WIDTHS.items():
        value = getattr(tick, name)
        if value is None:
            continue
        numbers = np.array(value, dtype=np.float64)
        if numbers.shape != (width,):
            raise ValueError(f"{name} of a tick has shape {numbers.shape}; it must be ({width},): one world's numbers")
        copies[name] = numbers
    if tick.observation is not None:
        copies["observation"] = np.array(tick.observation, dtype=np.float32)
    return replace(tick, **copies)


def _stack_in_time(scenes: Sequence[SceneBatch]) -> SceneBatch:
    """Return one scene whose batch axis is the time of the given B = 1 scenes."""
    slots = {scene.actor_slots for scene in scenes}
    if len(slots) > 1:
        raise ValueError(f"the scenes of one drive have {sorted(slots)} actor slots; a simulator keeps one number")
    return SceneBatch(
        time_s=np.concatenate([s.time_s for s in scenes]),
        step=np.concatenate([s.step for s in scenes]),
        cell=np.concatenate([s.cell for s in scenes]),
        seed=np.concatenate([s.seed for s in scenes]),
        ego=EgoState(np.concatenate([s.ego.block for s in scenes], axis=1)),
        actors=ActorStates(np.concatenate([s.actors.block for s in scenes], axis=1)),
        road=RoadState(np.concatenate([s.road.block for s in scenes], axis=1)),
        route=RouteState(
            np.concatenate([s.route.block for s in scenes], axis=1), np.concatenate([s.route.points for s in scenes])
        ),
        events=Events(np.concatenate([s.events.block for s in scenes], axis=1)),
    )


def _trace(ticks: Sequence[Tick]) -> PlannerTrace:
    """Return the ticks as arrays over time."""
    names = (*TRACE_WIDTHS, "observation")
    arrays = {name: _stacked(name, [getattr(tick, name) for tick in ticks]) for name in names}
    return PlannerTrace(
        **arrays,
        hint_text=tuple(tick.hint_text for tick in ticks),
        hint_source=tuple(tick.hint_source for tick in ticks),
        hint_age_s=np.array([tick.hint_age_s for tick in ticks], dtype=np.float64),
    )


def _stacked(name: str, rows: Sequence[Any]) -> Any:
    given = sum(row is not None for row in rows)
    if given == 0:
        return None
    if given < len(rows):
        raise ValueError(
            f"{name} was given at {given} of {len(rows)} ticks; give it at every tick of a drive or at none"
        )
    return np.stack(rows)
