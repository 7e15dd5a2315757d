"""The configuration of each job, from the command line to frozen dataclasses.

A job's dataclass holds its own keys and the sections of the components that it builds; each section is the dataclass
that stands beside the class it configures. Defaults are here and there; the YAML files of ``configs`` hold choices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast, get_args

from envs.carla_backend.config import FarmConfig
from envs.own_code import absolute, check_named, names_code, short_name
from envs.roads.map_file import is_map_file
from hcrmp.bundled import BUNDLED_PLANNER, bundled_planner
from hcrmp.composition import Composition, compose
from hcrmp.errors import ConfigError
from hcrmp.mapping import field_types, from_mapping, unknown
from hcrmp.run_folder import CONFIG_FILE, load_yaml
from hcrmp.short_keys import with_full_keys, with_own_scenario
from llm_hints.cache import CacheConfig
from llm_hints.knowledge.base import KnowledgeConfig
from llm_hints.providers.faulty import FaultConfig
from llm_hints.providers.openai_http import OpenAiConfig
from llm_hints.providers.rules import RulesConfig
from llm_hints.providers.transformers_config import BUNDLED, TransformersConfig
from llm_hints.service_config import HintServiceConfig

Family = Literal[
    "overtaking", "merging", "trilemma", "occluded_pedestrian", "straight_obstacle", "turning_obstacle",
    "lane_changing", "vehicle_passing", "red_light_running", "unprotected_left_turn", "right_turn",
    "crossing_negotiation", "cut_in", "cut_out", "deceleration", "road_works", "lane_closure", "route",
]  # fmt: skip
Density = Literal["low", "medium", "high", "all"]
Driver = Literal[
    "planner", "untrained", "keep_lane", "full_throttle", "cruise", "law_abiding", "reference", "autopilot"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class ScenarioConfig:
    """Which conditions are driven."""

    families: tuple[str, ...] = ("overtaking", "merging", "trilemma", "occluded_pedestrian")
    """The paper's conditions; the episodes are spread evenly over them. Beside the families that there are: your own,
    a function from a density to a ``Scenario``, as FILE.py:name or package.module:name."""

    def __post_init__(self) -> None:
        """Refuse an unknown, empty or repeated choice."""
        known = get_args(Family)
        for place, family in enumerate(self.families):
            key = f"scenario.families[{place}]"
            if names_code(family):
                check_named(family, key)
            elif family not in known:
                raise ConfigError(unknown("value", f"{key}={family}", [f"{key}={name}" for name in known]))
        if not self.families or len(set(self.families)) != len(self.families):
            raise ValueError(
                f"scenario.families must name each condition once, and one at least, got {list(self.families)}"
            )


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """The embedded simulator, in this process."""

    name: Literal["embedded"] = "embedded"
    """Which simulator."""


@dataclass(frozen=True)
class CarlaOptions(FarmConfig):
    """CARLA servers, one world each."""

    name: Literal["carla"] = "carla"
    """Which simulator."""


Simulator = EmbeddedOptions | CarlaOptions


@dataclass(frozen=True, slots=True)
class HintsConfig:
    """Who gives hints, and how they are served."""

    provider: Literal["rules", "none", "faulty", "transformers", "openai"] = "rules"
    """Where hints come from: the deterministic expert, nobody, another provider with faults, a language model here, or
    one behind an endpoint of OpenAI's protocol."""
    faulty_of: Literal["rules", "transformers", "openai"] = "rules"
    """Whose answers ``faulty`` spoils."""
    rules: RulesConfig = field(default_factory=RulesConfig)
    transformers: TransformersConfig = field(default_factory=TransformersConfig)
    faults: FaultConfig = field(default_factory=FaultConfig)
    openai: OpenAiConfig = field(default_factory=OpenAiConfig)
    anchored: bool = True
    """Whether passages of the knowledge base go into the prompt of a language model (the paper's CSA)."""
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    service: HintServiceConfig = field(default_factory=HintServiceConfig)
    cache: CacheConfig = field(default_factory=CacheConfig)
    cache_file: str = ""
    """File of a memory bank (npz): a training begins with it where it exists and saves it at checkpoints and at its
    end, an evaluation reads it; ``""``: a training begins empty, an evaluation has what the run's checkpoint holds."""

    def __post_init__(self) -> None:
        """Refuse a bank that nothing would use, and faults that nobody would make.

        Who asks for wrong hints must not measure right ones.
        """
        if self.cache_file and not self.service.cache:
            raise ValueError("cache_file came with service.cache=false: leave one of them out")
        asked = [f"faults.{name}={rate:g}" for name, rate in self.faults.rates.items() if rate > 0.0]
        if asked and self.provider != "faulty":
            raise ValueError(f"{', '.join(asked)}, but provider={self.provider} makes no faults: add hints=faulty")

    @property
    def words(self) -> str:
        """Whose hints they are and which faults they have, for names: those of another rate are another thing."""
        if self.provider != "faulty":
            return self._model_words
        told = [f"{name}{rate:g}" for name, rate in self.faults.rates.items() if rate > 0.0]
        inverted = self.faults.wrong > 0.0 and self.faults.wrong_mode == "inverted"
        return "-".join([self.provider, *told, *(["inverted"] if inverted else [])])

    @property
    def _model_words(self) -> str:
        """The provider, and which language model it asks."""
        if self.provider == "openai":
            return "-".join([self.provider, *re.findall(r"[\w.]+", self.openai.model)])
        if self.provider == "transformers" and self.transformers.model != BUNDLED:
            return "-".join([self.provider, *re.findall(r"[\w.]+", Path(self.transformers.model).name)])
        return "bundled" if self.provider == "transformers" else self.provider


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


@dataclass(frozen=True, slots=True)
class ReplayConfig:
    """``hcrmp replay``."""

    drive: str = ""
    """File of a recorded drive; where it is empty, ``episode`` of ``run``."""
    run: str = ""
    """Folder of the run, or its name in ``runs_dir``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    episode: str = "worst"
    """Name of a recorded drive in the run's drives folder, or ``worst``, ``best``, ``last``, or ``all``: the 60 worst
    in one page."""
    beside: str = ""
    """Another drive to show beside it on one clock: a file, or of a run what ``episode`` may be."""
    frame: float | None = None
    """Simulated time (s) of which a picture (PNG) is written instead of page and video."""
    video: Literal["none", "gif", "mp4"] = "mp4"
    """Video to write beside the page; ``all`` and two drives write none."""
    speed: float = 1.0
    """Simulated seconds in a second of the video."""
    output: str = ""
    """Folder to write to; the run's replay folder where it is empty, or where the drive lies."""
    exact: bool = False
    """Simulate the drive again from its actions and tell where it parts from the record; nothing is written."""
    from_s: float | tuple[float, ...] = ()
    """``--from``: moment or moments from which another driver takes over (s)."""
    every: float = 0.0
    """Take over from every so many seconds of the drive on: from which moment on could it still be saved?"""
    planner: str | tuple[str, ...] = ()
    """Who takes over: runs, ``bundled``, the planner in the box, shared planners, or scripted drivers (``reference``,
    ``law_abiding``, ...); who drove where it is empty."""
    others: Literal["traffic", "replayed"] = "traffic"
    """What the others do from then on: they react, as traffic does, or move as recorded, whatever the ego does."""
    map: str = ""
    """Map of a recording from elsewhere, for driving it on: an OpenDRIVE file, or a generated one; the one that it
    names where it is empty."""
    hints: HintsConfig | None = None
    """Hints in place of those of whoever takes over, for example ``hints=none``."""
    simulator: Simulator | None = None
    """Where it is driven on: the embedded simulator, or the first server of ``simulator=carla``."""

    def __post_init__(self) -> None:
        """Refuse a film that stands still, a drive that is not named, and half of a branch."""
        if bool(self.drive) == bool(self.run):
            raise ValueError("one of drive and run must be given: hcrmp replay DRIVE.arrow, or hcrmp replay run=...")
        if not self.speed > 0.0:
            raise ValueError(f"speed must be more than 0, got {self.speed}")
        if self.beside and self.frame is not None:
            raise ValueError("frame shows one drive, and beside asks for two: give one of them")
        if self.every < 0.0:
            raise ValueError(f"every must be more than 0 s, got {self.every:g}")
        if not self.branches and (self.planner or self.hints is not None or self.others != "traffic"):
            raise ValueError("planner, hints and others are of a branch: say from when, --from 12.4 or --every 1.0")
        if self.branches and self.exact:
            raise ValueError("exact repeats the drive, and a branch leaves it: ask for one at a time")
        if (self.branches or self.exact) and self.episode == "all":
            raise ValueError("episode=all are many drives: name one, or worst, best, last")

    @property
    def branches(self) -> bool:
        """Whether somebody takes over."""
        return bool(self.moments) or self.every > 0.0

    @property
    def moments(self) -> tuple[float, ...]:
        """The moments of ``from_s``."""
        return self.from_s if isinstance(self.from_s, tuple) else (self.from_s,)

    @property
    def successors(self) -> tuple[str, ...]:
        """The names in ``planner``; "": who drove."""
        named = self.planner if isinstance(self.planner, tuple) else (self.planner,)
        return named or ("",)

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return locate_run(self.run, self.runs_dir)


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """``hcrmp demo``."""

    run: str = "demo"
    """Name of the run, a folder in ``runs_dir``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    seed: int = 0
    """Seed of everything random."""
    total_steps: int = 3_000_000
    """Decisions to train for, over all worlds; the learning rate falls to its end over them."""
    minutes: float = 4.0
    """Wall time after which training ends early, on a machine that is slower than most (minutes)."""
    worlds: int = 128
    """Worlds stepped together in training (B)."""
    episodes: int = 25
    """Episodes in each cell when it is evaluated."""
    replace: bool = True
    """Put the new demo in the place of an earlier one of this name."""


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """``hcrmp serve``."""

    map: str = "town"
    """Map that the server begins with: a generated one, or the name of a file in ``map_folder``."""
    map_folder: str = ""
    """Folder of OpenDRIVE files (``.xodr``), which clients may load by their names."""
    host: str = "127.0.0.1"
    """Address to listen at. The protocol knows no passwords: beyond this machine only in a network that you trust."""
    port: int = 2000
    """Port of the calls; the streams have the next one. 0: any free pair, which is printed."""
    recordings: str = "recordings"
    """Folder that a client's recordings are written to."""
    synchronous: bool = False
    """Begin in synchronous mode, where time waits for a client's ticks: needed for runs that repeat exactly."""
    step_s: float = 0.05
    """Fixed step of the first episode (s)."""

    def __post_init__(self) -> None:
        """Refuse ports that do not exist, and steps of no time."""
        if not 0 <= self.port <= 65534:
            raise ValueError(f"port must be 0 to 65534 (the streams have the next one), got {self.port}")
        if not 0.0 < self.step_s <= 1.0:
            raise ValueError(f"step_s must be more than 0 and at most 1, got {self.step_s}")


@dataclass(frozen=True, slots=True)
class DoctorConfig:
    """``hcrmp doctor``."""

    servers: tuple[str, ...] = ("127.0.0.1:2000",)
    """Servers to ask, as HOST:PORT."""
    unstick: bool = False
    """Set a server that was left in synchronous mode, where it waits for ever, back to asynchronous mode."""


CONFIGS: dict[str, str | type[Any]] = {
    # By name: it brings torch along, which the other jobs' help and messages need not wait for.
    "train": "hcrmp.train_config:TrainConfig",
    "evaluate": EvaluateConfig,
    "replay": ReplayConfig,
    "import": "hcrmp.exchange_config:ImportConfig",
    "export": "hcrmp.exchange_config:ExportConfig",
    "report": "hcrmp.report.config:ReportConfig",
    "reproduce": "hcrmp.reproduce.config:ReproduceConfig",
    "reproduce paper": "hcrmp.paper.config:PaperConfig",
    "demo": DemoConfig,
    "robustness": "hcrmp.robustness.config:RobustnessConfig",
    "share": "hcrmp.share.config:ShareConfig",
    "serve": ServeConfig,
    "doctor": DoctorConfig,
    "hints ask": "hcrmp.hints_config:HintsAskConfig",
    "hints benchmark": "hcrmp.hints_config:HintsBenchmarkConfig",
    "hints stability": "hcrmp.hints_config:HintsStabilityConfig",
    "hints train": "hcrmp.hints_config:HintsTrainConfig",
    "hints tune": "hcrmp.hints_config:HintsTuneConfig",
}


def config_class(job: str) -> type[Any]:
    """Return the dataclass that configures ``job``."""
    cls = CONFIGS[job]
    if isinstance(cls, str):
        module, name = cls.split(":")
        return cast("type[Any]", getattr(import_module(module), name))
    return cls


def load(job: str, overrides: Sequence[str] = ()) -> Any:
    """Return the configuration of ``job`` after ``overrides``; raises ``ConfigError`` with one clear line."""
    cls = config_class(job)
    overrides = with_own_scenario(with_full_keys(overrides, field_types(cls), HintsConfig))
    if job == "evaluate":
        overrides = import_module("hcrmp.comparison.protocol").with_protocol(overrides)
    composition = compose(job, overrides, tuple(field_types(cls)))
    values = _named(job, composition)
    if job == "train" and values.get("resume") is True:
        given = {override.partition("=")[0].split(".")[0] for override in overrides}
        values |= {key: value for key, value in _as_begun(values).items() if key not in given}
    return from_mapping(cls, values)


FREE_ON_RESUME = (
    "resume", "progress", "total_steps", "time_limit_s", "checkpoint_every", "torch_threads", "runs_dir", "record"
)  # fmt: skip
"""Keys that a resumed training may change."""


def _as_begun(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with which the run of ``values`` was begun, as far as a resumed training keeps them."""
    path = Path(str(values.get("runs_dir", "runs"))) / str(values["run"]) / CONFIG_FILE
    if not path.is_file():
        return {}  # the job itself says what is wrong with the run
    free = {"run", *FREE_ON_RESUME} - {"total_steps"}
    return {key: value for key, value in load_yaml(path).items() if key not in free}


def dotted_paths(randomise: Mapping[str, Any]) -> dict[str, Any]:
    """Return ranges by dotted path, however they were nested, so that equal wishes are equal in the run's config."""
    if not randomise:
        return {}
    # Imported here: the scenarios bring much along that a quick --help need not wait for.
    from envs.scenarios.randomise import flattened

    return flattened(randomise)


SHARED_SUFFIXES = (".onnx", ".zip")
"""Files that are planners by themselves."""


def locate_run(run: str, runs_dir: str) -> Path:
    """Return the folder that ``run`` means: a path that exists, else the name of a run in ``runs_dir``."""
    path = Path(run)
    shared = path.suffix in SHARED_SUFFIXES and path.is_file()
    return path if path.is_dir() or shared or path.name != run else Path(runs_dir) / run


def locate_planner(word: str, runs_dir: str) -> Path:
    """Return where the planner lies that ``word`` names: that in the box, or what ``locate_run`` finds.

    Raises:
        UserError: the one in the box is meant, and this installation lacks it.
    """
    return bundled_planner() if word == BUNDLED_PLANNER else locate_run(word, runs_dir)


def runs_like(pattern: str, runs_dir: str) -> list[Path]:
    """Return the folders that are named like ``pattern`` (``hcrmp-*``): in ``runs_dir``, or where its path says."""
    path = Path(pattern)
    home = Path(runs_dir) if path.name == pattern else path.parent
    return sorted(found for found in home.glob(path.name) if found.is_dir())


def _settle_code(values: Mapping[str, Any]) -> None:
    """Name the files of the user's own code by their absolute paths."""
    reward, observation, scenario = (values.get(key) or {} for key in ("reward", "observation", "scenario"))
    for term in (reward.get("extra_terms") or {}).values():
        if isinstance(term, dict) and isinstance(term.get("function"), str):
            term["function"] = absolute(term["function"])
    for name, code in (observation.get("extra_blocks") or {}).items():
        observation["extra_blocks"][name] = absolute(str(code))
    if isinstance(scenario.get("families"), list):
        scenario["families"] = [absolute(str(family)) for family in scenario["families"]]


def _named(job: str, composition: Composition) -> dict[str, Any]:
    """Give a training run without a name one that says what was chosen where it is not the usual."""
    values = dict(composition.values)
    if is_map_file(str(values.get("map", ""))):
        # A run remembers its map wherever it is evaluated from.
        values["map"] = str(Path(str(values["map"])).expanduser().absolute())
    hints = values.get("hints")
    if isinstance(hints, dict) and hints.get("cache_file"):
        # For the same reason.
        hints["cache_file"] = str(Path(str(hints["cache_file"])).expanduser().absolute())
    _settle_code(values)
    if job == "train" and not values.get("run"):
        experiment = composition.choices["experiment"]
        usual = {"density": "all", "hints": "rules", "observation": "scan", "curriculum": "none"}
        chosen = {**composition.choices, "density": str(values.get("density", "all"))}
        own = [short_name(one) for one in values.get("scenario", {}).get("families", ()) if names_code(str(one))]
        scenario = "-".join(own) or chosen["scenario"]
        parts = [experiment.replace("/", "-"), *own] if experiment else [scenario, chosen["algo"]]
        # An experiment's name stands for all that it sets.
        said = composition.given if experiment else values.keys()
        parts += [Path(str(values["map"])).stem] if values.get("map") and "map" in said else []
        parts += ["randomised"] if values.get("randomise") else []
        chosen["hints"] = from_mapping(HintsConfig, values.get("hints", {}), "hints").words
        if not experiment:
            parts += [chosen[key] for key, ordinary in usual.items() if chosen[key] != ordinary]
        values["run"] = "-".join([*map(str, parts), f"seed{values.get('seed', 0)}"])
    return values
