"""The tables of a report: who succeeded how often, in which cells, and the differences between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from envs.metrics.driving_score import leaderboard_2_1
from hcrmp.episode_record import EpisodeRecord
from hcrmp.report.contestants import Contestant, Course
from hcrmp.report.estimates import Of, difference, estimate, in_cell
from hcrmp.statistics import Estimate


def ended(outcome: str) -> Of:
    """Return the column that is 1 where an episode ended so."""
    return lambda record: float(record.outcome == outcome)


def completion(record: EpisodeRecord) -> float:
    """Return the share of the route that was driven, in [0, 1]; all of it where the goal was reached."""
    return 1.0 if record.outcome == "success" else min(max(record.progress, 0.0), 1.0)


def driving_score(record: EpisodeRecord) -> float:
    """Return the driving score of Leaderboard 2.1's form, in [0, 100]."""
    return leaderboard_2_1(completion(record), record.infractions).score


@dataclass(frozen=True)
class Metric:
    """A column: heading and unit, the number of an episode and its bounds, factor, decimals, whether more is better."""

    heading: str
    unit: str
    of: Of
    factor: float = 1.0
    decimals: int = 0
    more_is_better: bool | None = None
    bounds: tuple[float, float] = (0.0, 1.0)


POSITIVE = (0.0, math.inf)

SUCCESS = Metric("Success", "%", ended("success"), 100.0, 1, True)
COLLISION = Metric("Collision", "%", ended("collision"), 100.0, 1, False)
METRICS = (
    SUCCESS,
    COLLISION,
    Metric("Off road", "%", ended("off_road"), 100.0, 1),
    Metric("Timeout", "%", ended("timeout"), 100.0, 1),
    Metric("Violation", "%", ended("violation"), 100.0, 1),
    Metric("Driving score", "2.1", driving_score, 1.0, 1, True, (0.0, 100.0)),
    Metric("Completion", "%", completion, 100.0, 1, True),
    Metric("Speed", "m/s", lambda record: record.mean_speed_mps, 1.0, 1, None, POSITIVE),
    Metric("Jerk", "m/s³", lambda record: record.mean_abs_jerk, 1.0, 1, None, POSITIVE),
    Metric("Least TTC", "s", lambda record: record.min_ttc_s, 1.0, 1, None, POSITIVE),
)


@dataclass(frozen=True)
class Value:
    """A number with its interval, written; ``best`` of its column; shares of the axis for a small plot."""

    text: str
    interval: str = ""
    best: bool = False
    number: float = math.nan
    ends: tuple[float, float] = (math.nan, math.nan)


def value(metric: Metric, found: Estimate) -> Value:
    """Return an estimate as it stands in a table."""
    if math.isnan(found.value):
        return Value("–")
    text, low, high = (_written(metric, number) for number in (found.value, found.low, found.high))
    return Value(text, f"{low}–{high}", number=found.value, ends=(found.low, found.high))


def _written(metric: Metric, number: float) -> str:
    return f"{metric.factor * number:.{metric.decimals}f}"


@dataclass(frozen=True)
class Row:
    """One contestant's numbers, one for each metric of a table."""

    contestant: Contestant
    values: tuple[Value, ...]
    episodes: int
    infrastructure: int


@dataclass(frozen=True)
class Headline:
    """The table over all cells of a course: metrics that say something, and a row for each contestant."""

    metrics: tuple[Metric, ...]
    rows: tuple[Row, ...]


def headline(course: Course, seed: int) -> Headline:
    """Return the headline table of a course."""
    metrics = tuple(one for one in METRICS if _tells(one, course))
    columns = [[value(one, estimate(who, one.of, seed, one.bounds)) for who in course.contestants] for one in metrics]
    marked = [_with_best(one, column) for one, column in zip(metrics, columns, strict=True)]
    rows = []
    for number, who in enumerate(course.contestants):
        driven = [record for one in who.evaluations for record in one.records]
        failed = sum(record.outcome == "infrastructure" for record in driven)
        rows.append(Row(who, tuple(column[number] for column in marked), len(driven) - failed, failed))
    return Headline(metrics, tuple(rows))


def _tells(metric: Metric, course: Course) -> bool:
    """Whether a metric is not 0 for everybody: nobody misses a column of zeros."""
    return any(metric.of(record) for who in course.contestants for record in who.records)


def _with_best(metric: Metric, column: Sequence[Value]) -> list[Value]:
    numbers = [one.number for one in column if not math.isnan(one.number)]
    if metric.more_is_better is None or len(numbers) < 2:
        return list(column)
    best = max(numbers) if metric.more_is_better else min(numbers)
    return [replace(one, best=one.number == best) for one in column]


@dataclass(frozen=True)
class CellRow:
    """A cell's scenario and density, and the success of each contestant in it."""

    scenario: str
    density: str
    values: tuple[Value, ...]


def cells(course: Course, seed: int) -> list[CellRow]:
    """Return success by cell."""
    short = Metric("Success", "%", ended("success"), 100.0, 0, True)
    rows = []
    for cell in course.cells:
        scenario, _, density = cell.partition("/")
        found = [value(short, in_cell(who, cell, short.of, seed)) for who in course.contestants]
        rows.append(CellRow(scenario.replace("_", " "), density, tuple(found)))
    return rows


@dataclass(frozen=True)
class Difference:
    """What ``contestant`` does against the first one on the same episodes: success and collisions, percent points.

    ``p`` of the test of success by ``hcrmp evaluate``, adjusted for the number of comparisons ("": there was none).
    """

    contestant: Contestant
    success: Value
    collision: Value
    episodes: int
    p: str = ""


def differences(course: Course, seed: int) -> list[Difference]:
    """Return everybody's difference to the first contestant."""
    first, *others = course.contestants
    found = []
    for who in others:
        success, count = difference(who, first, SUCCESS.of, seed)
        collision, _ = difference(who, first, COLLISION.of, seed)
        if count:
            found.append(Difference(who, signed(success), signed(collision), count, _p_words(who, first)))
    return found


def _p_words(who: Contestant, first: Contestant) -> str:
    p = who.evaluations[0].p_values.get(first.evaluations[0].planner)
    return "" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def signed(found: Estimate) -> Value:
    """Return a difference of shares in percent points, with its sign."""
    text, low, high = (_points(number) for number in (found.value, found.low, found.high))
    return Value(text, f"{low} to {high}", number=found.value, ends=(found.low, found.high))


def _points(share: float) -> str:
    rounded = round(100 * share, 1)
    return "0.0" if rounded == 0.0 else f"{rounded:+.1f}".replace("-", "−")


def sentence(table: Headline) -> str:
    """Return what the table comes to, in a sentence or two: the first one's success, and the best of the others."""
    rows = [row for row in table.rows if row.episodes]
    columns = {metric.heading: number for number, metric in enumerate(table.metrics)}
    if not rows:
        return "No episode counts: the infrastructure ended all of them."
    if SUCCESS.heading not in columns:
        return "Nobody succeeded in any episode."
    first, *others = rows
    at, crashes = columns[SUCCESS.heading], columns.get(COLLISION.heading)
    found = first.values[at]
    told = f"{first.contestant.name} succeeds in {found.text} % of the episodes ({found.interval})"
    if crashes is not None:
        told += f" and collides in {first.values[crashes].text} %"
    if not others:
        return f"{told}."
    best = max(others, key=lambda row: row.values[at].number)
    found = best.values[at]
    rank = "Best" if found.number > first.values[at].number else "Next"
    return f"{told}. {rank} is {best.contestant.name} with {found.text} % ({found.interval})."
