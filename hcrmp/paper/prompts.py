"""Table 3b: prompt styles, with a language model that reads English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hcrmp.paper import published
from hcrmp.paper.clock import CELLS
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.evaluations import Evaluated
from hcrmp.paper.methods import REFERENCE
from hcrmp.paper.table import OTHER_PROTOCOL, Section, Table, percent

STYLES = ("original", "detailed", "concise")
WORDS = ("worlds=8",)
"""Options of the evaluations: a model on a CPU takes seconds a hint, and a process must not be silent for long."""
QUESTIONS = 20
"""Questions in an episode."""
FAMILIES = ("overtaking", "merging", "trilemma")


def questions(config: PaperConfig) -> int:
    """Return how many questions the table asks its model, about."""
    return len(STYLES) * len(config.seeds) * CELLS * config.episodes * QUESTIONS


def changes_of(config: PaperConfig, style: str) -> dict[str, object]:
    """Return how the protocol differs where a model is asked in a style, at every due time."""
    return {
        "hints": "transformers", "hints.transformers.model": config.model, "hints.transformers.mode": config.mode,
        "hints.transformers.style": style,
    }  # fmt: skip


@dataclass(frozen=True)
class Served:
    """Who served the hints of some episodes: shares ``invalid`` of those asked for, ``calls`` and ``stale`` of the due.

    ``calls`` of the cache (the paper's SCM calls); ``stale``: neither the model nor the cache served them.
    """

    asked_per_episode: float
    invalid: float
    calls: float
    stale: float

    @classmethod
    def of(cls, episodes: Iterable[Mapping[str, Any]]) -> Served:
        """Add up the counters of episodes."""
        counts = [episode["hint_counts"] for episode in episodes]
        due, asked, invalid, calls, stale = (
            sum(count[name] for count in counts) for name in ("due", "asked", "invalid", "calls", "stale")
        )
        return cls(asked / max(len(counts), 1), invalid / max(asked, 1), calls / max(due, 1), stale / max(due, 1))

    def told(self) -> tuple[str, ...]:
        """Return the four as they stand in the table."""
        shares = (self.invalid, self.calls, self.stale)
        return (f"{self.asked_per_episode:.1f}", *(f"{100 * share:.0f}" for share in shares))


def prompts_table(found: Mapping[str, Evaluated], config: PaperConfig) -> Table:
    """Return Table 3b: ``found`` by style."""
    rows: list[tuple[str, ...]] = []
    data: dict[str, Any] = {"model": Path(config.model).name, "mode": config.mode, "styles": {}}
    for style, evaluated in found.items():
        served = Served.of(evaluated.episodes)
        row = [style, percent(evaluated.success(REFERENCE)), *served.told()]
        for family in FAMILIES:
            theirs = published.PROMPTS[style][family]
            row.append(f"{100 * _mean_success(evaluated, family):.0f}; *{theirs[0]} ({theirs[1]})*")
        rows.append(tuple(row))
        data["styles"][style] = {"success": asdict(evaluated.success(REFERENCE)), "served": asdict(served)}
    head = (
        "prompts", "SR %", "questions an episode", "invalid %", "SCM calls %", "from neither %",
        *(f"{family}: SR %, *the paper (SCM calls %)*" for family in FAMILIES),
    )  # fmt: skip
    how = "compares the allowed answers, so that none is invalid" if config.mode == "scoring" else "writes its answers"
    notes = (
        f"Planners that learnt with the rules expert; hints at test time of `{Path(config.model).name}`, which {how}. "
        "Invalid: of the model's answers, not of the agreed form or about who is not there; the cache, which holds "
        "what the training left, is called instead. From neither: the last hint, fading to the mean weights.",
        OTHER_PROTOCOL,
    )
    return Table("table3b", "Table 3b: prompt styles", (Section("By style", head, tuple(rows)),), notes, data)


def _mean_success(found: Evaluated, family: str) -> float:
    cells = [cell for cell in found.cells if cell.startswith(f"{family}/")]
    estimates = [found.estimate(REFERENCE, "SR", cell) for cell in cells]
    return sum(one.value for one in estimates if one is not None) / max(len(cells), 1)
