"""The configuration of ``hcrmp train``: the run's own keys and a section for each component that is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from envs.action import ActionConfig
from envs.observation import ObservationConfig
from envs.reward import RewardConfig
from hcrmp.algorithm_config import HcrmpConfig
from hcrmp.baselines import PpoOptions, SacOptions, Td3Options
from hcrmp.curriculum import CurriculumConfig
from hcrmp.mapping import from_mapping
from hcrmp.sections import Density, EmbeddedOptions, HintsConfig, ScenarioConfig, Simulator, dotted_paths


@dataclass(frozen=True)
class HcrmpOptions(HcrmpConfig):
    """Multi-critic PPO, as an algorithm to choose."""

    name: Literal["hcrmp"] = "hcrmp"
    """Which algorithm."""


Algorithm = HcrmpOptions | PpoOptions | SacOptions | Td3Options


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """``hcrmp train``."""

    run: str = ""
    """Name of the run, a folder in ``runs_dir``; made from the choices and the seed where it is empty."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    resume: bool = False
    """Go on from the last checkpoint of the run, exactly (SAC and TD3: with an empty replay buffer)."""
    start_from: str = ""
    """Run (its folder, or its name in ``runs_dir``) whose planner learns on, in whatever this training meets: to
    fine-tune it. Decisions are counted from 0, the optimiser and the learning rate begin anew."""
    density: Density = "all"
    """Traffic density of the conditions; ``all`` spreads the episodes over the three."""
    map: str = ""
    """Map of ``scenario=route``: a generated one (``town``, which it is where this is empty), an OpenDRIVE file, or,
    with ``simulator=carla``, a map that the server has (``Town02``)."""
    randomise: dict[str, Any] = field(default_factory=dict)
    """Ranges in place of the scenarios' own, by path: ``randomise.ego_speed=[6,14]``, or several, with ``*`` for any
    participant: ``'randomise={actors.*.speed: [2, 5], time_limit: 30}'``. Fields are those of ``Scenario`` and
    ``RouteScenario``; a wrong one is answered with those that there are."""
    seed: int = 0
    """Seed of everything random: networks, episodes, hint faults."""
    total_steps: int = 3_000_000
    """Decisions to train for, over all worlds."""
    time_limit_s: float | None = None
    """Wall time, from the first decision on, within which training ends, early if need be, with a checkpoint (s)."""
    worlds: int = 128
    """Worlds stepped together (B); with ``simulator=carla`` at most as many as there are servers."""
    torch_threads: int = 1
    """Threads of torch on the CPU; more than one is slower where the cores are busy."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where the networks live; ``auto``: on a GPU where there is one."""
    checkpoint_every: int = 500_000
    """Decisions between two checkpoints."""
    record: int = 30
    """Episodes recorded as drives, spread evenly over ``total_steps``, in ``drives/training`` of the run; 0: none."""
    tensorboard: bool = True
    """Write TensorBoard events to the run folder."""
    progress: bool = True
    """Show a progress bar."""
    scenario: ScenarioConfig = field(default_factory=ScenarioConfig)
    simulator: Simulator = field(default_factory=EmbeddedOptions)
    observation: ObservationConfig = field(default_factory=ObservationConfig)
    action: ActionConfig = field(default_factory=ActionConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    hints: HintsConfig = field(default_factory=HintsConfig)
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    algo: Algorithm = field(default_factory=HcrmpOptions)

    def __post_init__(self) -> None:
        """Refuse counts that train nothing."""
        for name in ("total_steps", "worlds", "torch_threads", "checkpoint_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("seed", "record"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.time_limit_s is not None and self.time_limit_s <= 0.0:
            raise ValueError(f"time_limit_s must be more than 0, got {self.time_limit_s}")
        if Path(self.run).name != self.run:
            raise ValueError(f"run must be a plain name, got {self.run!r}: choose the folder with runs_dir=...")
        if self.curriculum.name == "density" and self.density != "all":
            raise ValueError(f"curriculum=density goes over all densities, got density={self.density}: leave it out")
        self._check_critics()
        object.__setattr__(self, "randomise", dotted_paths(self.randomise))

    def _check_critics(self) -> None:
        """Refuse critics that learn from no reward term; a single one learns from the scalar reward."""
        names = self.reward.names
        if isinstance(self.algo, HcrmpConfig) and len(self.algo.critics) > 1 and self.algo.critics != names:
            raise ValueError(
                f"algo.critics are {list(self.algo.critics)}, the reward has the terms {list(names)}: give each a "
                f"critic, algo.critics=[{','.join(names)}]"
            )

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return Path(self.runs_dir) / self.run


def load_train(values: Mapping[str, Any]) -> TrainConfig:
    """Return the training configuration that a run folder holds."""
    return from_mapping(TrainConfig, values)


def plain_config(config: TrainConfig) -> dict[str, Any]:
    """Return the configuration as plain values for YAML."""
    return _plain(asdict(config))  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
