"""A run is a folder: configuration, provenance, checkpoints, TensorBoard, evaluation, drives."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

from hcrmp.errors import RunFolderError

CONFIG_FILE = "config.yaml"
PROVENANCE_FILE = "provenance.json"
RUN = "run"
"""Name of the way from a drive's folder to its planner's run, among what a drive tells besides."""

MADE_BY = "made by"
"""Name of the line of provenance among a drive's extra words."""
RECORDED_PACKAGES = (
    "hcrmp",
    "numpy",
    "numba",
    "scipy",
    "torch",
    "stable-baselines3",
    "gymnasium",
    "hydra-core",
    "pyarrow",
)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The places of one run under ``path``. Make one with ``create`` or ``open``."""

    path: Path

    @classmethod
    def create(cls, path: Path | str, config: Mapping[str, Any], *, seed: int, resume_hint: str = "") -> RunFolder:
        """Make a new run folder, with its configuration and provenance; an existing run is never overwritten."""
        folder = cls(Path(path))
        if folder.path.exists() and (not folder.path.is_dir() or any(folder.path.iterdir())):
            goes_on = resume_hint and folder.has_checkpoint()
            advice = resume_hint if goes_on else "give the run another name, or remove it"
            raise RunFolderError(f"{folder.path} exists already: {advice}.")
        for place in (folder.checkpoints, folder.tensorboard, folder.evaluation, folder.drives):
            place.mkdir(parents=True, exist_ok=True)
        write_text(folder.path / CONFIG_FILE, dump_yaml(config))
        write_json(folder.path / PROVENANCE_FILE, provenance(seed))
        return folder

    @classmethod
    def open(cls, path: Path | str) -> RunFolder:
        """Return the run folder at ``path`` for reading; it must hold a configuration and a checkpoint."""
        folder = cls(Path(path))
        if folder.path.is_file():
            raise RunFolderError(
                f"{folder.path} is a file, and no planner: give the folder of a run or of 'hcrmp share', an .onnx file "
                "or a .zip of Stable-Baselines3."
            )
        if not folder.path.is_dir():
            raise RunFolderError(f"no run folder at {folder.path}.{_neighbours(folder.path)}")
        if not (folder.path / CONFIG_FILE).is_file():
            raise RunFolderError(
                f"{folder.path} is no run folder: it has no {CONFIG_FILE}. Give the folder that 'hcrmp train' made."
            )
        if not folder.has_checkpoint():
            raise RunFolderError(
                f"{folder.path} has no checkpoint: train it first ('hcrmp train' saves one at its end and on Ctrl-C)."
            )
        return folder

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        """Folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def latest_checkpoint(self) -> Path:
        """Folder of the checkpoint that training goes on from and evaluation uses."""
        return self.checkpoints / "latest"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard event files."""
        return self.path / "tensorboard"

    @property
    def evaluation(self) -> Path:
        """Folder of evaluation results, JSON."""
        return self.path / "evaluation"

    @property
    def drives(self) -> Path:
        """Folder of recorded drives."""
        return self.path / "drives"

    def has_checkpoint(self) -> bool:
        """Whether any checkpoint was completed (``.new`` is one that was being written)."""
        return any(found.parent.suffix != ".new" for found in self.checkpoints.glob("*/meta.json"))

    def config(self) -> dict[str, Any]:
        """Return the configuration that the run was made with, as plain values."""
        return load_yaml(self.path / CONFIG_FILE)

    def provenance(self) -> dict[str, Any]:
        """Return what the run was made by: versions, commit, machine, command, time."""
        return read_json(self.path / PROVENANCE_FILE)


def provenance(seed: int) -> dict[str, Any]:
    """Return versions, commit, seed, machine, command line and time of this process."""
    return {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "seed": seed,
        "commit": _git_commit(Path(__file__).parent),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in RECORDED_PACKAGES},
        "machine": {
            "platform": platform.platform(),
            "cpu": _cpu_name(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        },
    }


def command_of(made_by: Mapping[str, Any]) -> str:
    """Return the command that a provenance tells of, as a shell takes it; "" where it tells none."""
    words = made_by.get("command")
    if not isinstance(words, list) or not words:
        return ""
    first, *rest = (str(word) for word in words)
    # Run as a module, the program's name is that of its file.
    name = "hcrmp" if Path(first).stem in ("cli", "hcrmp", "__main__") else first
    return shlex.join([name, *rest])


def provenance_line(made_by: Mapping[str, Any]) -> str:
    """Return a provenance in one line, for what holds words alone: pages, plots, films, pictures.

    Without the time: the same command makes the same file.
    """
    packages = made_by.get("packages") or {}
    told = [f"hcrmp {packages.get('hcrmp') or 'unknown'}", f"commit {made_by.get('commit') or 'unknown'}"]
    return f"{', '.join(told)}, seed {made_by.get('seed')}: {command_of(made_by) or 'unknown command'}"


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as ``write_bytes`` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` so that ``path`` holds either what it held before or all of it, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes the file private; a result is as readable as any other file.
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON, atomically. NaN is refused: it is no JSON and no result."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object, with one clear line where it is missing or broken."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise RunFolderError(f"{path} is missing.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{path} is no JSON or is cut short ({error}).") from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{path} holds {type(value).__name__}, a JSON object was expected.")
    return value


def dump_yaml(config: Mapping[str, Any]) -> str:
    """Return ``config`` as YAML text."""
    from omegaconf import OmegaConf

    return OmegaConf.to_yaml(OmegaConf.create(dict(config)))


def load_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping as plain values, with one clear line where it is missing or broken."""
    import yaml
    from omegaconf import OmegaConf

    try:
        # What this program writes has none, and ten of them within each other are more than a memory holds.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(path.read_text(encoding="utf-8"))):
            raise ValueError("it repeats values by reference, which is not read")
        value = OmegaConf.to_container(OmegaConf.load(path))
    except FileNotFoundError as error:
        raise RunFolderError(f"{path} is missing.") from error
    except Exception as error:  # OmegaConf lets the YAML parser's many exceptions through
        raise RunFolderError(f"{path} is no YAML mapping ({' '.join(str(error).split())}).") from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{path} holds {type(value).__name__}, a YAML mapping was expected.")
    return {str(key): item for key, item in value.items()}


def _neighbours(path: Path) -> str:
    parent = path.parent
    names = (
        sorted(entry.name for entry in parent.iterdir() if (entry / CONFIG_FILE).is_file()) if parent.is_dir() else []
    )
    return f" Runs in {parent}: {', '.join(names)}." if names else " Make one with 'hcrmp train'."


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git_commit(folder: Path) -> str | None:
    """Return the commit of the checkout that the code runs from, with ``-dirty`` where it was changed."""
    try:
        command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
