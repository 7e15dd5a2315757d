"""What a number was measured on."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np


def machine() -> str:
    """Name the processor, its cores and the versions that matter."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        names = [line.split(":", 1)[1].strip() for line in lines]
        name = f"{names[0]}, {len(names)} cores" if names else name
    return f"{name}; {platform.system()}, Python {platform.python_version()}, numpy {np.__version__}"
