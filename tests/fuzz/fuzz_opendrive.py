"""Fuzz of the OpenDRIVE reader and compiler: ``make fuzz ARGS="--files 100000 --seed 1"``.

File ``i`` of a seed depends on (seed, i) alone: ``--first i --files 1`` repeats it, ``--keep FOLDER`` writes those that
fail. Every file must either compile, within the deadline, to a graph of finite numbers, or be refused with an
``OpenDriveError`` of one line.
"""

from __future__ import annotations

import argparse
import signal
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import numpy as np

from envs.roads.compiler import compile_lane_graph
from envs.roads.elements import OpenDriveError
from envs.roads.lane_graph import LaneGraph
from envs.roads.opendrive import parse_opendrive
from tests.fuzz.corpus import corpus
from tests.fuzz.mutations import mutated

DEADLINE_S = 5.0


def fuzz_file(maps: dict[str, bytes], seed: int, index: int) -> tuple[str, bytes]:
    """Return (name of the sound map, file ``index`` of a seed)."""
    rng = np.random.default_rng([seed, index])
    name = sorted(maps)[int(rng.integers(len(maps)))]
    return name, mutated(maps[name], rng)


def verdict(content: bytes) -> str:
    """Return "graph" or "refused"; anything else is an exception."""
    try:
        graph = compile_lane_graph(parse_opendrive(content, "fuzz"))
    except OpenDriveError as error:
        if len(str(error).splitlines()) != 1 or not str(error).isprintable():
            raise AssertionError(f"not one line: {str(error)!r}") from None
        return "refused"
    assert_finite(graph)
    return "graph"


def assert_finite(graph: LaneGraph) -> None:
    """Raise where a number of the graph is not finite, or a link or a group names what is not there."""
    controls, drawing = graph.controls, graph.drawing
    numbers = [graph.samples, graph.length, graph.step, graph.speed_limit, controls.stop_gap, controls.programs]
    numbers += [area.points for area in drawing.areas] + [stroke.points for stroke in drawing.strokes]
    if not all(np.isfinite(array).all() for array in numbers):
        raise AssertionError("a number of the graph is not finite")
    links = (graph.successors, graph.predecessors, graph.left, graph.right, graph.opposite)
    if any(array.max(initial=-1) >= graph.lane_count or array.min(initial=0) < -1 for array in links):
        raise AssertionError("a link leads to no lane")
    if controls.group.max(initial=-1) >= len(controls.plan) or (graph.step <= 0.0).any():
        raise AssertionError("a group is not there, or a lane has no length")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise ``TimeoutError`` in the body after so many seconds."""

    def ring(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"not done within {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def main() -> int:
    """Run the files and print the counts; 1 where one failed."""
    options = _options()
    maps = corpus()
    outcomes: Counter[str] = Counter()
    slowest, begin = 0.0, time.perf_counter()
    warnings.simplefilter("error")
    for index in range(options.first, options.first + options.files):
        name, content = fuzz_file(maps, options.seed, index)
        started = time.perf_counter()
        try:
            with deadline(options.deadline):
                outcomes[verdict(content)] += 1
        except Exception:  # whatever it is, it is what we look for
            outcomes["failed"] += 1
            print(f"seed {options.seed}, file {index} (of {name}):\n{traceback.format_exc(limit=-2)}", flush=True)
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{options.seed}_{index}.xodr").write_bytes(content)
        slowest = max(slowest, time.perf_counter() - started)
    spent = time.perf_counter() - begin
    print(f"seed {options.seed}, files {options.first} to {options.first + options.files - 1} of {len(maps)} maps: "
          f"{outcomes['graph']} graphs, {outcomes['refused']} refused, {outcomes['failed']} failed; "
          f"{spent:.0f} s, slowest {slowest:.2f} s")  # fmt: skip
    return min(outcomes["failed"], 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--deadline", type=float, default=DEADLINE_S, help="seconds per file")
    parser.add_argument("--keep", type=Path, help="folder for the files that fail")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
