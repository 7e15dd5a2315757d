"""Fuzz of the import of recordings: ``make fuzz-logs ARGS="--files 100000 --seed 1"``.

Each file must become a drive of finite numbers that can be saved, or be refused in one line; within its deadline,
within memory in proportion to its size, and without a trace on the disk where it is refused. A file depends on its seed
and number alone: ``--first`` repeats one.
"""

from __future__ import annotations

import argparse
import time
import traceback
import tracemalloc
import warnings
from collections import Counter
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from envs.carla_recording import CarlaLogError
from envs.recording import DriveLog
from envs.recording.carla_log import KnownMap
from hcrmp.errors import UserError
from hcrmp.exchange_config import ImportConfig
from hcrmp.import_job import import_drive, load_map
from tests.fuzz.fuzz_opendrive import deadline
from tests.fuzz.log_corpus import log_corpus
from tests.fuzz.log_mutations import mutated

DEADLINE_S = 20.0
MOST_MEMORY = 64 * 2**20
"""What an import may take beside 2,000 times its file's size (bytes)."""

MEASURED_EACH = 20
"""Measuring the memory makes an import three times as slow: it is done for one file in so many."""


def fuzz_file(seed: int, index: int) -> tuple[str, bytes]:
    """Return the name of the recording that a file was made of, and the file."""
    rng = np.random.default_rng([seed, index])
    recordings = log_corpus()
    name = sorted(recordings)[int(rng.integers(len(recordings)))]
    return name, mutated(recordings[name], rng)


def verdict(content: bytes, folder: Path) -> str:
    """Import a file; return ``drive`` or ``refused``, raise ``AssertionError`` for what is neither."""
    source, target = folder / "drive.log", folder / "drive.arrow"
    source.write_bytes(content)
    target.write_bytes(b"earlier")
    wishes = ImportConfig(recording=str(source), output=str(target), replace=True)
    try:
        drive, _ = import_drive(wishes, find_map=known_map)
    except (CarlaLogError, UserError) as error:
        assert "\n" not in str(error) and str(source) in str(error), f"not one line that names the file: {error!r}"
        assert target.read_bytes() == b"earlier", "a refused recording has left a trace"
        assert sorted(path.name for path in folder.iterdir()) == ["drive.arrow", "drive.log"], "files are left over"
        return "refused"
    _check(drive)
    assert len(DriveLog.read(target)) == len(drive)
    return "drive"


def _check(drive: DriveLog) -> None:
    scenes, trace = drive.scenes, drive.trace
    blocks = (scenes.ego.block, scenes.actors.block, scenes.road.block, scenes.route.block, scenes.route.points)
    for block in (*blocks, scenes.events.block, scenes.time_s, trace.control, trace.action):
        assert np.isfinite(block).all(), "a number is not finite"
    assert (np.diff(scenes.time_s) > 0.0).all(), "time does not grow"
    assert not scenes.actors.block[:, ~scenes.actors.valid].any(), "an unused slot holds numbers"


@lru_cache(maxsize=2)
def known_map(name: str) -> KnownMap | None:
    """Return the map of a recording of ours; the drives of others have no road."""
    return load_map(name) if name == "street_0" else None


def measured(content: bytes, folder: Path) -> str:
    """Return the verdict, and raise where it took too much memory."""
    tracemalloc.start()
    try:
        found = verdict(content, folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY + 2000 * len(content), f"{peak / 2**20:.0f} MiB for a file of {len(content)} bytes"
    return found


def main() -> int:
    """Run the fuzz; return 1 if anything failed."""
    options = _options()
    outcomes: Counter[str] = Counter()
    begin, slowest = time.perf_counter(), 0.0
    known_map("street_0")
    warnings.simplefilter("error")
    with TemporaryDirectory() as folder:
        for index in range(options.first, options.first + options.files):
            name, content = fuzz_file(options.seed, index)
            started = time.perf_counter()
            try:
                with deadline(options.deadline):
                    outcomes[(measured if index % MEASURED_EACH == 0 else verdict)(content, Path(folder))] += 1
            except KeyboardInterrupt:
                print("interrupted", flush=True)
                break
            except Exception:  # any error is what we look for
                outcomes["failed"] += 1
                print(f"seed {options.seed}, file {index} (of {name}):\n{traceback.format_exc(limit=-3)}", flush=True)
            slowest = max(slowest, time.perf_counter() - started)
    spent, done = time.perf_counter() - begin, outcomes.total()
    print(f"seed {options.seed}, files {options.first} to {options.first + done - 1} of {len(log_corpus())} "
          f"recordings: {outcomes['drive']} drives, {outcomes['refused']} refused, {outcomes['failed']} failed; "
          f"{spent:.0f} s, slowest {slowest:.2f} s")  # fmt: skip
    return min(outcomes["failed"], 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--deadline", type=float, default=DEADLINE_S, help="seconds per file")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
