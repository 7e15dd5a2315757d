"""Table 5: how well the critics' values foretell what comes, and how many succeed, with right and with wrong hints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from envs.recording import REWARD_NAMES, DriveLog
from hcrmp.comparison.places import drives_of
from hcrmp.paper import published
from hcrmp.paper.evaluations import Evaluated
from hcrmp.paper.methods import METHODS
from hcrmp.paper.table import OTHER_PROTOCOL, Section, Table, percent
from hcrmp.paper.trainings import Training
from hcrmp.statistics import CONFIDENCE, Estimate

CELL = "overtaking/high"
_ONE_CELL = {"scenario": "overtaking", "density": "high"}
CONDITIONS: dict[str, dict[str, object]] = {
    "right": {"hints": "rules"},
    "wrong": {"hints": "faulty", "hints.faults.wrong": 1.0},
    "inverted": {"hints": "faulty", "hints.faults.wrong": 1.0, "hints.faults.wrong_mode": "inverted"},
}
"""What all hints are at test time, as keys of the protocol."""

NAMES = {"right": "right", "wrong": "wrong (random)", "inverted": "wrong (inverted)"}
MEASURES = (*REWARD_NAMES, "sum")

Numbers = npt.NDArray[np.float64]


def changes_of(condition: str) -> dict[str, object]:
    """Return how the protocol differs in a condition."""
    return _ONE_CELL | CONDITIONS[condition]


def value_error(drive: DriveLog, gamma: float) -> tuple[Numbers, Numbers]:
    """Return sum |V - G| and sum |G| over a drive, each ``(4,)``: of every critic, and of their sum.

    G are the discounted rewards that came, of an episode that ended. The values of tick t are compared with the rewards
    from t + 1 on; the last tick has no future.
    """
    assert drive.trace.values is not None
    values = np.asarray(drive.trace.values, np.float64)[:-1]
    returns = discounted(np.asarray(drive.trace.reward_terms, np.float64)[1:], gamma)
    values, returns = (np.column_stack([one, one.sum(axis=1)]) for one in (values, returns))
    return np.abs(values - returns).sum(axis=0), np.abs(returns).sum(axis=0)


def discounted(rewards: Numbers, gamma: float) -> Numbers:
    """Return the discounted sums ``(T, n)`` of ``rewards`` ``(T, n)`` from each step to the last."""
    returns = np.zeros_like(rewards)
    following = np.zeros(rewards.shape[1])
    for step in range(len(rewards) - 1, -1, -1):
        following = rewards[step] + gamma * following
        returns[step] = following
    return returns


def errors_of(folder: Path, trained: Sequence[Training]) -> dict[str, list[Numbers]]:
    """Return the relative error of the values ``(4,)`` of each planner over its drives in ``folder``, by method.

    Planners without a critic for each reward are left out.
    """
    found: dict[str, list[Numbers]] = {}
    for one in trained:
        gamma = one.config.algo.gamma
        drives = map(DriveLog.read, drives_of(folder, one.folder.name))
        sums = [value_error(drive, gamma) for drive in drives if drive.trace.values is not None]
        if sums:
            apart, size = (np.sum(part, axis=0) for part in zip(*sums, strict=True))
            found.setdefault(one.method, []).append(apart / np.maximum(size, 1e-12))
    return found


def over_seeds(values: Iterable[float]) -> Estimate:
    """Return the mean over planners of numbers >= 0 with its interval (Student's t); of one planner there is none."""
    numbers = np.array(list(values))
    if len(numbers) < 2:
        return Estimate(float(numbers[0]), float("nan"), float("nan"))
    reach = stdtrit(len(numbers) - 1, (1 + CONFIDENCE) / 2) * numbers.std(ddof=1) / np.sqrt(len(numbers))
    return Estimate(float(numbers.mean()), max(float(numbers.mean() - reach), 0.0), float(numbers.mean() + reach))


def _whole(error: Estimate) -> str:
    return percent(error, 0)


def values_table(found: Mapping[str, Evaluated], errors: Mapping[str, Mapping[str, list[Numbers]]]) -> Table:
    """Return Table 5: ``found`` and ``errors`` by condition."""
    rows: list[tuple[str, ...]] = []
    data: dict[str, Any] = {}
    for method in next(iter(found.values())).planners:
        for condition, evaluated in found.items():
            of_seeds = errors[condition].get(method, [])
            told = [over_seeds(row[k] for row in of_seeds) for k in range(len(MEASURES))] if of_seeds else None
            rows.append((
                METHODS[method], NAMES[condition], percent(evaluated.success(method)),
                percent(evaluated.estimate(method, "CR")), *(map(_whole, told) if told else ["-"] * len(MEASURES)),
            ))  # fmt: skip
            data.setdefault(method, {})[condition] = {
                "success": asdict(evaluated.success(method)),
                "value_error": {name: asdict(one) for name, one in zip(MEASURES, told or (), strict=False)},
            }
    for condition, (success, error) in published.HINTS.items():
        rows.append(("*the paper*, HCRMP", NAMES[condition], f"*{success}*", "", *[""] * 3, f"*{error or '-'}*"))
    head = ("method", "hints at test time", "SR %", "CR %", *(f"error of V, {name}, %" for name in MEASURES))
    notes = (
        "Error of V: sum of |V - G| over the sum of |G|, over all decisions of the drives; G: the discounted rewards "
        "that came. The paper does not define its error. Intervals of errors go over training seeds. LLM-dominated "
        "planners have one critic, of another reward.",
        OTHER_PROTOCOL,
    )  # fmt: skip
    return Table(
        "table5",
        f"Table 5: right and wrong hints, {CELL}",
        (Section(CELL, head, tuple(rows)),),
        notes,
        {"methods": data},
    )
