"""Language models of Hugging Face as providers, on models made here: how they are loaded, asked and understood."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch as th
from transformers import AutoConfig, AutoModelForCausalLM

from llm_hints.closed_answers import NOBODY
from llm_hints.facts import SceneFacts, scene_facts
from llm_hints.hint import ENTITY_KINDS
from llm_hints.prompts import QuestionKind, hint_messages, question
from llm_hints.providers import packed_forward
from llm_hints.providers.base import HintProvider, QuestionAnswerer
from llm_hints.providers.compact_lm import DESCRIPTION, ModelError
from llm_hints.providers.english_lm import EnglishScorer, hint_candidates, prompt_tokens
from llm_hints.providers.english_writer import EnglishWriter
from llm_hints.providers.packed_forward import Beginnings, TokenTree, candidate_scores
from llm_hints.providers.packing_check import refuse_unpackable
from llm_hints.providers.transformers_config import TransformersConfig
from llm_hints.providers.transformers_lm import TransformersProvider, load_asker, load_model, load_tokenizer
from llm_hints.reference import KINDS, NO_ANSWER, true_answers
from tests.envs.builders import make_actor, make_scene
from tests.llm_hints.scenes import random_scene
from tests.llm_hints.small_models import english_model

HIDDEN = packed_forward._hidden
SCENE = random_scene(12, 6, np.random.default_rng(5))
ALL = np.arange(12)


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return english_model(tmp_path_factory.mktemp("english"))


def provider(folder: Path, **options: object) -> TransformersProvider:
    return TransformersProvider(TransformersConfig(model=str(folder), device="cpu", batch_size=4, **options))  # type: ignore[arg-type]


def test_the_packed_scores_are_those_of_each_candidate_alone(english: Path) -> None:
    model, tokenizer = load_model(str(english), th.device("cpu"), "float32"), load_tokenizer(str(english))
    tree = TokenTree(tokenizer("The road is a city street. ")["input_ids"])
    texts = ['"road": "Urban Road"', '"road": "Highway"', '"weights": 0.35', '"weights": 0.3', "nobody"]
    for text in texts:
        tree.add(tokenizer(text)["input_ids"])
    assert len(tree.tokens) < sum(len(tokenizer(text)["input_ids"]) for text in texts), "nothing is shared"
    other = TokenTree(tokenizer("Another, shorter one.")["input_ids"])
    other.add([5, 6])
    packed = candidate_scores(model, [other, tree], 3)[1]
    for text, score in zip(texts, packed, strict=True):
        tokens = tokenizer(text)["input_ids"]
        whole = th.as_tensor([tree.prompt + tokens])
        with th.inference_mode():
            shares = model(whole).logits[0].log_softmax(dim=1)
        alone = sum(float(shares[len(tree.prompt) - 1 + k, token]) for k, token in enumerate(tokens))
        assert score == pytest.approx(alone, abs=1e-4)


def test_what_all_prompts_begin_with_and_what_stands_before_an_answer_changes_no_score(english: Path) -> None:
    model, tokenizer = load_model(str(english), th.device("cpu"), "float32"), load_tokenizer(str(english))
    texts = {
        "begin": "You are a careful driver. ", "scene": "A bus ahead. ", "road": "What road?", "speed": "What speed?",
        "street": "Urban Road", "brake": "Brake", "keep": "Keep on",
    }  # fmt: skip
    words = {name: tokenizer(text)["input_ids"] for name, text in texts.items()}
    tree = TokenTree(words["begin"] + words["scene"])
    tree.add(words["street"], words["road"])
    tree.add(words["brake"], words["speed"])
    tree.add(words["keep"], words["speed"])
    short = TokenTree(list(words["begin"]))
    short.add(words["keep"])
    trees, beginnings = [tree, short, tree], Beginnings(model)
    for _ in range(2):  # the second time the beginning is known
        from_beginning = candidate_scores(model, trees, 2, words["begin"][:-1], beginnings)
        for found, expected in zip(from_beginning, candidate_scores(model, trees, 1), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-4)
    asked_for = (("road", "street"), ("speed", "brake"), ("speed", "keep"))
    for score, (name, answer) in zip(from_beginning[0], asked_for, strict=True):
        before, tokens = tree.prompt + words[name], words[answer]
        with th.inference_mode():
            shares = model(th.as_tensor([before + tokens])).logits[0].log_softmax(dim=1)
        alone = sum(float(shares[len(before) - 1 + k, token]) for k, token in enumerate(tokens))
        assert score == pytest.approx(alone, abs=1e-4)


def test_what_is_asked_twice_is_computed_once(english: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = provider(english)
    once = asked.ask(SCENE, np.arange(3))
    passes: list[int] = []

    def counted(*given: Any) -> Any:
        passes.append(1)
        return HIDDEN(*given)

    monkeypatch.setattr(packed_forward, "_hidden", counted)
    again = asked.ask(SCENE, np.array([0, 1, 2, 2, 1, 0] * 4))
    np.testing.assert_array_equal(again.hints.weights[:3], once.hints.weights)
    np.testing.assert_array_equal(again.hints.weights[[3, 4, 5]], once.hints.weights[::-1])
    assert len(passes) <= 3  # 24 questions at 4 a pass would be 6


def test_scored_hints_are_of_the_agreed_form_and_name_only_who_is_there(english: Path) -> None:
    asked = provider(english)
    assert isinstance(asked, HintProvider) and isinstance(asked, QuestionAnswerer)
    answers, facts = asked.ask(SCENE, ALL), scene_facts(SCENE, ALL)
    assert answers.valid.all() and answers.confidence is not None
    assert ((answers.confidence > 0.0) & (answers.confidence <= 1.0)).all()
    np.testing.assert_allclose(answers.hints.weights.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(100.0 * answers.hints.weights, np.rint(100.0 * answers.hints.weights), atol=1e-9)
    for row in range(12):
        there = [
            (int(agent[2]), int(agent[3])) for agent in facts.agents[row, : facts.count[row]]
            if agent[2] < len(ENTITY_KINDS)
        ]  # fmt: skip
        for entity in answers.hints.hint(row).entities:
            there.remove((int(entity.kind), int(entity.direction)))  # fails where one is named too often


def test_an_answer_does_not_depend_on_who_else_asks(english: Path) -> None:
    asked = provider(english)
    together = asked.ask(SCENE, ALL)
    for row in (0, 7):
        alone = asked.ask(SCENE, np.array([row]))
        np.testing.assert_array_equal(alone.hints.state[0], together.hints.state[row])
        np.testing.assert_array_equal(alone.hints.weights[0], together.hints.weights[row])


@pytest.mark.parametrize("mode", ["scoring", "generation"])
def test_every_kind_of_question_gets_one_of_its_answers(english: Path, mode: str) -> None:
    rows, facts = np.arange(3), scene_facts(SCENE, np.arange(3))
    given = provider(english, mode=mode).answer(SCENE, rows)
    assert set(given) == set(KINDS)
    for kind, name in zip(QuestionKind, KINDS, strict=True):
        for row in range(3):
            assert given[name].codes[row] in question(facts, row, kind).answers.values()
        assert np.isfinite(given[name].confidence).all() == (mode == "scoring")
    assert set(np.unique(true_answers(SCENE, rows).right("lateral", given["lateral"].codes))) <= {False, True}


def test_a_written_hint_is_held_to_valid_ones(english: Path) -> None:
    answers = provider(english, mode="generation", max_new_tokens=400).ask(SCENE, ALL)
    assert answers.texts is not None and answers.confidence is None
    assert answers.valid.all()
    named = 0
    for text in answers.texts:
        assert text is not None and "\n" not in text
        written = json.loads(text)
        assert list(written) == ["road_category", "traffic_density", "critical_entities", "weights"]
        assert sum(written["weights"].values()) == pytest.approx(1.0)
        named = max(named, len(written["critical_entities"]))
    assert named > 1, "nobody was named beside another"


def test_what_is_written_depends_neither_on_who_else_asks_nor_on_the_models_own_settings(english: Path) -> None:
    writer = load_asker(TransformersConfig(model=str(english), device="cpu", batch_size=4, mode="generation"))
    assert isinstance(writer, EnglishWriter)
    facts = scene_facts(SCENE, np.arange(6))
    together = writer.hint_texts(facts)
    writer._model.generation_config.repetition_penalty = 5.0
    alone = SceneFacts(facts.road[2:3], facts.agents[2:3], facts.count[2:3])
    assert writer.hint_texts(alone) == together[2:3] and len(set(together)) > 1


def test_each_road_user_is_a_candidate_with_its_id_and_like_ones_add_up(english: Path) -> None:
    two_ahead = make_scene(1, [make_actor(20.0, 0.0, actor_id=7), make_actor(40.0, 0.0, actor_id=9)])
    facts = scene_facts(two_ahead, np.arange(1))
    assert hint_candidates(facts, 0)["first"] == [
        (0, '"critical_entities": [{"id": 7, "type": "Car", "direction": "Front"}'),
        (0, '"critical_entities": [{"id": 9, "type": "Car", "direction": "Front"}'),
        (NOBODY, '"critical_entities": []'),
    ]
    model, tokenizer = load_model(str(english), th.device("cpu"), "float32"), load_tokenizer(str(english))
    prompt = prompt_tokens(tokenizer, hint_messages(facts, 0))
    likely = []
    for _, text in hint_candidates(facts, 0)["first"]:
        tokens = tokenizer(text, add_special_tokens=False)["input_ids"]
        with th.inference_mode():
            shares = model(th.as_tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1].log_softmax(dim=1)
        likely.append(float(shares[range(len(tokens)), tokens].sum().exp()))
    first = EnglishScorer(model, tokenizer, 1).ask(facts).shares["first"][0]
    assert first[0] == pytest.approx((likely[0] + likely[1]) / sum(likely), rel=1e-3)
    assert first[NOBODY] == pytest.approx(likely[2] / sum(likely), rel=1e-3)


SMALL: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "initializer_range": 0.3, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1,
}  # fmt: skip


def small(kind: str, **options: Any) -> Any:
    models: Any = AutoModelForCausalLM
    return models.from_config(AutoConfig.for_model(kind, **SMALL, **options)).eval()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("granite", {"logits_scaling": 8.0}),
        ("cohere", {"logit_scale": 0.0625}),
        ("gemma2", {"head_dim": 16, "final_logit_softcapping": 3.0, "sliding_window": 4096}),
    ],
)
def test_logits_are_scaled_and_capped_as_the_model_does(
    kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small(kind, **options)
    refuse_unpackable(model)

    def as_they_are(model: Any, hidden: th.Tensor) -> th.Tensor:
        logits: th.Tensor = model.get_output_embeddings()(hidden).float()
        return logits

    monkeypatch.setattr(packed_forward, "_logits", as_they_are)
    with pytest.raises(ModelError, match=r"log probability is off by .*mode=generation"):
        refuse_unpackable(model)


def test_a_model_that_cannot_be_compared_in_one_pass_is_refused() -> None:
    with pytest.raises(ModelError, match="a MambaForCausalLM cannot be compared in one pass: it takes no packed pass"):
        refuse_unpackable(small("mamba"))
    with pytest.raises(ModelError, match="some of its layers see 512 tokens, fewer than 2048"):
        refuse_unpackable(small("mistral", sliding_window=512))


def test_without_a_grammar_noise_is_no_hint(english: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    asked = provider(english, mode="generation", max_new_tokens=20)
    answers = asked.ask(SCENE, np.arange(3))
    assert not answers.valid.any() and answers.texts is not None and len(answers.texts) == 3
    assert (asked.answer(SCENE, np.arange(2))["hazard"].codes == NO_ANSWER).all()


def test_a_model_without_a_chat_template_reads_plain_text(tmp_path: Path) -> None:
    assert provider(english_model(tmp_path, template=False)).ask(SCENE, np.arange(2)).valid.all()


def test_a_template_without_a_system_message_gets_its_words_from_the_user(english: Path) -> None:
    tokenizer = load_tokenizer(str(english))
    messages = hint_messages(scene_facts(SCENE, np.arange(1)), 0)
    tokenizer.chat_template = (
        "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<model>"
    )
    told = tokenizer.decode(prompt_tokens(tokenizer, messages))
    assert told == f"<user>{messages[0]['content']}\n\n{messages[1]['content']}<model>"


def test_confidence_below_the_least_is_no_valid_answer(english: Path) -> None:
    assert not provider(english, min_confidence=0.999).ask(SCENE, ALL).valid.all()


def test_what_is_no_model_is_told_in_one_line(tmp_path: Path, english: Path) -> None:
    with pytest.raises(ModelError, match="no causal language model could be loaded from .*Give a folder with"):
        provider(tmp_path / "nothing")
    (tmp_path / DESCRIPTION).write_text('{"layout": "compact-0"}')
    with pytest.raises(ModelError, match="says layout 'compact-0'; this version writes 'compact-1'"):
        provider(tmp_path)
    (tmp_path / DESCRIPTION).write_text("{")
    with pytest.raises(ModelError, match="is no JSON"):
        provider(tmp_path)
    with pytest.raises(ModelError, match="device 'tpu9' came"):
        TransformersProvider(TransformersConfig(model=str(english), device="tpu9"))
    with pytest.raises(ValueError, match="allowed: scoring, generation"):
        TransformersConfig(mode="guessing")  # type: ignore[arg-type]
