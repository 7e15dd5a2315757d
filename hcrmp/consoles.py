"""The consoles that commands print to: what is printed is text, and a path with [brackets] is not a style."""

from __future__ import annotations

from rich.console import Console


def stdout_console(highlight: bool = True) -> Console:
    """Return the console of what was asked for; ``highlight`` colours numbers and words on a terminal."""
    return Console(markup=False, highlight=highlight)


def stderr_console() -> Console:
    """Return the console of what is told beside it, on stderr: pipes get the output alone."""
    return Console(stderr=True, markup=False)
