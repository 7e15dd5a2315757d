"""Runs, evaluations and curves as files, made up so that a test can say what a report must tell of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from envs.metrics.infractions import Infraction
from hcrmp.checkpoint import META
from hcrmp.course import episode_seed
from hcrmp.episode_record import EpisodeRecord, Outcome
from hcrmp.run_folder import RunFolder, write_json
from hcrmp.train_config import TrainConfig, plain_config

MADE_BY = {
    "created": "2026-01-02T03:04:05+00:00",
    "command": ["hcrmp", "evaluate", "run=a b"],
    "seed": 0,
    "commit": "abcdef0123456789",
    "python": "3.11",
    "packages": {"hcrmp": "0.1.0", "numpy": "2.0"},
    "machine": {"cpu": "some"},
}


def episode(
    number: int, outcome: Outcome = "success", cell: str = "merging/low", seed: int = 0, **changes: Any
) -> EpisodeRecord:
    """Return the record of the ``number``-th episode of a cell; ``seed`` is the training seed."""
    scenario, density = cell.split("/")
    values: dict[str, Any] = {
        "time_s": 12.0, "distance_m": 100.0, "mean_speed_mps": 8.0, "speed_variance": 1.0,
        "acceleration_variance": 1.0, "mean_abs_jerk": 1.0, "min_ttc_s": 2.0, "progress": 1.0, "planner_seed": seed,
    }  # fmt: skip
    return EpisodeRecord(scenario, density, episode_seed(0, number), outcome, **(values | changes))


def crash(time_s: float, kind: str = "car", side: Any = "front") -> tuple[Infraction, ...]:
    """Return the infractions of an episode that ended in a collision."""
    what: Any = "collision_pedestrian" if kind == "pedestrian" else "collision_vehicle"
    return (Infraction(what, time_s, actor_id=3, actor_kind=kind, side=side),)


def make_run(path: Path, **changes: Any) -> RunFolder:
    """Return a run that was trained, as far as a report looks."""
    config = TrainConfig(run="run", total_steps=1000, **changes)
    folder = RunFolder.create(path, plain_config(config), seed=config.seed)
    state = {"model": {"counters": {"num_timesteps": 1000}}}
    meta = {"format": 1, "algorithm": "hcrmp", "spaces": {}, "layout": {}, "state": state}
    write_json(folder.latest_checkpoint / META, meta | {"checksums": {"parameters.pt": path.name}})
    return folder


def make_evaluation(
    folder: Path, records: Sequence[EpisodeRecord], label: str = "planner-paper", driver: str = "planner", **more: Any
) -> Path:
    """Write an evaluation into a run's folder."""
    path = folder / "evaluation" / f"{label}.json"
    content = {
        "label": label,
        "driver": driver,
        "ends_at": "violation",
        "config": {},
        "provenance": MADE_BY,
        "drives": [],
    }
    write_json(path, content | more | {"episodes": [record.to_dict() for record in records]})
    return path
