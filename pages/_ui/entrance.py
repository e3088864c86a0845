"""The plain HTTP routes before and after a session, and what happens when the process starts and stops.

The first start makes a one-time token, as Jupyter does: it lives in this process's memory only, is printed with its
link, and is worthless as soon as the first person exists.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit import config

from core.access import people, sessions
from core.access.people import Person
from core.errors import Refusal
from core.evaluation import demo_task
from core.jobs import supervisor
from core.locale import catalogue
from core.locale.mark import N_
from core.release import production, publishing
from core.store import checks
from core.upkeep import backups
from pages._ui import state, static_pages

LANGUAGE_COOKIE = "countersign_language"
LONGEST_FORM = 16_384

_set_up_token: str | None = None


_threads: list[supervisor.Supervisor] = []


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Look after the jobs while the server runs, and say where it can be reached."""
    if damage := state.damage():
        print(f"{damage}\n{_address()} says what to do.", flush=True)
    else:
        begin()
    try:
        yield
    finally:
        for thread in _threads:
            thread.stop()
        _threads.clear()
        state.close()


def begin() -> None:
    """What runs beside the pages, once the database is as it should be."""
    settings, connection = state.settings(), state.database()
    demo_task.ensure(connection.cursor())
    publishing.publish(connection.cursor(), settings)
    backups.forget_requests(settings)
    _threads.append(supervisor.start(settings, connection))
    _threads.append(supervisor.Supervisor(lambda: backups.answer_requests(connection.cursor(), settings), 1.0))
    _threads.append(supervisor.Supervisor(lambda: production.look_after(connection.cursor(), settings), 600.0))
    if (bad := checks.known_bad(connection.cursor())) is not None:
        print(f"Entry {bad} of the audit trail is not as it was written: the database was altered.", flush=True)
    print(announcement(), flush=True)


def announcement() -> str:
    """The one line for the terminal; makes the set-up token when nobody exists yet."""
    global _set_up_token
    if people.any_exist(state.conn()):
        return f"Countersign is running: {_address()}"
    _set_up_token = secrets.token_urlsafe(24)
    return f"Open this link to set up Countersign (it works once): {_address()}/set-up?token={_set_up_token}"


def _address() -> str:
    host = config.get_option("server.address") or "127.0.0.1"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    scheme = "https" if config.get_option("server.sslCertFile") else "http"
    return f"{scheme}://{host}:{config.get_option('server.port')}"


def language_of(connection: HTTPConnection) -> str:
    """The language asked for in the URL, chosen before, or preferred by the browser; else English."""
    for wanted in (connection.query_params.get("lang"), connection.cookies.get(LANGUAGE_COOKIE)):
        if wanted in catalogue.LANGUAGES:
            return wanted
    return "zh" if connection.headers.get("accept-language", "").lower().startswith("zh") else "en"


def local_path(wanted: str) -> str:
    """The path if it stays on this site, else the start page: nobody is sent elsewhere after signing in.

    Browsers read a backslash as a slash and skip control characters, so neither may occur.
    """
    stays = wanted.startswith("/") and not wanted.startswith("//") and wanted.isprintable() and "\\" not in wanted
    return wanted if stays else "/"


async def sign_in(request: Request) -> Response:
    """Show the form, or sign in and go on to where the person wanted to go."""
    language = language_of(request)
    if not await run_in_threadpool(lambda: people.any_exist(state.conn())):
        return notice(request, N_("Not set up yet"), NOT_SET_UP)
    provider = await run_in_threadpool(state.provider)
    company = provider.label if provider else ""
    if request.method != "POST":
        next_path = local_path(request.query_params.get("next", "/"))
        return html(request, static_pages.sign_in(language, next_path=next_path, company=company))
    form = await read_form(request)
    next_path = local_path(form.get("next", "/"))
    name = form.get("name", "")
    try:
        person = await run_in_threadpool(lambda: people.verify(state.conn(), name, form.get("password", "")))
    except Refusal as refusal:
        alert = catalogue.refusal(language, refusal)
        page = static_pages.sign_in(language, next_path=next_path, name=name, alert=alert, company=company)
        return html(request, page, 403)
    return await admit(request, person, next_path)


async def set_up(request: Request) -> Response:
    """Show the form for the first person, or create them and sign them in; only with the token of the link."""
    global _set_up_token
    language = language_of(request)
    form = await read_form(request) if request.method == "POST" else {}
    token = form.get("token") or request.query_params.get("token", "")
    if not _set_up_token or not secrets.compare_digest(token.encode(), _set_up_token.encode()):
        return notice(request, N_("This link is not valid"), LINK_VOID, 403)
    if request.method != "POST":
        return html(request, static_pages.set_up(language, token=token))
    name, password = form.get("name", ""), form.get("password", "")
    try:
        if password != form.get("again", ""):
            raise Refusal("The two passwords differ. Type the same one twice.")
        person = await run_in_threadpool(lambda: people.create_first(state.conn(), name=name, password=password))
    except Refusal as refusal:
        alert = catalogue.refusal(language, refusal)
        return html(request, static_pages.set_up(language, token=token, name=name, alert=alert), 403)
    _set_up_token = None
    return await admit(request, person, "/")


async def sign_out(request: Request) -> Response:
    """End the session on the server and in the browser."""
    token = request.cookies.get(sessions.COOKIE)
    await run_in_threadpool(lambda: sessions.end(state.conn(), token))
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(sessions.COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return response


async def alive(_request: Request) -> Response:
    """For supervision of the process from outside."""
    return PlainTextResponse("ok")


NOT_SET_UP = N_("Nobody can sign in yet. Open the set-up link that was printed where Countersign was started.")
LINK_VOID = N_(
    "A set-up link works once, until the first person exists or Countersign is restarted. "
    "Use the newest link that was printed where Countersign was started, or sign in."
)


async def admit(request: Request, person: Person, path: str) -> Response:
    """Give the person a session in place of the one the browser had, and go on."""
    before = request.cookies.get(sessions.COOKIE)

    def renew() -> str:
        sessions.end(state.conn(), before)
        return sessions.start(state.conn(), person, lifetime=state.settings().lifetime)

    response = RedirectResponse(path, 303)
    response.set_cookie(
        sessions.COOKIE,
        await run_in_threadpool(renew),
        max_age=int(state.settings().lifetime.total_seconds()),
        httponly=True,
        # Strict would show the sign-in to people who follow a link from a mail; what changes anything is guarded by
        # its origin as well (gate.same_origin).
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return _remember_language(request, response)


def _remember_language(request: Request, response: Response) -> Response:
    if request.query_params.get("lang") in catalogue.LANGUAGES:
        year = 365 * 24 * 3600
        response.set_cookie(LANGUAGE_COOKIE, language_of(request), max_age=year, httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"
    return response


def html(request: Request, page: str, status: int = 200) -> Response:
    """One of our plain pages as an answer; a language that was asked for is remembered."""
    policy = {"Content-Security-Policy": static_pages.CONTENT_SECURITY_POLICY}
    return _remember_language(request, HTMLResponse(page, status, policy))


def notice(request: Request, title: str, text: str, status: int = 200, **values: object) -> Response:
    """A page that only says something, in the reader's language."""
    language = language_of(request)
    words = [catalogue.translate(language, title), catalogue.translate(language, text, values)]
    return html(request, static_pages.notice(language, *words), status)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form. What is longer than any of ours is not read: nobody is signed in yet."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            return {}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


routes = [
    Route("/sign-in", sign_in, methods=["GET", "POST"]),
    Route("/set-up", set_up, methods=["GET", "POST"]),
    Route("/sign-out", sign_out, methods=["POST"]),
    Route("/healthz", alive),
]
