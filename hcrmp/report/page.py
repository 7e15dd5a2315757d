"""The page: everything that the other modules find, in one HTML text that needs nothing else."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from hcrmp.report.ablations import ablations
from hcrmp.report.config import ReportConfig
from hcrmp.report.contestants import Contestant, Course, courses
from hcrmp.report.failures import Failure, by_kind, failures
from hcrmp.report.hints import COUNTERS, hint_rows
from hcrmp.report.key_frames import key_frames, replay_page, sample_of, write_pages
from hcrmp.report.learning import learning
from hcrmp.report.material import Material, number_of
from hcrmp.report.profiles import middle, profile_chart
from hcrmp.report.results import Difference, cells, differences, headline, sentence
from hcrmp.report.robustness import robustness_figures
from hcrmp.report.runs import commands_of, provenance_rows, provenance_words, settings_that_differ
from hcrmp.report.traces import read_traces
from hcrmp.report.weights import weight_figures
from hcrmp.results import ENDS
from hcrmp.run_folder import command_of, provenance_line

Plain = dict[str, Any]

LISTED = 60
"""Failures of one kind that are listed; more would make a page that no phone opens."""


def build(material: Material, config: ReportConfig, place: Path, made_by: Mapping[str, Any]) -> str:
    """Return the page's HTML text; ``place`` is the folder that it will stand in, which its links are relative to."""
    found = courses(material.evaluations)
    report = command_of(made_by)
    names = {who.name: who.index for course in found for who in course.contestants}
    curves = learning(material.runs, names)
    parts = [_part(course, number, config, place, report) for number, course in enumerate(found)]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            style=_resource("page.css"),
            title=config.title or _title(material, names),
            generator=provenance_line(made_by),
            facts=_facts(material, made_by),
            contents=_contents(parts),
            parts=parts,
            report=report,
            counters=COUNTERS,
            learning=curves,
            learning_commands=commands_of(run.provenance for run in curves.runs) if curves else [],
            robustness=robustness_figures(material.robustness, names),
            ablations=ablations(found[0], config.seed) if found else [],
            first_run=material.runs[0].name if material.runs else "RUN",
            trained_runs=",".join(run.name for run in material.runs if run.config is not None) or "RUN",
            provenance=provenance_rows(material),
            settings=settings_that_differ(material.runs),
            **dict(zip(("same", "versions"), provenance_words(material), strict=True)),
        )
    )


def _part(course: Course, number: int, config: ReportConfig, place: Path, report: str) -> Plain:
    """Return what the page tells of one course."""
    table = headline(course, config.seed)
    kinds = by_kind([failure for who in course.contestants for failure in failures(who)])
    write_pages(kinds, config.pages)
    every = [failure for found in kinds.values() for failure in found]
    traces = read_traces(course, config.drives)
    between = differences(course, config.seed)
    first = course.contestants[0].evaluations[0]
    return {
        "course": course,
        "anchor": f"course{number + 1}",
        "headline": table,
        "sentence": sentence(table),
        "ending": f"Episodes end at {_ending(first.ends_at)}.",
        "commands": commands_of(one.provenance for who in course.contestants for one in who.evaluations),
        "cells": cells(course, config.seed),
        "differences": between,
        "reach": _reach(between),
        "tested": any(one.p for one in between),
        "again": _again(first.config),
        "of_run": f"run={first.run.name} " if first.run is not None and first.run.config is not None else "",
        "kinds": _groups(kinds, course, place),
        "failed": len(every),
        "linked": sum(bool(_link(failure, place)) for failure in every),
        "frames": [_frame(failure, svg, place) for failure, svg in key_frames(kinds)],
        "profile": profile_chart(course, config.seed),
        "middles": [middle(who, config.seed) for who in course.contestants],
        "weights": weight_figures(traces),
        "hints": hint_rows(course, traces),
    }


def _ending(ends_at: str) -> str:
    return next((words for name, words in ENDS.items() if name == ends_at), ends_at)


def _reach(between: Sequence[Difference]) -> int:
    """Return how far the axis of differences goes to each side, percent points."""
    ends = [abs(end) for one in between for value in (one.success, one.collision) for end in value.ends]
    return next((reach for reach in (5, 10, 20, 30, 50) if 100 * max(ends, default=0.0) <= reach), 100)


def _again(config: Mapping[str, Any]) -> str:
    """Return the words that ask for the same episodes."""
    families = (config.get("scenario") or {}).get("families") or []
    words = [f"scenario.families=[{','.join(map(str, families))}]"] if families else []
    return " ".join([*words, f"episodes={config.get('episodes', 100)}"])


def _groups(kinds: Mapping[Any, list[Failure]], course: Course, place: Path) -> list[Plain]:
    totals = {who.name: max(1, sum(len(one.records) for one in who.evaluations)) for who in course.contestants}
    most = max(
        (_count(found, who) / totals[who.name] for found in kinds.values() for who in course.contestants), default=1.0
    )
    groups: dict[str, list[Plain]] = {}
    for kind, found in kinds.items():
        bars = [_bar(found, who, totals[who.name] * most) for who in course.contestants]
        listed, left_out = sample_of(found, LISTED)
        told = {"words": kind.words, "bars": bars, "left_out": left_out}
        groups.setdefault(kind.group, []).append(told | {"episodes": [_episode(one, place) for one in listed]})
    return [{"name": name, "kinds": rows} for name, rows in groups.items()]


def _count(found: Sequence[Failure], who: Contestant) -> int:
    return sum(one.contestant.name == who.name for one in found)


def _bar(found: Sequence[Failure], who: Contestant, whole: float) -> Plain:
    count = _count(found, who)
    return {"who": who, "count": count, "width": f"calc((100% - 40px) * {count / whole:.4f})"}


def _episode(one: Failure, place: Path) -> Plain:
    record = one.record
    return {
        "who": one.contestant,
        "cell": f"{record.scenario} {record.density}".replace("_", " "),
        "number": number_of(record),
        "seed": record.planner_seed if len(one.contestant.evaluations) > 1 else None,
        "time": f"{one.time_s:.1f}",
        "link": _link(one, place),
        "command": "" if one.drive is None else shlex.join(["hcrmp", "replay", str(one.drive)]),
        "on_the_way": one.on_the_way,
        "outcome": record.outcome.replace("_", " "),
    }


def _frame(one: Failure, svg: str, place: Path) -> Plain:
    return _episode(one, place) | {"words": _frame_words(one), "svg": svg}


def _frame_words(one: Failure) -> str:
    return f"collision: {one.kind.words}" if one.record.outcome == "collision" else one.kind.words


def _link(one: Failure, place: Path) -> str:
    """Return the address of the moment in the drive's replay page; "" where there is none."""
    drive = one.drive
    if drive is None or not replay_page(drive).is_file():
        return ""
    path = os.path.relpath(replay_page(drive).resolve(), place.resolve()).replace(os.sep, "/")
    return f"{quote(path)}#t={max(0.0, one.time_s - 2.0):.1f}"


def _title(material: Material, contestants: Mapping[str, int]) -> str:
    methods = dict.fromkeys(name.partition(" (")[0] for name in contestants)
    names = list(methods) or [run.name for run in material.runs] or [one.path.stem for one in material.robustness]
    if len(names) == 1:
        return names[0]
    shown = names if len(names) <= 4 else [*names[:3], f"{len(names) - 3} more"]
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def _facts(material: Material, made_by: Mapping[str, Any]) -> list[str]:
    episodes = sum(len(one.records) for one in material.evaluations)
    drives = sum(len(one.drives) for one in material.evaluations)
    made = datetime.now(timezone.utc).strftime("%d %B %Y")
    counts = ((len(material.runs), "run"), (episodes, "episode"), (drives, "recorded drive"))
    return [*(_counted(*one) for one in counts), made, f"commit {str(made_by['commit'] or 'unknown')[:10]}"]


def _contents(parts: Sequence[Plain]) -> list[tuple[str, str]]:
    found = []
    for part in parts:
        name = part["course"].name if len(parts) > 1 else "Results"
        found.append((part["anchor"], name[:1].upper() + name[1:]))
        if len(parts) == 1:
            anchor = part["anchor"]
            found += [(f"{anchor}-comparison", "Comparison"), (f"{anchor}-failures", "Failures")]
            found += [(f"{anchor}-weights", "Weights"), (f"{anchor}-hints", "Hints")]
    others = [("learning", "Learning"), ("robustness", "Robustness"), ("ablations", "Ablations")]
    return [*found, *others, ("provenance", "Provenance")]


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.DictLoader({"page.html.j2": _resource("page.html.j2")}), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"thousands": "{:,}".format, "capitalize_first": lambda text: text[:1].upper() + text[1:]}
    environment.globals |= {
        "at": lambda value, low, high: f"{_share(value, low, high):.1f}%",
        "rest": lambda value, low, high: f"{100 - _share(value, low, high):.1f}%",
        "zero": lambda low, high: f"{_share(0.0, low, high):.1f}%",
    }
    return environment


def _share(value: float, low: float, high: float) -> float:
    """Return where ``value`` lies between ``low`` and ``high``, percent, held within."""
    return min(100.0, max(0.0, 100.0 * (value - low) / (high - low)))


def _resource(name: str) -> str:
    return files("hcrmp.report").joinpath(name).read_text(encoding="utf-8")


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
