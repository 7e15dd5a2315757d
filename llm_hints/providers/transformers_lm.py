"""The ``transformers`` provider: hints from any causal language model of Hugging Face, by name or from a folder.

A model says in a file ``hcrmp_hints.json`` beside its weights if it reads the compact layout (the bundled model does);
any other is asked in English. Weights are read from safetensors alone, and no code of a model's author is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch as th
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from envs.scene import BoolArray, FloatArray, IntArray, SceneBatch
from llm_hints.chance import draw_key, uniforms
from llm_hints.closed_answers import NOBODY, ClosedAnswers, hundredths
from llm_hints.compact import QUESTION_OF, SLOTS
from llm_hints.facts import SceneFacts, scene_facts
from llm_hints.hint import HintBatch, HintSource
from llm_hints.knowledge.anchoring import SceneAnchors
from llm_hints.prompts import Anchor, chat_text, hint_messages
from llm_hints.providers.base import HintAnswers, QuestionAnswers, answers_from_texts
from llm_hints.providers.compact_lm import CompactModel, ModelError, described_layout
from llm_hints.providers.english_lm import EnglishScorer
from llm_hints.providers.english_writer import EnglishWriter
from llm_hints.providers.packing_check import refuse_unpackable
from llm_hints.providers.transformers_config import BUNDLED, TransformersConfig

BUNDLED_FOLDER = Path(__file__).parents[1] / "bundled"
"""The model that comes with the package."""

Passages = Sequence[Sequence[Anchor]]

HINT_FIELDS = ("road", "density", "first", "second", "third", "safety", "efficiency", "comfort")
"""Questions whose answers make a hint."""


class Asker(Protocol):
    """A loaded model that compares the allowed answers to questions about scenes."""

    reads_prose: bool
    """Whether passages can go into its prompt."""

    def ask(self, facts: SceneFacts, anchors: Passages | None = None) -> ClosedAnswers:
        """Return the answers that make hints; ``anchors`` for each scene, where it reads prose."""
        ...

    def ask_kinds(self, facts: SceneFacts) -> ClosedAnswers:
        """Return the answers to the paper's five kinds of question."""
        ...


class TransformersProvider:
    """A language model as a ``HintProvider`` and a ``QuestionAnswerer``.

    ``anchors`` finds the passages that the weights are to be anchored on (CSA); ``rng`` gives the key of the chance
    that a temperature needs, which belongs to the world and the moment.
    """

    def __init__(
        self,
        config: TransformersConfig | None = None,
        anchors: SceneAnchors | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self.config = config or TransformersConfig()
        self._asker = load_asker(self.config)
        self._anchors, self._key = anchors, draw_key(rng or np.random.default_rng(0))

    @property
    def name(self) -> str:
        """Name of the provider, with the model's."""
        return BUNDLED if self.config.model == BUNDLED else f"transformers({Path(self.config.model).name})"

    def ask(self, scene: SceneBatch, rows: IntArray) -> HintAnswers:
        """Return the model's hint for each of ``rows`` (n)."""
        facts = scene_facts(scene, rows)
        passages = self._anchors(facts) if self._anchors is not None and self._asker.reads_prose else None
        if isinstance(self._asker, EnglishWriter):
            texts = self._asker.hint_texts(facts, passages)
            written = answers_from_texts(texts, np.zeros(len(rows)), facts if self.config.check_scene else None)
            return replace(written, prompts=self._prompts(facts, passages))
        answers = self._asker.ask(facts, passages)
        source = np.full(len(rows), int(HintSource.MODEL), dtype=np.int64)
        hints = HintBatch(answers.state(), self._weights(answers, facts, scene, rows), source, scene.time_s[rows])
        confidence = _least_certain(answers)
        valid: BoolArray = confidence >= self.config.min_confidence
        prompts = self._prompts(facts, passages)
        return HintAnswers(hints, valid, np.zeros(len(rows)), confidence=confidence, prompts=prompts)

    def _prompts(self, facts: SceneFacts, passages: Passages | None) -> Callable[[int], str]:
        """Return what tells the prompt of each scene."""
        asker, style = self._asker, self.config.style
        if isinstance(asker, CompactModel):
            layout = asker.layout
            return lambda k: layout.texts(layout.rows(facts)[k : k + 1])[0]
        return lambda k: chat_text(hint_messages(facts, k, style, () if passages is None else passages[k]))

    def _weights(self, answers: ClosedAnswers, facts: SceneFacts, scene: SceneBatch, rows: IntArray) -> FloatArray:
        """Return the weights ``(n, 3)``: the model's, drawn or not, with the share that the passages have in them."""
        if self.config.temperature > 0.0:
            weights = answers.drawn_weights(self.config.temperature, uniforms(self._key, scene, rows, 3))
        else:
            weights = answers.mean_weights()
        share = self.config.anchor_share
        if share > 0.0 and self._anchors is not None and not self._asker.reads_prose:
            weights = (1.0 - share) * weights + share * self._anchors.emphasis(facts)
        return hundredths(weights)

    def answer(self, scene: SceneBatch, rows: IntArray) -> dict[str, QuestionAnswers]:
        """Return the answers to the paper's five kinds of question for ``rows`` (n)."""
        facts = scene_facts(scene, rows)
        if isinstance(self._asker, EnglishWriter):
            return self._asker.answer(facts)
        answers = self._asker.ask_kinds(facts)
        return {kind: _one_kind(answers, question) for kind, question in QUESTION_OF.items()}

    def state(self) -> dict[str, Any]:
        """Return the key of the chance."""
        return {"key": np.array(self._key)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what ``state`` returned."""
        self._key = int(state["key"])


def load_asker(config: TransformersConfig) -> Asker | EnglishWriter:
    """Return the model of ``config``, ready to be asked; ``ModelError`` where that cannot be."""
    source = str(BUNDLED_FOLDER) if config.model == BUNDLED else config.model
    described = described_layout(Path(source))
    device = choose_device(config.device)
    on_gpu = device.type == "cuda"
    model = load_model(source, device, config.dtype)
    if described is not None:
        return CompactModel(model, described.get("temperatures", {}), config.batch_size or (64 if on_gpu else 2))
    tokenizer, rows = load_tokenizer(source), config.batch_size or (64 if on_gpu else 1)
    if config.mode == "generation":
        return EnglishWriter(model, tokenizer, rows, config.max_new_tokens, config.style)
    refuse_unpackable(model)
    return EnglishScorer(model, tokenizer, rows, config.style)


def load_tokenizer(source: str) -> Any:
    """Return the tokenizer of a model; ``ModelError`` where there is none."""
    try:
        return AutoTokenizer.from_pretrained(source, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise ModelError(f"no tokenizer could be loaded from {source!r}: {_one_line(error)}") from error


def load_model(source: str, device: th.device, dtype: str) -> Any:
    """Return the causal language model at a folder or of a name; ``ModelError`` where there is none."""
    wanted = "float32" if dtype == "auto" and device.type == "cpu" else dtype
    try:
        with _no_progress_bar():
            model: Any = AutoModelForCausalLM.from_pretrained(
                source, dtype=wanted, use_safetensors=True, trust_remote_code=False, attn_implementation="sdpa"
            )
    except (OSError, ValueError) as error:
        raise ModelError(
            f"no causal language model could be loaded from {source!r}: {_one_line(error)}. Give a folder with "
            "config.json and model.safetensors, or the name of a model that this machine has or can fetch"
        ) from error
    return model.to(device).eval()


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Load without a bar of the library's own in the middle of ours."""
    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


def choose_device(name: str) -> th.device:
    """Return the device of a name; ``auto`` is a GPU where there is one."""
    if name == "auto":
        return th.device("cuda" if th.cuda.is_available() else "cpu")
    try:
        return th.device(name)
    except RuntimeError as error:
        raise ModelError(f"device {name!r} came: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _least_certain(answers: ClosedAnswers) -> FloatArray:
    """Return the probability ``(n,)`` of the least certain field; of weights, that they are within 0.05."""
    shares = []
    for name in HINT_FIELDS:
        share = answers.shares[name]
        if len(SLOTS[name]) == 101:
            near = np.abs(np.arange(101) - (share @ np.arange(101.0))[:, None]) <= 5.0
            shares.append((share * near).sum(axis=1))
        else:
            shares.append(share.max(axis=1))
    least: FloatArray = np.min(shares, axis=0)
    return least


def _one_kind(answers: ClosedAnswers, question: str) -> QuestionAnswers:
    share = answers.shares[question]
    codes = share.argmax(axis=1)
    if question == "hazard":
        codes = np.where(codes == NOBODY, -1, codes)
    return QuestionAnswers(codes, share.max(axis=1))
