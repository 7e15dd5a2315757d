"""The one place that names numba: a typed ``njit`` with the options that every kernel of the project uses."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numba
import numba.core.config

from envs.user_cache import user_cache

KEPT_STATES = 8
"""States of the sources whose machine code is kept (5 MB each)."""

KERNEL_FREE = (
    "envs/carla_backend",
    "envs/metrics",
    "envs/recording",
    "envs/rendering",
    "llm_hints/knowledge",
    "llm_hints/prompts",
)
"""Packages that no kernel's module imports, directly or by others: machine code outlives a change in them."""

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def njit(function: Kernel) -> Kernel:
    """Compile ``function`` without Python objects and keep the machine code on disk.

    ``fastmath`` stays off (bit-identical replay), ``error_model="numpy"`` drops the division checks. Without numba's
    runtime (``_nrt``) nothing is counted that needs no counting: each use of a tuple of arrays was an atomic increment
    for every array in it, three fifths of the kernels' time. A kernel so cannot allocate: scratch is passed in.
    """
    config: Any = numba.core.config
    compile_with: Any = numba.njit  # its stubs leave _nrt out
    usual = config.CACHE_DIR
    config.CACHE_DIR = str(kernel_cache())
    try:
        compiled = compile_with(cache=True, error_model="numpy", nogil=True, _nrt=False)(function)
    finally:
        config.CACHE_DIR = usual
    kernel: Kernel = compiled
    return kernel


@lru_cache(maxsize=1)
def kernel_cache() -> Path:
    """Return the folder of the machine code, which belongs to one state of all sources but ``KERNEL_FREE``.

    numba looks at the file of a kernel alone, so a caller would go on with the old code of a kernel that it imports.
    """
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(p for package in ("envs", "llm_hints") for p in (root / package).rglob("*.py")):
        name = path.relative_to(root).as_posix()
        if name.startswith(tuple(f"{package}/" for package in KERNEL_FREE)):
            continue
        status = path.stat()
        digest.update(f"{name} {status.st_mtime_ns} {status.st_size}\n".encode())
    folder = user_cache() / "kernels" / digest.hexdigest()[:16]
    _forget_old(folder)
    return folder


def is_compiled(kernel: str) -> bool:
    """Return whether machine code of the function named ``kernel`` lies in the cache, for these sources."""
    return any(kernel_cache().rglob(f"*.{kernel}-*.nbi"))


def _forget_old(folder: Path) -> None:
    """Remove the machine code of all but the ``KEPT_STATES`` newest other states; one that is in use compiles anew."""
    if folder.is_dir() or not folder.parent.is_dir():
        return
    others = sorted(folder.parent.iterdir(), key=lambda other: other.stat().st_mtime_ns, reverse=True)
    for other in others[KEPT_STATES:]:
        shutil.rmtree(other, ignore_errors=True)
