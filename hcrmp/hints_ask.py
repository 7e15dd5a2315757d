"""``hcrmp hints ask``: one scene, what a language model is told of it, and what it answers."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.rule import Rule

from envs.scene import SceneBatch
from hcrmp.build import build_anchors, build_provider
from hcrmp.consoles import stdout_console
from hcrmp.hint_model.benchmark import sample_scenes
from hcrmp.hints_config import HintsAskConfig
from llm_hints.compact import CompactLayout
from llm_hints.facts import SceneFacts, scene_facts
from llm_hints.prompts import hint_messages
from llm_hints.providers.base import HintAnswers, HintProvider, QuestionAnswerer
from llm_hints.providers.rules import RulesProvider
from llm_hints.reference import KINDS, answer_words, true_answers

ONE = np.array([0])


def run(config: HintsAskConfig) -> int:
    """Print the scene as it is told, the passages, the answers, and the expert's beside them."""
    console = stdout_console(highlight=False)
    provider = build_provider(config.hints, np.random.default_rng(config.seed))
    [(_, scene)] = sample_scenes([config.family], 1, config.seed)
    facts = scene_facts(scene, ONE)
    _print_prompt(console, facts, config)
    answers = provider.ask(scene, ONE)
    _print_answer(console, provider, answers, scene)
    return 0


def _print_prompt(console: Console, facts: SceneFacts, config: HintsAskConfig) -> None:
    anchors = build_anchors(config.hints)
    passages = () if anchors is None else anchors(facts)[0]
    style = config.hints.openai.style if config.hints.provider == "openai" else config.hints.transformers.style
    for message in hint_messages(facts, 0, style, passages):
        console.print(Rule(f"{message['role']}, in English", align="left"))
        console.print(message["content"])
    layout = CompactLayout()
    console.print(Rule("the same scene in the compact layout", align="left"))
    console.print(layout.texts(layout.rows(facts))[0])


def _print_answer(console: Console, provider: HintProvider, answers: HintAnswers, scene: SceneBatch) -> None:
    console.print(Rule(f"answer of {provider.name}", align="left"))
    if answers.texts is not None and answers.texts[0] is not None:
        console.print(answers.texts[0])
    told = answers.hints.hint(0).text() if answers.valid[0] else "no valid answer"
    sure = "" if answers.confidence is None else f"  (least certain field: {100 * answers.confidence[0]:.0f} %)"
    console.print(told + sure)
    console.print(f"the rules expert: {RulesProvider().ask(scene, ONE).hints.hint(0).text()}")
    if isinstance(provider, QuestionAnswerer):
        truth = true_answers(scene, ONE)
        for kind, given in provider.answer(scene, ONE).items():
            verdict = "right" if truth.right(kind, given.codes)[0] else "wrong"
            true = answer_words(kind, int(truth.table[0, 0, KINDS[kind]]))
            console.print(f"{kind}: {answer_words(kind, int(given.codes[0]))} ({verdict}; true: {true})")
