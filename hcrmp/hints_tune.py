"""``hcrmp hints tune``: a larger language model learns the expert's hints, by LoRA (Hu et al. 2021)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch as th
from rich.console import Console

from hcrmp.consoles import stderr_console
from hcrmp.errors import UserError
from hcrmp.hint_model.examples import NO_LABEL, Lessons, lessons_of
from hcrmp.hint_model.scenes import TAUGHT
from hcrmp.hint_model.synthetic import synthetic_scenes
from hcrmp.hints_config import HintsTuneConfig
from hcrmp.hints_train import collected
from llm_hints.grounding import told_part
from llm_hints.hint import HintBatch
from llm_hints.prompts import hint_messages
from llm_hints.providers.english_lm import prompt_tokens
from llm_hints.providers.rules import RulesProvider
from llm_hints.providers.transformers_lm import choose_device, load_model, load_tokenizer

TOLD_EVERY = 20


def run(config: HintsTuneConfig) -> int:
    """Tune, and write the model with the adapter merged in, ready for ``hints=transformers``."""
    if importlib.util.find_spec("peft") is None:
        raise UserError('hints tune needs peft: pip install "hcrmp[llm]"')
    console, folder = stderr_console(), Path(config.output)
    tokenizer = load_tokenizer(config.model)
    adapted = _with_adapter(load_model(config.model, choose_device(config.device), "auto"), config)
    losses = list(tune(adapted, tokenizer, config, _scenes(config, folder, console), console))
    first, last = np.mean(losses[:5]), np.mean(losses[-5:])
    console.print(f"loss of the answers' tokens: {first:.3f} at first, {last:.3f} at last")
    adapted.save_pretrained(folder / "adapter")
    adapted.merge_and_unload().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    console.print(f"written: {folder}\nnext:    hcrmp hints benchmark hints=transformers model={folder}")
    return 0


def _with_adapter(model: Any, config: HintsTuneConfig) -> Any:
    from peft import LoraConfig, get_peft_model

    th.manual_seed(config.seed)
    lora = LoraConfig(
        r=config.rank, lora_alpha=2 * config.rank, target_modules="all-linear", task_type="CAUSAL_LM"
    )  # fmt: skip
    return get_peft_model(model, lora)


def _scenes(config: HintsTuneConfig, folder: Path, console: Console) -> Iterator[Lessons]:
    """Yield batches of scenes for ever."""
    rng, teacher = np.random.default_rng(config.seed), RulesProvider()
    simulated = round(config.simulated_share * config.batch_size)
    taught = None
    if simulated:
        taught = collected(folder / "scenes" / "taught", TAUGHT, config.scenes, 30_000_000 + config.seed, console)
    while True:
        parts = [taught.take(rng.integers(0, len(taught), simulated))] if taught is not None else []
        fresh = config.batch_size - simulated
        if fresh:
            parts.append(lessons_of(synthetic_scenes(fresh, rng), np.arange(fresh), teacher))
        yield Lessons.joined(parts)


def tune(
    model: Any, tokenizer: Any, config: HintsTuneConfig, scenes: Iterator[Lessons], console: Console
) -> Iterator[float]:
    """Yield the loss of each batch while the model's free parameters learn."""
    free = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = th.optim.AdamW(free, lr=config.learning_rate)
    model.train()
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * (1.0 - step / config.steps)
        tokens, labels, sees = example_batch(tokenizer, next(scenes), config)
        device = next(model.parameters()).device
        loss = model(
            input_ids=tokens.to(device), attention_mask=sees.to(device), labels=labels.to(device), use_cache=False
        ).loss
        optimiser.zero_grad()
        loss.backward()
        th.nn.utils.clip_grad_norm_(free, 1.0)
        optimiser.step()
        if (step + 1) % TOLD_EVERY == 0:
            console.print(f"{step + 1}/{config.steps}  loss {loss.item():.3f}")
        yield float(loss.item())
    model.eval()


def example_batch(tokenizer: Any, lessons: Lessons, config: HintsTuneConfig) -> tuple[th.Tensor, th.Tensor, th.Tensor]:
    """Return tokens, labels and mask ``(n, length)``: the prompt, the expert's hint as JSON, the end of the answer."""
    hints = HintBatch(lessons.state, lessons.weights, np.ones(len(lessons), dtype=np.int64), np.zeros(len(lessons)))
    rows = []
    for row in range(len(lessons)):
        prompt = prompt_tokens(tokenizer, hint_messages(lessons.facts, row, config.style))
        hint = told_part(hints.hint(row), lessons.facts, row)
        answer = tokenizer(hint.to_json(), add_special_tokens=False)["input_ids"]
        rows.append((prompt, [*answer, tokenizer.eos_token_id]))
    length = max(len(prompt) + len(answer) for prompt, answer in rows)
    tokens = th.zeros((len(rows), length), dtype=th.int64)
    labels, sees = th.full_like(tokens, NO_LABEL), th.zeros_like(tokens)
    for row, (prompt, answer) in enumerate(rows):
        begin, end = len(prompt), len(prompt) + len(answer)
        tokens[row, :end], sees[row, :end] = th.as_tensor(prompt + answer), 1
        labels[row, begin:end] = th.as_tensor(answer)
    return tokens, labels, sees
