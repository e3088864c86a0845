"""The server's worker: one process that holds the model, so that the server itself stays light and can restart it.

It reads a JSON line a batch from its input and writes one back: `{"base", "adapter", "decoding", "requests":
[[messages], ...]}` to `{"answers": [{"text", "failure"}, ...]}` or `{"refusal": sentence}`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from core.errors import Refusal
from core.generation.base import Decoding, Request


def main() -> int:
    """Answer batches until the input ends; whatever libraries print goes to the error output."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    generator: Any = None
    for line in sys.stdin:
        batch = json.loads(line)
        try:
            generator = _loaded(generator, Path(batch["base"]), batch["adapter"])
            reply: dict[str, Any] = {"answers": _answers(generator, batch)}
        except Refusal as refusal:
            reply = {"refusal": str(refusal)}
        out.write(json.dumps(reply, ensure_ascii=False) + "\n")
        out.flush()
    return 0


def _loaded(generator: Any, base: Path, adapter: str | None) -> Any:
    from core.generation import local

    place = Path(adapter) if adapter else None
    if generator is not None and generator.path == base:
        generator.use(place)
        return generator
    return local.load(base, place)


def _answers(generator: Any, batch: dict[str, Any]) -> list[dict[str, Any]]:
    requests = [Request(key=str(place), messages=tuple(messages)) for place, messages in enumerate(batch["requests"])]
    found = {
        answer.key: {
            "text": answer.text,
            "failure": None if answer.failure is None else str(answer.failure),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
        }
        for answers in generator.generate(requests, Decoding(**batch["decoding"]))
        for answer in answers
    }
    return [found[request.key] for request in requests]


if __name__ == "__main__":
    raise SystemExit(main())
