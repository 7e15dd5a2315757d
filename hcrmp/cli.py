"""The ``hcrmp`` command. Nothing heavy is imported before a job is known to run."""

from __future__ import annotations

import difflib
import importlib
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from hcrmp.errors import UserError

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130
"""What a shell reports for a command that Ctrl-C ended (128 + SIGINT)."""


USER_ERRORS = (
    ("envs.errors", "EnvsError"),
    ("envs.carla_recording", "CarlaLogError"),
    ("envs.roads.elements", "OpenDriveError"),
    ("envs.scenarios.catalogue", "UnknownScenarioError"),
    ("envs.scenarios.sampling", "ScenarioError"),
    ("llm_hints.cache", "CacheFileError"),
    ("llm_hints.hint", "HintFormatError"),
    ("llm_hints.providers.base", "HintProviderError"),
    ("llm_hints.providers.compact_lm", "ModelError"),
    ("llm_hints.saving", "HintStateError"),
)
"""Errors of other rooms that mean wrong input, by module and class."""


@dataclass(frozen=True, slots=True)
class Job:
    """One subcommand: what it does, and ``module`` whose ``run(config) -> int`` does it.

    ``positional`` is the key that a word without ``=`` is the value of, ``positionals`` the one that all such words
    are the list of; ``aliases`` are other words for keys, of lists of one where the key ends with ``[]``.
    """

    module: str
    summary: str
    examples: tuple[str, ...]
    positional: str = ""
    positionals: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)


JOBS: dict[str, Job] = {
    "train": Job(
        "hcrmp.train",
        "Train a planner; it becomes a run folder.",
        (
            "hcrmp train scenario=merging density=high hints=rules algo=hcrmp",
            "hcrmp train run=tuned seed=3 total_steps=5_000_000 algo.learning_rate=1e-4",
            "hcrmp train hints=openai base_url=http://127.0.0.1:8000/v1 model=NAME hints.service.mode=realtime",
            "hcrmp train run=tuned resume=true",
        ),
    ),
    "evaluate": Job(
        "hcrmp.evaluate",
        "Drive planners through seeded episodes, compare them; tables with intervals, and JSON.",
        (
            "hcrmp evaluate planners=[bundled,runs/tuned,'hcrmp-*',reference] protocol=paper",
            "hcrmp evaluate run=runs/tuned scenario=all episodes=100",
            "hcrmp evaluate run=runs/tuned scenario=overtaking density=high hints=faulty",
            "hcrmp evaluate planner=bundled scenario=route",
        ),
        aliases={"planner": "planners[]"},
    ),
    "robustness": Job(
        "hcrmp.robustness.job",
        "Measure trained planners with more and more of their hints wrong; a plot and tables.",
        (
            "hcrmp robustness runs=[hinted,llm_dominated] rates=[0,0.42,1] wrong_modes=[inverted] episodes=50",
            "hcrmp robustness runs=[paper-*] when=training output=robustness_of_training",
        ),
    ),
    "replay": Job(
        "hcrmp.replay",
        "Show a recorded drive, simulate it again, or let somebody else take over.",
        (
            "hcrmp replay run=runs/tuned episode=merging-high-3",
            "hcrmp replay run=runs/tuned episode=worst video=gif",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow frame=12.4",
            "hcrmp replay run=runs/tuned episode=worst --beside best",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow --exact",
            "hcrmp replay runs/tuned/drives/merging-high-3.arrow --from 4.2 --planner reference",
            "hcrmp replay run=runs/tuned episode=worst --every 0.5 --planner [other_run,reference]",
        ),
        positional="drive",
        aliases={"from": "from_s"},
    ),
    "import": Job(
        "hcrmp.import_job",
        "Turn a recording of a CARLA server into a drive, without a server.",
        ("hcrmp import recording.log map_folder=maps", "hcrmp import recording.log ego=174 period_s=0.1"),
        positional="recording",
    ),
    "export": Job(
        "hcrmp.export_job",
        "Write a drive for Foxglove, Rerun, a spreadsheet, or CARLA's replayer.",
        ("hcrmp export runs/tuned/drives/merging-high-3.arrow to=mcap", "hcrmp export drive.arrow to=log"),
        positional="drive",
    ),
    "report": Job(
        "hcrmp.report.job",
        "Tell of runs and evaluations on one self-contained page, and in CARLA Leaderboard's layout.",
        (
            "hcrmp report runs/tuned",
            "hcrmp report hcrmp-0 hcrmp-1 llm_reward-0 cruise robustness/robustness.json output=report",
            "hcrmp report hcrmp-* labels=[planner-paper]",
        ),
        positionals="runs",
    ),
    "share": Job(
        "hcrmp.share.job",
        "Write a trained planner for others: safetensors, ONNX and a model card, without a pickle.",
        (
            "hcrmp share runs/tuned",
            "hcrmp share runs/tuned to=all output=tuned_planner",
        ),
        positional="run",
    ),
    "reproduce": Job(
        "hcrmp.reproduce.job",
        "Make a run again and tell what is not as it was; exit status 0: identical, 1: it differs.",
        ("hcrmp reproduce runs/tuned", "hcrmp reproduce runs/tuned what=evaluation labels=[planner-paper]"),
        positional="run",
    ),
    "reproduce paper": Job(
        "hcrmp.paper.job",
        "Make the paper's tables on our published protocol: trainings, evaluations, Markdown, JSON and figures.",
        ("hcrmp reproduce paper table=1", "hcrmp reproduce paper table=3 only_tell=true", "hcrmp reproduce paper"),
    ),
    "demo": Job(
        "hcrmp.demo",
        "All three jobs in a few minutes: train, evaluate against naive drivers, replay.",
        ("hcrmp demo", "hcrmp demo seed=1 run=second_demo"),
    ),
    "doctor": Job(
        "hcrmp.doctor",
        "Look at CARLA servers and what they need: versions, ports, GPU, Vulkan, a clock that was left behind.",
        ("hcrmp doctor", "hcrmp doctor servers=[127.0.0.1:2000,node7:2000]", "hcrmp doctor --unstick"),
    ),
    "hints ask": Job(
        "hcrmp.hints_ask",
        "Show a scene as a language model is told of it, and its answer.",
        ("hcrmp hints ask hints=bundled", "hcrmp hints ask family=road_works seed=3"),
    ),
    "hints benchmark": Job(
        "hcrmp.hints_benchmark",
        "Ask a language model what is known, and count how often it is wrong.",
        ("hcrmp hints benchmark hints=bundled", "hcrmp hints benchmark hints=rules scenes=2000 seed=1"),
    ),
    "hints stability": Job(
        "hcrmp.hints_stability",
        "Ask a language model about the same scenes again and again, with and without anchors.",
        ("hcrmp hints stability hints=bundled", "hcrmp hints stability scenes=200 repeats=30 families=[cut_in]"),
    ),
    "hints train": Job(
        "hcrmp.hints_train",
        "Make a small language model of hints, as the bundled one was made (an hour).",
        ("hcrmp hints train", "hcrmp hints train steps=500 scenes=2000 output=runs/small_model"),
    ),
    "hints tune": Job(
        "hcrmp.hints_tune",
        "Tune a larger language model with LoRA on the scenes that the bundled one was taught with.",
        ("hcrmp hints tune model=models/qwen output=runs/tuned_qwen", "hcrmp hints tune model=models/qwen steps=200"),
    ),
    "serve": Job(
        "hcrmp.serve",
        "Serve the simulator to CARLA's own client, without CARLA.",
        ("hcrmp serve map=town port=2000", "hcrmp serve map=Town02 map_folder=maps synchronous=true"),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status: 0, 2 after a user's error, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(words)
    except KeyboardInterrupt:
        print("hcrmp: interrupted.", file=sys.stderr)
        return INTERRUPTED_STATUS
    except Exception as error:
        if not is_user_error(error):
            raise
        print(f"hcrmp: {' '.join(str(error).split())}", file=sys.stderr)
        return USER_ERROR_STATUS


def is_user_error(error: Exception) -> bool:
    """Whether ``error`` is one that the user can put right, so that a traceback would only be in the way."""
    if isinstance(error, UserError):
        return True
    # The rooms below raise their own errors; a room that is not loaded has raised none.
    loaded = [(module, name) for module, name in USER_ERRORS if module in sys.modules]
    return any(isinstance(error, getattr(sys.modules[module], name)) for module, name in loaded)


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(overview())
        return 0
    if words[0] == "--version":
        print(_version())
        return 0
    job, rest = _job_name(words)
    if any(word in ("-h", "--help") for word in rest):
        from hcrmp.cli_help import job_help

        print(job_help(job, JOBS[job].summary, JOBS[job].examples, _usage_of_words(JOBS[job])))
        return 0
    return _run(job, rest)


def _run(job: str, overrides: Sequence[str]) -> int:
    from hcrmp.config import load

    config: Any = load(job, _as_overrides(job, overrides))
    _end_as_ctrl_c_does(signal.SIGTERM)
    return int(importlib.import_module(JOBS[job].module).run(config))


def _as_overrides(job: str, words: Sequence[str]) -> list[str]:
    """Return the words with ``--some-key value`` and ``--some-key=value`` written as ``some_key=value``.

    A switch needs no value: ``--unstick`` is ``unstick=true``. Words that are no overrides are the positional key's.
    """
    overrides: list[str] = []
    positional: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--") and "=" not in word and _takes_words(job):
            positional.append(word)
            continue
        if word.startswith("--") and len(word) > 2:
            key, equals, value = word[2:].partition("=")
            if not equals and (not waiting or waiting[0].startswith("--")) and _is_switch(job, key):
                value = "true"
            elif not equals:
                if not waiting:
                    raise UserError(f"{word} needs a value: write {key.replace('-', '_')}=value.")
                value = waiting.pop(0)
            word = f"{key.replace('-', '_')}={value}"
        overrides.append(_unaliased(job, word))
    return [*_positional(job, positional), *overrides]


def _usage_of_words(job: Job) -> str:
    """Return what the line of usage says of words without a key."""
    several = job.positionals and f"[{job.positionals.rstrip('s').upper()} ...] "
    return several or (job.positional and f"[{job.positional.upper()}] ")


def _takes_words(job: str) -> bool:
    return bool(JOBS[job].positional or JOBS[job].positionals)


def _positional(job: str, words: Sequence[str]) -> list[str]:
    """Return the words that stand without a key as overrides."""
    if not words:
        return []
    if JOBS[job].positionals:
        return [f"{JOBS[job].positionals}=[{','.join(map(_quoted, words))}]"]
    if len(words) > 1:
        raise UserError(f"{job} takes one {JOBS[job].positional}, {len(words)} came: {', '.join(words)}.")
    return [f"{JOBS[job].positional}={_quoted(words[0])}"]


def _quoted(word: str) -> str:
    """Return a word of the shell as the overrides' grammar wants it."""
    if re.fullmatch(r"[\w./+-]+", word, re.ASCII):
        return word
    escaped = word.replace("'", r"\'")
    return f"'{escaped}'"


def _unaliased(job: str, override: str) -> str:
    key, equals, value = override.partition("=")
    meant = JOBS[job].aliases.get(key, key)
    if not meant.endswith("[]"):
        return f"{meant}{equals}{value}"
    return f"{meant.removesuffix('[]')}=" + (value if value.startswith("[") else f"[{_quoted(value)}]")


def _is_switch(job: str, key: str) -> bool:
    """Return whether a key of the job says yes or no."""
    from hcrmp.config import config_class
    from hcrmp.mapping import field_types

    return field_types(config_class(job)).get(key.replace("-", "_")) is bool


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
