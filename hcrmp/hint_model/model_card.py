"""The card of a model of hints: what it is, what it was taught with, how right it is, and where it fails."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from hcrmp.hint_model.scenes import TAUGHT, UNSEEN
from hcrmp.hints_config import HintsTrainConfig
from llm_hints.compact import LAYOUT, WIDTH
from llm_hints.facts import MOST_AGENTS
from llm_hints.reference import KINDS


def model_card(config: HintsTrainConfig, parameters: int, measured: Mapping[str, Mapping[str, float]]) -> str:
    """Return the card in Markdown."""
    templates = Environment(
        loader=PackageLoader("hcrmp.hint_model", "."), undefined=StrictUndefined, autoescape=False,
        keep_trailing_newline=True,
    )  # fmt: skip
    return templates.get_template("model_card.md.j2").render(
        config=config, parameters=parameters, measured=measured, kinds=tuple(KINDS), layout=LAYOUT, width=WIDTH,
        taught=TAUGHT, unseen=UNSEEN, most_agents=MOST_AGENTS,
    )  # fmt: skip
