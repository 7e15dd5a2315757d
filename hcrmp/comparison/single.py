"""The evaluation of one planner in the shape that those of several have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hcrmp.comparison.analysis import MethodDrives, PlannerResult, planner_result
from hcrmp.comparison.contestants import Contestant, contestant_of_file, contestant_of_run
from hcrmp.comparison.drift import Drift, drift_between
from hcrmp.comparison.journal import Attempt, Key
from hcrmp.comparison.protocol import Protocol
from hcrmp.comparison.results_file import Comparison, attempts_of, read_results, write_comparison
from hcrmp.config import EvaluateConfig
from hcrmp.errors import RunFolderError
from hcrmp.evaluation import episode_seed, trained_config
from hcrmp.mapping import to_mapping
from hcrmp.results import Results
from hcrmp.run_folder import RunFolder
from hcrmp.share.opening import is_shared


def write_single(
    path: Path, config: EvaluateConfig, folder: RunFolder, results: Results, about: dict[str, Any]
) -> Drift | None:
    """Write ``results`` of the planner in ``folder``; return what went otherwise than in those that stood there."""
    protocol = Protocol.of(config, trained_config(folder).simulator.name)
    one = _contestant(config, folder)
    first = episode_seed(config.seed, 0)
    attempts: dict[Key, list[Attempt]] = {}
    for record, trace in zip(results.records, results.traces, strict=True):
        key = (one.name, record.cell, record.seed - first, 0)
        attempts[key] = [Attempt(key, record, trace)]
    cells: dict[str, list[int]] = {}
    for record in results.records:
        cells.setdefault(record.cell, []).append(record.seed)
    drives = MethodDrives(one.planner, one.kind, (one,), attempts)
    told = planner_result(drives, cells, {}, config.seed)
    drift = _drift(path, protocol, one, attempts)
    comparison = Comparison(protocol, tuple(cells), (drives,), (with_drives(told, about["drives"]),), (), drift)
    write_comparison(path, comparison, {"config": to_mapping(config), **about}, {one.name: results.latency})
    return drift


def with_drives(result: PlannerResult, names: Sequence[str]) -> PlannerResult:
    """Return ``result`` whose failures name their recording among the ``names`` in the run's folder of drives."""
    found = {}
    for name in names:
        words = Path(name).stem.split("-")
        found["-".join(words[-3:])] = f"../drives/{name}"
    failures = (replace(one, drive=found.get(f"{one.cell.replace('/', '-')}-{one.number}")) for one in result.failures)
    return replace(result, failures=tuple(failures))


def _contestant(config: EvaluateConfig, folder: RunFolder) -> Contestant:
    if is_shared(config.run_path) and config.driver == "planner":
        return contestant_of_file(config.run_path)
    if config.driver == "planner":
        return contestant_of_run(folder)
    return Contestant(config.driver, config.driver, "driver", checksum=config.driver)


def _drift(path: Path, protocol: Protocol, one: Contestant, attempts: dict[Key, list[Attempt]]) -> Drift | None:
    """Return the drift from the results at ``path``, None where they are not of the same planner and protocol."""
    try:
        earlier = read_results(path)
        same = earlier["protocol"]["hash"] == protocol.hash
        checksums = {member["checksum"] for planner in earlier["planners"] for member in planner["members"]}
    except (RunFolderError, KeyError, TypeError):
        return None
    return drift_between(attempts_of(earlier), attempts) if same and checksums == {one.checksum} else None
