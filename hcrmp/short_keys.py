"""Short forms of overrides: ``hints=openai base_url=...`` without a section's name, ``scenario=FILE.py:name``."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence

from envs.own_code import names_code
from hcrmp.mapping import field_types


def with_full_keys(overrides: Sequence[str], own: Collection[str], hints: type) -> list[str]:
    """Return ``overrides`` with each short key written out: ``base_url=X`` as ``hints.openai.base_url=X``.

    ``own`` are the job's top-level keys, which stay what they are; ``hints`` is the dataclass of the section ``hints``.
    """
    provider = next((override[len("hints=") :] for override in overrides if override.startswith("hints=")), "")
    section = field_types(hints).get(provider)
    if section is None or not dataclasses.is_dataclass(section) or not isinstance(section, type):
        return list(overrides)
    short = set(field_types(section)) - set(own)
    return [
        f"hints.{provider}.{override}" if override.partition("=")[0].split(".")[0] in short else override
        for override in overrides
    ]


def with_own_scenario(overrides: Sequence[str]) -> list[str]:
    """Return ``overrides`` with ``scenario=FILE.py:name`` written out: it is a family, and no option of the group."""
    return [_own_family(override) if override.startswith("scenario=") else override for override in overrides]


def _own_family(override: str) -> str:
    family = override.removeprefix("scenario=").strip("'\"")
    return f'scenario.families=["{family}"]' if names_code(family) else override
