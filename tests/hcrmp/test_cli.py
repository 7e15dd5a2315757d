"""The command line: help, one-line errors with status 2, interruption, and that help stays light."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import types
from itertools import pairwise
from typing import Any

import pytest

from hcrmp import cli
from hcrmp.command_words import as_overrides
from hcrmp.composition import groups
from hcrmp.config import load
from hcrmp.errors import USER_ERRORS, UserError, is_user_error
from hcrmp.jobs import JOBS
from hcrmp.train_config import TrainConfig
from llm_hints.hint import HintFormatError


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Put a stand-in in the place of the training job; ``jobs["run"]`` is what it does."""
    stand_in: dict[str, Any] = {"run": lambda config: 0, "configs": []}

    def run(config: Any) -> int:
        stand_in["configs"].append(config)
        return int(stand_in["run"](config))

    module = types.ModuleType("hcrmp.train")
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "hcrmp.train", module)
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda number, handle: handler)
    return stand_in


def raising(error: BaseException) -> Any:
    def run(config: Any) -> int:
        raise error

    return run


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["--help"], ["-h"]):
        assert cli.main(arguments) == 0
        printed = capsys.readouterr().out
        assert all(f"\n  {job} " in printed for job in ("train", "evaluate", "replay", "demo"))


@pytest.mark.parametrize("job", list(JOBS))
def test_the_help_of_a_command_lists_groups_keys_and_examples(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([job, "--help"]) == 0
    printed = capsys.readouterr().out
    for group, options in groups(job).items():
        assert f"  {group} " in printed
        assert all(option in printed for option in options)
    assert all(example in printed for example in JOBS[job].examples)
    assert max(map(len, printed.splitlines())) <= 120


def test_help_shows_defaults_values_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["train", "--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "density=all Traffic density of the conditions" in printed
    assert "One of low | medium | high | all." in printed
    assert "hints.cache.eviction=lru" in printed and "with algo=sac algo.learning_rate=0.0003" in printed
    assert "hcrmp* " in printed and "rules*" in printed


def test_help_shows_what_the_chosen_options_make_of_the_keys(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["train", "algo=hcrmp_anchored", "--help"])
    printed = capsys.readouterr().out
    assert "hcrmp_anchored*" in printed and "algo.anchor_prior=[0.42, 0.45, 0.13]" in printed
    cli.main(["hints", "stability", "--help"])
    printed = capsys.readouterr().out
    config = load("hints stability").hints
    assert f"hints.provider={config.provider}" in printed and config.provider == "transformers"
    assert f"hints.service.policy={config.service.policy}" in printed and config.service.policy == "cache_first"


@pytest.mark.parametrize("job", list(JOBS))
def test_every_key_of_a_command_is_explained(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main([job, "--help"])
    lines = capsys.readouterr().out.partition("\nexamples\n")[0].splitlines()
    for line, following in pairwise([*lines, ""]):
        if match := re.match(r"  ([\w.]+)=", line):
            explained = len(line) > 44 and "  " in line[2:] or following.startswith(" " * 44)
            assert explained, match[1]


@pytest.mark.parametrize("job", list(JOBS))
def test_the_examples_of_a_command_are_valid(job: str) -> None:
    from hcrmp.config import load

    for example in JOBS[job].examples:
        command, *words = example.split()
        name, overrides = cli._job_name(words)
        assert (command, name) == ("hcrmp", job)
        load(job, as_overrides(job, overrides))


def test_a_command_of_two_words_is_completed_or_corrected() -> None:
    with pytest.raises(UserError, match="hints needs one of: ask, benchmark, "):
        cli._job_name(["hints", "scenes=3"])
    with pytest.raises(UserError, match="unknown command hint"):
        cli._job_name(["hint"])


def test_a_job_gets_its_configuration_and_gives_the_status(jobs: dict[str, Any]) -> None:
    jobs["run"] = lambda config: 7
    assert cli.main(["train", "scenario=merging", "seed=4"]) == 7
    (config,) = jobs["configs"]
    assert isinstance(config, TrainConfig) and config.seed == 4 and config.scenario.families == ("merging",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown command trian. Did you mean train?"),
        (["train", "senario=merging"], "unknown key senario. Did you mean scenario?"),
        (["train", "algo=hcrpm"], "Did you mean algo=hcrmp?"),
        (["train", "algo=zebra"], "unknown value algo=zebra. Valid: algo=hcrmp,"),
        (["train", "scenario=merging,overtaking"], "write 'scenario.families=[merging,overtaking]'"),
        (["evaluate"], "run must be given: add run=..."),
        (["replay", "run=x", "video=mov"], "unknown value video=mov"),
        (["replay"], "one of drive and run must be given"),
        (["replay", "a.arrow", "b.arrow"], "replay takes one drive, 2 came: a.arrow, b.arrow."),
    ],
)
def test_a_wrong_word_is_one_line_and_status_2(
    arguments: list[str], message: str, jobs: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hcrmp: ") and message in captured.err
    assert captured.err.count("\n") == 1
    assert jobs["configs"] == []


@pytest.mark.parametrize("error", [UserError("no\nsuch run"), HintFormatError("no such run")])
def test_what_the_user_can_put_right_has_no_traceback(
    error: Exception, jobs: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    jobs["run"] = raising(error)
    assert cli.main(["train"]) == 2
    assert capsys.readouterr().err == "hcrmp: no such run\n"


def test_every_room_that_names_a_user_error_has_it() -> None:
    import importlib

    for module, name in USER_ERRORS:
        error = getattr(importlib.import_module(module), name)
        assert issubclass(error, Exception) and is_user_error(error.__new__(error)), name


def test_a_fault_of_the_program_keeps_its_traceback(jobs: dict[str, Any]) -> None:
    jobs["run"] = raising(ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        cli.main(["train"])


@pytest.mark.parametrize("name", ["a b/c.arrow", "it's.arrow", "runs/x/drives/cut_in-high-3.arrow", "a[1],{2}"])
def test_a_word_without_a_key_is_the_positional_keys(name: str) -> None:
    overrides = as_overrides("replay", [name, "--video", "none"])
    assert load("replay", overrides).drive == name


def test_ctrl_c_is_status_130(jobs: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    jobs["run"] = raising(KeyboardInterrupt())
    assert cli.main(["train"]) == 130
    assert capsys.readouterr().err == "hcrmp: interrupted.\n"


def test_a_schedulers_end_is_treated_as_ctrl_c() -> None:
    code = """
import os, signal, sys, types
from hcrmp import cli
train = types.ModuleType("hcrmp.train")
def run(config):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    finally:
        print("checkpoint saved", flush=True)
train.run = run
sys.modules["hcrmp.train"] = train
sys.exit(cli.main(["train"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (130, "checkpoint saved\n")


def test_whoever_reads_may_go() -> None:
    """As ``hcrmp train --help | head`` does: no traceback, and the status that a shell knows."""
    command = [sys.executable, "-m", "hcrmp.cli", "train", "--help"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == cli.UNREAD_STATUS


def test_a_file_that_cannot_be_used_is_one_line_and_a_fault_of_ours_is_none(
    jobs: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    jobs["run"] = raising(NotADirectoryError(20, "Not a directory", "a.txt/run"))
    assert cli.main(["train", "run=x"]) == 2
    assert capsys.readouterr().err == "hcrmp: a.txt/run: Not a directory\n"
    jobs["run"] = raising(OSError("of no file"))
    with pytest.raises(OSError, match="of no file"):
        cli.main(["train", "run=x"])


def test_help_and_a_wrong_command_load_nothing_heavy() -> None:
    code = """
import sys
from hcrmp import cli
cli.main(["--help"]), cli.main(["trian"])
heavy = {"numpy", "numba", "scipy", "torch", "hydra", "omegaconf", "gymnasium", "stable_baselines3", "envs"}
sys.exit(",".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_only_what_trains_needs_torch() -> None:
    code = """
import sys
from hcrmp import cli
from hcrmp.config import load
cli.main(["replay", "--help"]), cli.main(["evaluate", "--help"]), load("evaluate", ["run=x"])
sys.exit("torch" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0
