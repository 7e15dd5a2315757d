"""A language model that knows nothing: random weights, in the layout of the one in the box. Table 4's control."""

from __future__ import annotations

from pathlib import Path

from llm_hints.compact import SLOTS, CompactLayout

METHOD = "no_knowledge"
CARD = "# A model that knows nothing\n\nRandom weights, untrained: a control. Do not drive by its hints.\n"


def model_folder(runs_path: Path) -> Path:
    """Return where the model lies."""
    return runs_path / "models" / METHOD


def make_model(runs_path: Path) -> None:
    """Write the model where it is not there yet."""
    folder = model_folder(runs_path)
    if not (folder / "config.json").is_file():
        # Imported here: it brings transformers along.
        from hcrmp.hint_model.bundle import save_bundle
        from hcrmp.hint_model.network import NetworkConfig, make_network

        save_bundle(make_network(NetworkConfig(), CompactLayout(), seed=0), dict.fromkeys(SLOTS, 1.0), CARD, folder)
