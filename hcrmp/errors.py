"""Errors that the user can put right: the command line prints them as one line and leaves with status 2."""

from __future__ import annotations


class UserError(Exception):
    """What came, what is allowed and what to do next, in one line."""


class ConfigError(UserError):
    """A configuration key or value that does not exist or does not fit."""


class RunFolderError(UserError):
    """A run folder that is missing, incomplete, or would be overwritten."""
