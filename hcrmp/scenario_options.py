"""The choices of ``scenario=`` by the families that they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import yaml

from hcrmp.composition import options


def scenario_option(families: Sequence[str]) -> str:
    """Return the option of ``scenario=`` that stands for just these families, in this order; "" where none does."""
    return _options().get(tuple(families), "")


def scenario_override(families: Sequence[str]) -> str:
    """Return the words of the command line that choose these families."""
    option = scenario_option(families)
    return f"scenario={option}" if option else f"'scenario.families=[{','.join(families)}]'"


@cache
def _options() -> dict[tuple[str, ...], str]:
    """Return the options by their families; the files are the package's own and do not change."""
    folder = resources.files("configs") / "scenario"
    texts = {option: (folder / f"{option}.yaml").read_text(encoding="utf-8") for option in options("scenario")}
    return {tuple(yaml.safe_load(text)["families"]): option for option, text in texts.items()}
