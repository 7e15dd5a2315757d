"""``hcrmp reproduce paper``: train what is missing, evaluate what is missing, write the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from rich.console import Console

from hcrmp.paper import success
from hcrmp.paper.clock import EPISODES_PER_S, Speeds, seconds_of, told
from hcrmp.paper.config import PaperConfig
from hcrmp.paper.evaluations import Evaluated, evaluate
from hcrmp.paper.lanes import Ended, run_all
from hcrmp.paper.methods import DRIVERS, METHODS
from hcrmp.paper.table import Table, Writer
from hcrmp.paper.trainings import Training, finished, log_file, trainings

FAILED = 1
CELLS = 12


def run(config: PaperConfig) -> int:
    """Tell the time, work, and say where the tables are; 1 where a training failed."""
    console = Console(stderr=True)
    wanted = trainings(config, config.tables)
    for one in wanted:
        one.check()
    speeds = Speeds(config.runs_path)
    tell(config, wanted, speeds, console)
    if config.only_tell:
        return 0
    failed = [] if config.only_finished else train(config, wanted, speeds, console)
    writer = Writer(config.output_path, about(config))
    for name in config.tables:
        page = writer.write(make(name, config, console), command(config, name))
        Console().print(f"table {name}: {page}", soft_wrap=True, highlight=False)
    for one in failed:
        console.print(f"failed: {one.method}, seed {one.seed}; {log_file(one)} says why", style="red", soft_wrap=True)
    return FAILED if failed else 0


def tell(config: PaperConfig, wanted: Sequence[Training], speeds: Speeds, console: Console) -> None:
    """Say what is missing and how long it takes."""
    left = [one for one in wanted if one.left]
    seconds = seconds_of(left, speeds, config.lanes)
    drives = len(wanted) * CELLS * config.episodes / EPISODES_PER_S / config.lanes
    console.print(
        f"tables {', '.join(config.tables)}: {len(wanted)} trainings, {len(left)} of them unfinished "
        f"({sum(one.left for one in left):,} decisions, about {told(seconds)}, {config.lanes} at a time); "
        f"evaluations about {told(drives)} if none is done",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


def train(config: PaperConfig, wanted: Sequence[Training], speeds: Speeds, console: Console) -> list[Training]:
    """Finish the trainings; return those that failed."""
    left = [one for one in wanted if one.left]
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


def make(name: str, config: PaperConfig, console: Console) -> Table:
    """Return a table of what is trained."""
    trained = finished(trainings(config, [name]))
    return TABLES[name](config, trained, console)


def _table_1(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    return success.main_table(_evaluated(config, trained, tuple(DRIVERS), console))


def _table_2(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    found = _evaluated(config, trained, tuple(DRIVERS), console)
    return success.metrics_table(found, list(found.planners))


def _table_3(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    return success.ablation_table(_evaluated(config, trained, (), console))


def _table_4(config: PaperConfig, trained: Sequence[Training], console: Console) -> Table:
    return success.provider_table(_evaluated(config, trained, (), console))


def _evaluated(config: PaperConfig, trained: Sequence[Training], drivers: Sequence[str], console: Console) -> Evaluated:
    found = evaluate(config, trained, drivers, console)
    order = [name for name in (*METHODS, *DRIVERS) if name in found.planners]
    return Evaluated(
        found.cells, {name: found.planners[name] for name in order}, found.pairs, found.episodes, found.protocol
    )


TABLES: dict[str, Callable[[PaperConfig, Sequence[Training], Console], Table]] = {
    "1": _table_1,
    "2": _table_2,
    "3": _table_3,
    "4": _table_4,
}


def about(config: PaperConfig) -> dict[str, object]:
    """Return the settings that stand in each table's JSON."""
    return {"config": {key: value for key, value in asdict(config).items() if key != "progress"}}


def command(config: PaperConfig, name: str) -> str:
    """Return the command that makes one table again."""
    usual = PaperConfig()
    words = [f"table={name}"]
    for key in ("methods", "seeds", "episodes", "total_steps", "runs_dir", "output"):
        value = getattr(config, key)
        if value != getattr(usual, key):
            words.append(f"{key}=[{','.join(map(str, value))}]" if isinstance(value, tuple) else f"{key}={value}")
    return " ".join(["hcrmp reproduce paper", *words])
