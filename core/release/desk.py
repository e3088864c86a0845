"""What the server knows: the files that the app publishes, the bundles it has checked, and who answers for them."""

import json
import os
import random
from datetime import UTC, datetime
from typing import Any

from core.errors import Refusal
from core.release import bundles
from core.release.bench import Bench
from core.release.bundles import Bundle
from core.release.calls import Call
from core.release.relay import Relay
from core.release.replies import Refused, Reply, Whole
from core.settings import Settings


class Desk:
    """One server's view of the data folder, read anew before each answer."""

    def __init__(self, settings: Settings) -> None:
        self.folder, self.served = settings.data / "releases", settings.data / "served"
        self.bench, self.relay = Bench(), Relay()
        self._checked: dict[tuple[str, str], Bundle] = {}

    def published(self, name: str) -> Any:
        """What the app has written last; nothing when it has not."""
        path = self.folder / name
        return json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def bundle(self, model: str) -> tuple[dict[str, Any], Bundle]:
        """The task's entry and the bundle behind a name such as `parcels-1a2b@production`."""
        name, _, alias = model.partition("@")
        task = self.published("aliases.json").get(name, {})
        target = task.get("aliases", {}).get(alias or "production")
        if target is None:
            raise Refused(404, f"There is no release {model!r}. GET /v1/models lists what there is.")
        known = target["release_id"], target["digest"]
        if known not in self._checked:
            try:
                found = bundles.read(self.folder / target["release_id"], target["digest"])
                bundles.check_base(found)
            except Refusal as refusal:
                raise Refused(503, str(refusal)) from refusal
            self._checked[known] = found
        return task, self._checked[known]

    def ask(self, call: Call) -> Reply:
        """The bundle's model answers the question within the bundle's prompt."""
        source = self.relay if call.bundle.remote else self.bench
        return source.ask(call.bundle, call.messages, streaming=call.streaming)

    def log(self, call: Call, whole: Whole) -> None:
        """Keep this share of the questions with their answers for new eval sets, if the task's people asked for it."""
        if random.random() >= call.task["logged_share"]:
            return
        self.served.mkdir(parents=True, exist_ok=True)
        line = json.dumps(call.line(whole), ensure_ascii=False)
        path = self.served / f"{datetime.now(UTC):%Y%m%d}.jsonl"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8") as file:
            file.write(line + "\n")

    async def close(self) -> None:
        """End the worker and the connections."""
        await self.bench.close()
        await self.relay.close()
