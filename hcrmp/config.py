"""The configuration of each job, from the command line to frozen dataclasses.

A job's dataclass holds its own keys and the sections of the components that it builds; each section is the dataclass
that stands beside the class it configures. Defaults are here and there; the YAML files of ``configs`` hold choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from envs.own_code import absolute, names_code, short_name
from envs.roads.map_file import is_map_file
from hcrmp.composition import Composition, compose
from hcrmp.mapping import field_types, from_mapping
from hcrmp.run_folder import CONFIG_FILE, load_yaml
from hcrmp.sections import HintsConfig
from hcrmp.short_keys import with_full_keys, with_own_scenario

CONFIGS = {
    "train": "hcrmp.train_config:TrainConfig",
    "evaluate": "hcrmp.evaluate_config:EvaluateConfig",
    "replay": "hcrmp.replay_config:ReplayConfig",
    "import": "hcrmp.exchange_config:ImportConfig",
    "export": "hcrmp.exchange_config:ExportConfig",
    "report": "hcrmp.report.config:ReportConfig",
    "reproduce": "hcrmp.reproduce.config:ReproduceConfig",
    "reproduce paper": "hcrmp.paper.config:PaperConfig",
    "demo": "hcrmp.demo_config:DemoConfig",
    "robustness": "hcrmp.robustness.config:RobustnessConfig",
    "share": "hcrmp.share.config:ShareConfig",
    "serve": "hcrmp.server_config:ServeConfig",
    "doctor": "hcrmp.server_config:DoctorConfig",
    "hints ask": "hcrmp.hints_config:HintsAskConfig",
    "hints benchmark": "hcrmp.hints_config:HintsBenchmarkConfig",
    "hints stability": "hcrmp.hints_config:HintsStabilityConfig",
    "hints train": "hcrmp.hints_config:HintsTrainConfig",
    "hints tune": "hcrmp.hints_config:HintsTuneConfig",
}
"""The dataclass of each job, by name: some bring torch along, which the others' help need not wait for."""


def config_class(job: str) -> type[Any]:
    """Return the dataclass that configures ``job``."""
    module, name = CONFIGS[job].split(":")
    return cast("type[Any]", getattr(import_module(module), name))


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
