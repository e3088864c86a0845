"""Samples a second of training: ours against TRL's defaults, on the same rows, batches, rank and learning rate.

`python benchmarks/training.py [--model FOLDER]`; without a folder it is the starter model, fetched if need
be. TRL computes in float32, which is what it takes on a CPU, we in the precision that this machine is fast at. Each
runs in a process of its own, so that peak memory is its own, too. The share of the matmul peak counts what the frozen
weights cost in the tokens that were really laid out: two operations for each weight forward and two backward, and the
vocabulary only where a token is learned; attention and adapters come on top and are not counted.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
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
from core.training import lora, machine, schedules, sequences  # noqa: E402
from core.training.recipes import Recipe  # noqa: E402

ROWS = 24
SIDE = 2048
"""Rows and columns of the matrices that the machine's peak is measured with."""
RECIPE = Recipe(epochs=1, replay_share=0.0)


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


def theirs(base: Path) -> dict[str, float]:
    """One epoch with TRL as it comes: rows side by side, checkpointed activations, all logits."""
    with tempfile.TemporaryDirectory() as folder:
        trainer = SFTTrainer(
            model=str(base),
            args=SFTConfig(
                output_dir=folder,
                num_train_epochs=1,
                per_device_train_batch_size=RECIPE.batch_size,
                learning_rate=RECIPE.learning_rate,
                save_strategy="no",
                report_to="none",
                disable_tqdm=True,
                use_cpu=weights.device() == "cpu",
                bf16=False,
                model_init_kwargs={"dtype": "float32"},
            ),
            train_dataset=Dataset.from_list(
                [
                    {"prompt": row["messages"], "completion": [{"role": "assistant", "content": row["completion"]}]}
                    for row in rows()
                ]
            ),
            peft_config=LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear", r=RECIPE.rank),
        )
        started = time.perf_counter()
        trainer.train()
        seconds = time.perf_counter() - started
    return {"samples_per_second": ROWS / seconds, "peak_bytes": machine.peak_bytes(weights.device())}


def ours(base: Path) -> dict[str, float]:
    """The same epoch with our trainer."""
    with tempfile.TemporaryDirectory() as folder:
        summary = lora.train(Path(folder), base, RECIPE, rows())["summary"]
    return {name: summary[name] for name in ("samples_per_second", "peak_bytes")}


def operations(base: Path) -> dict[str, float]:
    """Floating-point operations for each sample of our epoch, and how many the machine can do in a second."""
    device = weights.device()
    tokenizer, model = weights.tokenizer(base), weights.model(base, device=device, dtype=weights.precision(device))
    head = model.get_output_embeddings()
    linear = sum(part.weight.numel() for part in model.modules() if isinstance(part, torch.nn.Linear))
    vocabulary = head.weight.numel()
    given = sequences.examples(tokenizer, rows(), ends=weights.ends(model, tokenizer), max_length=RECIPE.max_length)
    order = schedules.order(ROWS, 0, RECIPE)
    collator = sequences.Collator(
        pad=0, hidden_size=model.config.get_text_config().hidden_size, shares=weights.sees_all(model)
    )
    done = 0.0
    for start in range(0, ROWS, RECIPE.batch_size):
        batch = collator.lay_out([given[place] for place in order[start : start + RECIPE.batch_size]])
        learned = int((batch["labels"][:, 1:] != -100).any(dim=0).sum()) * len(batch["labels"])
        done += 4.0 * (batch["input_ids"].numel() * (linear - vocabulary) + learned * vocabulary)
    return {"per_sample": done / ROWS, "per_second": peak(device)}


def peak(device: str) -> float:
    """Operations a second in the best of ten products of two square matrices, in the precision that we train in."""
    one = torch.rand(SIDE, SIDE, dtype=weights.precision(device), device=device)
    times = []
    for _ in range(10):
        started = time.perf_counter()
        (one @ one).flatten()[0].item()
        times.append(time.perf_counter() - started)
    return 2.0 * SIDE**3 / min(times)


def alone(work: Callable[[Path], dict[str, float]], base: Path) -> dict[str, float]:
    """What the work returns from a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(work, base).result()


def main(base: Path) -> None:
    """Print both speeds, their ratio, memory, and our share of the machine's peak."""
    them, us, counted = (alone(work, base) for work in (theirs, ours, operations))
    ratio = us["samples_per_second"] / them["samples_per_second"]
    share = us["samples_per_second"] * counted["per_sample"] / counted["per_second"]
    for name, found in (("TRL as it comes", them), ("ours", us)):
        print(f"{name:<16} {found['samples_per_second']:6.2f} samples/s   {found['peak_bytes'] / 1e9:.2f} GB at most")
    print(f"ours is {ratio:.1f} times TRL and does {share:.0%} of the matmul peak of "
          f"{counted['per_second'] / 1e9:.0f} GFLOP/s")  # fmt: skip


if __name__ == "__main__":
    main(_model.folder(__doc__))
