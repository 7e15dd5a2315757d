"""Whether a model's answers can be compared in one packed pass: tried once, when it is loaded."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch as th

from envs.scene import FloatArray
from llm_hints.providers.compact_lm import ModelError
from llm_hints.providers.packed_forward import TokenTree, candidate_scores

LONGEST_PROMPT = 2048
"""Tokens that a scene, its passages and the answers stay below."""

_PROMPT, _ANSWERS = [1, 2, 3, 4, 5, 6], [[7, 8, 9], [7, 9, 8]]
_ROUNDING = {th.float32: 1e-2}
"""Largest difference of a log probability that is rounding; of coarser numbers ``_COARSE``."""
_COARSE = 0.25


def refuse_unpackable(model: Any) -> None:
    """Raise ``ModelError`` unless packed candidates have the log probabilities that the model gives each alone.

    A model that hands a state from token to token, sees only what is just before it, or changes its logits in a way
    that ``packed_forward`` does not know fails.
    """
    window = _window(model.config.get_text_config())
    if window < LONGEST_PROMPT:
        raise _refusal(model, f"some of its layers see {window} tokens, fewer than {LONGEST_PROMPT}")
    try:
        packed = _packed(model)
    except (AttributeError, IndexError, RuntimeError, TypeError, ValueError) as error:
        raise _refusal(model, f"it takes no packed pass ({' '.join(str(error).split())[:120]})") from error
    wrong = float(np.abs(packed - _alone(model)).max())
    if not wrong <= _ROUNDING.get(model.dtype, _COARSE):
        raise _refusal(model, f"packed behind a prompt an answer's log probability is off by {wrong:.2g}")


def _refusal(model: Any, why: str) -> ModelError:
    return ModelError(
        f"the answers of a {type(model).__name__} cannot be compared in one pass: {why}. "
        "Let it write them: hints.transformers.mode=generation"
    )


def _window(config: Any) -> int:
    """Return how many tokens the layers of the shortest sight see."""
    window = getattr(config, "sliding_window", None)
    used = getattr(config, "use_sliding_window", True)
    layers = getattr(config, "layer_types", None) or ["sliding_attention"]
    return int(window) if window and used and "sliding_attention" in layers else LONGEST_PROMPT


def _packed(model: Any) -> FloatArray:
    """Return the log probabilities ``(2,)`` of two answers behind one prompt whose beginning is computed before."""
    tree = TokenTree(list(_PROMPT))
    for answer in _ANSWERS:
        tree.add(answer)
    return candidate_scores(model, [tree], 1, _PROMPT[:2])[0]


def _alone(model: Any) -> FloatArray:
    """Return the log probabilities ``(2,)`` that the model's own pass over each text gives."""
    texts = th.as_tensor([_PROMPT + answer for answer in _ANSWERS], device=model.device)
    with th.inference_mode():
        logits = model(input_ids=texts, use_cache=False).logits[:, len(_PROMPT) - 1 : -1]
    shares = logits.float().log_softmax(dim=2)
    answers = th.as_tensor(_ANSWERS, device=shares.device)
    found: FloatArray = shares.gather(2, answers[:, :, None])[:, :, 0].sum(dim=1).double().cpu().numpy()
    return found
