"""Supervised fine-tuning with LoRA adapters, on TRL and PEFT. Workers only (torch)."""

import math
import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from datasets import Dataset
from jinja2 import TemplateError
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments, set_seed
from trl import SFTConfig, SFTTrainer

from core import content
from core.errors import Refusal
from core.generation import weights
from core.jobs import folder as job_folder
from core.training.recipes import Recipe

Row = dict[str, Any]
"""`{"messages": [...], "completion": text}`."""

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
    learned from (see `examples`) or the loss is no longer a number.
    """
    started = time.monotonic()
    job_folder.tell(folder, "phase", name="loading model")
    device = device or weights.device()
    dtype = dtype or weights.precision(device)
    tokenizer = weights.tokenizer(base)
    model = weights.model(base, device=device, dtype=dtype)
    set_seed(recipe.seed)
    mixed = [*rows, *_sample(replay, len(rows), recipe)]
    learned = examples(tokenizer, mixed, ends=weights.ends(model, tokenizer), max_length=recipe.max_length)
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
    epoch = math.ceil(len(learned) / recipe.batch_size)
    progress = _Progress(folder, recipe.batch_size)
    trainer = _Trainer(
        model=model,
        args=SFTConfig(
            output_dir=str(checkpoints),
            num_train_epochs=recipe.epochs,
            per_device_train_batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            seed=recipe.seed,
            train_sampling_strategy="group_by_length",
            dataset_kwargs={"skip_prepare_dataset": True},
            max_length=None,
            gradient_checkpointing=False,
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
        callbacks=[progress],
    )
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
            "replay_rows": len(mixed) - len(rows),
            "steps": trainer.state.global_step,
            "epochs": round(trainer.state.epoch or 0, 2),
            "first_loss": losses[0],
            "final_loss": sum(losses[-epoch:]) / len(losses[-epoch:]),
            "wall_s": round(wall, 1),
            "samples_per_second": progress.samples_per_second(),
            "dtype": str(dtype).removeprefix("torch."),
            "device": device,
        },
    }


def examples(tokenizer: Any, rows: Sequence[Row], *, ends: Sequence[int], max_length: int) -> list[dict[str, list[int]]]:
    """Tokens and labels of each row; -100 marks the prompt, which is given and not learned.

    The prompt's tokens are those that the generator sends; the label is what the chat template writes as the answer,
    up to and with the token that ends it. Refusal if an answer is empty, has no end, or does not fit.
    """
    made = []
    for number, row in enumerate(rows, start=1):
        prompt = weights.prompt(tokenizer, row["messages"])
        answer = _answer(tokenizer, row, ends)
        if not row["completion"].strip() or not answer:
            raise Refusal("Training row %(row)s has an empty answer. Remove it or correct the answer.", row=number)
        made.append({"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer})
    longest = max((len(example["input_ids"]) for example in made), default=0)
    if not made:
        raise Refusal("There are no training rows. Approve some answers first.")
    if longest > max_length:
        raise Refusal(
            "%(count)s training rows are longer than %(limit)s tokens, and cutting them would cut the answers: the "
            "longest has %(longest)s. Raise the maximum length or use a shorter prompt.",
            count=sum(len(example["input_ids"]) > max_length for example in made),
            limit=max_length,
            longest=longest,
        )
    return made


def _answer(tokenizer: Any, row: Row, ends: Sequence[int]) -> list[int]:
    """The tokens that the chat template writes for the answer, with the one that ends the turn."""
    messages = list(row["messages"])
    opened = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=False, enable_thinking=False
    )
    whole = tokenizer.apply_chat_template(
        [*messages, {"role": "assistant", "content": row["completion"]}], tokenize=False, enable_thinking=False
    )
    tokens = tokenizer(whole.removeprefix(opened), add_special_tokens=False)["input_ids"]
    end = max((at for at, token in enumerate(tokens) if token in ends), default=None)
    if not whole.startswith(opened) or end is None:
        raise Refusal(
            "The model's chat template does not end an answer with a token that the model stops at, so it would learn "
            "to go on for ever. Choose the instruct variant of the model, or correct its chat template."
        )
    return list(tokens[: end + 1])


def _sample(replay: Sequence[Row], rows: int, recipe: Recipe) -> list[Row]:
    """As many replay rows as make up their share of the whole, if there are that many."""
    wanted = round(rows * recipe.replay_share / (1 - recipe.replay_share))
    return random.Random(recipe.seed).sample(list(replay), min(wanted, len(replay)))


def _last(checkpoints: Path) -> str | None:
    """The newest checkpoint that was written to its end: the trainer's state is its last file."""
    found = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json")]
    return str(max(found, key=lambda path: int(path.name.partition("-")[2]))) if found else None


def _save(model: Any, target: Path, base: Path) -> None:
    """Write the adapter, with the hash of its base in the file's header, and put it in place in one step."""
    partial = target.with_name(target.name + ".partial")
    made = partial / "made"
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(made)
    tensors = load_file(made / "adapter_model.safetensors")
    metadata = {"format": "pt", "base": content.digest(weights.files(base))}
    save_file(tensors, partial / "adapter_model.safetensors", metadata)
    (made / "adapter_config.json").replace(partial / "adapter_config.json")
    shutil.rmtree(made)
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)


class _Trainer(SFTTrainer):  # type: ignore[misc]
    """TRL's trainer, with the vocabulary scored only where there is something to learn.

    TRL scores every position on a CPU. Prompts are two thirds of the tokens and the vocabulary costs as much as a
    third of the layers, so this is a quarter of the time (benchmarks/training.py).
    """

    def compute_loss(
        self, model: Any, inputs: dict[str, torch.Tensor], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Mean negative log-likelihood of the labelled tokens."""
        labels = inputs["labels"][:, 1:]
        columns = (labels != -100).any(dim=0).nonzero().squeeze(1)
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            logits_to_keep=columns,
            use_cache=False,
        )
        wanted = labels[:, columns]
        total = functional.cross_entropy(outputs.logits.float().flatten(0, 1), wanted.flatten(), reduction="sum")
        return total / (num_items_in_batch if num_items_in_batch is not None else (wanted != -100).sum())


class _Progress(TrainerCallback):  # type: ignore[misc]
    """Tells the job's folder about each step, and stops when the folder asks for it."""

    def __init__(self, folder: Path, batch_size: int) -> None:
        self.folder, self.batch_size = folder, batch_size
        self.stopped = False
        self.first_step, self.started, self.step = 0, time.monotonic(), 0

    def samples_per_second(self) -> float:
        steps = self.step - self.first_step
        return round(steps * self.batch_size / max(time.monotonic() - self.started, 1e-9), 3)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
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
