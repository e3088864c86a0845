"""A model of a sentence-transformers folder at work, in a process of its own: texts in, vectors out.

`python -m core.generation.encoder FOLDER` reads JSON lines from standard input, `{"texts", "question"}`, and answers
each with one: `{"length", "vectors"}` (base64 of float32), or `{"problem"}`. It ends when nobody asks for `IDLE_S`
seconds, or when its input does.
"""

import base64
import json
import os
import select
import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

IDLE_S = 300.0
BATCH = 32
LONGEST = 512
"""Tokens, where the folder does not say."""


class Encoder:
    """The folder's model with its pooling and its prompts."""

    def __init__(self, folder: Path) -> None:
        modules = {one["type"].rpartition(".")[2]: one["path"] for one in _json(folder / "modules.json", [])}
        if unknown := set(modules) - {"Transformer", "Pooling", "Normalize"}:
            raise ValueError(f"modules.json: {', '.join(sorted(unknown))}")
        root = folder / modules.get("Transformer", "")
        pooling = _json(folder / modules.get("Pooling", "1_Pooling") / "config.json", {})
        named = [name.removeprefix("pooling_mode_") for name, on in pooling.items() if on is True]
        known = {"cls_token": "cls", "mean_tokens": "mean", "lasttoken": "lasttoken"}
        self.pooling = pooling.get("pooling_mode") or next((known[name] for name in named if name in known), "")
        if not pooling:
            self.pooling = "mean"  # what sentence-transformers does with a bare model
        if self.pooling not in ("cls", "mean", "lasttoken"):
            raise ValueError(f"1_Pooling: {', '.join(named) or self.pooling}")
        told = _json(root / "sentence_bert_config.json", {})
        prompts = _json(folder / "config_sentence_transformers.json", {}).get("prompts") or {}
        self.prompts = {True: prompts.get("query"), False: prompts.get("document") or prompts.get("passage")}
        self.lower = bool(told.get("do_lower_case"))
        self.tokenizer = AutoTokenizer.from_pretrained(root, local_files_only=True)
        self.model = AutoModel.from_pretrained(root, local_files_only=True, use_safetensors=True, dtype=torch.float32)
        self.model.eval()
        self.longest = told.get("max_seq_length") or min(self.tokenizer.model_max_length, LONGEST)

    @torch.inference_mode()
    def encode(self, texts: list[str], *, question: bool) -> torch.Tensor:
        """A vector of length 1 for each text, texts × dimensions."""
        asked = [(self.prompts[question] or "") + (text.lower() if self.lower else text) for text in texts]
        order = sorted(range(len(asked)), key=lambda place: len(asked[place]))
        found: list[torch.Tensor] = [torch.empty(0)] * len(asked)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = self.tokenizer(
                [asked[place] for place in places], padding=True, truncation=True, max_length=self.longest,
                return_tensors="pt",
            )  # fmt: skip
            pooled = self._pool(self.model(**batch).last_hidden_state, batch["attention_mask"])
            for place, vector in zip(places, torch.nn.functional.normalize(pooled, dim=-1), strict=True):
                found[place] = vector
        return torch.stack(found)

    def _pool(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        if self.pooling == "cls":
            return states[:, 0]
        if self.pooling == "lasttoken":
            last = (mask * torch.arange(mask.shape[1])).argmax(dim=1)
            return states[torch.arange(len(states)), last]
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)


def _json(path: Path, otherwise: Any) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else otherwise


def main(folder: Path) -> None:
    """Answer one line after the other."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what libraries print is no answer
        encoder: Encoder | None = None
        while select.select([sys.stdin.buffer], [], [], IDLE_S)[0] and (line := sys.stdin.buffer.readline()):
            asked = json.loads(line)
            said: dict[str, Any]
            try:
                encoder = encoder or Encoder(folder)
                found = encoder.encode(asked["texts"], question=asked["question"]).numpy().astype("<f4")
            except Exception as error:  # a folder may hold anything, and whoever asked has to be told
                said = {"problem": f"{type(error).__name__}: {error}"[:300]}
            else:
                said = {"length": found.shape[1], "vectors": base64.b64encode(found.tobytes()).decode()}
            out.write(json.dumps(said).encode() + b"\n")
            out.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
