"""The planner in the box: trained on every scenario, it comes with the package and is named ``bundled``."""

from __future__ import annotations

from pathlib import Path

from hcrmp.errors import UserError

BUNDLED_PLANNER = "bundled"
"""Its name wherever a planner is named; a run of that name is meant by its path (``runs/bundled``)."""

BUNDLED_FOLDER = Path(__file__).parent / "planners" / BUNDLED_PLANNER
"""Where it lies, as ``hcrmp share`` writes a planner: weights, document and model card."""

FILES = ("planner.json", "planner.safetensors")
"""Names as in ``hcrmp.share.document``, which would bring torch along."""


def bundled_planner() -> Path:
    """Return the folder of the planner in the box.

    Raises:
        UserError: this installation lacks its files.
    """
    missing = [name for name in FILES if not (BUNDLED_FOLDER / name).is_file()]
    if missing:
        raise UserError(
            f"the planner in the box is not in this installation ({BUNDLED_FOLDER} lacks {' and '.join(missing)}): "
            "install hcrmp again, or name a run or a planner's file"
        )
    return BUNDLED_FOLDER
