"""Supervised fine-tuning with LoRA adapters, on TRL and PEFT. Workers only (torch)."""

import json
import math
import random
import shutil
import time
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed
from trl import SFTConfig, SFTTrainer

from core import content
from core.errors import Refusal
from core.generation import weights
from core.jobs import folder as job_folder
from core.training import sequences
from core.training.recipes import Recipe
from core.training.sequences import Row

KEEP = 2.0
"""How much a token of difference from the base weighs, in replay rows, against a token to be learned."""

CHECKPOINT_STEPS = 50
"""A killed job repeats at most so many steps, or one epoch if that is shorter."""


def train(
    folder: Path,
    base: Path,
    recipe: Recipe,
    rows: Sequence[Row],
    replay: Sequence[Row] = (),
    *,
    device: str | None = None,
    dtype: torch.dtype | None = None,
) -> dict[str, Any]:
    """Train an adapter on the rows, mixed with replay rows, and leave it in `folder / "adapter"`.

    Weights are in the precision the device is fast at, the adapter is always in float32. Refusal if a row cannot be
    learned from (see `sequences.examples`) or the loss is no longer a number.
    """
    started = time.monotonic()
    job_folder.tell(folder, "phase", name="loading model")
    device = device or weights.device()
    dtype = dtype or weights.precision(device)
    tokenizer = weights.tokenizer(base)
    model = weights.model(base, device=device, dtype=dtype)
    set_seed(recipe.seed)
    schedule = _schedule(len(rows), len(replay), recipe)
    repeated = sorted({number for number in schedule if number >= len(rows)})
    ends = weights.ends(model, tokenizer)
    chosen = [*rows, *(replay[number - len(rows)] for number in repeated)]
    examples = sequences.examples(tokenizer, chosen, ends=ends, max_length=recipe.max_length)
    places = {number: place for place, number in enumerate([*range(len(rows)), *repeated])}
    learned = [{**examples[places[number]], "replay": number >= len(rows)} for number in schedule]
    model = get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            target_modules="all-linear",
            r=recipe.rank,
            lora_alpha=recipe.alpha,
            lora_dropout=recipe.dropout,
        ),
    )
    checkpoints = folder / "checkpoints"
    epoch = math.ceil(len(learned) / recipe.epochs / recipe.batch_size)
    progress = _Progress(folder, recipe.batch_size)
    trainer = _Trainer(
        model=model,
        args=SFTConfig(
            output_dir=str(checkpoints),
            num_train_epochs=1,  # the schedule goes through all of them
            train_sampling_strategy="sequential",
            per_device_train_batch_size=recipe.batch_size,
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
        train_dataset=Dataset.from_list(learned),
        processing_class=tokenizer,
        data_collator=sequences.Collator(
            pad=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
            hidden_size=model.config.get_text_config().hidden_size,
            shares=weights.sees_all(model),
        ),
        callbacks=[progress],
    )
    trainer.remove_callback(PrinterCallback)
    job_folder.tell(folder, "phase", name="training")
    trainer.train(resume_from_checkpoint=_last(checkpoints))
    if not trainer.state.global_step:
        return {"stopped": True}
    _save(trainer.model, folder / "adapter", base)
    if not progress.stopped:
        shutil.rmtree(checkpoints)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    wall = time.monotonic() - started
    return {
        **({"stopped": True} if progress.stopped else {}),
        "adapter": "adapter",
        "files": {path.name: content.file_digest(path) for path in sorted((folder / "adapter").iterdir())},
        "summary": {
            "rows": len(rows),
            "replay_rows": len(repeated),
            "steps": trainer.state.global_step,
            "epochs": round((trainer.state.epoch or 0) * recipe.epochs, 2),
            "first_loss": losses[0],
            "final_loss": sum(losses[-epoch:]) / len(losses[-epoch:]),
            "wall_s": round(wall, 1),
            "samples_per_second": progress.samples_per_second(),
            "dtype": str(dtype).removeprefix("torch."),
            "device": device,
        },
    }


def _schedule(rows: int, replay: int, recipe: Recipe) -> list[int]:
    """In which order is learned: each epoch all rows, mixed with the next replay rows in turn, numbered from `rows` on.

    Every epoch takes other replay rows as long as there are: what is kept is as broad as they are.
    """
    order = random.Random(recipe.seed)
    share = round(rows * recipe.replay_share / (1 - recipe.replay_share)) if replay else 0
    turn = cycle(order.sample(range(rows, rows + replay), replay))
    made: list[int] = []
    for _ in range(recipe.epochs):
        epoch = [*range(rows), *islice(turn, share)]
        order.shuffle(epoch)
        made += epoch
    return made


def _last(checkpoints: Path) -> str | None:
    """The newest checkpoint that was written to its end: the trainer's state is its last file, and is whole."""
    found = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json") if _is_whole(path)]
    return str(max(found, key=lambda path: int(path.name.partition("-")[2]))) if found else None


def _is_whole(state: Path) -> bool:
    """A kill may fall into the middle of writing it."""
    try:
        json.loads(state.read_text("utf-8"))
    except ValueError:
        return False
    return True


def _save(model: Any, target: Path, base: Path) -> None:
    """Write the adapter, with the hash of its base in the file's header, and put it in place in one step."""
    partial = target.with_name(target.name + ".partial")
    made = partial / "made"
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(made)
    tensors = load_file(made / "adapter_model.safetensors")
    metadata = {"format": "pt", "base": weights.identity(base)}
    save_file(tensors, partial / "adapter_model.safetensors", metadata)
    (made / "adapter_config.json").replace(partial / "adapter_config.json")
    shutil.rmtree(made)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)


class _Trainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer for tree-shaped batches, with the vocabulary scored only where there is something to learn.

    TRL scores every position on a CPU, though most of them are prompt (benchmarks/training.py).
    """

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The mean over labelled tokens of the negative log-likelihood, and in replay rows of `KEEP` times the
        divergence from what the base would say, KL(base || model)."""
        total, count = torch.zeros(()), 0
        if "task" in inputs:
            scores, wanted = _scores(model, inputs["task"])
            total = total + functional.cross_entropy(scores, wanted, reduction="sum")
            count += len(wanted)
        if "replay" in inputs:
            scores, wanted = _scores(model, inputs["replay"])
            with torch.no_grad(), self.accelerator.unwrap_model(model).disable_adapter():
                base, _ = _scores(model, inputs["replay"])
            total = total + KEEP * functional.kl_div(
                scores.log_softmax(-1), base.log_softmax(-1), reduction="sum", log_target=True
            )
            count += len(wanted)
        return total / count


def _scores(model: Any, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits (labelled tokens, vocabulary) in float32, and the tokens that they should predict."""
    labels = batch["labels"][:, 1:]
    predicting = (labels != -100).any(dim=0).nonzero().squeeze(1)
    given = {key: value for key, value in batch.items() if key != "labels"}
    logits = model(**given, logits_to_keep=predicting, use_cache=False).logits
    wanted = labels[:, predicting]
    return logits[wanted != -100].float(), wanted[wanted != -100]


class _Progress(TrainerCallback):  # type: ignore[misc]
    """Tells the job's folder about each step, and stops when the folder asks for it."""

    def __init__(self, folder: Path, batch_size: int) -> None:
        self.folder, self.batch_size = folder, batch_size
        self.stopped = False
        self.first_step, self.started, self.step = 0, time.monotonic(), 0

    def samples_per_second(self) -> float:
        steps = self.step - self.first_step
        return round(steps * self.batch_size / max(time.monotonic() - self.started, 1e-9), 3)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.first_step, self.started = state.global_step, time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.step = state.global_step
        if job_folder.asked_to_stop(self.folder):
            self.stopped = control.should_training_stop = control.should_save = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        if "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise Refusal(
                "At step %(step)s the loss was no longer a number. Lower the learning rate and start again.",
                step=state.global_step,
            )
        speed = self.samples_per_second()
        job_folder.tell(
            self.folder,
            "step",
            step=state.global_step,
            steps=state.max_steps,
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=logs["grad_norm"],
            samples_per_second=speed,
            eta_s=round((state.max_steps - state.global_step) * self.batch_size / speed),
        )
