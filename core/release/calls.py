"""One question to one release: what it is asked with, what its answer says of itself, and what may be kept of it."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.generation.base import Message
from core.knowledge.shown import Shown
from core.release.bundles import Bundle
from core.release.replies import Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """`passages` are those that the release's index has for the question; none where it looks nothing up."""

    model: str
    """As it was asked for, such as `parcels-1a2b@production`."""
    task: Mapping[str, Any]
    bundle: Bundle
    question: str
    context: str
    fields: Mapping[str, str]
    passages: Sequence[Shown]
    streaming: bool
    number: str = field(default_factory=lambda: f"chatcmpl-{secrets.token_hex(12)}")
    began: float = field(default_factory=time.monotonic)

    @property
    def messages(self) -> tuple[Message, ...]:
        """The release's prompt around the question."""
        return self.bundle.messages(self.question, self.context, self.fields, self.passages)

    @property
    def head(self) -> dict[str, Any]:
        """What every part of the answer says of itself."""
        own = {"created": int(time.time()), "model": self.model, "system_fingerprint": self.bundle.folder.name}
        return {"id": self.number, **own}

    @property
    def cited(self) -> dict[str, Any]:
        """The passages behind the numbers in brackets, for whoever shows the answer."""
        if not self.bundle.manifest.get("index"):
            return {}
        told = ("number", "document", "page", "section", "text")
        return {"passages": [{name: getattr(one, name) for name in told} for one in self.passages]}

    def line(self, whole: Whole) -> dict[str, Any]:
        """What is kept of the question and its answer, as `production.take_in` reads it; latency in seconds."""
        manifest = self.bundle.manifest
        return {
            "served_id": secrets.token_hex(16),
            "task_id": self.task["task_id"],
            "release_id": self.bundle.folder.name,
            "model": self.model,
            "model_id": manifest["model"].get("model_id"),
            "index_id": (manifest.get("index") or {}).get("index_id"),
            "passages": [one.passage_id for one in self.passages],
            "input": self.question,
            "context": self.context,
            "fields": dict(self.fields),
            "answer": whole.text,
            "prompt_tokens": whole.prompt_tokens,
            "completion_tokens": whole.completion_tokens,
            "latency_s": round(time.monotonic() - self.began, 3),
            "at": datetime.now(UTC).replace(tzinfo=None).isoformat(),
        }
