"""Fine-tuning with LoRA adapters on answers or on pairs, on TRL and PEFT. Workers only (torch)."""

import errno
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training
from transformers import PrinterCallback, set_seed
from trl import SFTConfig

from core import content
from core.generation import weights
from core.jobs import folder as job_folder
from core.training import adapters, attention, machine, reports, schedules, sequences
from core.training.losses import Trainer
from core.training.recipes import Recipe
from core.training.sequences import Example, Row

CHECKPOINT_STEPS = 50
"""A killed job repeats at most so many steps, or one epoch if that is shorter."""


def train(
    folder: Path,
    base: Path,
    recipe: Recipe,
    rows: Sequence[Row],
    replay: Sequence[Row] = (),
    *,
    start: Path | None = None,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> dict[str, Any]:
    """Train an adapter on the rows, mixed with replay rows, and leave it in `folder / "adapter"`.

    With `start`, it goes on from that adapter. Weights are in the precision the device is fast at, the adapter is
    always in float32. Refusal if a row cannot be learned from (see `sequences.examples`) or the loss is no longer a
    number; MemoryError and OSError (ENOSPC) whichever library runs out.
    """
    with named():
        return _train(folder, base, recipe, rows, replay, start, device or weights.device(), dtype)


def _train(
    folder: Path,
    base: Path,
    recipe: Recipe,
    rows: Sequence[Row],
    replay: Sequence[Row],
    start: Path | None,
    device: str,
    dtype: torch.dtype | None,
) -> dict[str, Any]:
    started = time.monotonic()
    job_folder.tell(folder, "phase", name="loading model")
    dtype = dtype or weights.precision(device)
    tokenizer = weights.tokenizer(base)
    model = weights.model(base, device=device, dtype=dtype, quantized=recipe.quantized, spread=True)
    set_seed(recipe.seed)
    ends = weights.ends(model, tokenizer)
    taught, held = schedules.hold_out(rows, recipe)
    schedule = schedules.order(len(taught), len(replay), recipe)
    repeated = sorted({number for number in schedule if number >= len(taught)})
    chosen = [*taught, *(replay[number - len(taught)] for number in repeated)]
    examples = sequences.examples(tokenizer, [*chosen, *held], ends=ends, max_length=recipe.max_length)
    places = {number: place for place, number in enumerate([*range(len(taught)), *repeated])}
    learned = [{**examples[places[number]], "replay": number >= len(taught)} for number in schedule]
    watched = [{**example, "replay": False} for example in examples[len(chosen) :]]
    model = adapted(model, base, recipe, start)
    machine.check_disk(model, folder)
    epoch = math.ceil(len(learned) / recipe.epochs / recipe.batch_size)
    progress = reports.Progress(
        folder,
        recipe,
        epoch=epoch,
        tokens=sum(map(sequences.length, learned)) / len(learned),
        watched=bool(watched),
        answer=reports.answerer(tokenizer, [*held, *taught], ends, dtype),
        save=lambda trained, target: adapters.save(trained, target, base),
    )
    checkpoints = folder / "checkpoints"
    trainer = trainer_of(model, tokenizer, recipe, learned, watched, checkpoints, epoch, dtype, device)
    trainer.add_callback(progress)
    job_folder.tell(folder, "phase", name="training")
    trainer.train(resume_from_checkpoint=adapters.last_checkpoint(checkpoints))
    if not trainer.state.global_step:
        return {"stopped": True}
    if not adapters.keep(progress.best, folder / "adapter"):
        adapters.save(trainer.model, folder / "adapter", base)
    if not progress.stopped:
        for place in (checkpoints, folder / "best"):
            shutil.rmtree(place, ignore_errors=True)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return {
        **({"stopped": True} if progress.stopped else {}),
        "adapter": "adapter",
        "files": {path.name: content.file_digest(path) for path in sorted((folder / "adapter").iterdir())},
        "summary": {
            "rows": len(taught),
            "held_out_rows": len(held),
            "replay_rows": len(repeated),
            "steps": trainer.state.global_step,
            "epochs": round((trainer.state.epoch or 0) * recipe.epochs, 2),
            "first_loss": losses[0],
            "final_loss": sum(losses[-epoch:]) / len(losses[-epoch:]),
            "held_out_losses": sorted(progress.seen.items()),
            "kept_step": min(progress.seen, key=lambda step: progress.seen[step], default=trainer.state.global_step),
            "ended_early": progress.ended_early,
            "wall_s": round(time.monotonic() - started, 1),
            "samples_per_second": progress.samples_per_second(),
            "dtype": str(dtype).removeprefix("torch."),
            **machine.describe(device),
        },
    }


def trainer_of(
    model: Any,
    tokenizer: Any,
    recipe: Recipe,
    learned: Sequence[Example],
    watched: Sequence[Example],
    checkpoints: Path,
    epoch: int,
    dtype: torch.dtype,
    device: str,
) -> Trainer:
    """The trainer for examples in the order of the schedule, with a checkpoint every epoch or `CHECKPOINT_STEPS`."""
    trainer = Trainer(
        model=model,
        args=SFTConfig(
            output_dir=str(checkpoints),
            num_train_epochs=1,  # the schedule goes through all of them
            train_sampling_strategy="sequential",
            per_device_train_batch_size=recipe.batch_size,
            per_device_eval_batch_size=recipe.batch_size,
            prediction_loss_only=True,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            seed=recipe.seed,
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            remove_unused_columns=False,
            activation_checkpointing=False,
            bf16=dtype is torch.bfloat16,
            use_cpu=device == "cpu",
            logging_steps=1,
            logging_nan_inf_filter=False,
            save_strategy="steps",
            save_steps=min(epoch, CHECKPOINT_STEPS),
            save_total_limit=1,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(list(learned)),
        eval_dataset=Dataset.from_list(list(watched)) if watched else None,
        processing_class=tokenizer,
        data_collator=sequences.Collator(
            pad=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
            shares=attention.install(model),
        ),
    )
    trainer.beta = recipe.beta
    trainer.remove_callback(PrinterCallback)
    return trainer


def adapted(model: Any, base: Path, recipe: Recipe, start: Path | None = None) -> Any:
    """The model with an adapter to be trained: a new one that changes nothing yet, or that of `start`."""
    if recipe.quantized:
        model = prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    if start is not None:
        return PeftModel.from_pretrained(model, str(start), is_trainable=True)
    return get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            target_modules="all-linear",
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=recipe.dropout,
        ),
    )


FULL = ("No space left on device", "File too large", "Disk quota exceeded", "PytorchStreamWriter failed")


@contextmanager
def named() -> Iterator[None]:
    """Give errors of memory and disk the names that the worker knows: each library has its own."""
    try:
        yield
    except Exception as error:
        if weights.out_of_memory(error):
            raise MemoryError from error
        if not isinstance(error, OSError) and any(text in str(error) for text in FULL):
            raise OSError(errno.ENOSPC, str(error)) from error
        raise
