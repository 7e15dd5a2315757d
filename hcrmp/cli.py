"""The ``hcrmp`` command. Nothing heavy is imported before a job is known to run."""

from __future__ import annotations

import difflib
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

from hcrmp.errors import UserError, is_user_error
from hcrmp.jobs import JOBS

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130
"""What a shell reports for a command that Ctrl-C ended (128 + SIGINT)."""
UNREAD_STATUS = 141
"""What a shell reports for a command whose reader has gone (128 + SIGPIPE)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 after a user's error, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except KeyboardInterrupt:
        print("hcrmp: interrupted.", file=sys.stderr)
        return INTERRUPTED_STATUS
    except OSError as error:
        if error.filename is None:
            raise
        print(f"hcrmp: {error.filename}: {error.strerror}", file=sys.stderr)
        return USER_ERROR_STATUS
    except Exception as error:
        if not is_user_error(error):
            raise
        print(f"hcrmp: {' '.join(str(error).split())}", file=sys.stderr)
        return USER_ERROR_STATUS


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        return _show(overview())
    if words[0] == "--version":
        return _show(_version())
    job, rest = _job_name(words)
    if any(word in ("-h", "--help") for word in rest):
        from hcrmp.cli_help import job_help
        from hcrmp.command_words import usage_of_words

        chosen = [word for word in rest if "=" in word and not word.startswith("-")]
        return _show(job_help(job, JOBS[job].summary, JOBS[job].examples, usage_of_words(JOBS[job]), chosen))
    return _run(job, rest)


def _show(text: str) -> int:
    """Print a text that may be more than its reader, ``head`` for example, wants; a job's pipes are another matter."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What Python still holds has to go somewhere at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD_STATUS
    return 0


def _run(job: str, overrides: Sequence[str]) -> int:
    from hcrmp.command_words import as_overrides
    from hcrmp.config import load

    config: Any = load(job, as_overrides(job, overrides))
    _end_as_ctrl_c_does(signal.SIGTERM)
    return int(importlib.import_module(JOBS[job].module).run(config))


def _end_as_ctrl_c_does(signal_number: signal.Signals) -> None:
    """Let a job scheduler's polite end leave a checkpoint too."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        signal.signal(signal_number, interrupt)
    except ValueError:  # not in the main thread: the caller keeps its own handlers
        return


def _job_name(words: list[str]) -> tuple[str, list[str]]:
    """Return the job that the first words name, one or two, and the words after it."""
    for count in (2, 1):
        name = " ".join(words[:count])
        if name in JOBS:
            return name, words[count:]
    family = [name for name in JOBS if name.startswith(f"{words[0]} ")]
    if family:
        raise UserError(f"{words[0]} needs one of: {', '.join(name.split()[1] for name in family)}.")
    near = difflib.get_close_matches(words[0], JOBS, n=1)
    suggestion = f" Did you mean {near[0]}?" if near else ""
    raise UserError(f"unknown command {words[0]}.{suggestion} Valid: {', '.join(JOBS)}.")


def overview() -> str:
    """Return the text of ``hcrmp --help``."""
    lines = ["HCRMP: an LLM-hinted, multi-critic reinforcement-learning motion planner.", ""]
    lines += ["usage: hcrmp <command> [group=option ...] [key=value ...]", "", "commands"]
    lines += [f"  {name:<17}{job.summary}" for name, job in JOBS.items()]
    lines += ["", "examples"]
    lines += [f"  {job.examples[0]}" for job in JOBS.values()]
    lines += ["", "'hcrmp <command> --help' lists the groups and keys of a command, with their values."]
    return "\n".join(lines)


def _version() -> str:
    from importlib import metadata

    return f"hcrmp {metadata.version('hcrmp')}"


if __name__ == "__main__":
    sys.exit(main())
