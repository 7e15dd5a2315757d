"""The same planners on CARLA's protocol: learnt on the embedded simulator, driven on servers, on the same episodes."""

from __future__ import annotations

import shlex
import sys
from typing import Any

from hcrmp.composition import grammar
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.evaluations import Evaluated
from hcrmp.paper.forest import Mark, forest
from hcrmp.paper.methods import METHODS, NAMES
from hcrmp.paper.success import COUNTED, INTERVALS, by_cell, data_of
from hcrmp.paper.table import Section, Table, percent

SIMULATORS = ("embedded", "carla")
SLOWER = 5
"""A server drives so many times slower, at least, that each cell has a fifth of the episodes."""

DRIVERS = ("law_abiding", "cruise")


def changes_of(config: PaperConfig, simulator: str) -> dict[str, Any]:
    """Return how the protocol differs."""
    return {"simulator": simulator, "episodes": max(config.episodes // SLOWER, 1)}


def servers(config: PaperConfig) -> list[str]:
    """Return the words that name the servers: those that are given, else our own, launched for the evaluation."""
    if config.servers:
        return [f"simulator.servers={grammar(list(config.servers))}"]
    launch = f"{shlex.quote(sys.executable)} -m hcrmp.cli serve --map street_0 --port {{port}}"
    return [f"simulator.launch={grammar(launch)}", f"simulator.count={config.lanes}"]


def carla_table(config: PaperConfig, found: dict[str, Evaluated]) -> Table:
    """Return how planners do on both simulators: ``found`` by simulator."""
    names = list(found["embedded"].planners)
    rows = [_row(name, simulator, found[simulator]) for name in names for simulator in SIMULATORS]
    head = ("planner", "seeds", "simulator", "SR %", *COUNTED, "each seed's SR %")
    cells = [
        Section(f"{section.heading}, {_words(simulator)}", section.head, section.rows)
        for simulator in SIMULATORS
        for section in [by_cell(found[simulator])]
    ]
    where = "the servers at " + ", ".join(config.servers) if config.servers else "`hcrmp serve`, launched for it"
    notes = (
        f"No planner learnt on a server. The servers: {where}, through the `carla` client. The same episodes on both: "
        "what surrounds the ego is the same at their beginning; the ego is the server's, with its own dynamics, and "
        "cars, trucks and buses have the sizes of its catalogue.",
        INTERVALS,
    )
    marks = [
        Mark(f"{NAMES[name]}, {_words(simulator)}", found[simulator].success(name), _seeds(found[simulator], name))
        for name in names
        for simulator in SIMULATORS
    ]
    figure = forest("Success over the twelve cells, by simulator", marks, "episodes that succeed, %; ring: a seed")
    data = {simulator: data_of(evaluated, {}) for simulator, evaluated in found.items()}
    title = "The same planners on CARLA's protocol"
    return Table("carla", title, (Section("Over all cells", head, tuple(rows)), *cells), notes, data, figure)


def _row(name: str, simulator: str, found: Evaluated) -> tuple[str, ...]:
    seeds = _seeds(found, name)
    return (
        NAMES[name], str(len(seeds)) if name in METHODS else "-", _words(simulator), percent(found.success(name)),
        *(percent(found.estimate(name, metric)) for metric in COUNTED.values()),
        " / ".join(f"{100 * value:.1f}" for value in seeds) if len(seeds) > 1 else "",
    )  # fmt: skip


def _seeds(found: Evaluated, name: str) -> list[float]:
    return list(found.seeds(name).values())


def _words(simulator: str) -> str:
    return "CARLA server" if simulator == "carla" else simulator
