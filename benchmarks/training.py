"""Samples a second of training: ours against TRL's defaults, on the same rows, batches, rank and learning rate.

`python benchmarks/training.py [--model FOLDER]`; without a folder it is the starter model, fetched if need be. TRL
computes in float32, which is what it takes on a CPU, we in the precision that this machine is fast at.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import _model  # noqa: E402
from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

from core import settings  # noqa: E402
from core.generation import weights  # noqa: E402
from core.training import lora  # noqa: E402
from core.training.recipes import Recipe  # noqa: E402

ROWS = 24
RECIPE = Recipe(epochs=1, replay_share=0.0)


def rows() -> list[dict[str, object]]:
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


def theirs(base: Path, folder: Path) -> float:
    """Seconds for one epoch with TRL as it comes: rows side by side, checkpointed activations, all logits."""
    trainer = SFTTrainer(
        model=str(base),
        args=SFTConfig(
            output_dir=str(folder),
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
    return time.perf_counter() - started


def main(base: Path) -> None:
    """Print both speeds and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        theirs_s = theirs(base, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        ours = lora.train(Path(folder), base, RECIPE, rows())["summary"]["samples_per_second"]
    print(f"TRL as it comes  {ROWS / theirs_s:6.2f} samples/s")
    print(f"ours             {ours:6.2f} samples/s   {ours * theirs_s / ROWS:.1f} times TRL")


if __name__ == "__main__":
    main(_model.folder(__doc__))
