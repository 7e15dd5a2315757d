"""The configuration of ``hcrmp reproduce paper``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hcrmp.comparison.processes import cores
from hcrmp.paper.methods import OF_TABLE
from llm_hints.providers.transformers_config import LmMode

ASKS = "3b"
"""The table that asks a language model that reads English."""

TABLES = ("1", "2", "3", "3b", "4", "5", "robustness", "stability", "learning", "transfer", "senses", "carla")
ALL = "all"


@dataclass(frozen=True, slots=True)
class PaperConfig:
    """``hcrmp reproduce paper``. What is done already is not done again; stop it and start it as you like.

    Trainings are those of ``experiment=paper/...`` (``hcrmp train --help`` lists them), evaluations those of
    ``protocol=paper``.
    """

    table: str | int = ALL
    """Which: 1 and 2 (all methods, all metrics), 3 (ablation), 3b (prompt styles), 4 (who gives the hints), 5 (right
    and wrong hints), robustness, stability, learning, transfer (other tasks), senses (poorer sensors), carla (on
    servers), or all."""
    methods: tuple[str, ...] = ()
    """Those of the table's methods that are to be in it, by the name of their experiment; all where it is empty."""
    seeds: tuple[int, ...] = (10, 11, 12, 13, 14)
    """Training seeds of each method. The method was developed with 0 to 4 and 100 to 103, and not with these."""
    episodes: int = 100
    """Evaluation episodes of each cell and planner."""
    total_steps: int = 0
    """Decisions of every training, to try the whole thing; 0: the experiments' own, which is what the tables mean."""
    model: str = ""
    """Language model that reads English, for table 3b: a folder, or a name of the hub."""
    mode: LmMode = "scoring"
    """How it is asked: ``scoring`` compares the allowed answers, ``generation`` lets it write, as the paper does."""
    servers: tuple[str, ...] = ()
    """CARLA servers (``HOST:PORT``) for table carla; where none is named, our own are launched."""
    runs_dir: str = "runs/paper"
    """Folder of the trained planners and of their evaluations."""
    output: str = "runs/paper/tables"
    """Folder of the tables: a Markdown file, a JSON file and a figure each; and of the ``episodes`` of each planner in
    the paper's cells. Whose episodes lie there already is neither trained nor driven again for a table of these cells:
    many machines can work at one table."""
    processes: int = 0
    """Trainings, and processes of an evaluation, at a time; 0: as many as there are cores."""
    only_finished: bool = False
    """Train nothing: a table of the planners that are finished, with the number of seeds that each method has."""
    only_tell: bool = False
    """Tell what would be done, and how long it takes, and end."""
    progress: bool = True
    """Show progress bars."""

    def __post_init__(self) -> None:
        """Refuse what is no table, and what measures nothing."""
        if str(self.table) not in (*TABLES, ALL):
            raise ValueError(f"table must be one of {', '.join((*TABLES, ALL))}, got {self.table}")
        known = {method for table in self.tables for method in OF_TABLE[table]}
        if unknown := [method for method in self.methods if method not in known]:
            raise ValueError(f"methods of table={self.table} are {', '.join(sorted(known))}, got {', '.join(unknown)}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise ValueError(f"seeds must name each training seed (0 or more) once, got {list(self.seeds)}")
        for name, least in (("episodes", 1), ("total_steps", 0), ("processes", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if str(self.table) in self.left_out:
            raise ValueError(f"table={self.table} cannot be made here: {self.left_out[str(self.table)]}")

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables to make, in their order; of all, those for which there is all that they need."""
        every = tuple(name for name in TABLES if name not in self.left_out)
        return every if self.table == ALL else (str(self.table),)

    @property
    def left_out(self) -> dict[str, str]:
        """The tables for which something is missing, and what."""
        needs = {
            ASKS: ("it asks a language model that reads English: give model=FOLDER", bool(self.model)),
            "carla": ("it needs the carla client: pip install 'hcrmp[carla]'", find_spec("carla") is not None),
        }
        return {name: what for name, (what, there) in needs.items() if not there}

    @property
    def lanes(self) -> int:
        """How many processes work at a time."""
        return self.processes or cores()

    @property
    def runs_path(self) -> Path:
        """The folder of the trained planners."""
        return Path(self.runs_dir)

    @property
    def output_path(self) -> Path:
        """The folder of the tables."""
        return Path(self.output)
