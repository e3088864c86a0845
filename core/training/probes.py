"""What a training would take on this machine, from one step of it; and whether its rows are fit. Workers only."""

import random
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import torch

from core.errors import Refusal
from core.generation import weights
from core.jobs import folder as job_folder
from core.locale.mark import N_
from core.training import leakage, lora, machine, preflight, schedules, sequences
from core.training.preflight import Finding
from core.training.recipes import Recipe
from core.training.sequences import Example, Row


def look(
    folder: Path, base: Path, recipe: Recipe, rows: Sequence[Row], replay: Sequence[Row], *, start: Path | None = None
) -> dict[str, Any]:
    """Two steps with the longest rows, the second timed, and nothing kept.

    Gives `findings` (see `preflight`), `rows`, `tokens` of an epoch, `longest`, `steps`, and, if the rows are fit,
    `seconds` of the whole training, `memory` and `disk` it needs in bytes, with `memory_free` and `disk_free`.
    """
    with lora.named():
        job_folder.tell(folder, "phase", name="checking")
        tokenizer = weights.tokenizer(base)
        device = weights.device()
        dtype = weights.precision(device)
        began = time.monotonic()
        model = weights.model(base, device=device, dtype=dtype, quantized=recipe.quantized, spread=True)
        loading = time.monotonic() - began
        taught, held = schedules.hold_out(rows, recipe)
        findings, examples = check(tokenizer, rows, weights.ends(model, tokenizer), recipe.max_length)
        found: dict[str, Any] = {"findings": findings, "rows": len(taught), "held_out_rows": len(held)}
        if preflight.blocks(findings):
            return found
        schedule = schedules.order(len(taught), len(replay), recipe)
        general = sequences.examples(
            tokenizer, replay, ends=weights.ends(model, tokenizer), max_length=recipe.max_length
        ) if replay else []  # fmt: skip
        mixed = [{**one, "replay": False} for one in examples] + [{**one, "replay": True} for one in general]
        steps = -(-len(schedule) // recipe.batch_size)
        job_folder.tell(folder, "phase", name="measuring")
        model = lora.adapted(model, base, recipe, start)
        seconds = _step(model, tokenizer, mixed, recipe, folder, dtype, device)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # the trainer makes it before there is any
        needs = machine.peak_bytes(device)
        free = torch.cuda.mem_get_info()[0] if device == "cuda" else psutil.virtual_memory().available
        found |= {
            "tokens": sum(sequences.length(one) for one in examples),
            "longest": max(sequences.length(one) for one in examples),
            "steps": steps,
            "seconds": round(loading + seconds * steps),
            "memory": needs,
            "disk": machine.disk_needed(model),
            "disk_free": shutil.disk_usage(folder).free,
            "device": device,
        }
        found["findings"] = [*findings, _memory(needs, needs + free), _disk(found["disk"], found["disk_free"])]
        return found


def _step(
    model: Any, tokenizer: Any, mixed: list[Example], recipe: Recipe, folder: Path, dtype: torch.dtype, device: str
) -> float:
    """Seconds of a usual step; the one before it takes the longest rows, so that memory is seen at its highest."""
    size = recipe.batch_size
    longest = sorted(mixed, key=sequences.length, reverse=True)[:size]
    usual = random.Random(recipe.seed).choices(mixed, k=size)
    trainer = lora.trainer_of(
        model, tokenizer, recipe, [*longest, *usual], (), folder / "checkpoints", 1, dtype, device
    )
    optimizer = trainer.create_optimizer()
    model.train()
    took = 0.0
    for batch in (longest, usual):
        began = time.monotonic()
        with trainer.compute_loss_context_manager():
            loss = trainer.compute_loss(model, trainer._prepare_inputs(trainer.data_collator(batch)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        took = time.monotonic() - began
    return took


def check(
    tokenizer: Any, rows: Sequence[Row], ends: Sequence[int], max_length: int
) -> tuple[list[Finding], list[Example]]:
    """The points that need the model's tokenizer, and the examples of the rows that are fit."""
    say = preflight.finding
    findings: list[Finding] = []
    empty = [number for number, row in enumerate(rows, start=1) if not row["completion"].strip()]
    if empty or not rows:
        message = N_("%(count)s rows have an empty answer, the first is row %(row)s. Correct or withdraw them.")
        findings.append(say("answers", "bad", message, count=len(empty), row=empty[0] if empty else 0))
        return findings, []
    findings.append(say("answers", "good", N_("Each row has an answer to learn.")))
    try:
        made = sequences.examples(tokenizer, rows, ends=ends, max_length=2**31)
    except Refusal as refusal:
        return [*findings, say("end", "bad", refusal.message, **refusal.values)], []
    findings.append(say("end", "good", N_("Each answer ends with the token at which the model stops.")))
    changed = [
        number
        for number, (row, one) in enumerate(zip(rows, made, strict=True), start=1)
        if _learned(tokenizer, one).strip() != row["completion"].strip()
    ]
    if changed:
        message = N_("%(count)s answers come back from the tokenizer with other characters, the first is row %(row)s.")
        findings.append(say("template", "doubt", message, count=len(changed), row=changed[0]))
    else:
        findings.append(say("template", "good", N_("Template and tokenizer give every answer back as it was.")))
    long = [sequences.length(one) for one in made if sequences.length(one) > max_length]
    if long:
        message = N_("%(count)s rows are longer than %(limit)s tokens, the longest has %(longest)s. Raise the maximum length or use a shorter prompt.")  # noqa: E501  # fmt: skip
        findings.append(say("length", "bad", message, count=len(long), limit=max_length, longest=max(long)))
    else:
        longest = max(sequences.length(one) for one in made)
        message = N_("The longest row has %(longest)s tokens, %(limit)s are allowed.")
        findings.append(say("length", "good", message, longest=longest, limit=max_length))
    return [*findings, _duplicates(rows)], made


def _learned(tokenizer: Any, one: Example) -> str:
    """What the labels say, without the token that ends the answer."""
    labels = [label for label in one["labels"] if label != -100]
    return str(tokenizer.decode(labels[:-1]))


def _duplicates(rows: Sequence[Row]) -> Finding:
    answers: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        answers[leakage.normal(row["messages"][-1]["content"])].append(leakage.normal(row["completion"]))
    several = [said for said in answers.values() if len(said) > 1]
    torn = sum(len(set(said)) > 1 for said in several)
    if torn:
        message = N_("%(torn)s questions stand there several times with different answers. Decide which is right.")
        return preflight.finding("duplicates", "doubt", message, torn=torn)
    if several:
        message = N_("%(count)s questions stand there several times and weigh more for it.")
        return preflight.finding("duplicates", "doubt", message, count=len(several))
    return preflight.finding("duplicates", "good", N_("Every question stands there once."))


def _memory(needs: int, there: int) -> Finding:
    values = {"needs": round(needs / 1e9, 1), "there": round(there / 1e9, 1)}
    if needs > 0.9 * there:
        message = N_("It needs %(needs)s GB of %(there)s GB. Choose a smaller batch, or QLoRA.")
        return preflight.finding("memory", "doubt", message, **values)
    return preflight.finding("memory", "good", N_("It needs %(needs)s GB of %(there)s GB."), **values)


def _disk(needs: int, there: int) -> Finding:
    values = {"needs": round(needs / 1e9, 2), "there": round(there / 1e9, 1)}
    if needs > there:
        message = N_("It needs %(needs)s GB on the disk and %(there)s GB are free. Free some space.")
        return preflight.finding("disk", "bad", message, **values)
    return preflight.finding("disk", "good", N_("It needs %(needs)s GB on the disk, %(there)s GB are free."), **values)
