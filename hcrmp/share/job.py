"""``hcrmp share``: a run's planner as files for others, with its model card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch as th
from safetensors.torch import save

from hcrmp.bundled import BUNDLED_PLANNER, bundled_planner
from hcrmp.checkpoint_files import checksums_of
from hcrmp.consoles import stdout_console
from hcrmp.errors import UserError
from hcrmp.run_folder import RunFolder, write_bytes
from hcrmp.share.card import model_card
from hcrmp.share.config import ShareConfig, SharedAs
from hcrmp.share.document import (
    CARD_FILE,
    DOCUMENT_FILE,
    ONNX_FILE,
    WEIGHTS_FILE,
    PlannerDocument,
    parse_document,
    plain_name,
    with_checksums,
)
from hcrmp.share.measured import measured_tables
from hcrmp.share.opening import results_place
from hcrmp.share.run_planner import planner_of_run


def run(config: ShareConfig) -> int:
    """Write the files and print where they are."""
    console = stdout_console()
    for path in share(config):
        console.print(str(path), soft_wrap=True, highlight=False)
    console.print(f"next:    hcrmp evaluate run={config.output_path}", soft_wrap=True, highlight=False)
    return 0


def share(config: ShareConfig) -> list[Path]:
    """Write what ``config`` asks for, and return the files."""
    if config.run == BUNDLED_PLANNER and not config.run_path.exists():
        raise UserError(f"the planner in the box is shared already: its files lie in {bundled_planner()}")
    folder = RunFolder.open(config.run_path)
    document, weights = planner_of_run(folder)
    document = replace(document, name=plain_name(config.name)) if config.name else document
    # What is written can be read: a planner beyond the bounds of reading is refused here, by whoever can change it.
    parse_document(document.text().encode(), f"the planner of {folder.path}")
    place = config.output_path
    check_free(place)
    files = planner_files(document, weights, config.to)
    card = model_card(document, files, weights, measured_tables(folder), config.licence)
    files[CARD_FILE] = card.encode()
    for name, content in files.items():
        write_bytes(place / name, content)
    for name in {WEIGHTS_FILE, DOCUMENT_FILE, ONNX_FILE} - set(files):
        (place / name).unlink(missing_ok=True)  # of an earlier sharing: beside the new card it would be another planner
    return [place / name for name in files]


def check_free(place: Path) -> None:
    """Refuse a folder that holds anything but an earlier sharing."""
    if place.exists() and not place.is_dir():
        raise UserError(f"output={place} is a file: name a folder")
    known = {WEIGHTS_FILE, DOCUMENT_FILE, CARD_FILE, ONNX_FILE, "evaluation", "drives", "replay"}
    known |= {results_place(place / ONNX_FILE).name} if (place / ONNX_FILE).is_file() else set()
    found = {path.name for path in place.iterdir()} if place.is_dir() else set()
    strange = sorted(name for name in found - known if not name.startswith("."))
    if strange:
        raise UserError(f"output={place} holds other things ({', '.join(strange[:3])}): name another folder")


def planner_files(document: PlannerDocument, weights: Mapping[str, th.Tensor], to: SharedAs) -> dict[str, bytes]:
    """Return the files of the planner itself by name."""
    files = {}
    if to in ("safetensors", "all"):
        files[WEIGHTS_FILE] = save({name: tensor.contiguous() for name, tensor in weights.items()})
        files[DOCUMENT_FILE] = with_checksums(document, checksums_of(files)).text().encode()
    if to in ("onnx", "all"):
        # Imported here: only this needs the extra.
        from hcrmp.share.onnx_export import onnx_bytes

        files[ONNX_FILE] = onnx_bytes(document, weights)
    return files
