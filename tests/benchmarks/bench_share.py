"""What a shared planner costs: time of a decision by torch and by ONNX Runtime, size of the files, time to open them.

``OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_share`` prints tables in Markdown, of networks of the usual size
with random weights; ``--run RUN`` measures a trained planner instead, and how far its actions in ONNX are from its own
over 10,000 observations of a drive.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch as th

from hcrmp.build import build_environment
from hcrmp.run_folder import RunFolder
from hcrmp.share import load_policy
from hcrmp.share.document import ONNX_FILE, WEIGHTS_FILE, PlannerDocument, part_of
from hcrmp.share.job import planner_files
from hcrmp.share.networks import build_networks
from hcrmp.share.onnx_policy import make_session
from hcrmp.share.policies import TorchPolicy
from hcrmp.share.run_planner import planner_of_run
from hcrmp.train_config import HcrmpOptions, TrainConfig, load_train
from tests.benchmarks.machine import machine
from tests.hcrmp.share.planners import document_of, observation, write

COMMAND = "OMP_NUM_THREADS=1 python -m tests.benchmarks.bench_share"


def usual() -> tuple[PlannerDocument, dict[str, th.Tensor]]:
    """Return the default planner on the default observation, with random weights."""
    env = build_environment(TrainConfig(), 1)
    layout = env.driving.layout
    env.close()
    document = document_of(HcrmpOptions())
    parts = {**document.parts, "state": part_of("state", (layout.size,))}
    document = replace(document, layout=layout, parts=parts, name="usual")
    return document, build_networks(document).state_dict()


def microseconds(call: Callable[[], Any], rounds: int) -> float:
    """Return the median time of a call (us)."""
    call()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return 1e6 * float(np.median(times))


def print_times(folder: Path, rounds: int) -> None:
    """Print the time of a decision, for one world and for 64."""
    in_torch, in_onnx = load_policy(folder / WEIGHTS_FILE), load_policy(folder / ONNX_FILE)
    assert isinstance(in_torch, TorchPolicy)
    session = make_session((folder / ONNX_FILE).read_bytes(), "planner")
    networks = in_torch.networks
    print("\n| a decision (us) | B = 1 | B = 64 |\n|---|---|---|")
    one, many = observation(in_torch.parts, 1), observation(in_torch.parts, 64)
    calls: dict[str, Callable[[Any], Any]] = {
        "torch, SB3's predict": lambda rows: networks.predict(rows, deterministic=True),
        "torch, load_policy (64 rows in a pass)": in_torch.act,
        "ONNX Runtime, load_policy (64 rows in a pass)": in_onnx.act,
        "ONNX Runtime alone, action": lambda rows: session.run(["action"], rows),
        "ONNX Runtime alone, all outputs": lambda rows: session.run(None, rows),
    }
    for name, call in calls.items():
        times = [microseconds(lambda rows=rows, call=call: call(rows), rounds) for rows in (one, many)]  # type: ignore[misc]
        print(f"| {name} | {times[0]:.0f} | {times[1]:.0f} |", flush=True)


def print_sizes(folder: Path, files: dict[str, bytes], rounds: int) -> None:
    """Print the sizes of the files and the time to open them."""
    print("\n| file | kB | opened in (ms) |\n|---|---|---|")
    for name in (WEIGHTS_FILE, ONNX_FILE):
        opened = microseconds(lambda name=name: load_policy(folder / name), rounds) / 1e3  # type: ignore[misc]
        print(f"| {name} | {len(files[name]) / 1e3:.0f} | {opened:.1f} |", flush=True)


def print_distance(folder: Path, run: RunFolder, observations: int) -> None:
    """Print how far the actions in ONNX are from the planner's own, over the observations of a drive."""
    worlds = 64
    in_torch, in_onnx = load_policy(folder / WEIGHTS_FILE), load_policy(folder / ONNX_FILE)
    env = build_environment(load_train(run.config()), worlds)
    observed: Any = env.reset()
    actions, values, seen = [], [], 0
    while seen < observations:
        own = in_torch.act(observed)
        actions.append(np.abs(in_onnx.act(observed) - own).max())
        theirs, ours = in_onnx.values(observed), in_torch.values(observed)
        values.append(0.0 if theirs is None or ours is None else np.abs(theirs - ours).max())
        observed, *_ = env.step(own)
        seen += worlds
    env.close()
    print(f"\nover {seen:,} observations of {run.name} the actions differ by at most {max(actions):.1e}, the values by "
          f"{max(values):.1e}")  # fmt: skip


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="folder of a run")
    parser.add_argument("--rounds", type=int, default=1000, help="decisions of each kind")
    parser.add_argument("--observations", type=int, default=10_000, help="observations that actions are compared over")
    options = parser.parse_args()
    th.set_num_threads(1)
    run = RunFolder.open(options.run) if options.run else None
    document, weights = usual() if run is None else planner_of_run(run)
    with tempfile.TemporaryDirectory() as place:
        files = planner_files(document, weights, "all")
        folder = write(Path(place), files)
        total = sum(tensor.numel() for tensor in weights.values())
        print(f"`{COMMAND}`\n\n{machine()}, torch {th.__version__}; {document.name}, {total:,} weights")
        print_times(folder, options.rounds)
        print_sizes(folder, files, max(options.rounds // 50, 1))
        if run is not None:
            print_distance(folder, run, options.observations)


if __name__ == "__main__":
    main()
