"""`python -m core serve`: releases behind an OpenAI-compatible endpoint, beside the app and without its database.

`POST /v1/chat/completions` with `model="<task>@production"` applies the bundle that the alias points at: its prompt,
its base and its adapter. The app tells by files where aliases point and which keys count; the server looks at them
before each answer, so a move or a rollback counts from the next question on, without a restart.
"""

import asyncio
import hashlib
import json
import os
import random
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import Refusal
from core.release import bundles
from core.release.bundles import Bundle
from core.settings import REPOSITORY, Settings

LARGEST_BODY = 1_000_000
MOST_AT_ONCE = 32
"""Questions that are answered together at most."""

Work = tuple[Bundle, tuple[dict[str, str], ...], "asyncio.Future[dict[str, Any]]"]


class Refused(Exception):
    """An answer that is an error, in the form that OpenAI gives it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Desk:
    """What the server knows: the published files, the bundles it has checked, and its worker."""

    def __init__(self, settings: Settings) -> None:
        self.folder, self.served = settings.data / "releases", settings.data / "served"
        self._checked: dict[tuple[str, str], Bundle] = {}
        self._waiting: asyncio.Queue[Work] = asyncio.Queue()
        self._worker: asyncio.subprocess.Process | None = None

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

    async def answer(self, bundle: Bundle, messages: tuple[dict[str, str], ...]) -> dict[str, Any]:
        """The model's answer; questions that wait together are answered together."""
        done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        await self._waiting.put((bundle, messages, done))
        return await done

    async def work(self) -> None:
        """Take what waits, as many of one bundle as there are, until the server ends."""
        held: Work | None = None
        while True:
            first = held or await self._waiting.get()
            held, batch = None, [first]
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                following = self._waiting.get_nowait()
                if following[0] is not first[0]:
                    held = following
                    break
                batch.append(following)
            try:
                replies = await self._ask(first[0], [messages for _, messages, _ in batch])
            except (Refused, OSError, ValueError) as error:
                await self.close()
                for _, _, done in batch:
                    if not done.done():
                        done.set_exception(error if isinstance(error, Refused) else Refused(503, "The model stopped."))
                continue
            for (_, _, done), reply in zip(batch, replies, strict=True):
                if not done.done():
                    done.set_result(reply)

    async def _ask(self, bundle: Bundle, questions: list[tuple[dict[str, str], ...]]) -> list[dict[str, Any]]:
        if self._worker is None or self._worker.returncode is not None:
            self._worker = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "core.release.answering",
                cwd=REPOSITORY,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=2**26,
            )
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        adapter = str(bundle.adapter) if bundle.adapter else None
        batch = {"base": str(bundle.base), "adapter": adapter, "decoding": asdict(bundle.decoding)}
        self._worker.stdin.write((json.dumps(batch | {"requests": questions}) + "\n").encode())
        await self._worker.stdin.drain()
        line = await self._worker.stdout.readline()
        if not line:
            raise Refused(503, "The model's process ended. Ask again; it is started anew.")
        reply = json.loads(line)
        if "refusal" in reply:
            raise Refused(503, reply["refusal"])
        return list(reply["answers"])

    async def close(self) -> None:
        """End the worker."""
        if self._worker is not None and self._worker.returncode is None:
            self._worker.kill()
            await self._worker.wait()
        self._worker = None

    def log(self, task: Mapping[str, Any], bundle: Bundle, question: str, context: str, answer: str) -> None:
        """Keep this share of the questions with their answers for new eval sets, if the task's people asked for it."""
        if random.random() >= task["logged_share"]:
            return
        self.served.mkdir(parents=True, exist_ok=True)
        line = {"served_id": secrets.token_hex(16), "task_id": task["task_id"], "release_id": bundle.folder.name}
        line |= {"input": question, "context": context, "answer": answer}
        line |= {"at": datetime.now(UTC).replace(tzinfo=None).isoformat()}
        path = self.served / f"{datetime.now(UTC):%Y%m%d}.jsonl"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600), "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def app(settings: Settings) -> Starlette:
    """The server's routes."""
    desk = Desk(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        working = asyncio.create_task(desk.work())
        yield
        working.cancel()
        await desk.close()

    async def complete(request: Request) -> Response:
        try:
            _check_key(desk, request)
            body = await _body(request)
            task, bundle = await run_in_threadpool(desk.bundle, str(body.get("model")))
            question, context = _question(body)
            found = await desk.answer(bundle, bundle.messages(question, context))
            if found["failure"]:
                raise Refused(502, found["failure"])
            await run_in_threadpool(desk.log, task, bundle, question, context, found["text"])
        except Refused as refused:
            return _error(refused)
        return _stream(body, bundle, found) if body.get("stream") else JSONResponse(_whole(body, bundle, found))

    async def models(request: Request) -> Response:
        try:
            _check_key(desk, request)
        except Refused as refused:
            return _error(refused)
        names = [
            f"{name}@{alias}" for name, task in desk.published("aliases.json").items() for alias in task["aliases"]
        ]
        return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    async def alive(_request: Request) -> Response:
        return JSONResponse({"ok": True})

    routes = [
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/v1/models", models),
        Route("/healthz", alive),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def _check_key(desk: Desk, request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    given = hashlib.sha256(key.strip().encode()).hexdigest()
    known = desk.published("keys.json") or []
    if scheme.lower() != "bearer" or not any(secrets.compare_digest(given, one) for one in known):
        raise Refused(401, "This needs a key: Authorization: Bearer <key>. Make one under Release, Releases.")


async def _body(request: Request) -> dict[str, Any]:
    received = b""
    async for chunk in request.stream():
        received += chunk
        if len(received) > LARGEST_BODY:
            raise Refused(413, f"The question is larger than {LARGEST_BODY} bytes.")
    try:
        body = json.loads(received)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "The body is not a JSON object.")
    return body


def _question(body: Mapping[str, Any]) -> tuple[str, str]:
    """The one question that a release was signed for; the prompt around it is the release's own."""
    messages = body.get("messages")
    asked = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    if [one.get("role") for one in asked] != ["user"] or not isinstance(asked[0].get("content"), str):
        raise Refused(400, "Send exactly one message, from the user, as text: the release brings its own prompt.")
    context = body.get("context", "")
    if not isinstance(context, str):
        raise Refused(400, "The context is a text.")
    return asked[0]["content"], context


def _whole(body: Mapping[str, Any], bundle: Bundle, found: Mapping[str, Any]) -> dict[str, Any]:
    counts = [found["prompt_tokens"] or 0, found["completion_tokens"] or 0]
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "system_fingerprint": bundle.folder.name,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": found["text"]}}],
        "usage": {
            "prompt_tokens": counts[0],
            "completion_tokens": counts[1],
            "total_tokens": sum(counts),
        },
    }


def _stream(body: Mapping[str, Any], bundle: Bundle, found: Mapping[str, Any]) -> Response:
    """The answer in the events that clients expect. It is sent when it is whole: batches are decoded together."""
    whole = _whole(body, bundle, found)
    head = {key: whole[key] for key in ("id", "created", "model", "system_fingerprint")}
    head["object"] = "chat.completion.chunk"

    def event(delta: dict[str, str], finish: str | None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({**head, 'choices': [choice]}, ensure_ascii=False)}\n\n"

    async def events() -> AsyncIterator[str]:
        yield event({"role": "assistant", "content": found["text"]}, None)
        yield event({}, "stop")
        yield "data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _error(refused: Refused) -> Response:
    return JSONResponse(
        {"error": {"message": str(refused), "type": "invalid_request_error", "code": refused.status}}, refused.status
    )


def run(settings: Settings, *, host: str, port: int) -> None:
    """Serve until stopped."""
    uvicorn.run(app(settings), host=host, port=port, log_level="warning")
