"""The configuration of ``hcrmp evaluate``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hcrmp.locate import locate_planner
from hcrmp.sections import Density, Driver, HintsConfig, ScenarioConfig, Simulator, dotted_paths


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """``hcrmp evaluate``. What the planner sees is that of its run; what it meets is chosen here."""

    planners: tuple[str, ...] = ()
    """Planners to compare on the same episodes: ``bundled``, the one in the box; runs (folders, names in ``runs_dir``,
    patterns of such names; runs that differ in nothing but their seed are one planner), drivers (``reference``,
    ``cruise``, ...), files of planners. ``planner=X`` is one of them alone."""
    protocol: str = ""
    """What is driven, fixed by a file: a packaged protocol (``paper``, ``quick``, ...) or the path of an own one.
    Results of different protocols are not compared."""
    run: str = ""
    """Folder of the run, or its name in ``runs_dir``; ``bundled``, the planner in the box; or a shared planner: a
    folder of ``hcrmp share``, an ``.onnx`` of it, a ``.zip`` of Stable-Baselines3. A scripted driver needs none: its
    results get a folder. With ``planners``: the run whose observation and actions those have that come without a run.
    """
    runs_dir: str = "runs"
    """Folder of all runs."""
    density: Density = "all"
    """Traffic density of the conditions."""
    map: str = ""
    """Map of ``scenario=route``: a generated one, an OpenDRIVE file, or one that the CARLA server has; that of the run
    where it is empty."""
    randomise: dict[str, Any] = field(default_factory=dict)
    """Ranges in place of the scenarios' own, as in training. Without it the scenarios are as they stand: what a
    training was randomised with does not carry over to its evaluation unless it is given here too."""
    episodes: int = 100
    """Seeded episodes in each cell (condition x density)."""
    seed: int = 0
    """Which episodes: the k-th of each cell has seed 2**31 + 100_000 * seed + k. Every driver meets the same ones, so
    that results can be paired, and none that a training drew (it draws below 2**31)."""
    worlds: int = 64
    """Worlds stepped together (B); it does not change the result."""
    driver: Driver = "planner"
    """Who drives: the run's planner, or one to compare it with."""
    ends_at: Literal["auto", "violation", "collision"] = "auto"
    """What ends an episode early: anything against the rules, as in training, or a collision alone (or losing the way),
    everything else being counted and driven on from; ``auto``: ``collision`` for routes alone, else ``violation``."""
    deterministic: bool = True
    """Drive the mode of the action distribution, not a sample."""
    record: Literal["all"] | int = "all"
    """Drives kept of each cell: ``all``, or so many, each kind of ending in turn, failures first; 0: none."""
    label: str = ""
    """Name of the result's files in the run's evaluation folder; made from the choices where it is empty. The same
    command goes on with an evaluation that was interrupted, and prints one that is finished without driving again,
    unless the planner was trained further, or the program or the settings changed: then it begins anew."""
    output: str = ""
    """Folder of the results of ``planners``; ``evaluations/<label>`` where it is empty. An evaluation that was
    interrupted goes on from there; there it is refused, not begun anew, where planners or settings changed."""
    repetitions: int = 1
    """Times that each episode is driven: where planners or the simulator do not repeat themselves."""
    train_seeds: tuple[int, ...] = ()
    """Training seeds that each of the trained ``planners`` must have; any where it is empty."""
    processes: int = 0
    """Processes that drive; 0: one for each core, if there is enough to do. It does not change the result."""
    cluster: Literal["none", "local", "slurm"] = "none"
    """Where it is driven: in this machine's processes, or in jobs that submitit hands in (extra ``cluster``):
    ``slurm``, or ``local`` to try it."""
    shards: int = 8
    """Jobs on the cluster, each with ``processes`` of its own."""
    cluster_parameters: dict[str, Any] = field(default_factory=dict)
    """Parameters of submitit's executor: ``{timeout_min: 60, cpus_per_task: 8, slurm_partition: NAME}``."""
    retries: int = 2
    """Times that an episode which the infrastructure broke off is driven anew, alone."""
    silence_s: float = 300.0
    """Time without a decision (s) after which one of several processes is ended, and its work given to another; it
    counts as lost to the infrastructure. Until its first decision a process has 15 minutes; 0: wait for ever."""
    repeat: bool = False
    """Drive again what is finished already, and tell which episodes went otherwise."""
    progress: bool = True
    """Show a progress bar."""
    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    hints: HintsConfig | None = None
    """Hints in place of those of the run, for example ``hints=none``."""
    simulator: Simulator | None = None
    """Simulator in place of that of the run, for example ``simulator=carla``."""

    def __post_init__(self) -> None:
        """Refuse counts that measure nothing."""
        if not self.run and not self.planners and self.driver in ("planner", "untrained"):
            raise ValueError("run must be given: add run=..., or planners=[...] to compare several")
        if not 0 <= self.seed < 10_000 or self.episodes > 100_000:
            raise ValueError(f"seed must be 0 to 9999, episodes at most 100000, got {self.seed} and {self.episodes}")
        for name, least in (("episodes", 1), ("worlds", 1), ("repetitions", 1), ("processes", 0), ("retries", 0),
                            ("shards", 1), ("silence_s", 0)):  # fmt: skip
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        object.__setattr__(self, "randomise", dotted_paths(self.randomise))

    @property
    def ending(self) -> Literal["violation", "collision"]:
        """What ``ends_at`` comes to."""
        if self.ends_at != "auto":
            return self.ends_at
        return "collision" if self.scenario.families == ("route",) else "violation"

    @property
    def run_path(self) -> Path:
        """The run's folder, or where a shared planner lies; a scripted driver's folder has its name."""
        return locate_planner(self.run or self.driver, self.runs_dir)
