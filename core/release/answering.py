"""The server's worker: one process that holds the model, so that the server itself stays light and can restart it.

It reads a JSON line a batch from its input: `{"base", "adapter", "decoding", "requests": [[messages], ...], "told":
[places]}`. For the requests in `told` it writes each piece of text when it is decoded, `{"place", "piece"}`, and then,
for the batch, `{"answers": [{"text", "failure"}, ...]}`; or `{"refusal": sentence}`.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import Refusal
from core.generation.base import Decoding, Request

Write = Callable[[dict[str, Any]], None]


def main() -> int:
    """Answer batches until the input ends; whatever libraries print goes to the error output."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def write(value: dict[str, Any]) -> None:
        out.write(json.dumps(value, ensure_ascii=False) + "\n")
        out.flush()

    generator: Any = None
    for line in sys.stdin:
        batch = json.loads(line)
        try:
            generator = _loaded(generator, Path(batch["base"]), batch["adapter"])
            write({"answers": _answers(generator, batch, write)})
        except Refusal as refusal:
            write({"refusal": str(refusal)})
    return 0


def _loaded(generator: Any, base: Path, adapter: str | None) -> Any:
    from core.generation import local

    place = Path(adapter) if adapter else None
    if generator is not None and generator.path == base:
        generator.use(place)
        return generator
    return local.load(base, place)


def _answers(generator: Any, batch: dict[str, Any], write: Write) -> list[dict[str, Any]]:
    requests = [Request(key=str(place), messages=tuple(messages)) for place, messages in enumerate(batch["requests"])]
    wanted = {str(place) for place in batch.get("told", ())}

    def told(key: str, piece: str) -> None:
        if key in wanted:
            write({"place": int(key), "piece": piece})

    found = {
        answer.key: {
            "text": answer.text,
            "failure": None if answer.failure is None else str(answer.failure),
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
        }
        for answers in generator.generate(requests, Decoding(**batch["decoding"]), told=told if wanted else None)
        for answer in answers
    }
    return [found[request.key] for request in requests]


if __name__ == "__main__":
    raise SystemExit(main())
