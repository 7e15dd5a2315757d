"""``hcrmp hints benchmark``: how often a provider's answers are wrong, how sure it is of them, and how fast."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from hcrmp.build import build_provider
from hcrmp.consoles import stdout_console
from hcrmp.hint_model.benchmark import PAPER_RATES, BenchmarkResult, file_name, measure, sample_scenes
from hcrmp.hint_model.scenes import UNSEEN
from hcrmp.hints_config import HintsBenchmarkConfig
from hcrmp.run_folder import write_json


def run(config: HintsBenchmarkConfig) -> int:
    """Measure, print the tables and write the JSON."""
    console = stdout_console(highlight=False)
    provider = build_provider(config.hints, np.random.default_rng(config.seed))
    families = config.families or UNSEEN
    console.print(f"driving {config.scenes} scenes of {', '.join(families)} (seed {config.seed}) ...")
    result = measure(provider, sample_scenes(families, config.scenes, config.seed), config.batch)
    print_result(result, console)
    path = Path(config.output) / f"benchmark-{file_name(provider.name)}-seed{config.seed}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, result.to_json())
    console.print(f"written: {path}")
    return 0


def print_result(result: BenchmarkResult, console: Console) -> None:
    """Print the rates beside the paper's, and what hints cost."""
    if result.rates:
        table = Table(title=f"{result.provider}: answers that are right, % of {result.scenes} scenes")
        for column in ("kind of question", "right", "95 %", "calibration error", "no answer", "paper's best model*"):
            table.add_column(column, justify="left" if column.startswith("kind") else "right")
        for kind, (share, lower, upper) in result.rates.items():
            table.add_row(
                kind, f"{100 * share:.1f}", f"{100 * lower:.1f}..{100 * upper:.1f}",
                _number(result.calibration_error[kind]), f"{100 * result.no_answer[kind]:.1f} %",
                f"{PAPER_RATES[kind]:.1f}",
            )  # fmt: skip
        console.print(table)
        console.print("* on scenes and questions of its own: not the same protocol")
    else:
        console.print(f"{result.provider} answers no questions; its hints alone are measured")
    weights = ", ".join(f"{name} {value:.3f}" for name, value in result.weights_difference.items())
    latency = ", ".join(f"{name} {1e3 * value:.1f} ms" for name, value in result.latency_s.items())
    console.print(f"hints of the agreed form: {100 * result.valid_share:.1f} %; weights differ from the expert's by "
                  f"{weights} on average")  # fmt: skip
    speed = f"{result.hints_per_s:,.0f}" if result.hints_per_s >= 10.0 else f"{result.hints_per_s:.2g}"
    console.print(f"{speed} hints/s; a batch takes {latency}")


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"

