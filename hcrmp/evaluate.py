"""``hcrmp evaluate``: planners through seeded episodes; tables with intervals, JSON, recorded drives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rich.console import Console

from hcrmp.bundled import BUNDLED_PLANNER
from hcrmp.comparison.contestants import find_contestants
from hcrmp.comparison.job import Asked, carry_out
from hcrmp.comparison.job import run as run_comparison
from hcrmp.comparison.places import in_run
from hcrmp.comparison.protocol import Protocol
from hcrmp.comparison.results_file import Comparison
from hcrmp.comparison.tables import notes
from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.course import trained_config
from hcrmp.errors import RunFolderError, UserError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.mapping import to_mapping
from hcrmp.results import Results, print_results
from hcrmp.run_folder import CONFIG_FILE, RunFolder, read_json
from hcrmp.share.opening import hints_note, is_shared, results_place
from llm_hints.asking import Latency


def run(config: EvaluateConfig) -> int:
    """Evaluate one planner or compare several, print the tables, and say where the files are."""
    if config.planners:
        return run_comparison(config)
    console = stderr_console()
    folder = open_folder(config)
    if config.hints is None and is_shared(config.run_path) and (note := hints_note(config.run_path)):
        console.print(note, soft_wrap=True, highlight=False)
    comparison, paths = evaluate_alone(config, folder, console)
    print_results(results_of(config, comparison), stdout_console())
    for line in notes(comparison):
        console.print(line, soft_wrap=True, highlight=False)
    console.print(f"results: {in_run(config, folder).results}", soft_wrap=True)
    if paths:
        console.print(
            f"drives:  {len(paths)} in {folder.drives}\nnext:    hcrmp replay run={folder.path}", soft_wrap=True
        )
    return 0


def evaluate(config: EvaluateConfig, folder: RunFolder, console: Console) -> tuple[Results, list[Path]]:
    """Evaluate the one planner that ``config`` means; return its results and the drives' files."""
    comparison, paths = evaluate_alone(config, folder, console)
    return results_of(config, comparison), paths


def evaluate_alone(config: EvaluateConfig, folder: RunFolder, console: Console) -> tuple[Comparison, list[Path]]:
    """Evaluate one planner, a comparison of one in its run ``folder``; return it and the drives' files."""
    trained = trained_config(folder, shared_file(config))
    config_here = replace(config, simulator=config.simulator or trained.simulator)
    protocol, places = Protocol.of(config_here), in_run(config, folder)
    asked = Asked(config_here, find_contestants(config_here, protocol), protocol, places, alone=True)
    earlier = _drives_told_of(places.results)
    comparison, paths = carry_out(asked, {"config": to_mapping(config)}, console)
    for name in earlier - {path.name for path in paths}:
        (folder.drives / name).unlink(missing_ok=True)
    return comparison, paths


def results_of(config: EvaluateConfig, comparison: Comparison) -> Results:
    """Return what a comparison of one tells of it."""
    (drives,), (planner,) = comparison.methods, comparison.planners
    traces = tuple(tried[-1].trace_hash for tried in drives.attempts.values())
    latency = comparison.latency.get(drives.members[0].name, Latency())
    return Results(config.driver, tuple(drives.records), planner.summaries, config.ending, latency, traces)


def open_folder(config: EvaluateConfig) -> RunFolder:
    """Return the run's folder; a scripted driver can do without a checkpoint, and without a run."""
    if is_shared(config.run_path):
        folder = RunFolder(_place_of_shared(config))
    elif config.driver == "planner":
        return RunFolder.open(config.run_path)
    else:
        folder = RunFolder(config.run_path)
    if config.run and not is_shared(config.run_path) and not (folder.path / CONFIG_FILE).is_file():
        return RunFolder.open(config.run_path)  # which says what is wrong with it
    for place in (folder.evaluation, folder.drives):
        place.mkdir(parents=True, exist_ok=True)
    return folder


def _place_of_shared(config: EvaluateConfig) -> Path:
    """Return the folder for the results of a planner that was shared; for those of the one in the box a run's place.

    Nothing is written where the package is installed.
    """
    if config.run != BUNDLED_PLANNER:
        return results_place(config.run_path)
    place = Path(config.runs_dir) / BUNDLED_PLANNER
    if (place / CONFIG_FILE).is_file():
        raise UserError(
            f"results of the planner in the box belong to {place}, where a run of that name is: give another "
            f"runs_dir=..., or evaluate the run by its path, run={place}"
        )
    return place


def shared_file(config: EvaluateConfig) -> Path | None:
    """Return where the planner lies, if it was shared without its run."""
    return config.run_path if is_shared(config.run_path) else None


def _drives_told_of(results: Path) -> set[str]:
    """Return the names of the drives of the evaluation that stood at ``results``; none where nothing can be read."""
    try:
        return {Path(str(name)).name for name in read_json(results).get("drives", [])}
    except RunFolderError:
        return set()
