"""Errors that the user can put right: the command line prints them as one line and leaves with status 2."""

from __future__ import annotations

import sys


class UserError(Exception):
    """What came, what is allowed and what to do next, in one line."""


class ConfigError(UserError):
    """A configuration key or value that does not exist or does not fit."""


class RunFolderError(UserError):
    """A run folder that is missing, incomplete, or would be overwritten."""


class TrainingDivergedError(UserError):
    """A training whose networks are of no use any more."""


USER_ERRORS = (
    ("envs.errors", "EnvsError"),
    ("envs.carla_recording", "CarlaLogError"),
    ("envs.roads.elements", "OpenDriveError"),
    ("envs.scenarios.catalogue", "UnknownScenarioError"),
    ("envs.scenarios.sampling", "ScenarioError"),
    ("llm_hints.cache", "CacheFileError"),
    ("llm_hints.hint", "HintFormatError"),
    ("llm_hints.providers.base", "HintProviderError"),
    ("llm_hints.providers.compact_lm", "ModelError"),
    ("llm_hints.saving", "HintStateError"),
)
"""Errors of other rooms that mean wrong input, by module and class."""


def is_user_error(error: Exception) -> bool:
    """Whether ``error`` is one that the user can put right, so that a traceback would only be in the way."""
    if isinstance(error, UserError):
        return True
    # The rooms below raise their own errors; a room that is not loaded has raised none.
    loaded = [(module, name) for module, name in USER_ERRORS if module in sys.modules]
    return any(isinstance(error, getattr(sys.modules[module], name)) for module, name in loaded)
