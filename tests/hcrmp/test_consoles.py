"""What commands print is text: nothing in a path or a name is taken for a style."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hcrmp.consoles import stderr_console, stdout_console

PACKAGE = Path(__file__).parents[2] / "hcrmp"


def test_a_path_with_brackets_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    stdout_console().print("runs/[red]today[/]")
    stderr_console().print("runs/[bold]tomorrow")
    assert capsys.readouterr() == ("runs/[red]today[/]\n", "runs/[bold]tomorrow\n")


def test_no_command_makes_a_console_that_reads_styles() -> None:
    made = {
        f"{path.name}: {call}"
        for path in PACKAGE.rglob("*.py")
        for call in re.findall(r"\bConsole\([^)]*\)", path.read_text("utf-8"))
        if "markup=False" not in call
    }
    assert made == set()
