"""What a training says while it runs, and the best it has had so far. Workers only (transformers)."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from core.errors import Refusal
from core.generation import weights
from core.jobs import folder as job_folder
from core.training.recipes import Recipe
from core.training.sequences import Row

PROMPTS = 3
"""So many fixed prompts are answered after each epoch."""

LONGEST = 96
"""Tokens of such an answer at most: it is for a look, and training waits for it."""


class Progress(TrainerCallback):  # type: ignore[misc]
    """Tells the job's folder about each step, looks at held-out rows and sample answers after each epoch, keeps the
    best adapter, and ends when the folder asks for it or when nothing gets better any more."""

    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        *,
        epoch: int,
        tokens: float,
        watched: bool,
        answer: Callable[[Any], list[dict[str, str]]],
        save: Callable[[Any, Path], None],
    ) -> None:
        """`epoch` is its steps, `tokens` a row's mean length; `watched`, whether there are held-out rows."""
        self.folder, self.recipe, self.epoch, self.tokens = folder, recipe, epoch, tokens
        self.watched, self.answer, self.save = watched, answer, save
        self.stopped = self.ended_early = False
        self.first_step, self.started, self.step = 0, time.monotonic(), 0
        self.waited = 0.0
        """Seconds that went into looking and not into learning."""
        self.seen = _seen(folder)

    @property
    def best(self) -> Path | None:
        """The best adapter so far, if held-out rows have told one."""
        return self.folder / "best" if self.seen and (self.folder / "best").is_dir() else None

    def samples_per_second(self) -> float:
        steps, seconds = self.step - self.first_step, time.monotonic() - self.started - self.waited
        return round(steps * self.recipe.batch_size / max(seconds, 1e-9), 3)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self.first_step, self.started = state.global_step, time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, model: Any = None, **_: Any
    ) -> None:
        self.step = state.global_step
        if job_folder.asked_to_stop(self.folder):
            self.stopped = control.should_training_stop = control.should_save = True
        elif self._ends_an_epoch(state):
            control.should_evaluate = self.watched
            with self._waiting():
                answers = self.answer(model)
                job_folder.tell(self.folder, "samples", step=self.step, epoch=self._epoch(state), answers=answers)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: Any = None,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        found = (metrics or {})["eval_loss"]
        self.waited += (metrics or {}).get("eval_runtime", 0.0)
        _check_number(found, state.global_step)
        job_folder.tell(self.folder, "held_out", step=state.global_step, epoch=self._epoch(state), eval_loss=found)
        if found < min((loss for step, loss in self.seen.items() if step != state.global_step), default=math.inf):
            with self._waiting():
                self.save(model, self.folder / "best")
        self.seen[state.global_step] = found
        job_folder.write_json(self.folder / "held_out.json", list(self.seen.items()))
        steps = sorted(self.seen)
        since = len(steps) - 1 - steps.index(min(steps, key=lambda step: self.seen[step]))
        if since >= self.recipe.patience and state.global_step < state.max_steps:
            self.ended_early = control.should_training_stop = True

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        if "loss" not in logs:
            return
        _check_number(logs["loss"], state.global_step)
        speed = self.samples_per_second()
        job_folder.tell(
            self.folder,
            "step",
            step=state.global_step,
            steps=state.max_steps,
            epoch=self._epoch(state),
            loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=logs["grad_norm"],
            samples_per_second=speed,
            tokens_per_second=round(speed * self.tokens, 1),
            eta_s=round((state.max_steps - state.global_step) * self.recipe.batch_size / speed),
            **({"preferred": logs["preferred"]} if "preferred" in logs else {}),
        )

    def _ends_an_epoch(self, state: TrainerState) -> bool:
        return state.global_step % self.epoch == 0 or state.global_step == state.max_steps

    def _epoch(self, state: TrainerState) -> float:
        return round(min(state.global_step / self.epoch, self.recipe.epochs), 2)

    @contextlib.contextmanager
    def _waiting(self) -> Any:
        began = time.monotonic()
        yield
        self.waited += time.monotonic() - began


def _seen(folder: Path) -> dict[int, float]:
    """The loss on held-out rows by step, of the attempts before this one."""
    path = folder / "held_out.json"
    return {int(step): loss for step, loss in json.loads(path.read_text("utf-8"))} if path.exists() else {}


def _check_number(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise Refusal(
            "At step %(step)s the loss was no longer a number. Lower the learning rate and start again.", step=step
        )


def answerer(tokenizer: Any, rows: Sequence[Row], ends: Sequence[int], dtype: torch.dtype) -> Any:
    """A function that has a model answer the first `PROMPTS` rows, greedily: `input`, `wanted` and `text` of each."""
    chosen = rows[:PROMPTS]
    prompts = [weights.prompt(tokenizer, row["messages"]) for row in chosen]
    pad = ends[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    width = max(map(len, prompts))
    ids = torch.tensor([[pad] * (width - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    wanted = max(len(tokenizer(row["completion"], add_special_tokens=False)["input_ids"]) for row in chosen)

    def answer(model: Any) -> list[dict[str, str]]:
        training = model.training
        model.eval()
        with torch.no_grad(), torch.autocast(model.device.type, torch.bfloat16, enabled=dtype is torch.bfloat16):
            made = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                max_new_tokens=min(wanted + 16, LONGEST),
                do_sample=False,
                eos_token_id=list(ends),
                pad_token_id=pad,
            )
        model.train(training)
        texts = tokenizer.batch_decode(made[:, width:], skip_special_tokens=True)
        return [
            {"input": row["messages"][-1]["content"], "wanted": row["completion"], "text": text}
            for row, text in zip(chosen, texts, strict=True)
        ]

    return answer
