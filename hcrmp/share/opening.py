"""Open a planner that somebody shared: a folder, an ONNX file, a zip of Stable-Baselines3, or a run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from envs.untrusted.documents import read_bytes
from hcrmp.bundled import BUNDLED_PLANNER, bundled_planner
from hcrmp.checkpoint_files import checksums_of
from hcrmp.locate import SHARED_SUFFIXES
from hcrmp.run_folder import CONFIG_FILE, RunFolder
from hcrmp.share.document import (
    DOCUMENT_FILE,
    LARGEST_DOCUMENT,
    ONNX_FILE,
    WEIGHTS_FILE,
    PlannerDocument,
    SharedPlannerError,
    parse_document,
)
from hcrmp.share.networks import filled_networks
from hcrmp.share.policies import Policy, TorchPolicy
from hcrmp.share.run_planner import planner_of_run
from hcrmp.share.sb3_zip import open_zip
from hcrmp.train_config import TrainConfig
from hcrmp.untrusted.weights import read_safetensors, read_weights

Kind = Literal["folder", "onnx", "zip", "run"]


def kind_of(path: Path) -> Kind:
    """Return what ``path`` is, by its name and, for a folder, by what is in it."""
    if path.is_dir():
        if (path / CONFIG_FILE).is_file():
            return "run"
        if (path / DOCUMENT_FILE).is_file():
            return "folder"
        if (path / ONNX_FILE).is_file():
            return "onnx"
    elif path.is_file():
        kinds: dict[str, Kind] = dict(zip(SHARED_SUFFIXES, ("onnx", "zip"), strict=True))
        if path.name in (DOCUMENT_FILE, WEIGHTS_FILE):
            return "folder"
        if path.suffix in kinds:
            return kinds[path.suffix]
    else:
        raise SharedPlannerError(f"there is no planner at {path}")
    raise SharedPlannerError(
        f"{path} is no planner: name a folder with {DOCUMENT_FILE} ('hcrmp share' makes one), a run, an .onnx file, or "
        "a .zip of Stable-Baselines3"
    )


def load_policy(path: Path | str, *, deterministic: bool = True, state_size: int | None = None) -> Policy:
    """Return the planner at ``path`` for a loop of your own: ``act(observation) -> (B, 2)``.

    Nothing in the file is run. Where ``deterministic`` it acts as ``hcrmp evaluate`` lets it: the same actions as the
    run that it was made from, bit for bit, from a folder; within 1e-5 from an ONNX file.

    Args:
        path: folder of ``hcrmp share`` (or its ``planner.json``), ``.onnx``, ``.zip`` of Stable-Baselines3, or a run;
            ``"bundled"``: the planner in the box.
        deterministic: the most likely action, not a sample.
        state_size: numbers of ``state``, for a zip: one that reads as many and 13 more reads ``hint`` apart.

    Raises:
        UntrustedFileError: the file is damaged, malicious, too new or of another kind; one line.
    """
    path = bundled_planner() if path == BUNDLED_PLANNER else Path(path)
    kind = kind_of(path)
    if kind == "folder":
        return _open_folder(path if path.is_dir() else path.parent, deterministic)
    if kind == "onnx":
        # Imported here: only this needs the extra.
        from hcrmp.share.onnx_policy import open_onnx

        return open_onnx(_onnx_file(path), deterministic)
    if kind == "zip":
        return open_zip(path, deterministic, state_size)
    document, weights = planner_of_run(RunFolder.open(path))
    return TorchPolicy.of(document, filled_networks(document, weights, str(path)), deterministic)


def _open_folder(folder: Path, deterministic: bool) -> TorchPolicy:
    document = read_document(folder)
    content = read_weights(folder / WEIGHTS_FILE)
    if checksums_of({WEIGHTS_FILE: content}) != document.checksums:
        raise SharedPlannerError(
            f"{folder / WEIGHTS_FILE} is damaged, or was not shared with this {DOCUMENT_FILE}: fetch both again"
        )
    weights = read_safetensors(content, str(folder / WEIGHTS_FILE))
    return TorchPolicy.of(document, filled_networks(document, weights, str(folder / WEIGHTS_FILE)), deterministic)


def read_document(folder: Path) -> PlannerDocument:
    """Return the document of a shared folder."""
    path = folder / DOCUMENT_FILE
    return parse_document(read_bytes(path, LARGEST_DOCUMENT), str(path))


def is_shared(path: Path) -> bool:
    """Return whether ``path`` is a planner by itself, and no run."""
    if path.is_dir():
        return not (path / CONFIG_FILE).is_file() and any(
            (path / name).is_file() for name in (DOCUMENT_FILE, ONNX_FILE)
        )
    return path.is_file()


def results_place(path: Path) -> Path:
    """Return the folder of what is measured of a shared planner: its own, or one beside its file."""
    kind_of(path)  # which says that it is none, before a folder is made for it
    return path if path.is_dir() else path.with_name(f"{path.stem}_{path.suffix.removeprefix('.') or 'results'}")


def shared_config(path: Path) -> TrainConfig:
    """Return the configuration whose worlds a shared planner is evaluated in: those that it was trained in."""
    document = shared_document(path)
    return TrainConfig() if document is None else document.train_config()


def shared_document(path: Path) -> PlannerDocument | None:
    """Return what the file says of its planner; None for a zip, which says little."""
    kind = kind_of(path)
    if kind == "folder":
        return read_document(path if path.is_dir() else path.parent)
    if kind == "onnx":
        from hcrmp.share.onnx_policy import read_onnx_document

        return read_onnx_document(_onnx_file(path))
    return None


def hints_note(path: Path) -> str:
    """Return what is to be said where a planner was trained with other hints than those of its evaluation; else ""."""
    document = shared_document(path)
    trained_with = "" if document is None else document.world.hints
    if trained_with in ("", "none", "rules"):
        return ""
    return f"{path} was trained with hints from {trained_with}; here they are the rules expert's: choose with hints=..."


def _onnx_file(path: Path) -> Path:
    return path / ONNX_FILE if path.is_dir() else path
