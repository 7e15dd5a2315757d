"""From the words of a command line to overrides ``key=value``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hcrmp.config import config_class
from hcrmp.errors import UserError
from hcrmp.jobs import JOBS, Job
from hcrmp.mapping import field_types


def as_overrides(job: str, words: Sequence[str]) -> list[str]:
    """Return the words with ``--some-key value`` and ``--some-key=value`` written as ``some_key=value``.

    A switch needs no value: ``--unstick`` is ``unstick=true``. Words that are no overrides are the positional key's.
    """
    overrides: list[str] = []
    positional: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if not word.startswith("--") and "=" not in word and _takes_words(job):
            positional.append(word)
            continue
        if word.startswith("--") and len(word) > 2:
            key, equals, value = word[2:].partition("=")
            if not equals and (not waiting or waiting[0].startswith("--")) and _is_switch(job, key):
                value = "true"
            elif not equals:
                if not waiting:
                    raise UserError(f"{word} needs a value: write {key.replace('-', '_')}=value.")
                value = waiting.pop(0)
            word = f"{key.replace('-', '_')}={value}"
        overrides.append(_unaliased(job, word))
    return [*_positional(job, positional), *overrides]


def usage_of_words(job: Job) -> str:
    """Return what the line of usage says of words without a key."""
    several = job.positionals and f"[{job.positionals.rstrip('s').upper()} ...] "
    return several or (job.positional and f"[{job.positional.upper()}] ")


def _takes_words(job: str) -> bool:
    return bool(JOBS[job].positional or JOBS[job].positionals)


def _positional(job: str, words: Sequence[str]) -> list[str]:
    """Return the words that stand without a key as overrides."""
    if not words:
        return []
    if JOBS[job].positionals:
        return [f"{JOBS[job].positionals}=[{','.join(map(_quoted, words))}]"]
    if len(words) > 1:
        raise UserError(f"{job} takes one {JOBS[job].positional}, {len(words)} came: {', '.join(words)}.")
    return [f"{JOBS[job].positional}={_quoted(words[0])}"]


def _quoted(word: str) -> str:
    """Return a word of the shell as the overrides' grammar wants it."""
    if re.fullmatch(r"[\w./+-]+", word, re.ASCII):
        return word
    escaped = word.replace("'", r"\'")
    return f"'{escaped}'"


def _unaliased(job: str, override: str) -> str:
    key, equals, value = override.partition("=")
    meant = JOBS[job].aliases.get(key, key)
    if not meant.endswith("[]"):
        return f"{meant}{equals}{value}"
    return f"{meant.removesuffix('[]')}=" + (value if value.startswith("[") else f"[{_quoted(value)}]")


def _is_switch(job: str, key: str) -> bool:
    """Return whether a key of the job says yes or no."""
    return field_types(config_class(job)).get(key.replace("-", "_")) is bool
