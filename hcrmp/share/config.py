"""The configuration of ``hcrmp share``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hcrmp.locate import locate_run

SharedAs = Literal["safetensors", "onnx", "all"]


@dataclass(frozen=True, slots=True)
class ShareConfig:
    """``hcrmp share``. What it writes holds no pickle: whoever opens it runs nothing of it."""

    run: str = ""
    """Folder of the run, or its name in ``runs_dir``."""
    runs_dir: str = "runs"
    """Folder of all runs."""
    to: SharedAs = "safetensors"
    """``safetensors``: weights and a JSON document; ``onnx``: one file that needs no hcrmp to be run (extra ``onnx``);
    ``all``: both. A model card goes with either."""
    output: str = ""
    """Folder to write to; ``shared`` in the run's folder where it is empty."""
    name: str = ""
    """What the planner is called; as its run where it is empty."""
    licence: str = ""
    """Licence of the weights, for the model card; where it is empty the card says that you are to name one."""

    def __post_init__(self) -> None:
        """Refuse to share nothing."""
        if not self.run:
            raise ValueError("run must be given: hcrmp share RUN")

    @property
    def run_path(self) -> Path:
        """The run's folder."""
        return locate_run(self.run, self.runs_dir)

    @property
    def output_path(self) -> Path:
        """The folder that is written."""
        return Path(self.output) if self.output else self.run_path / "shared"
