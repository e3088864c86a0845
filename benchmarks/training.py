"""Samples a second of training: ours against TRL's defaults, on the same rows in the same order, batches and schedule.

`python benchmarks/training.py [--model FOLDER]`; without a folder it is the starter model, fetched if need
be. TRL computes in float32, which is what it takes on a CPU, we in the precision that this machine is fast at. Each
runs in a process of its own, so that peak memory is its own, too. Their losses stand side by side, and beside them ours
from another seed of the adapter, since what two seeds differ by is noise, and ours in TRL's precision. The share of the
matmul peak counts what the frozen weights cost in the tokens that were really laid out: two operations for each weight
forward and two backward, and the vocabulary only where a token is learned; attention and adapters come on top and are
not counted. Two peaks are measured: of large square matrices, and of the products that this model's own weights need.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import _model  # noqa: E402
import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

from core import settings  # noqa: E402
from core.generation import weights  # noqa: E402
from core.jobs import folder as job_folder  # noqa: E402
from core.training import attention, lora, machine, schedules, sequences  # noqa: E402
from core.training.recipes import Recipe  # noqa: E402

ROWS = 72
SIDE = 2048
"""Rows and columns of the matrices that the machine's peak is measured with."""
RECIPE = Recipe(epochs=1, replay_share=0.0, holdout=0.0)


def rows() -> list[dict[str, Any]]:
    """The first demo messages behind rung A, with the notes that are right."""
    rung = json.loads((settings.SAMPLES / "prompts.json").read_text("utf-8"))["ladders"]["triage"][0]
    lines = (settings.SAMPLES / "card_triage.en.jsonl").read_text("utf-8").splitlines()[:ROWS]
    samples = [json.loads(line) for line in lines]
    return [
        {
            "messages": [
                {"role": "system", "content": rung["system"]},
                {"role": "user", "content": rung["template"].replace("{input}", sample["input"])},
            ],
            "completion": json.dumps(sample["reference"]),
        }
        for sample in samples
    ]


def tokenised(base: Path) -> list[sequences.Example]:
    """The rows as both trainers get them: tokens, and a label for each token of the answer and of its end."""
    tokenizer = weights.tokenizer(base)
    ends = weights.ends(weights.model(base, device="cpu", dtype=torch.float32), tokenizer)
    return sequences.examples(tokenizer, rows(), ends=ends, max_length=RECIPE.max_length)


def theirs(base: Path) -> dict[str, Any]:
    """Our schedule with TRL as it comes: rows side by side, checkpointed activations, all logits.

    It is given our tokens and labels, so that both average over the same ones: left to itself, TRL also learns the line
    break that the chat template writes behind the end of the turn, which no model is ever asked for.
    """
    given = tokenised(base)
    ordered = [given[place] for place in schedules.order(ROWS, 0, RECIPE)]
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=str(base),
            args=SFTConfig(
                output_dir=folder,
                num_train_epochs=1,
                train_sampling_strategy="sequential",
                per_device_train_batch_size=RECIPE.batch_size,
                learning_rate=RECIPE.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=0.05,
                logging_steps=1,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                use_cpu=weights.device() == "cpu",
                bf16=False,
                model_init_kwargs={"dtype": "float32"},
            ),
            train_dataset=Dataset.from_list([dict(one) for one in ordered]),
            peft_config=LoraConfig(
                task_type="CAUSAL_LM", target_modules="all-linear", r=RECIPE.rank, lora_alpha=RECIPE.alpha
            ),
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    return {
        "samples_per_second": len(ordered) / seconds,
        "peak_bytes": machine.peak_bytes(weights.device()),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
    }


def ours(base: Path, seed: int = RECIPE.seed, dtype: torch.dtype | None = None) -> dict[str, Any]:
    """The same with our trainer; rows are given so that they come in the same order whatever the seed."""
    given, recipe = rows(), replace(RECIPE, seed=seed)
    arranged: list[dict[str, Any]] = [{}] * ROWS
    orders = (schedules.order(ROWS, 0, of) for of in (RECIPE, recipe))
    for wanted, place in zip(*orders, strict=True):
        arranged[place] = given[wanted]
    with tempfile.TemporaryDirectory() as folder:
        summary = lora.train(Path(folder), base, recipe, arranged, dtype=dtype)["summary"]
        losses = [event["loss"] for event in job_folder.events(Path(folder)) if event["event"] == "step"]
    return {"losses": losses, **{name: summary[name] for name in ("samples_per_second", "peak_bytes")}}


def other_seed(base: Path) -> dict[str, Any]:
    """Ours with another adapter to begin with."""
    return ours(base, seed=RECIPE.seed + 1)


def exact(base: Path) -> dict[str, Any]:
    """Ours in TRL's precision."""
    return ours(base, dtype=torch.float32)


def operations(base: Path) -> dict[str, float]:
    """Floating-point operations for each sample of ours, and how many the machine can do in a second."""
    device = weights.device()
    model = weights.model(base, device=device, dtype=weights.precision(device))
    head = model.get_output_embeddings()
    linear = sum(part.weight.numel() for part in model.modules() if isinstance(part, torch.nn.Linear))
    vocabulary = head.weight.numel()
    given = tokenised(base)
    order = schedules.order(ROWS, 0, RECIPE)
    collator = sequences.Collator(pad=0, shares=attention.install(model))
    done, tokens, steps = 0.0, 0, 0
    for start in range(0, len(order), RECIPE.batch_size):
        batch = collator.lay_out([given[place] for place in order[start : start + RECIPE.batch_size]])
        learned = int((batch["labels"][:, 1:] != -100).any(dim=0).sum()) * len(batch["labels"])
        done += 4.0 * (batch["input_ids"].numel() * (linear - vocabulary) + learned * vocabulary)
        tokens, steps = tokens + batch["input_ids"].numel(), steps + 1
    sizes = Counter(tuple(part.weight.shape) for part in model.modules() if isinstance(part, torch.nn.Linear))
    sizes[tuple(head.weight.shape)] -= 1
    del model, head
    return {
        "per_sample": done / len(order),
        "square": peak([(SIDE, SIDE, SIDE, 1)]),
        "own": peak([(tokens // steps, *size, times) for size, times in sizes.items()]),
    }


def peak(products: Sequence[tuple[int, int, int, int]]) -> float:
    """Operations a second in products of (tokens, inputs) by (inputs, outputs), each so many times, forward and back.

    They are given as (tokens, outputs, inputs, times), the best of ten counts, in the precision that we train in.
    """
    device = weights.device()
    operations = seconds = 0.0
    for tokens, outputs, inputs, times in products:
        weight = torch.rand(outputs, inputs, dtype=weights.precision(device), device=device)
        given, back = weight.new_ones(tokens, inputs), weight.new_ones(tokens, outputs)
        for one, other in ((given, weight.T), (back, weight)):
            took = []
            for _ in range(10):
                started = time.perf_counter()
                (one @ other).flatten()[0].item()
                took.append(time.perf_counter() - started)
            seconds += min(took) * times
            operations += 2.0 * tokens * outputs * inputs * times
    return operations / seconds


def alone(work: Callable[[Path], dict[str, Any]], base: Path) -> dict[str, Any]:
    """What the work returns from a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, base).result()


def main(base: Path) -> None:
    """Print both speeds, their ratio, memory, our share of the machine's peaks, and the losses side by side."""
    them, us, again, alike, counted = (alone(work, base) for work in (theirs, ours, other_seed, exact, operations))
    ratio = us["samples_per_second"] / them["samples_per_second"]
    reached = us["samples_per_second"] * counted["per_sample"]
    for name, found in (("TRL as it comes", them), ("ours", us)):
        print(f"{name:<16} {found['samples_per_second']:6.2f} samples/s   {found['peak_bytes'] / 1e9:.2f} GB at most")
    print(f"ours is {ratio:.1f} times TRL")
    for name, of in (("square matrices", "square"), ("products of the model's own sizes", "own")):
        print(f"ours does {reached / counted[of]:.0%} of the peak of {name}, {counted[of] / 1e9:.0f} GFLOP/s")
    print("loss at step " + "".join(f"{step:8}" for step in range(1, len(us["losses"]) + 1)))
    for name, found in (("TRL", them), ("ours", us), ("another seed", again), ("in float32", alike)):
        print(f"{name:<13}" + "".join(f"{loss:8.3f}" for loss in found["losses"]))
    noise = apart(us["losses"], again["losses"])
    print(f"ours is at most {apart(us['losses'], them['losses']):.3f} from TRL, and {noise:.3f} from another seed")
    print(f"in float32 as TRL: at most {apart(alike['losses'], them['losses']):.3f} from TRL")


def apart(some: Sequence[float], others: Sequence[float]) -> float:
    """The largest difference at any step."""
    return max(abs(one - other) for one, other in zip(some, others, strict=True))


if __name__ == "__main__":
    main(_model.folder(__doc__))
