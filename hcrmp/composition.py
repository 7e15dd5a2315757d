"""Command-line overrides and the YAML files of ``configs`` become one plain mapping (Hydra's compose).

Names and values are checked before Hydra sees them, because its errors speak of its own structures; keys within a
section are left to the dataclasses, which know them all: the YAML files hold only what differs from the defaults.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.abc import Traversable
from typing import Any

from hcrmp.errors import ConfigError
from hcrmp.mapping import unknown

_OVERRIDE = re.compile(r"(?P<key>[A-Za-z_][\w.]*)=(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Composition:
    """``values`` of the job's configuration and ``choices``, the option of each group (``None``: nothing chosen).

    ``given``: the keys whose values the overrides gave, and no option of a group.
    """

    values: dict[str, Any]
    choices: dict[str, str | None]
    given: frozenset[str]


def groups(job: str) -> dict[str, tuple[str, ...]]:
    """Return the groups that ``job`` can choose from, each with its options."""
    return {group: options(group) for group in default_choices(job)}


def options(group: str) -> tuple[str, ...]:
    """Return the options of ``group``: the names of its YAML files (``paper/hcrmp`` in a folder of it)."""
    return tuple(sorted(_options(resources.files("configs") / group)))


def _options(folder: Traversable) -> Iterator[str]:
    """Yield the names of a folder's YAML files but for those that others share, which begin with ``_``."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.name.startswith("_"):
            yield from (f"{entry.name}/{name}" for name in _options(entry))
        elif entry.name.endswith(".yaml") and not entry.name.startswith("_"):
            yield entry.name.removesuffix(".yaml")


def default_choices(job: str) -> dict[str, str | None]:
    """Return the groups of ``job`` with the option that each has when none is chosen (``None``: nothing)."""
    from omegaconf import OmegaConf

    text = (resources.files("configs") / f"{_file_of(job)}.yaml").read_text(encoding="utf-8")
    content = OmegaConf.to_container(OmegaConf.create(text))
    defaults = content.get("defaults", []) if isinstance(content, dict) else []
    return {str(group): option for entry in defaults if isinstance(entry, dict) for group, option in entry.items()}


def _file_of(job: str) -> str:
    """Return the name of a job's YAML file; a job may have a name of two words."""
    return job.replace(" ", "_")


def compose(job: str, overrides: Sequence[str], keys: Sequence[str]) -> Composition:
    """Return the configuration of ``job`` after ``overrides`` (``group=option`` or ``key=value``).

    ``keys`` are the job's own top-level keys, for the check of names.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    choosable = groups(job)
    checked = [_checked(override, choosable, keys) for override in overrides]
    try:
        with initialize_config_module("configs", version_base="1.3"):
            composed = hydra_compose(_file_of(job), overrides=checked)
        values = OmegaConf.to_container(composed, resolve=True)
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(" ".join(str(error).split())) from error
    assert isinstance(values, dict)
    chosen = default_choices(job) | dict(_choices(overrides, choosable))
    given = frozenset(_split(override)[0] for override in overrides).difference(choosable)
    return Composition({str(key): value for key, value in values.items()}, chosen, given)


def _checked(override: str, choosable: Mapping[str, Sequence[str]], keys: Sequence[str]) -> str:
    """Return ``override`` as Hydra takes it, or say what is wrong with it."""
    key, value = _split(override)
    top = key.split(".")[0]
    if top not in choosable and top not in keys:
        raise ConfigError(unknown("key", top, sorted({*choosable, *keys})))
    if key in choosable:
        if key == "scenario" and "," in value and set(value.split(",")) <= set(choosable[key]):
            raise ConfigError(f"scenario={value} is several: write 'scenario.families=[{value}]'")
        if value not in choosable[key]:
            raise ConfigError(unknown("value", f"{key}={value}", [f"{key}={option}" for option in choosable[key]]))
        return override
    _check_grammar(override)
    # Forced, because the key may stand in its dataclass only, which checks it.
    return f"++{override}"


def grammar(value: Any) -> str:
    """Return a plain value as the overrides' grammar has it."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{grammar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(grammar(item) for item in value) + "]"
    return json.dumps(value)


def _check_grammar(override: str) -> None:
    """Name the override that Hydra cannot read; its own messages show a part of it."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException as error:
        raise ConfigError(f"cannot read {override!r}: {str(error).splitlines()[0]}.") from error
    if parsed.is_sweep_override():
        raise ConfigError(f"{override} is several values: write a list as key=[a,b], and quote a text with a comma.")


def _choices(overrides: Sequence[str], choosable: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for override in overrides:
        key, value = _split(override)
        if key in choosable:
            yield key, value


def _split(override: str) -> tuple[str, str]:
    match = _OVERRIDE.fullmatch(override)
    if match is None:
        raise ConfigError(f"cannot read {override!r}: write group=option or key=value, for example density=high.")
    return match["key"], match["value"]
