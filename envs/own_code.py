"""Code of the user's own that a configuration names: ``FILE.py:name``, or ``package.module:name``.

A configuration holds the name as text, and reading one imports nothing. What is named is imported where worlds are
built from it, so whoever takes a configuration from a stranger's file must take the names out before
(``hcrmp.strangers``).
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from envs.errors import EnvsError

FORM = "FILE.py:name, or package.module:name"
"""How code is named."""

_NAMED = re.compile(r"(?P<where>.+\.py|[A-Za-z_]\w*(\.[A-Za-z_]\w*)*):(?P<name>[A-Za-z_]\w*)")


class OwnCodeError(EnvsError, ValueError):
    """Code that a configuration names cannot be used; one line that says why."""


def names_code(text: str) -> bool:
    """Return whether ``text`` names code, well or badly: no other name in a configuration has a colon."""
    return ":" in text


def check_named(reference: str, key: str) -> None:
    """Refuse a ``reference`` of another form than ``FORM``; ``key`` is its place in the configuration.

    Raises:
        OwnCodeError: it has another form.
    """
    if _NAMED.fullmatch(reference) is None:
        raise OwnCodeError(f"{key} names code as {FORM}, got {reference!r}")


def absolute(reference: str) -> str:
    """Return ``reference`` with its file by the absolute path, so that it means the same wherever it is used from."""
    where, _, name = reference.rpartition(":")
    return f"{Path(where).expanduser().absolute()}:{name}" if _is_file(where) else reference


def short_name(reference: str) -> str:
    """Return the name behind the colon."""
    return reference.rpartition(":")[2]


def without_folder(reference: str) -> str:
    """Return ``reference`` without the folder of its file, for whoever should not learn of this machine."""
    where, _, name = reference.rpartition(":")
    return f"{Path(where).name}:{name}" if _is_file(where) else reference


def load_code(reference: str, key: str) -> Any:
    """Import what ``reference`` names, once for the process; ``key`` is its place in the configuration.

    Raises:
        OwnCodeError: there is no such file, module or name, or importing it fails.
    """
    check_named(reference, key)
    where, _, name = absolute(reference).rpartition(":")
    module = _module(where, key)
    if not hasattr(module, name):
        near = difflib.get_close_matches(name, dir(module), 1, 0.5)
        guess = f"; did you mean {near[0]!r}?" if near else ""
        raise OwnCodeError(f"{key}: {where} has no {name!r}{guess}")
    return getattr(module, name)


def _is_file(where: str) -> bool:
    return where.endswith(".py")


def _module(where: str, key: str) -> ModuleType:
    try:
        return _module_of_file(Path(where), key) if _is_file(where) else importlib.import_module(where)
    except OwnCodeError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and (where == error.name or where.startswith(f"{error.name}.")):
            raise OwnCodeError(
                f"{key}: there is no module {where}: install its package, or name its file, FILE.py:name"
            ) from error
        raise _failed(where, key, error) from error
    except Exception as error:
        raise _failed(where, key, error) from error


def _failed(where: str, key: str, error: Exception) -> OwnCodeError:
    words = " ".join(str(error).split())[:200]
    return OwnCodeError(f"{key}: importing {where} fails: {type(error).__name__}: {words}")


def _module_of_file(path: Path, key: str) -> ModuleType:
    """Import a file; it stands in ``sys.modules`` under a name of its own, as dataclasses and pickle ask for."""
    if not path.is_file():
        raise OwnCodeError(f"{key}: there is no file {path}")
    name = f"own_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
