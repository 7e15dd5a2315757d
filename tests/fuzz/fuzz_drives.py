"""Fuzz of recorded drives and journals: ``make fuzz-drives ARGS="--files 100000 --seed 1"``.

File ``i`` of a seed depends on (seed, i) alone: ``--first i --files 1`` repeats it, ``--keep FOLDER`` writes those that
fail. Every fifth is a journal, the others are drive files. Each must be read, within the deadline and ``MEMORY_BYTES``,
or be refused with a ``DriveLogError`` of one line. They are read in processes of their own, ``CHUNK`` by ``CHUNK``: one
that dies is told of, with the file that it was at.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from envs.recording import DriveLog, DriveLogError, read_journal
from tests.envs.many_worlds import SOURCES, hint_words
from tests.fuzz.drive_corpus import Files, drives, journal, mutated_drive, mutated_journal
from tests.fuzz.fuzz_opendrive import deadline

DEADLINE_S = 10.0
CHUNK = 5000
MEMORY_BYTES = 6 * 2**30
"""Address space of a reading process."""


def fuzz_file(sound: Files, left: Files, seed: int, index: int) -> tuple[str, Files]:
    """Return (name of the sound file, the files of number ``index`` of a seed)."""
    rng = np.random.default_rng([seed, index])
    if index % 5 == 4:
        return "journal", mutated_journal(left, rng)
    name = sorted(sound)[int(rng.integers(len(sound)))]
    return name, {"drive.arrow": mutated_drive(sound[name], rng)}


def verdict(name: str, files: Files, folder: Path) -> str:
    """Return "read" or "refused"; anything else is an exception."""
    for path in folder.iterdir():
        path.unlink()
    for file, content in files.items():
        (folder / file).write_bytes(content)
    try:
        if name == "journal":
            logs = [log for _, log in read_journal(folder, hint_words, SOURCES)]
        else:
            logs = [DriveLog.read(folder / "drive.arrow")]
    except DriveLogError as error:
        if len(str(error).splitlines()) != 1 or not str(error).isprintable():
            raise AssertionError(f"not one line: {str(error)!r}") from None
        return "refused"
    for log in logs:
        assert_whole(log)
    return "read"


def assert_whole(log: DriveLog) -> None:
    """Raise where the parts of a drive that was read do not fit together."""
    ticks, trace = len(log), log.trace
    arrays: list[Any] = [trace.action, trace.control, trace.reward_terms, trace.hint_age_s, trace.hint_text]
    given = (trace.observation, trace.distribution, trace.values, log.state_hash)
    arrays += [log.scenes.actors.x, *(part for part in given if part is not None)]
    if not ticks or any(len(array) != ticks for array in arrays):
        raise AssertionError("the parts of a drive have other lengths than its scenes")
    if trace.hint_index is not None and trace.hint_index.max() >= len(log.hints):
        raise AssertionError("a tick points at a hint that is not there")


def read_some(options: argparse.Namespace) -> Counter[str]:
    """Read the files of one process; print the failures."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    warnings.simplefilter("error")
    sound, left, outcomes = drives(), journal(), Counter[str]()
    with tempfile.TemporaryDirectory(dir=options.place) as place:
        for index in range(options.first, options.first + options.files):
            Path(options.at).write_text(str(index))
            name, files = fuzz_file(sound, left, options.seed, index)
            try:
                with deadline(options.deadline):
                    outcomes[
                        f"{'journals' if name == 'journal' else 'drives'} {verdict(name, files, Path(place))}"
                    ] += 1
            except Exception:  # whatever it is, it is what we look for
                outcomes["failed"] += 1
                print(f"seed {options.seed}, file {index} ({name}):\n{traceback.format_exc(limit=-3)}", file=sys.stderr)
                keep(options, index, files)
    return outcomes


def keep(options: argparse.Namespace, index: int, files: Files) -> None:
    """Write the files of a failure, where they are to be kept."""
    if options.keep:
        for file, content in files.items():
            path = options.keep / f"{options.seed}_{index}" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def main() -> int:
    """Read the files and print the counts; 1 where one failed."""
    options = _options()
    if options.at:
        print(json.dumps(read_some(options)))
        return 0
    outcomes, begin = Counter[str](), time.perf_counter()
    end = options.first + options.files
    with tempfile.NamedTemporaryFile("r") as at:
        for first in range(options.first, end, CHUNK):
            words = ["--first", str(first), "--files", str(min(CHUNK, end - first)), "--at", at.name]
            words += ["--seed", str(options.seed), "--deadline", str(options.deadline), "--place", options.place]
            words += ["--keep", str(options.keep)] if options.keep else []
            command = [sys.executable, "-m", "tests.fuzz.fuzz_drives", *words]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
            if done.returncode:
                outcomes["failed"] += 1
                print(f"a process died ({done.returncode}) at file {Path(at.name).read_text()}", file=sys.stderr)
            else:
                outcomes.update(json.loads(done.stdout.splitlines()[-1]))
    told = ", ".join(f"{count} {what}" for what, count in sorted(outcomes.items()))
    print(f"seed {options.seed}, files {options.first} to {end - 1}: {told}; {outcomes['failed']} failed; "
          f"{time.perf_counter() - begin:.0f} s")  # fmt: skip
    return min(outcomes["failed"], 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, help="how many files")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mutations")
    parser.add_argument("--first", type=int, default=0, help="number of the first file")
    parser.add_argument("--deadline", type=float, default=DEADLINE_S, help="seconds per file")
    parser.add_argument("--keep", type=Path, help="folder for the files that fail")
    parser.add_argument("--place", default=tempfile.gettempdir(), help="folder for the files while they are read")
    parser.add_argument("--at", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
