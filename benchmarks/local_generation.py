"""Answers a second of a local model: ours against transformers' own `generate`, on the demo task's few-shot prompt.

`python benchmarks/local_generation.py [--model FOLDER]`; without one it is the starter model in the data folder,
fetched if it is not there.
Greedy, in float32, and every answer is compared token for token.
"""

import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import _model  # noqa: E402
import torch  # noqa: E402

from core import settings  # noqa: E402
from core.generation import local  # noqa: E402
from core.generation.base import Decoding, Request  # noqa: E402

SAMPLES, ALONE, BATCH, NEW = 48, 8, 16, 32


def requests() -> list[Request]:
    """The first demo messages behind rung B, the one with eight solved examples."""
    rung = json.loads((settings.SAMPLES / "prompts.json").read_text("utf-8"))["ladders"]["triage"][1]
    lines = (settings.SAMPLES / "card_triage.en.jsonl").read_text("utf-8").splitlines()[:SAMPLES]
    return [
        Request(
            key=str(number),
            messages=(
                {"role": "system", "content": rung["system"]},
                {"role": "user", "content": rung["template"].replace("{input}", json.loads(line)["input"])},
            ),
        )
        for number, line in enumerate(lines)
    ]


def plain(generator: local.LocalGenerator, asked: list[Request], size: int) -> list[str]:
    """What transformers answers in padded batches of `size`, each prompt read from its first token."""
    tokenizer = generator.tokenizer
    tokenizer.padding_side = "left"
    texts: list[str] = []
    for start in range(0, len(asked), size):
        messages = [list(request.messages) for request in asked[start : start + size]]
        prompts = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
        )
        tokens = generator.model.generate(**prompts, max_new_tokens=NEW, do_sample=False)
        texts += tokenizer.batch_decode(tokens[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)
    return texts


def main(folder: Path) -> None:
    """Print seconds for each sample and the ratios."""
    generator = local.load(folder, device="cpu", dtype=torch.float32)
    asked = requests()
    seconds = {}
    found = {}
    for name, size, few in (("one by one", 1, ALONE), (f"batches of {BATCH}", BATCH, SAMPLES)):
        started = time.perf_counter()
        found[name] = plain(generator, asked[:few], size)
        seconds[name] = (time.perf_counter() - started) / few
    started = time.perf_counter()
    batches = generator.generate(asked, Decoding(max_new_tokens=NEW))
    ours = {answer.key: answer.text for batch in batches for answer in batch}
    seconds["ours"] = (time.perf_counter() - started) / SAMPLES
    for name, each in seconds.items():
        print(f"{name:16s} {each:6.2f} s a sample   {each / seconds['ours']:5.1f} times ours")
    same = sum(ours[str(number)] == text for number, text in enumerate(found["one by one"]))
    print(f"equal to one by one: {same} of {ALONE}")


if __name__ == "__main__":
    main(_model.folder(__doc__))
