"""All reading of a report: run folders, files of ``hcrmp evaluate`` and of ``hcrmp robustness``.

Everything else of a report works on what ``read`` returns and knows no file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from envs.recording.names import DRIVE_SUFFIX, recorded_at
from hcrmp.checkpoint import CheckpointError, trained_steps
from hcrmp.comparison.places import OwnFolder
from hcrmp.course import episode_seed
from hcrmp.episode_record import EpisodeRecord
from hcrmp.errors import ConfigError, RunFolderError, UserError
from hcrmp.locate import locate_run, runs_like
from hcrmp.mapping import from_mapping
from hcrmp.report.material import Evaluation, Material, Robustness, Run, number_of
from hcrmp.results import RESULTS_FILE, records_of
from hcrmp.robustness.curves import Curve
from hcrmp.run_folder import CONFIG_FILE, PROVENANCE_FILE, RunFolder, read_json
from hcrmp.train_config import load_train

NEWEST = 2
"""Version of evaluation files that is understood."""


def read(names: Sequence[str], runs_dir: str, labels: Sequence[str] = ()) -> Material:
    """Return what the runs and files of these names hold; raises ``UserError`` where one holds nothing.

    ``labels`` choose among the evaluations of the runs; none: all.
    """
    runs: dict[Path, Run] = {}
    evaluations: dict[Path, list[Evaluation]] = {}
    curves: dict[Path, Robustness] = {}
    for path in _paths(names, runs_dir):
        if path.is_dir():
            run = runs.setdefault(path.resolve(), read_run(path))
            evaluations.setdefault(path.resolve(), _evaluations(run, labels))
            continue
        told = _read_file(path)
        if isinstance(told, Robustness):
            curves[path.resolve()] = told
            continue
        evaluations.setdefault(path.resolve(), told)
        for run in (one.run for one in told if one.run is not None):
            runs.setdefault(run.folder.path.resolve(), run)
    # A run has one path, whoever names it and how.
    known = [_of_run(one, runs) for told in evaluations.values() for one in told]
    found = {(one.path.resolve(), one.planner, one.seed): one for one in known}
    missing = sorted(set(labels) - {one.label for one in found.values()})
    if missing:
        raise UserError(f"no evaluation is named {', '.join(missing)}: names are those of the files in evaluation/.")
    return Material(tuple(runs.values()), tuple(found.values()), tuple(curves.values()))


def _of_run(evaluation: Evaluation, runs: Mapping[Path, Run]) -> Evaluation:
    """Return ``evaluation`` of the run among ``runs`` that is its own."""
    run = evaluation.run
    return evaluation if run is None else replace(evaluation, run=runs[run.folder.path.resolve()])


def _paths(names: Sequence[str], runs_dir: str) -> Iterator[Path]:
    for name in names:
        if "*" in name and not Path(name).exists():
            found = runs_like(name, runs_dir)
            if not found:
                raise UserError(f"nothing in {runs_dir} is named like {name}: give folders, names, or files")
            yield from found
        else:
            path = Path(name) if Path(name).is_file() else locate_run(name, runs_dir)
            if not path.exists():
                raise RunFolderError(f"there is no run and no file at {path}: give a run's folder, or a JSON file")
            compared = path / RESULTS_FILE
            yield compared if compared.is_file() else path


def read_run(path: Path) -> Run:
    """Return the run at ``path``: of a training, or a folder with evaluations of a scripted driver."""
    folder = RunFolder(path)
    if not (path / CONFIG_FILE).is_file():
        if not any(folder.evaluation.glob("*.json")):
            raise RunFolderError(f"{path} is no run folder: it has no {CONFIG_FILE} and no evaluation in it.")
        return Run(folder)
    plain = folder.config()
    try:
        config = load_train(plain)
    except ConfigError as error:
        raise RunFolderError(f"{path / CONFIG_FILE} is of another version of hcrmp: {error}") from error
    made_by = folder.provenance() if (path / PROVENANCE_FILE).is_file() else {}
    return Run(folder, config, plain, made_by, _steps(folder))


def _steps(folder: RunFolder) -> int:
    try:
        return trained_steps(folder.latest_checkpoint)
    except CheckpointError:
        return 0


def _evaluations(run: Run, labels: Sequence[str]) -> list[Evaluation]:
    found = {path.stem: path for path in sorted(run.folder.evaluation.glob("*.json"), key=_plain_first)}
    chosen = found if not labels else {label: path for label, path in found.items() if label in labels}
    return [one for path in chosen.values() for one in read_evaluations(path, run)]


def _plain_first(path: Path) -> tuple[bool, int, str]:
    """Order labels: the planner's first, and what was chosen beside the usual makes them longer."""
    return not path.stem.startswith("planner"), len(path.stem), path.stem


def _read_file(path: Path) -> Robustness | list[Evaluation]:
    if "measurements" in (content := read_json(path)):
        return _robustness(path, content)
    # RUN/evaluation/LABEL.json belongs to its run, wherever the report is made.
    home = path.resolve().parent
    run = read_run(home.parent) if home.name == "evaluation" and (home.parent / CONFIG_FILE).is_file() else None
    return read_evaluations(path, run)


def read_evaluations(path: Path, run: Run | None = None) -> list[Evaluation]:
    """Return what the file of an evaluation tells: of one driver, or of each member of several planners."""
    content = read_json(path)
    version = content.get("version", 1)
    if not isinstance(version, int) or version > NEWEST:
        raise RunFolderError(f"{path} has version {version}, this one reads up to {NEWEST}: upgrade hcrmp to read it.")
    if "planners" in content:
        return _of_several(path, content, run)
    records = tuple(records_of(path, content))
    if not records:
        raise RunFolderError(f"{path} tells of no episode: evaluate again.")
    common = _common(path, content)
    latency = _mapping(content.get("hint_latency"))
    drives = _drives(records, path.parent.parent / "drives", content.get("drives", []))
    driver = str(content.get("driver", "planner"))
    return [Evaluation(driver=driver, records=records, run=run, latency=latency, drives=drives, **common)]


def _common(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what holds of all members of a file."""
    protocol = _mapping(content.get("protocol"))
    return {
        "path": path,
        "label": str(content.get("label", path.stem)),
        "ends_at": str(content.get("ends_at", protocol.get("ends_at", "violation"))),
        "config": _mapping(content.get("config")),
        "provenance": _mapping(content.get("provenance")),
    }


def _of_several(path: Path, content: Mapping[str, Any], run: Run | None) -> list[Evaluation]:
    """Return an evaluation for each member of each planner of a file that compares several."""
    try:
        rows = [dict(row) for row in content["episodes"]]
        members = [(planner, member) for planner in content["planners"] for member in planner["members"]]
        found = [_member(path, content, planner, member, rows, run) for planner, member in members]
    except (KeyError, TypeError) as error:
        raise RunFolderError(f"{path} is no evaluation result: evaluate again.") from error
    return [one for one in found if one.records]


def _member(
    path: Path,
    content: Mapping[str, Any],
    planner: Mapping[str, Any],
    member: Mapping[str, Any],
    rows: Sequence[Any],
    run: Run | None,
) -> Evaluation:
    name, known = str(planner["name"]), {item.name for item in fields(EpisodeRecord)}
    mine = [row for row in rows if row["planner"] == name and row["member"] == member["name"]]
    first = int(_mapping(content.get("protocol")).get("seed", 0))
    episodes = [_filled({key: value for key, value in row.items() if key in known}, row, first) for row in mine]
    home = path.parent / str(member.get("path") or "")
    records = tuple(records_of(path, {"episodes": episodes}))
    return Evaluation(
        driver="planner" if planner.get("kind") == "run" else name,
        records=records,
        run=_run_at(home, run),
        latency=_mapping(member.get("hint_latency")),
        drives=_drives(records, path.parent.parent / "drives", content.get("drives", []))
        | _beside(path, mine)
        | _of_failures(path, planner, str(member["name"])),
        planner=name,
        p_values=_p_values(name, content),
        **_common(path, content),
    )


def _p_values(name: str, content: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for pair in content.get("pairs", ()):
        both = {str(pair["a"]), str(pair["b"])}
        if name in both and pair["metric"] == "SR" and isinstance(pair.get("p_adjusted"), (int, float)):
            (other,) = both - {name}
            found[other] = float(pair["p_adjusted"])
    return found


def _filled(values: dict[str, Any], row: Mapping[str, Any], first: int) -> dict[str, Any]:
    """Return the values of an episode; one that the infrastructure ended before it was measured is told with zeros."""
    if values.get("outcome") != "infrastructure" or "seed" in values:
        return values
    zeros = {item.name: 0.0 for item in fields(EpisodeRecord) if item.type == "float"}
    return zeros | values | {"seed": episode_seed(first, int(row["number"]))}


def _run_at(home: Path, known: Run | None) -> Run | None:
    """Return the run in ``home``, ``known`` if it is that, by the same path whoever names it; None: there is none."""
    if known is not None and home.resolve() == known.folder.path.resolve():
        return known
    return read_run(Path(os.path.relpath(home.resolve()))) if (home / CONFIG_FILE).is_file() else None


def _of_failures(path: Path, planner: Mapping[str, Any], member: str) -> dict[tuple[str, int], Path]:
    """Return the recorded drives that the failures of a member name, by cell and seed."""
    return {
        (str(lost["cell"]), int(lost["seed"])): path.parent / str(lost["drive"])
        for lost in planner.get("failures", ())
        if lost["member"] == member and lost.get("drive") and (path.parent / str(lost["drive"])).is_file()
    }


def _beside(path: Path, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], Path]:
    """Return the recorded drives of a member of several planners, by cell and seed; they lie beside the file."""
    found: dict[tuple[str, int], Path] = {}
    for row in rows:
        cell = f"{row['scenario']}/{row['density']}"
        key = (str(row["member"]), cell, int(row["number"]), int(row.get("repetition", 0)))
        drive = recorded_at(OwnFolder(path.parent).drive_file(key))
        if drive.is_file():
            found.setdefault((cell, int(row["seed"])), drive)
    return found


def _drives(records: Sequence[EpisodeRecord], home: Path, names: Any) -> dict[tuple[str, int], Path]:
    """Return the recorded drives by cell and seed: a drive's name ends in condition, density and number."""
    stems = [Path(str(name)).stem for name in names] if isinstance(names, list) else []
    by_end = {"-".join(stem.split("-")[-3:]): stem for stem in stems}
    found = {}
    for record in records:
        stem = by_end.get(f"{record.scenario}-{record.density}-{number_of(record)}", "")
        path = recorded_at(home / f"{stem}{DRIVE_SUFFIX}")
        if stem and path.is_file():
            found[(record.cell, record.seed)] = path
    return found


def _robustness(path: Path, content: Mapping[str, Any]) -> Robustness:
    try:
        curves = tuple(from_mapping(Curve, curve) for curve in content.get("curves", ()))
        when = str(content["config"]["when"])
    except (ConfigError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path} is no file of hcrmp robustness: measure again.") from error
    if not curves:
        raise RunFolderError(f"{path} holds no curves yet: let hcrmp robustness go on until it has measured all.")
    return Robustness(path, when, curves, _mapping(content.get("provenance")))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
