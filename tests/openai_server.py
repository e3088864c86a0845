"""A small OpenAI-compatible server on this machine, with faults on demand. Real HTTP over a real socket."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from zlib import crc32

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Fault = Callable[[], Awaitable[Response]]


@dataclass
class Server:
    """What the server does, changeable while it runs, and what it has seen.

    `structured` are the forms of answer that it can be held to. `streams` sends words as they come, where asked to.

    `answer` makes the text from the request body. `faults` maps the last message's text (or "*" for any) to what
    happens instead, one fault per call until there are none left.
    """

    base_url: str = ""
    streams: bool = True
    go_on: threading.Event = field(default_factory=threading.Event)
    """What a stream waits for after its first word."""
    answer: Callable[[dict[str, Any]], str] = lambda body: "echo: " + body["messages"][-1]["content"]
    embed: Callable[[str], list[float]] = lambda text: bag(text)
    models: tuple[str, ...] = ("tiny",)
    structured: tuple[str, ...] = ("json_schema", "json_object", "text")
    key: str | None = None
    delay_s: float = 0.0
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    seen: list[dict[str, Any]] = field(default_factory=list)
    embedded: list[list[str]] = field(default_factory=list)
    """The texts of each call for vectors; `faults` has what happens to it under "embeddings"."""
    headers: list[dict[str, str]] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    gone: int = 0
    """Callers that did not wait for their answer; noticed where it takes longer than a second."""
    at_once: int = 0
    most_at_once: int = 0


@contextmanager
def serve(**settings: Any) -> Iterator[Server]:
    """Serve on a free port until the block ends."""
    state = Server(**settings)
    app = Starlette(
        routes=[
            Route("/v1/chat/completions", partial(_chat, state), methods=["POST"]),
            Route("/v1/embeddings", partial(_embeddings, state), methods=["POST"]),
            Route("/v1/models", partial(_models, state)),
        ]
    )
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    state.base_url = f"http://127.0.0.1:{port}/v1"
    try:
        yield state
    finally:
        server.should_exit = True
        thread.join()


async def _chat(state: Server, request: Request) -> Response:
    state.arrived.append(time.time())
    body = await request.json()
    state.seen.append(body)
    state.headers.append(dict(request.headers))
    state.at_once += 1
    state.most_at_once = max(state.most_at_once, state.at_once)
    try:
        if state.key and request.headers.get("authorization") != f"Bearer {state.key}":
            given = request.headers.get("authorization", "")
            return error(401, f"Incorrect API key provided: {given}")
        if body["model"] not in state.models:
            return error(404, f"The model {body['model']} does not exist")
        wanted = body.get("response_format", {"type": "text"})["type"]
        if wanted not in state.structured:
            return error(400, f"response_format {wanted} is not supported")
        await _wait(state, request)
        for text in (body["messages"][-1]["content"], "*"):
            if state.faults.get(text):
                return await state.faults[text].pop(0)()
        if body.get("stream") and state.streams:
            return StreamingResponse(_words(state, body), media_type="text/event-stream")
        return completion(state.answer(body), model=body["model"])
    finally:
        state.at_once -= 1


async def _wait(state: Server, request: Request) -> None:
    """Wait out the delay, unless the caller goes away before."""
    ends = time.monotonic() + state.delay_s
    while state.delay_s > 1 and time.monotonic() < ends - 0.1:
        if await request.is_disconnected():
            state.gone += 1
            raise ClientDisconnect
        await asyncio.sleep(0.1)
    await asyncio.sleep(max(0.0, ends - time.monotonic()))


async def _words(state: Server, body: dict[str, Any]) -> AsyncIterator[str]:
    """The answer word by word; the second waits until it is told to go on."""

    def event(choice: dict[str, Any], **more: Any) -> str:
        return f"data: {json.dumps({'choices': [{'index': 0, **choice}], **more})}\n\n"

    yield event({"delta": {"role": "assistant"}, "finish_reason": None})
    for place, word in enumerate(state.answer(body).split(" ")):
        if place == 1:
            await asyncio.to_thread(state.go_on.wait, 30)
        yield event({"delta": {"content": " " * bool(place) + word}, "finish_reason": None})
    counts = {"prompt_tokens": 7, "completion_tokens": 3}
    yield event({"delta": {}, "finish_reason": "stop"}, usage=counts)
    yield "data: [DONE]\n\n"


async def _embeddings(state: Server, request: Request) -> Response:
    body = await request.json()
    state.embedded.append(body["input"])
    state.headers.append(dict(request.headers))
    if state.key and request.headers.get("authorization") != f"Bearer {state.key}":
        return error(401, "Incorrect API key provided")
    if body["model"] not in state.models:
        return error(404, f"The model {body['model']} does not exist")
    if state.faults.get("embeddings"):
        return await state.faults["embeddings"].pop(0)()
    return embeddings([state.embed(text) for text in body["input"]])


def embeddings(vectors: list[Any]) -> Response:
    """Vectors as OpenAI sends them, the last first, since their place is told."""
    data = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)]
    body = {"object": "list", "model": "tiny", "data": data[::-1], "usage": {"prompt_tokens": 7, "total_tokens": 7}}
    return Response(json.dumps(body), media_type="application/json")  # which writes NaN, too


def bag(text: str, size: int = 256) -> list[float]:
    """Counts of hashed pieces of three characters: texts that share words are near to each other, as for a model."""
    found = [0.0] * size
    spaced = f" {text.casefold()} "
    for place in range(len(spaced) - 2):
        found[crc32(spaced[place : place + 3].encode()) % size] += 1
    return found


async def _models(state: Server, _: Request) -> Response:
    return JSONResponse({"object": "list", "data": [{"id": name, "object": "model"} for name in state.models]})


def completion(text: str | None, *, model: str = "tiny", finish: str = "stop") -> Response:
    """A chat completion as OpenAI sends it."""
    return JSONResponse(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": model,
            "choices": [
                {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}},
            ],
            "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        }
    )


def error(status: int, message: str, **headers: str) -> Response:
    """An error as OpenAI sends it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": {"message": message, "type": "error"}}, status_code=status, headers=named)


def returns(response: Response) -> Fault:
    """Answer with this instead."""

    async def fault() -> Response:
        return response

    return fault


def hangs(seconds: float) -> Fault:
    """Answer, but late."""

    async def fault() -> Response:
        await asyncio.sleep(seconds)
        return completion("late")

    return fault


def cuts() -> Fault:
    """Begin an answer, then drop the connection."""

    async def fault() -> Response:
        async def half() -> AsyncIterator[bytes]:
            yield b'{"choices": ['
            raise ConnectionResetError

        return StreamingResponse(half(), media_type="application/json")

    return fault


def floods(status: int = 200) -> Fault:
    """Send spaces without end."""

    async def fault() -> Response:
        async def spaces() -> AsyncIterator[bytes]:
            while True:
                yield b" " * 65536
                await asyncio.sleep(0)

        return StreamingResponse(spaces(), status_code=status, media_type="application/json")

    return fault


def trickles() -> Fault:
    """Send one byte a second without end."""

    async def fault() -> Response:
        async def bytes_() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(1)

        return StreamingResponse(bytes_(), media_type="application/json")

    return fault
