"""The few pages that are shown before anybody is known: plain HTML, no script, no request beside the page itself."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import urlencode

from core.access.people import SHORTEST_PASSWORD
from core.locale import catalogue
from core.locale.mark import N_

_FOLDER = Path(__file__).parent
_PAGE = Template((_FOLDER / "page.html").read_text("utf-8"))
_CSS = (_FOLDER / "page.css").read_text("utf-8")
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HTML_LANG = {"en": "en", "zh": "zh-CN"}


def sign_in(language: str, *, next_path: str, name: str = "", alert: str = "", company: str = "") -> str:
    """The sign-in form; `next_path` is where a success leads, `company` what the company's own sign-in is called."""
    say = _in(language)
    fields = form(
        "/sign-in",
        field("name", say(N_("Name")), autocomplete="username", value=name, focus=not name),
        field("password", say(N_("Password")), autocomplete="current-password", focus=bool(name)),
        hidden={"next": next_path},
        button=say(N_("Sign in")),
    )
    if company:
        address = "/sign-in/company?" + urlencode({"next": next_path})
        words = say(N_("Sign in with %(company)s"), {"company": company})
        fields = f'<a class="company" href="{escape(address)}">{escape(words)}</a>{fields}'
    lead = say(N_("Countersign turns the judgement of people who know the business into a better model."))
    return page(language, say(N_("Sign in")), lead, alert=alert, form=fields, query={"next": next_path})


def set_up(language: str, *, token: str, name: str = "", alert: str = "") -> str:
    """The form for the first person; the token is the one of the set-up link."""
    say = _in(language)
    hint = say(N_("At least %(shortest)s characters. Three or four words will do."), {"shortest": SHORTEST_PASSWORD})
    fields = form(
        "/set-up",
        field("name", say(N_("Name")), autocomplete="username", value=name, focus=not name),
        field("password", say(N_("Password")), autocomplete="new-password", focus=bool(name), hint=hint),
        field("again", say(N_("Password again")), autocomplete="new-password"),
        hidden={"token": token},
        button=say(N_("Create and sign in")),
    )
    lead = say(N_("You are the first person here and get every role. Colleagues are added later, inside."))
    return page(language, say(N_("Set up Countersign")), lead, alert=alert, form=fields, query={"token": token})


def notice(language: str, title: str, text: str) -> str:
    """A page that only says something; title and text are already in that language."""
    return page(language, title, text, alert="", form="", query={})


def _in(language: str) -> Callable[..., str]:
    return partial(catalogue.translate, language)


def page(language: str, title: str, lead: str, *, alert: str, form: str, query: Mapping[str, str]) -> str:
    """The frame of every such page; `form` is HTML, all else is text."""
    switch = "".join(
        '<a href="?{query}" lang="{lang}"{current}>{label}</a>'.format(
            query=escape(urlencode({**query, "lang": code})),
            lang=HTML_LANG[code],
            current=' aria-current="true"' if code == language else "",
            label=escape(label),
        )
        for code, label in catalogue.LANGUAGES.items()
    )
    return _PAGE.substitute(
        lang=HTML_LANG[language],
        title=escape(title),
        lead=escape(lead),
        css=_CSS,
        languages=switch,
        alert=f'<p id="alert" role="alert">{escape(alert)}</p>' if alert else "",
        form=form,
    )


def form(action: str, *fields: str, hidden: Mapping[str, str], button: str) -> str:
    """The HTML of a form with these fields."""
    kept = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in hidden.items())
    body = "\n".join(fields)
    return f'<form method="post" action="{action}">{kept}{body}<button type="submit">{escape(button)}</button></form>'


def field(name: str, label: str, *, autocomplete: str, value: str = "", hint: str = "", focus: bool = False) -> str:
    """The HTML of a line to type into; all but one called `name` hide what is typed."""
    kind = "text" if name == "name" else "password"
    extra = (f' aria-describedby="{name}-hint"' if hint else "") + (" autofocus" if focus else "")
    below = f'<span class="hint" id="{name}-hint">{escape(hint)}</span>' if hint else ""
    return (
        f'<div><label for="{name}">{escape(label)}</label><input id="{name}" name="{name}" type="{kind}" '
        f'value="{escape(value)}" autocomplete="{autocomplete}" autocapitalize="none" spellcheck="false" '
        f"required{extra}>{below}</div>"
    )


def area(name: str, label: str, *, value: str = "") -> str:
    """The HTML of a field for some sentences."""
    return (
        f'<div><label for="{name}">{escape(label)}</label>'
        f'<textarea id="{name}" name="{name}" rows="3" required>{escape(value)}</textarea></div>'
    )
