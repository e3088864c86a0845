"""The one page there is while audit entries are missing: what is so, and the two ways on. Nothing is changed by it."""

from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from core.errors import Refusal
from core.locale import catalogue
from core.locale.mark import N_
from core.upkeep import backups
from core.upkeep import recovery as core_recovery
from pages._ui import entrance, state
from pages._ui.static_pages.recovery import page


async def answer(request: Request) -> Response:
    """To every request: the page, or what became of a signature."""
    if request.url.path in ("/healthz", "/_stcore/health"):
        return JSONResponse({"ok": False, "damage": str(state.damage())}, 503)
    alert, form = "", {}
    if request.method == "POST":
        form = await entrance.read_form(request)
        try:
            await run_in_threadpool(_accept, form)
            return RedirectResponse("/sign-in", 303)
        except Refusal as refusal:
            alert = catalogue.refusal(entrance.language_of(request), refusal)
    shown = await run_in_threadpool(_page, entrance.language_of(request), form, alert)
    return entrance.html(request, shown, 403 if alert else 503)


def _accept(form: dict[str, str]) -> None:
    fields = {name: form.get(name, "") for name in ("name", "password", "reason")}
    core_recovery.accept(state.settings(), **fields)
    state.database()  # opens it, which ends this page
    entrance.begin()


def _page(language: str, form: dict[str, str], alert: str) -> str:
    damage, settings = state.damage(), state.settings()
    assert damage is not None, "the gate asks only then"
    left = core_recovery.look(settings)
    known = backups.everything(settings)
    say = partial(catalogue.translate, language)
    return page(
        language,
        damage,
        facts=[say(damage.message, damage.values), *_left(left, say)],
        backup=known[0] if known else None,
        backups=str(settings.backups),
        signers=bool(left.admins),
        kept={name: form.get(name, "") for name in ("name", "reason")},
        alert=alert,
    )


def _left(left: core_recovery.Left, say: Any) -> list[str]:
    if left.newest is None:
        return []
    values = {"seq": left.seq, "when": f"{left.newest:%Y-%m-%d %H:%M} UTC"}
    return [say(N_("What is left ends with entry %(seq)s, written on %(when)s."), values)]
