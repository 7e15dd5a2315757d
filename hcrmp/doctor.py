"""``hcrmp doctor``: what this machine and its CARLA servers have, and what mends what they have not."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from hcrmp.consoles import stdout_console
from hcrmp.server_config import DoctorConfig

if TYPE_CHECKING:
    from envs.carla_backend.checks import Finding

TOOL_S = 10.0
"""How long a tool of the system may take (s)."""

_STYLES = {"good": "green", "warning": "yellow", "wrong": "red"}


def run(config: DoctorConfig) -> int:
    """Print the findings; 1 where something is wrong, else 0."""
    if importlib.util.find_spec("carla") is None:
        print('carla is not installed: pip install "hcrmp[carla]" (x86-64 Linux or Windows, Python 3.10 to 3.12). '
              "Everything but simulator=carla works without it.")  # fmt: skip
        return 1
    findings = list(examine(config))
    print_findings(findings, stdout_console())
    return int(any(finding.state == "wrong" for finding in findings))


def examine(config: DoctorConfig) -> Iterator[Finding]:
    """Yield what is found, in the order in which one would look."""
    from envs.carla_backend.checks import check_server
    from envs.carla_backend.config import split_address

    yield from _packages()
    yield _gpu()
    yield _vulkan()
    for address in config.servers:
        yield from check_server(*split_address(address), unstick=config.unstick)


def print_findings(findings: list[Finding], console: Console) -> None:
    """Print one row a finding."""
    table = Table(show_lines=False)
    for column in ("check", "state", "found", "mend"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        style = _STYLES[finding.state]
        table.add_row(finding.check, f"[{style}]{finding.state}[/]", finding.found, finding.mend)
    console.print(table)


def _packages() -> Iterator[Finding]:
    from envs.carla_backend.checks import Finding

    yield Finding("python", "good", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Finding("carla package", "good", metadata.version("carla"))


def _gpu() -> Finding:
    from envs.carla_backend.checks import Finding

    mend = "CARLA itself needs a GPU with its driver; hcrmp serve and the embedded simulator do not"
    if shutil.which("nvidia-smi") is None:
        return Finding("GPU", "warning", "no nvidia-smi on the path", mend)
    said = _output(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"])
    return Finding("GPU", "good", said) if said else Finding("GPU", "warning", "nvidia-smi finds no GPU", mend)


def _vulkan() -> Finding:
    from envs.carla_backend.checks import Finding

    mend = "CARLA itself draws with Vulkan: install the driver's Vulkan part and vulkan-tools (vulkaninfo --summary)"
    if shutil.which("vulkaninfo") is None:
        return Finding("Vulkan", "warning", "no vulkaninfo on the path", mend)
    names = [line.split("=")[1].strip() for line in _output(["vulkaninfo", "--summary"]).splitlines()
             if line.strip().startswith("deviceName")]  # fmt: skip
    if not names:
        return Finding("Vulkan", "warning", "no device", mend)
    return Finding("Vulkan", "good", ", ".join(names))


def _output(command: list[str]) -> str:
    """Return what a tool prints, "" where it fails or takes too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TOOL_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
