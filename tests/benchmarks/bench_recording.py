"""What recording costs: of an evaluation, of a training, and a drive's size and reading.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_recording`` prints tables in Markdown. With and without take turns,
so that a busy machine slows both; ratios are medians over the rounds. An evaluation is ``hcrmp evaluate`` of the
planner in the box in the paper's cells, 100 episodes each, from its start to its end, with as many processes as it
takes by itself and with one; the driving alone is that of an untrained planner in the twelve cells, rules hint. A
training is of ``algo=hcrmp``, recorded at the default sampling, and one episode after the other. The drive is 60 s of a
route through a town, with 30 other road users.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import torch as th

from envs.recording import DriveLog
from envs.scene import ActorRow, ActorStates
from hcrmp.build import build_algorithm, build_environment
from hcrmp.comparison.processes import cores
from hcrmp.config import load
from hcrmp.course import Course, make_course
from hcrmp.drive_recorder import EvaluationRecorder
from hcrmp.evaluation import evaluate_driver, make_driver
from hcrmp.sections import ScenarioConfig
from hcrmp.train_config import TrainConfig
from hcrmp.training_recorder import TrainingRecorder
from tests.benchmarks.machine import machine

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_recording"
TICKS, ACTORS = 600, 30
Seconds = tuple[float, float]


def timed(job: Callable[[], object]) -> Seconds:
    """Return wall and processor time (s) of all threads."""
    wall, processor = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - wall, time.process_time() - processor


def command_rounds(episodes: int, rounds: int, folder: Path) -> None:
    """Print what recording every episode costs ``hcrmp evaluate``."""
    for processes in dict.fromkeys((cores(), 1)):
        pairs = [[evaluated(episodes, processes, record, folder) for record in ("0", "all")] for _ in range(rounds)]
        title = f"hcrmp evaluate, {12 * episodes} episodes, processes={processes}"
        print_pairs(title, ["record=0", "record=all"], np.array(pairs), 12 * episodes, "episodes")


def evaluated(episodes: int, processes: int, record: str, folder: Path) -> Seconds:
    """Return the time of an evaluation, its processes' included."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        words = ["planner=bundled", "scenario=paper", f"episodes={episodes}", f"output={place}/out", "progress=false"]
        command = [sys.executable, "-m", "hcrmp.cli", "evaluate", *words, f"record={record}", f"processes={processes}"]
        wall, before = time.perf_counter(), os.times()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - wall, os.times()
        if record == "all":
            assert sum(1 for _ in Path(place).rglob("*.arrow")) == 12 * episodes
    return wall, after[2] + after[3] - before[2] - before[3]


def driving_rounds(config: TrainConfig, episodes: int, worlds: int, rounds: int, folder: Path) -> None:
    """Print what recording every episode costs the driving alone."""
    course = make_course(config, ScenarioConfig(), "all", episodes)
    env = course.environment(worlds)
    driver = make_driver("untrained", course, env, None)

    places = (folder / f"{number}" for number in count())

    def recorded() -> None:
        # A folder of its own each time: a file in another's place costs more, and no evaluation does that.
        with EvaluationRecorder(env, driver, course, next(places), lambda one: f"{one.cell}-{one.number}") as recorder:
            evaluate_driver(env, driver, course, recorder=recorder)

    evaluate_driver(env, driver, course)
    pairs = np.array([(timed(lambda: evaluate_driver(env, driver, course)), timed(recorded)) for _ in range(rounds)])
    env.close()
    episodes_driven = len(course.episodes)
    sizes = [path.stat().st_size for path in folder.glob("0/*.arrow")]
    title = f"driving alone, {episodes_driven} episodes"
    print_pairs(title, ["without", "every episode"], pairs, episodes_driven, "episodes")
    print(f"\n{len(sizes)} drives, {np.mean(sizes) / 1e3:.0f} kB each")


def training_rounds(config: TrainConfig, worlds: int, rounds: int, folder: Path) -> None:
    """Print what recording costs a training."""
    models, closing = [], []
    for record in (0, config.record, config.total_steps // worlds):
        env = build_environment(config, worlds)
        model = build_algorithm(config, env)
        model.learn(worlds * 128)
        if record:
            recorder = TrainingRecorder(env, model, replace(config, record=record), folder / f"{record}", "")
            closing.append(recorder.close)
        models.append(model)
    steps = worlds * 128
    times = [
        [timed(lambda model=model: model.learn(steps, reset_num_timesteps=False)) for model in models]  # type: ignore[misc]
        for _ in range(rounds)
    ]
    for close in closing:
        close()
    labels = ["without", f"{config.record} episodes in {config.total_steps:,} steps", "one episode after the other"]
    print_pairs(f"training, {worlds} worlds", labels, np.array(times), steps, "steps")


def print_pairs(title: str, labels: list[str], times: np.ndarray, amount: int, unit: str) -> None:
    """Print a table; ``times`` is ``(rounds, columns, 2)``."""
    print(f"\n| {title} | {unit}/s | cost | in processor time |\n|---|---|---|---|")
    for column, label in enumerate(labels):
        rate = np.median(amount / times[:, column, 0])
        cost, processor = np.median(times[:, column] / times[:, 0], axis=0) - 1.0
        print(f"| {label} | {rate:,.0f} | {cost:+.1%} | {processor:+.1%} |")


def town_drive(config: TrainConfig, folder: Path) -> DriveLog:
    """Return 60 s of a route, as they were recorded, with 30 of the road users."""
    course: Course = make_course(config, ScenarioConfig(("route",)), "high", 1, ends_at="collision")
    env = course.environment(1)
    driver = make_driver("untrained", course, env, None)
    with EvaluationRecorder(env, driver, course, folder, lambda one: "town") as recorder:
        env.reset()
        observation = env.restart(np.ones(1, np.bool_), [course.episodes[0].seed], [0])
        recorder.begin(np.zeros(1, np.int64), [course.episodes[0]])
        for _ in range(TICKS):
            # It stands: the others drive on.
            actions = np.array([[-1.0, 0.0]])
            recorder.tick(observation, driver.decide(observation, env.driving.scene).told)  # type: ignore[attr-defined]
            made = env.advance(actions)
            observation = env.observe(made.observation)
            recorder.advanced(actions, made)
        recorder.last_tick(np.zeros(1, np.int64), observation)
        recorder._recorder.end(0, "timeout")
    env.close()
    drive = DriveLog.read(folder / "town.arrow")
    moves = drive.scenes.actors.block[ActorRow.SPEED].max(axis=0).argsort(kind="stable")[::-1][:ACTORS]
    few = ActorStates(np.ascontiguousarray(drive.scenes.actors.block[:, :, np.sort(moves)]))
    return replace(drive, scenes=replace(drive.scenes, actors=few))


def print_drive(drive: DriveLog, folder: Path, rounds: int) -> None:
    """Print a drive's size, and how long it takes to write and to read."""
    path = folder / "few.arrow"
    writing = [timed(lambda: drive.save(path)) for _ in range(rounds)]
    reading = [timed(lambda: DriveLog.read(path)) for _ in range(rounds)]
    print("\n| a drive of 60 s | kB | written in ms | read in ms | processor ms |\n|---|---|---|---|---|")
    write, read = 1e3 * np.median(writing, axis=0), 1e3 * np.median(reading, axis=0)
    told = f"{write[0]:.1f} | {read[0]:.1f} | {write[1]:.1f}, {read[1]:.1f}"
    print(f"| {drive.scenes.actor_slots} road users | {path.stat().st_size / 1e3:.0f} | {told} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=20, help="of each cell, of the driving alone")
    parser.add_argument("--evaluated", type=int, default=100, help="of each cell, by the command")
    parser.add_argument("--worlds", type=int, default=64)
    arguments = parser.parse_args()
    th.set_num_threads(1)
    config = load("train", ["progress=false", "tensorboard=false"])
    print(f"`{COMMAND}`\n\n{machine()}; {arguments.rounds} rounds, medians")
    with tempfile.TemporaryDirectory() as place:
        command_rounds(arguments.evaluated, arguments.rounds, Path(place))
        driving_rounds(config, arguments.episodes, arguments.worlds, arguments.rounds, Path(place) / "driving")
        training_rounds(config, arguments.worlds, arguments.rounds, Path(place) / "training")
        print_drive(town_drive(config, Path(place)), Path(place), arguments.rounds)


if __name__ == "__main__":
    main()
