"""Answers a second of a local model: ours against transformers' own `generate`, on the demo task's few-shot prompt,
brought to 527 tokens that all prompts begin with.

`python benchmarks/local_generation.py [--model FOLDER]`; without one it is the starter model in the data folder,
fetched if it is not there.
Greedy, in float32, 30 new tokens each, and every answer is compared with both.
"""

import json
import sys
import time
from itertools import takewhile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import _model  # noqa: E402
import torch  # noqa: E402

from core import settings  # noqa: E402
from core.generation import local, weights  # noqa: E402
from core.generation.base import Decoding, Request  # noqa: E402

SAMPLES, ALONE, BATCH, NEW, COMMON = 48, 8, 16, 30, 527


def requests(tokenizer: Any) -> list[Request]:
    """The first demo messages behind rung B, whose eight solved examples are joined by more until COMMON is reached."""
    rung = json.loads((settings.SAMPLES / "prompts.json").read_text("utf-8"))["ladders"]["triage"][1]
    samples = [json.loads(line) for line in (settings.SAMPLES / "card_triage.en.jsonl").read_text("utf-8").splitlines()]
    template, more = rung["template"], iter(samples[SAMPLES:])
    while True:
        messages = [
            (
                {"role": "system", "content": rung["system"]},
                {"role": "user", "content": template.replace("{input}", sample["input"])},
            )
            for sample in samples[:SAMPLES]
        ]
        prompts = [weights.prompt(tokenizer, each) for each in messages]
        common = sum(1 for _ in takewhile(lambda tokens: len(set(tokens)) == 1, zip(*prompts, strict=False)))
        if common >= COMMON:
            break
        solved = next(more)
        template = f"Message: {solved['input']}\nJSON: {json.dumps(solved['reference'])}\n\n{template}"
    rest = sum(map(len, prompts)) / SAMPLES - common
    print(f"{SAMPLES} prompts begin with the same {common} tokens and have {rest:.0f} more on average; {NEW} new ones")
    return [Request(key=str(number), messages=each) for number, each in enumerate(messages)]


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
    asked = requests(generator.tokenizer)
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
    for name, texts in found.items():
        same = sum(ours[str(number)] == text for number, text in enumerate(texts))
        print(f"equal to {name}: {same} of {len(texts)}")


if __name__ == "__main__":
    main(_model.folder(__doc__))
