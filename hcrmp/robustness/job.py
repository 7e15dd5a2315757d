"""``hcrmp robustness``: planners through seeded episodes with more and more of their hints wrong; a curve of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch as th
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hcrmp.consoles import stderr_console
from hcrmp.course import make_course, stored_memory
from hcrmp.episode_record import EpisodeRecord
from hcrmp.evaluation import evaluate_driver, make_driver
from hcrmp.mapping import to_mapping
from hcrmp.robustness.config import RobustnessConfig
from hcrmp.robustness.curves import Curve, curves_at_test, curves_of_training, faults_to_meet, markdown, share
from hcrmp.robustness.measurements import Measurement, MeasurementFile, measured
from hcrmp.robustness.planners import CLEAN, Faults, Planner, find_planners, group
from hcrmp.robustness.plot import svg
from hcrmp.run_folder import provenance, provenance_line, write_text
from hcrmp.sections import HintsConfig

NAME = "robustness"
"""What the result's files are called."""

TITLES = {
    "test": "Success when a share of the hints is wrong at test time",
    "training": "Success when a share of the hints is wrong in training and at test time",
}
X_LABELS = {"test": "wrong hints at test time (%)", "training": "wrong hints in training and at test time (%)"}

Wanted = tuple[Planner, Faults]


def run(config: RobustnessConfig) -> int:
    """Measure what is missing, write the curves, and say where they are."""
    console = stderr_console()
    for path in measure_curves(config, console):
        console.print(str(path), soft_wrap=True, highlight=False)
    return 0


def measure_curves(config: RobustnessConfig, console: Console) -> tuple[Path, Path, Path]:
    """Measure, and write JSON, plot and tables; return their paths."""
    th.set_num_threads(1)
    planners = find_planners(config.runs, config.runs_dir)
    group(planners, over_training=config.when == "training")  # what does not go together is refused before the work
    for line in filter(None, (one.unfinished for one in planners)):
        console.print(f"{line}: it is measured as it is", highlight=False, soft_wrap=True)
    file = MeasurementFile.open(config.output_path / f"{NAME}.json", config.protocol)
    _measure(config, file, [pair for pair in wanted(config, planners) if file.of(*pair) is None], console)
    found = curves(config, planners, file)
    return write(config, file, found)


def wanted(config: RobustnessConfig, planners: Sequence[Planner]) -> list[Wanted]:
    """Return what the curves are made of; clean hints first, so that an early stop leaves whole rates."""
    if config.when == "training":
        asked = [one for one in planners if one.trained == CLEAN or one.trained.mode in config.wrong_modes]
        return [(one, one.trained) for one in asked]
    return [(one, faults) for faults in faults_to_meet(config.rates, config.wrong_modes) for one in planners]


def curves(config: RobustnessConfig, planners: Sequence[Planner], file: MeasurementFile) -> list[Curve]:
    """Return the curves of ``planners`` from what is in the ``file``, where all that they need stands."""

    def of(planner: Planner, faults: Faults) -> Measurement:
        measurement = file.of(planner, faults)
        assert measurement is not None
        return measurement

    if config.when == "training":
        return curves_of_training(planners, config.wrong_modes, of, config.seed)
    return curves_at_test(planners, config.rates, config.wrong_modes, of, config.seed)


def write(config: RobustnessConfig, file: MeasurementFile, found: Sequence[Curve]) -> tuple[Path, Path, Path]:
    """Write the measurements with the curves made of them, the plot and the tables; return their paths."""
    plot, table = (file.path.with_suffix(suffix) for suffix in (".svg", ".md"))
    file.write(about(config) | {"curves": [curve.to_dict() for curve in found]})
    made_by = provenance_line(provenance(config.seed))
    write_text(plot, svg(found, title(config), X_LABELS[config.when], made_by))
    write_text(table, f"{markdown(found, title(config))}\nMade by {made_by}\n")
    return file.path, plot, table


def title(config: RobustnessConfig) -> str:
    """Return what the curves show."""
    checked = "; answers about who is not there are refused" if config.check_scene else ""
    return TITLES[config.when] + checked


def about(config: RobustnessConfig) -> dict[str, object]:
    """Return what the file says of how it was made."""
    return {"config": to_mapping(config), "provenance": provenance(config.seed)}


def _measure(config: RobustnessConfig, file: MeasurementFile, missing: Sequence[Wanted], console: Console) -> None:
    """Drive what is missing, and write each measurement as soon as it is made."""
    with MeasurementProgress(missing, console, config.progress) as progress:
        for planner, faults in missing:
            progress.begin(planner, faults)
            records = drive(config, planner, faults, progress.episode_of)
            measurement = measured(planner, faults, records)
            file.add(measurement)
            file.write(about(config))
            progress.end(share([measurement], "success", config.seed).value)


def drive(
    config: RobustnessConfig, planner: Planner, faults: Faults, on_end: Callable[[EpisodeRecord, int], None]
) -> list[EpisodeRecord]:
    """Return the episodes that ``planner`` drives with hints of which a share is wrong."""
    course = make_course(
        # What was trained on does not leak into what is measured.
        replace(planner.config, randomise={}), config.scenario, config.density, config.episodes, config.seed,
        hints_with(planner.config.hints, faults, config.check_scene), stored_memory(planner.folder),
    )  # fmt: skip
    env = course.environment(min(config.worlds, len(course.episodes)))
    try:
        driver = make_driver("planner", course, env, planner.folder)
        driven = evaluate_driver(
            env, driver, course, planner_seed=planner.config.seed,
            on_end=lambda one: on_end(one.record, len(course.episodes)),
        )  # fmt: skip
    finally:
        env.close()
    return [one.record for one in driven]


def hints_with(trained: HintsConfig, faults: Faults, check_scene: bool = False) -> HintsConfig:
    """Return the hints that a run was trained with, but for their faults: a share of wrong answers and no other.

    A run that was trained without hints gets those of the rules. They are checked if its training's were, or if
    ``check_scene`` says so. The provider is asked whenever a hint is due: a cache that is asked first knows right hints
    from the training, and would serve those.
    """
    service = replace(
        trained.service, policy="fallback",
        on_event="ask" if trained.service.on_event == "lookup" else trained.service.on_event,
    )  # fmt: skip
    spoilt = replace(
        trained.faults, wrong=faults.rate, wrong_mode=faults.mode, malformed=0.0, late=0.0, missing=0.0,
        check_scene=check_scene or trained.faults.check_scene,
    )  # fmt: skip
    own = trained.provider
    answers = trained.faulty_of if own == "faulty" or own == "none" else own
    return replace(trained, provider="faulty", faulty_of=answers, faults=spoilt, service=service)


class MeasurementProgress:
    """A bar over all measurements, with what is being measured; a line for each where there is no terminal."""

    def __init__(self, missing: Sequence[Wanted], console: Console, enabled: bool) -> None:
        self._console, self._lines = console, enabled and not console.is_terminal
        self._bar = Progress(
            TextColumn(NAME),
            BarColumn(),
            TextColumn("{task.fields[done]} of {task.fields[of]} measurements"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[now]}"),
            console=console,
            disable=not (enabled and console.is_terminal),
            transient=True,
        )
        self._task = self._bar.add_task(NAME, total=float(len(missing)), done=0, of=len(missing), now="")
        self._of, self._done, self._now = len(missing), 0, ""

    def __enter__(self) -> MeasurementProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, planner: Planner, faults: Faults) -> None:
        """Tell what is measured now."""
        self._now = f"{planner.folder.name}, {faults}"
        self._bar.update(self._task, now=self._now)

    def episode_of(self, record: EpisodeRecord, total: int) -> None:
        """Count one of the ``total`` episodes of the measurement."""
        self._bar.advance(self._task, 1.0 / total)

    def end(self, success: float) -> None:
        """Count the measurement."""
        self._done += 1
        self._bar.update(self._task, completed=float(self._done), done=self._done)
        if self._lines:
            words = f"{NAME} {self._done}/{self._of}  {self._now}: success {success:.0%}"
            self._console.print(words, highlight=False, soft_wrap=True)
