"""Where things are kept that can be made again: compiled maps and kernels."""

from __future__ import annotations

import os
import sys
from pathlib import Path

CACHE_VARIABLE = "HCRMP_CACHE"
"""Environment variable that names the cache folder."""


def user_cache() -> Path:
    """Return the cache folder: ``$HCRMP_CACHE``, else the platform's for this user. It need not exist."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "hcrmp" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "hcrmp"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hcrmp"
