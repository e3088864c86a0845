"""The gate in front of everything: nobody reaches a page, a file or the live connection without a session.

Streamlit would run a page for whoever connects, so the check is made before Streamlit, for every HTTP request, every
WebSocket and every message on it. Sign-in, set-up and sign-out are plain HTTP, since only HTTP can set a cookie that
scripts cannot read.
"""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import quote

from google.protobuf.message import DecodeError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util
from streamlit.proto.BackMsg_pb2 import BackMsg

from core.access import providers, sessions
from core.locale import catalogue
from core.locale.mark import N_
from pages._ui import company, entrance, recovery, state

OPEN = {"/sign-in", "/set-up", "/healthz", "/_stcore/health", company.START, providers.CALLBACK}
READING = {"GET", "HEAD"}
SESSION_HEADER = b"x-countersign-session"
"""Tells Streamlit whose connection this is (server.trustedUserHeaders), so that it never resumes the abandoned
session of somebody else. Only ever set here; what a browser sends under this name is dropped."""

FOREIGN = N_("This request came from another site and was refused. Open Countersign itself and try again.")
SIGNED_OUT = N_("You are signed out. Reload the page to sign in again.")


def _inline_scripts() -> str:
    """The hashes of the scripts inside Streamlit's own page: those may run, no others."""
    page = (Path(file_util.get_static_dir()) / "index.html").read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


APP_POLICY = "; ".join(
    [
        "default-src 'self'",
        f"script-src 'self' blob: {_inline_scripts()}",  # blob: is how Streamlit loads components
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",  # no picture in a model's answer may call home
        "font-src 'self' data:",
        "media-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": APP_POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer, browsers send forms with "Origin: null"
}


class Gate:
    """ASGI middleware that lets through what has a session, and the entrance to get one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HTTPConnection(scope)
        if scope["method"] not in READING and not same_origin(request.headers):
            answer: Response = PlainTextResponse(_say(request, FOREIGN), 403)
        elif state.damage() is not None:
            answer = await recovery.answer(Request(scope, receive))
        elif scope["path"] in OPEN or await run_in_threadpool(_is_signed_in, request, used=_is_a_visit(scope, request)):
            await self.app(scope, receive, send)
            return
        elif scope["method"] in READING and "text/html" in request.headers.get("accept", ""):
            answer = RedirectResponse("/sign-in" + _came_for(scope), 303)
        else:
            answer = JSONResponse(_say(request, SIGNED_OUT), 401)  # the only kind whose text Streamlit's page shows
        answer.headers["Cache-Control"] = "no-store"
        await answer(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        refused = state.damage() is not None or not same_origin(connection.headers)
        if refused or not await run_in_threadpool(_is_signed_in, connection):
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: HTTP 403
            return

        async def receive_signed_in() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                used = _was_by_hand(message)
                if not await run_in_threadpool(_is_signed_in, connection, used=used):
                    await send({"type": "websocket.close", "code": 1008})
                    return {"type": "websocket.disconnect", "code": 1008}
            return message

        own = sessions.fingerprint(connection.cookies[sessions.COOKIE]).encode()
        headers = [(name, value) for name, value in scope["headers"] if name != SESSION_HEADER]
        await self.app({**scope, "headers": [*headers, (SESSION_HEADER, own)]}, receive_signed_in, send)


def same_origin(headers: Headers) -> bool:
    """Whether the browser says that a page of ours made the request; other pages can send our cookie along too."""
    if (site := headers.get("sec-fetch-site")) is not None:
        return site == "same-origin"
    source = (headers.get("origin") or headers.get("referer") or "").partition("://")[2].partition("/")[0]
    return bool(source) and source == headers.get("host")


def _is_signed_in(connection: HTTPConnection, *, used: bool = False) -> bool:
    conn, token = state.conn(), connection.cookies.get(sessions.COOKIE)
    if token is None or sessions.person_of(conn, token, idle=state.settings().idle) is None:
        return False
    if used:
        sessions.used(conn, token)
    return True


def _is_a_visit(scope: Scope, request: HTTPConnection) -> bool:
    return scope["method"] not in READING or "text/html" in request.headers.get("accept", "")


def _was_by_hand(message: Message) -> bool:
    """Whether somebody did something: a page that refreshes itself does not keep a session alive."""
    said = BackMsg()
    try:
        said.ParseFromString(message.get("bytes") or b"")
    except DecodeError:
        return False
    return said.WhichOneof("type") == "rerun_script" and not said.rerun_script.is_auto_rerun


def _came_for(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    path = scope["path"] + ("?" + query if query else "")
    return "" if path == "/" else "?next=" + quote(path, safe="/")


def _say(connection: HTTPConnection, message: str) -> str:
    return catalogue.translate(entrance.language_of(connection), message)


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


middleware = [Middleware(Gate)]
