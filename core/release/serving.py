"""`python -m core serve`: releases behind an OpenAI-compatible endpoint, beside the app and without its database.

`POST /v1/chat/completions` with `model="<task>@production"` applies the bundle that the alias points at: its prompt,
what its index has for the question, and its base and adapter or the endpoint that it names. The app tells by files
where aliases point and which keys count; the server looks at them before each answer, so a move or a rollback counts
from the next question on, without a restart.
"""

import asyncio
import hashlib
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from core.errors import Refusal
from core.knowledge.shown import Shown
from core.release import enclosures
from core.release.bundles import Bundle
from core.release.calls import Call
from core.release.desk import Desk
from core.release.replies import Refused, Reply, Whole
from core.settings import Settings

LARGEST_BODY = 1_000_000


def app(settings: Settings) -> Starlette:
    """The server's routes."""
    desk = Desk(settings)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        working = asyncio.create_task(desk.bench.work())
        yield
        working.cancel()
        await desk.close()

    async def complete(request: Request) -> Response:
        try:
            _check_key(desk, request)
            call = await _call(desk, await _body(request))
            reply = desk.ask(call)
            first = await anext(reply)  # what fails before the first word is an error and no answer
        except Refused as refused:
            return _error(refused)
        if call.streaming:
            return StreamingResponse(_events(desk, call, first, reply), media_type="text/event-stream")
        assert isinstance(first, Whole)
        await run_in_threadpool(desk.log, call, first)
        return JSONResponse(_completion(call, first))

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


async def _call(desk: Desk, body: Mapping[str, Any]) -> Call:
    """The one question that a release was signed for; the prompt around it is the release's own."""
    model = str(body.get("model"))
    task, bundle = await run_in_threadpool(desk.bundle, model)
    messages = body.get("messages")
    asked = [one for one in messages if isinstance(one, dict)] if isinstance(messages, list) else []
    if [one.get("role") for one in asked] != ["user"] or not isinstance(asked[0].get("content"), str):
        raise Refused(400, "Send exactly one message, from the user, as text: the release brings its own prompt.")
    context = body.get("context", "")
    if not isinstance(context, str):
        raise Refused(400, "The context is a text.")
    fields = body.get("fields", {})
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise Refused(400, "The fields are an object of texts.")
    question = asked[0]["content"]
    return Call(
        model=model,
        task=task,
        bundle=bundle,
        question=question,
        context=context,
        fields=fields,
        passages=await _looked_up(bundle, question),
        streaming=bool(body.get("stream")),
    )


async def _looked_up(bundle: Bundle, question: str) -> tuple[Shown, ...]:
    try:
        return await run_in_threadpool(enclosures.look_up, bundle, question)
    except Refusal as refusal:  # no vector for the question could be had
        raise Refused(503, str(refusal)) from refusal


def _completion(call: Call, whole: Whole) -> dict[str, Any]:
    counts = [whole.prompt_tokens or 0, whole.completion_tokens or 0]
    message = {"role": "assistant", "content": whole.text}
    return {
        **call.head,
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        **call.cited,
        "usage": {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)},
    }


async def _events(desk: Desk, call: Call, first: str | Whole, reply: Reply) -> AsyncIterator[str]:
    """The answer in the events that clients expect, each piece as soon as the model has made it."""
    head = {**call.head, "object": "chat.completion.chunk"}

    def event(delta: dict[str, str], finish: str | None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _line({**head, "choices": [choice], **more})

    async def pieces() -> Reply:
        yield first
        async for piece in reply:
            yield piece

    yield event({"role": "assistant", "content": ""}, None, **call.cited)
    try:
        async with aclosing(pieces()) as all_pieces:
            async for piece in all_pieces:
                if isinstance(piece, str):
                    yield event({"content": piece}, None)
                else:
                    await run_in_threadpool(desk.log, call, piece)
                    yield event({}, "stop")
    except Refused as refused:
        yield _line(_described(refused))  # the words before it have gone out already
    yield "data: [DONE]\n\n"


def _line(value: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


def _described(refused: Refused) -> dict[str, Any]:
    return {"error": {"message": str(refused), "type": "invalid_request_error", "code": refused.status}}


def _error(refused: Refused) -> Response:
    return JSONResponse(_described(refused), refused.status)


def run(settings: Settings, *, host: str, port: int) -> None:
    """Serve until stopped."""
    uvicorn.run(app(settings), host=host, port=port, log_level="warning")
