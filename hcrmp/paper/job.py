"""``hcrmp reproduce paper``: train what is missing, evaluate what is missing, write the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from hcrmp.consoles import stderr_console, stdout_console
from hcrmp.paper import beyond, driven, learning, no_knowledge, on_carla, prompts, robust, stability, success, values
from hcrmp.paper.clock import Speeds, evaluation_seconds, seconds_of, told
from hcrmp.paper.config import ALL, ASKS, PaperConfig
from hcrmp.paper.evaluations import Evaluated, evaluate, evaluate_cells, evaluation_folder
from hcrmp.paper.lanes import Ended, run_all
from hcrmp.paper.methods import BOX, DRIVERS, METHODS, REFERENCE
from hcrmp.paper.table import Table, Writer
from hcrmp.paper.trainings import Training, finished, log_file, trainings, wanted_methods

FAILED = 1


def run(config: PaperConfig) -> int:
    """Tell the time, work, and say where the tables are; 1 where a training failed."""
    console = stderr_console()
    wanted, elsewhere = needed(config)
    for one in wanted:
        one.check()
    if ASKS in config.tables:
        check_model(config.model)
    for name, why in config.left_out.items() if config.table == ALL else ():
        console.print(f"table {name} is left out: {why}", soft_wrap=True, highlight=False)
    speeds = Speeds(config.runs_path)
    tell(config, wanted, elsewhere, speeds, console)
    if config.only_tell:
        return 0
    failed = [] if config.only_finished else train(config, wanted, speeds, console)
    writer = Writer(config.output_path, about(config))
    for name in config.tables:
        for table in make(name, config, console):
            page = writer.write(table, command(config, name))
            stdout_console().print(f"table {name}: {page}", soft_wrap=True, highlight=False)
    for one in failed:
        console.print(f"failed: {one.method}, seed {one.seed}; {log_file(one)} says why", style="red", soft_wrap=True)
    return FAILED if failed else 0


def needed(config: PaperConfig) -> tuple[list[Training], list[Training]]:
    """Return the trainings that must be here, and those of whose planners the episodes are enough, which are."""
    every = trainings(config, config.tables)
    enough = set(wanted_methods(config, [name for name in config.tables if name in CELLS]))
    enough -= set(wanted_methods(config, [name for name in config.tables if name not in CELLS]))
    elsewhere = driven.kept(config, [one for one in every if one.method in enough])
    return [one for one in every if one not in elsewhere], elsewhere


def check_model(model: str) -> None:
    """Refuse a language model that cannot be found, before the trainings: hours later is late."""
    # Imported here: it brings transformers along.
    from llm_hints.providers.transformers_lm import load_tokenizer

    load_tokenizer(model)


def tell(
    config: PaperConfig, wanted: Sequence[Training], elsewhere: Sequence[Training], speeds: Speeds, console: Console
) -> None:
    """Say what is missing and how long it takes."""
    left = [one for one in wanted if one.left]
    seconds = seconds_of(left, speeds, config.lanes)
    drives = evaluation_seconds(config, len(wanted))
    asks = ASKS in config.tables
    more = f", and {prompts.questions(config):,} questions to {Path(config.model).name}" if asks else ""
    others = f"; the episodes of {len(elsewhere)} more lie beside the tables" if elsewhere else ""
    console.print(
        f"tables {', '.join(config.tables)}: {len(wanted)} trainings, {len(left)} of them unfinished "
        f"({sum(one.left for one in left):,} decisions, about {told(seconds)}, {config.lanes} at a time{others}); "
        f"evaluations about {told(drives)} if none is done{more}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


def train(config: PaperConfig, wanted: Sequence[Training], speeds: Speeds, console: Console) -> list[Training]:
    """Finish the trainings; return those that failed."""
    left = [one for one in wanted if one.left]
    for one in left:
        one.make_room()
        if one.method == no_knowledge.METHOD:
            no_knowledge.make_model(config.runs_path)
    begun_at = {id(one): one.steps for one in left}
    failed: list[Training] = []

    def ended(one: Training, how: Ended) -> None:
        if how.status or one.left:
            failed.append(one)
            word = f"FAILED ({how.status})"
        else:
            speeds.take(one, one.steps - begun_at[id(one)], how.seconds)
            word = "trained"
        remaining = seconds_of([other for other in left if other.left], speeds, config.lanes)
        console.print(
            f"{one.method}, seed {one.seed}: {word} in {told(how.seconds)}; about {told(remaining)} left",
            soft_wrap=True, highlight=False,
        )  # fmt: skip

    run_all(left, Training.command, log_file, config.lanes, ended)
    return failed


def make(name: str, config: PaperConfig, console: Console) -> tuple[Table, ...]:
    """Return a table, or the several that go by one name, of what is trained."""
    wanted = trainings(config, [name])
    found = CELLS[name](config, wanted, console) if name in CELLS else TABLES[name](config, finished(wanted), console)
    return (found,) if isinstance(found, Table) else found


def _table_1(config: PaperConfig, wanted: Sequence[Training], console: Console) -> Table:
    return success.main_table(_evaluated(config, wanted, tuple(DRIVERS), console))


def _table_2(config: PaperConfig, wanted: Sequence[Training], console: Console) -> Table:
    found = _evaluated(config, wanted, tuple(DRIVERS), console)
    return success.metrics_table(found, list(found.planners))


def _table_3(config: PaperConfig, wanted: Sequence[Training], console: Console) -> Table:
    return success.ablation_table(_evaluated(config, wanted, (), console))


def _table_4(config: PaperConfig, wanted: Sequence[Training], console: Console) -> Table:
    return success.provider_table(_evaluated(config, wanted, (), console))


def _evaluated(config: PaperConfig, wanted: Sequence[Training], drivers: Sequence[str], console: Console) -> Evaluated:
    return _ordered(evaluate_cells(config, wanted, drivers, console))


def _ordered(found: Evaluated) -> Evaluated:
    """Return the planners in the order of the methods."""
    order = [name for name in (*METHODS, BOX, *DRIVERS) if name in found.planners]
    return Evaluated(
        found.cells, {name: found.planners[name] for name in order}, found.pairs, found.episodes, found.protocol
    )


def _table_3b(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    found = {
        style: evaluate(
            config, trained, (), console, f"prompts-{style}", prompts.changes_of(config, style), words=prompts.WORDS
        )
        for style in prompts.STYLES
    }
    return prompts.prompts_table(found, config)


def _table_5(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    found, errors = {}, {}
    for condition in values.CONDITIONS:
        label = f"hints-{condition}"
        changes = values.changes_of(condition)
        found[condition] = _ordered(evaluate(config, trained, (), console, label, changes, record="all"))
        errors[condition] = values.errors_of(evaluation_folder(config, label), trained)
    return values.values_table(found, errors)


def _robustness(config: PaperConfig, trained: Sequence[Training], console: Console) -> tuple[Table, ...]:
    return robust.robustness_tables(config, trained, console)


def _stability(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    return stability.stability_table(console)


def _learning(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    return learning.learning_table(trained)


def _transfer(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    found = {}
    for task in beyond.TASKS:
        members = [one for one in trained if one.method in (REFERENCE, task.fine)]
        others = (BOX, *task.drivers)
        found[task.protocol] = _ordered(
            evaluate(config, members, others, console, task.protocol, protocol=task.protocol)
        )
    return beyond.transfer_table(found)


def _senses(config: PaperConfig, wanted: Sequence[Training], console: Console) -> Table:
    return beyond.senses_table(_evaluated(config, wanted, (), console))


def _carla(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    found = {}
    for simulator in on_carla.SIMULATORS:
        changes = on_carla.changes_of(config, simulator)
        words = on_carla.servers(config) if simulator == "carla" else ()
        label = f"on-{simulator}"
        found[simulator] = _ordered(evaluate(config, trained, on_carla.DRIVERS, console, label, changes, words=words))
    return on_carla.carla_table(config, found)


Made = Table | tuple[Table, ...]
CELLS: dict[str, Callable[[PaperConfig, Sequence[Training], Console], Table]] = {
    "1": _table_1,
    "2": _table_2,
    "3": _table_3,
    "4": _table_4,
    "senses": _senses,
}
"""The tables of what planners drive in the paper's cells: their episodes are enough, wherever they were driven."""

TABLES: dict[str, Callable[[PaperConfig, Sequence[Training], Console], Made]] = {
    "3b": _table_3b,
    "5": _table_5,
    "robustness": _robustness,
    "stability": _stability,
    "learning": _learning,
    "transfer": _transfer,
    "carla": _carla,
}


def about(config: PaperConfig) -> dict[str, object]:
    """Return the settings that stand in each table's JSON."""
    return {"config": {key: value for key, value in asdict(config).items() if key != "progress"}}


def command(config: PaperConfig, name: str) -> str:
    """Return the command that makes one table again."""
    usual = PaperConfig()
    words = [f"table={name}"]
    for key in ("methods", "seeds", "episodes", "total_steps", "model", "servers", "runs_dir", "output"):
        value = getattr(config, key)
        if value != getattr(usual, key):
            words.append(f"{key}=[{','.join(map(str, value))}]" if isinstance(value, tuple) else f"{key}={value}")
    return " ".join(["hcrmp reproduce paper", *words])
