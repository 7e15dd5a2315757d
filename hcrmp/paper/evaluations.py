"""The evaluations of the tables: the same episodes for all, in one journal for each protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from hcrmp.comparison.contestants import Contestant, find_contestants
from hcrmp.comparison.job import Asked, carry_out
from hcrmp.comparison.journal_head import OtherEvaluationError
from hcrmp.comparison.places import own_folder
from hcrmp.comparison.protocol import Protocol, protocol_path
from hcrmp.comparison.results_file import Comparison, read_results
from hcrmp.comparison.significance import holm
from hcrmp.config import load
from hcrmp.errors import RunFolderError, UserError
from hcrmp.mapping import to_mapping
from hcrmp.paper import driven
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.trainings import Training, finished, method_of
from hcrmp.results import MEAN
from hcrmp.run_folder import dump_yaml, load_yaml, provenance, write_text
from hcrmp.sections import EmbeddedOptions
from hcrmp.statistics import Estimate

PROTOCOL = "paper"
Differences = dict[tuple[str, str], tuple[Estimate, float]]
"""Of a method's success less another's, by both: with its interval, and its p."""


@dataclass(frozen=True)
class Evaluated:
    """The results of one protocol: ``planners`` as in ``hcrmp.results``, by the method's name or the driver's."""

    cells: tuple[str, ...]
    planners: dict[str, dict[str, Any]]
    pairs: tuple[dict[str, Any], ...]
    episodes: tuple[dict[str, Any], ...]
    protocol: dict[str, Any]

    def estimate(self, method: str, metric: str, cell: str = MEAN) -> Estimate | None:
        """Return a metric of a method in a cell, None where it was not measured."""
        for summary in self.planners[method]["summaries"]:
            if summary["cell"] == cell and summary["metrics"].get(metric) is not None:
                return _estimate(summary["metrics"][metric])
        return None

    def success(self, method: str) -> Estimate:
        """Return the mean success over the cells, with its interval over training seeds and episodes."""
        return _estimate(self.planners[method]["success"]["retried"])

    def seeds(self, method: str) -> dict[int, float]:
        """Return the success of each training seed."""
        return {int(seed): float(value) for seed, value in self.planners[method]["success"]["seeds"].items()}

    def difference(self, method: str, other: str) -> tuple[Estimate, float] | None:
        """Return the success of a method less that of another, on the same episodes, and its p (Welch's)."""
        if method not in self.planners or other not in self.planners:
            return None
        for pair in self.pairs:
            if (pair["a"], pair["b"]) == (method, other):
                return _estimate(pair["difference"]), float(pair["p"])
            if (pair["b"], pair["a"]) == (method, other):
                return _negated(_estimate(pair["difference"])), float(pair["p"])
        return None

    def differences(self, wanted: Sequence[tuple[str, str]]) -> Differences:
        """Return the differences that are known of those ``wanted``, their p corrected for them all (Holm).

        One and the same difference taken either way round is one.
        """
        known = {pair: found for pair in wanted if (found := self.difference(*pair)) is not None}
        each = {frozenset(pair): p for pair, (_, p) in known.items()}
        adjusted = dict(zip(each, holm(list(each.values())), strict=True))
        return {pair: (difference, adjusted[frozenset(pair)]) for pair, (difference, _) in known.items()}

    def against(self, reference: str) -> list[tuple[str, str]]:
        """Return the pairs of each trained method and ``reference``."""
        return [
            (one, reference)
            for one, planner in self.planners.items()
            if one != reference and planner["kind"] != "driver"
        ]


def evaluate(
    config: PaperConfig,
    trained: Sequence[Training],
    drivers: Sequence[str],
    console: Console,
    label: str = PROTOCOL,
    changes: Mapping[str, Any] | None = None,
    protocol: str = PROTOCOL,
    record: int | Literal["all"] = 0,
    words: Sequence[str] = (),
) -> Evaluated:
    """Drive what is missing of the protocol, with ``changes`` of its keys, and return what it tells of these planners.

    ``drivers`` are any other words for planners; ``label`` names the folder; ``record`` drives of each cell and
    planner are kept; ``words`` are further options of the evaluation.
    """
    asked = _asked(config, trained, drivers, label, _protocol(config, protocol, label, changes or {}), record, words)
    _carry_out(asked, console)
    return read_evaluated(asked.places.results)


def evaluate_cells(
    config: PaperConfig, wanted: Sequence[Training], drivers: Sequence[str], console: Console
) -> Evaluated:
    """Do the same in the paper's cells for those ``wanted`` that are trained, or whose episodes lie beside the tables.

    The episodes of those that drive here are left there, too.
    """
    trained, elsewhere = finished(wanted), driven.kept(config, wanted)
    protocol = _protocol(config, PROTOCOL, PROTOCOL, {})
    asked = _asked(config, trained, drivers, PROTOCOL, protocol, others=elsewhere)
    if known := driven.known(config, trained, asked.protocol):
        trained, elsewhere = [one for one in trained if one not in known], [*elsewhere, *known]
        asked = _asked(config, trained, drivers, PROTOCOL, protocol, others=elsewhere)
    asked = _with_others(config, asked, elsewhere)
    comparison = _carry_out(asked, console)
    _keep(config, asked, trained, comparison)
    return read_evaluated(asked.places.results)


def _asked(
    config: PaperConfig,
    trained: Sequence[Training],
    drivers: Sequence[str],
    label: str,
    protocol: str,
    record: int | Literal["all"] = 0,
    words: Sequence[str] = (),
    others: Sequence[Training] = (),
) -> Asked:
    if not trained and not drivers and not others:
        raise UserError("no planner of this table is trained yet: leave only_finished out, or choose another table.")
    here = [str(one.folder.path) for one in trained] + list(drivers)
    planners = [*here, *(str(driven.file_of(config, one)) for one in others)]
    told = [f"planners=[{','.join(map(_quoted, planners))}]", f"protocol={protocol}"]
    told += [f"output={_quoted(str(evaluation_folder(config, label)))}", f"record={record}"]
    told += [f"processes={config.lanes}", f"progress={str(config.progress).lower()}", *words]
    loaded = load("evaluate", told)
    settings = replace(loaded, simulator=loaded.simulator or EmbeddedOptions())
    fixed = Protocol.of(settings)
    found = find_contestants(replace(settings, planners=tuple(here)), fixed) if here else []
    contestants = [_by_method(one) for one in found]
    return Asked(settings, contestants, fixed, own_folder(settings, fixed))


def _by_method(one: Contestant) -> Contestant:
    """Return a contestant as a member of the method of the tables that it is."""
    return replace(one, planner=method_of(one.name)) if one.kind == "run" else one


def _with_others(config: PaperConfig, asked: Asked, others: Sequence[Training]) -> Asked:
    """Return the evaluation with the planners whose episodes lie beside the tables."""
    contestants, elsewhere = list(asked.contestants), {}
    for one in others:
        theirs = driven.read(driven.file_of(config, one))
        theirs.check(one, asked.protocol)
        contestants.append(theirs.contestant(one.method))
        elsewhere[theirs.name] = theirs.attempts
    return replace(asked, contestants=contestants, elsewhere=elsewhere)


def _carry_out(asked: Asked, console: Console) -> Comparison:
    try:
        return carry_out(asked, {"config": to_mapping(asked.config)}, console)[0]
    except OtherEvaluationError as error:
        raise RunFolderError(
            f"{asked.places.results.parent} was begun otherwise: {error.told}. Choose another runs_dir=..., give the "
            "same settings, or remove that folder"
        ) from error


def _keep(config: PaperConfig, asked: Asked, trained: Sequence[Training], comparison: Comparison) -> None:
    """Write down what the planners drove that are trained here, where it is not written yet."""
    made_by = {name: value for name, value in provenance(0).items() if name in ("created", "commit", "packages")}
    protocol = asked.protocol.to_dict()
    checksums = {one.name: one.checksum for one in asked.contestants}
    tried = [one for method in comparison.methods for told in method.attempts.values() for one in told]
    for one in trained:
        path, name = driven.file_of(config, one), one.folder.name
        if path.is_file() and driven.read(path).tells(checksums[name], protocol):
            continue
        attempts = tuple(attempt for attempt in tried if attempt.key[0] == name)
        settings = driven.settings_of(one.config)
        driven.write(path, driven.Driven(name, one.seed, checksums[name], settings, protocol, made_by, attempts))


def evaluation_folder(config: PaperConfig, label: str) -> Path:
    """Return where an evaluation lies."""
    return config.runs_path / "evaluations" / label


def read_evaluated(path: Path) -> Evaluated:
    """Return the content of a comparison's file, by method."""
    content = read_results(path)
    planners = {planner["name"]: planner for planner in content["planners"]}
    return Evaluated(
        tuple(content["cells"]), planners, tuple(content["pairs"]), tuple(content["episodes"]), content["protocol"]
    )


def _negated(estimate: Estimate) -> Estimate:
    return Estimate(-estimate.value, -estimate.high, -estimate.low)


def _estimate(told: Mapping[str, float | None]) -> Estimate:
    known = ((key, told[key]) for key in ("value", "low", "high"))
    return Estimate(**{key: float("nan") if number is None else number for key, number in known})


def _protocol(config: PaperConfig, name: str, label: str, changes: Mapping[str, Any]) -> str:
    """Return the protocol's name, or the file of one that differs in ``changes`` or in the number of episodes."""
    content = load_yaml(protocol_path(name))
    # Each protocol has its number of episodes; another than the usual one shortens them all.
    episodes = content["episodes"] * config.episodes // PaperConfig().episodes
    changed = content | {"episodes": max(episodes, 1)} | dict(changes)
    if changed == content:
        return name
    path = config.runs_path / "protocols" / f"{label}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, dump_yaml(changed))
    return _quoted(str(path))


def _quoted(word: str) -> str:
    return "'" + word.replace("'", r"\'") + "'"
