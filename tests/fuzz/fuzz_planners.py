"""Fuzz of planner files: ``make fuzz-planners ARGS="--files 100000 --seed 1"``.

Shared folders, ONNX files, zips of Stable-Baselines3 and checkpoints. File ``i`` of a seed depends on (seed, i) alone:
``--first i --files 1`` repeats it, ``--keep FOLDER`` writes those that fail. Every one must be opened, and then give
actions in [-1, 1], or be refused in one printable line, within the deadline. In no case may anything be unpickled, any
program be started, any connection be made, or any file outside of the folder be written: an audit hook listens. The
memory of the process is told before and after.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch as th

from envs.untrusted import UntrustedFileError
from hcrmp.checkpoint import load_checkpoint
from hcrmp.share import load_policy
from hcrmp.share.opening import shared_config
from tests.fuzz.fuzz_opendrive import deadline
from tests.fuzz.planner_corpus import corpus, toy_model
from tests.fuzz.planner_mutations import Files, mutated
from tests.hcrmp.share.planners import observation, write

DEADLINE_S = 10.0
FORBIDDEN = ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect",
             "shutil.rmtree", "os.remove", "os.rename", "ctypes.dlopen")  # fmt: skip
"""Events of the interpreter that opening a planner never causes."""


class Watch:
    """Listens to the interpreter's audit events while it is ``on``."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and (event in FORBIDDEN or (event == "open" and _writes(arguments))):
            self.seen.append(f"{event} {arguments!r:.200}")

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Raise ``AssertionError`` after the body where it caused one of the events."""
        self.seen.clear()
        self.on = True
        try:
            yield
        finally:
            self.on = False
            if self.seen:
                raise AssertionError(f"the file was run, or wrote: {self.seen[:3]}")


def _writes(arguments: tuple[Any, ...]) -> bool:
    mode = arguments[1]
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def fuzz_file(sound: dict[str, Files], seed: int, index: int) -> tuple[str, Files]:
    """Return (name of the sound files, files ``index`` of a seed)."""
    rng = np.random.default_rng([seed, index])
    name = sorted(sound)[int(rng.integers(len(sound)))]
    return name, mutated(sound[name], rng)


def verdict(name: str, files: Files, folder: Path, watch: Watch) -> str:
    """Return "acts" or "refused"; anything else is an exception."""
    write(folder, files)
    try:
        with watch.listening():
            if name.startswith("checkpoint"):
                load_checkpoint(folder, toy_model())
                return "acts"
            _act(folder / "planner.zip" if name.startswith("zip") else folder)
    except UntrustedFileError as error:
        if len(str(error).splitlines()) != 1 or not str(error).isprintable():
            raise AssertionError(f"not one line: {str(error)!r}") from None
        return "refused"
    return "acts"


def _act(path: Path) -> None:
    policy = load_policy(path)
    shared_config(path)  # the worlds of its evaluation
    if sum(int(np.prod(part.shape)) for part in policy.parts.values()) > 1 << 20:
        return
    actions = policy.act(observation(policy.parts))
    if actions.shape != (5, 2) or not (np.abs(actions) <= 1.0 + 1e-6).all():
        raise AssertionError(f"actions are {actions.shape}, up to {np.abs(actions).max()}")


def peak_mb() -> float:
    """Return the most memory that the process has had (MB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def main() -> int:
    """Open the files and print the counts; 1 where one failed."""
    options = _options()
    th.set_num_threads(1)
    sound, watch = corpus(), Watch()
    outcomes: Counter[str] = Counter()
    slowest, begin = 0.0, time.perf_counter()
    warnings.simplefilter("ignore")
    for name in sound:
        with tempfile.TemporaryDirectory() as folder:
            assert verdict(name, sound[name], Path(folder), watch) == "acts", name
    before = peak_mb()
    for index in range(options.first, options.first + options.files):
        name, files = fuzz_file(sound, options.seed, index)
        kind, started = name.partition("/")[0], time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            try:
                with deadline(options.deadline):
                    outcomes[f"{kind} {verdict(name, files, Path(folder), watch)}"] += 1
            except Exception:  # whatever it is, it is what we look for
                outcomes["failed"] += 1
                print(f"seed {options.seed}, file {index} (of {name}):\n{traceback.format_exc(limit=-3)}", flush=True)
                if options.keep:
                    write(options.keep / f"{options.seed}_{index}", files)
        slowest = max(slowest, time.perf_counter() - started)
    told = ", ".join(f"{outcome} {count}" for outcome, count in sorted(outcomes.items()))
    print(f"seed {options.seed}, files {options.first} to {options.first + options.files - 1}: {told}; "
          f"{outcomes['failed']} failed; {time.perf_counter() - begin:.0f} s, slowest {slowest:.2f} s; "
          f"memory {before:.0f} MB before, at most {peak_mb():.0f} MB")  # fmt: skip
    return min(outcomes["failed"], 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=20_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--deadline", type=float, default=DEADLINE_S, help="seconds per file")
    parser.add_argument("--keep", type=Path, help="folder for the files that fail")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
