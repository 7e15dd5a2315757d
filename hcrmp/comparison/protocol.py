"""A protocol: what results must have in common to be compared, written down in one YAML file.

Its keys are those of ``hcrmp evaluate`` that say what is driven, as on the command line, and ``version``. The packaged
ones lie in ``configs/protocols`` (a folder of the key's own name would be a group to Hydra); anybody's own is named by
its path.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from envs.own_code import names_code, short_name
from envs.roads.map_file import is_map_file
from hcrmp.composition import grammar, options
from hcrmp.errors import ConfigError
from hcrmp.evaluate_config import EvaluateConfig
from hcrmp.mapping import to_mapping, unknown
from hcrmp.run_folder import load_yaml
from hcrmp.sections import HintsConfig

OWN = "own"
"""Name of what is fixed by the command line alone."""

KEYS = (
    "scenario", "density", "map", "randomise", "episodes", "seed", "repetitions", "ends_at", "hints", "simulator",
    "deterministic", "train_seeds",
)  # fmt: skip
"""Keys of ``hcrmp evaluate`` that a protocol may fix; those that it does not name are fixed at their defaults."""

USUAL = ("scenario=paper", "simulator=embedded")
"""What a protocol that names none of these means: never what a run was trained in."""

_GROUPS = ("scenario", "hints", "simulator")


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is driven: the cells, which and how many episodes of each, how often, and under which rules.

    ``hints`` what differs from the usual ones, None: each planner's own; ``map`` of routes, with the checksum of its
    file where it is one; ``train_seeds`` that every trained method must have, () for any; the rest as in
    ``EvaluateConfig``.
    """

    name: str
    version: int
    families: tuple[str, ...]
    density: str
    map: str
    randomise: dict[str, Any]
    episodes: int
    seed: int
    repetitions: int
    ends_at: str
    hints: dict[str, Any] | None
    simulator: str
    deterministic: bool
    train_seeds: tuple[int, ...]

    @classmethod
    def of(cls, config: EvaluateConfig, simulator: str = "embedded") -> Protocol:
        """Return the protocol of ``config``; ``simulator`` is meant where it names none."""
        name, version = OWN, 1
        if config.protocol:
            path = protocol_path(config.protocol)
            name, version = path.stem, _version(path, load_yaml(path))
        return cls(
            name=name, version=version, density=config.density,
            families=tuple(map(_identified_code, config.scenario.families)),
            map=_identified(config.map), randomise=dict(config.randomise), episodes=config.episodes, seed=config.seed,
            repetitions=config.repetitions, ends_at=config.ending, hints=_hints(config.hints),
            simulator=simulator if config.simulator is None else config.simulator.name,
            deterministic=config.deterministic, train_seeds=config.train_seeds,
        )  # fmt: skip

    @property
    def hash(self) -> str:
        """What two results must have in common: of everything but the name (16 hexadecimal digits)."""
        content = {key: value for key, value in asdict(self).items() if key != "name"}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, the hash among them."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {"name": self.name, "version": self.version, "hash": self.hash, **values}


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return what sets two protocols (``Protocol.to_dict``) apart, each as "key ONE instead of OTHER"."""
    keys = [key for key in {**one, **other} if key not in ("name", "hash")]
    return [f"{key} {one.get(key)} instead of {other.get(key)}" for key in keys if one.get(key) != other.get(key)]


def with_protocol(overrides: Sequence[str]) -> list[str]:
    """Return the command line's ``overrides`` with what its ``protocol=`` fixes before them.

    Raises:
        ConfigError: there is no such protocol, it is none, or a key that it fixes was given as well.
    """
    named = [word.partition("=")[2].strip("'\"") for word in overrides if word.partition("=")[0] == "protocol"]
    if not named or not named[-1]:
        return list(overrides)
    path = protocol_path(named[-1])
    fixed = _words(path, load_yaml(path))
    for word in overrides:
        key = word.partition("=")[0].split(".")[0]
        if key in KEYS and not (key == "simulator" and "." in word.partition("=")[0]):
            raise ConfigError(
                f"protocol={named[-1]} fixes {key}: leave {word} out, or copy {path} and change it there, with another "
                "name."
            )
    return [*fixed, *overrides]


def protocol_path(protocol: str) -> Path:
    """Return the file of a protocol: a packaged one by its name, another by its path."""
    if Path(protocol).suffix in (".yaml", ".yml"):
        path = Path(protocol).expanduser()
        if not path.is_file():
            raise ConfigError(f"no protocol at {path}: give a YAML file, or one of {', '.join(options('protocols'))}.")
        return path
    if protocol not in options("protocols"):
        raise ConfigError(unknown("protocol", protocol, [*options("protocols"), "path/to/own.yaml"]))
    return Path(str(resources.files("configs") / "protocols" / f"{protocol}.yaml"))


def _words(path: Path, content: Mapping[str, Any]) -> list[str]:
    """Return the content of a protocol's file as overrides, options of groups first."""
    for key in content:
        if key != "version" and key.split(".")[0] not in KEYS:
            raise ConfigError(f"{path}: {unknown('key', key, ['version', *KEYS])}")
    _version(path, content)
    scenario = [value for key, value in content.items() if key.split(".")[0] == "scenario"]
    if any(names_code(text) for text in _texts(scenario)):
        raise ConfigError(f"{path} names code as a scenario: protocols are passed on, so give it on the command line.")
    given = {word.partition("=")[0]: word for word in USUAL}
    given |= {key: _word(key, value) for key, value in content.items() if key != "version" and value is not None}
    return sorted(given.values(), key=lambda word: word.partition("=")[0] not in _GROUPS)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _word(key: str, value: Any) -> str:
    return f"{key}={value}" if key in _GROUPS and isinstance(value, str) else f"{key}={grammar(value)}"


def _version(path: Path, content: Mapping[str, Any]) -> int:
    version = content.get("version")
    if type(version) is not int or version < 1:
        raise ConfigError(f"{path} needs version: a whole number from 1 on, to be raised with every change.")
    return version


def _identified(name: str) -> str:
    """Return the name of a map or module, that of a file with its content's checksum: files move, and change."""
    if not is_map_file(name) and not name.endswith(".py"):
        return name
    try:
        return _with_checksum(Path(name))
    except OSError as error:
        what = "map" if is_map_file(name) else "file"
        raise ConfigError(f"cannot read the {what} {name}: {error.strerror}.") from error


def _with_checksum(path: Path) -> str:
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"


def _identified_code(family: str) -> str:
    """Return a family, that of a user's own file by the checksum of its content."""
    return f"{_identified(family.rpartition(':')[0])}:{short_name(family)}" if names_code(family) else family


def _hints(config: HintsConfig | None) -> dict[str, Any] | None:
    """Return the provider and what is not usual, so that a new setting leaves the old protocols what they are."""
    if config is None:
        return None
    own, usual = to_mapping(config), to_mapping(HintsConfig())
    if config.cache_file and Path(config.cache_file).is_file():
        # As a map's: the bank of a training grows.
        own["cache_file"] = _with_checksum(Path(config.cache_file))
    return {"provider": config.provider} | _unusual(own, usual)


def _unusual(own: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in own.items():
        if isinstance(value, Mapping) and isinstance(usual.get(key), Mapping):
            inner = _unusual(value, usual[key])
            found |= {key: inner} if inner else {}
        elif value != usual.get(key):
            found[key] = value
    return found
