"""``make guides``: the guides from end to end, every command in a process of its own, the long ones too.

python -m tests.guides                    # all
python -m tests.guides own_llm growing    # some
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.guides.blocks import GUIDES
from tests.guides.following import as_process, follow


def main(names: list[str]) -> int:
    """Follow the guides of ``names``, all where there is none; return how many cannot be followed."""
    known = {guide.stem: guide for guide in GUIDES}
    if unknown := set(names) - set(known):
        print(f"there is no guide {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    failed = [name for name in names or known if not followed(known[name])]
    print(f"{len(names or known) - len(failed)} guides followed, {len(failed)} failed {' '.join(failed)}")
    return len(failed)


def followed(guide: Path) -> bool:
    """Follow a guide in an empty folder, and tell of every command."""
    print(f"== {guide.stem}", flush=True)
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            follow(guide, _run, patient=True)
        except AssertionError:
            return False
        finally:
            os.chdir(before)
    return True


def _run(words: list[str]) -> int:
    begun = time.monotonic()
    done = subprocess.run(as_process(words), capture_output=True, text=True, env=os.environ)
    print(
        f"{time.monotonic() - begun:7.1f} s  {'ok  ' if done.returncode == 0 else 'FAIL'}  {' '.join(words)}",
        flush=True,
    )
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
