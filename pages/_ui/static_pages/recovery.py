"""The page while audit entries are missing: what is so, and the two ways on."""

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

from core.locale import catalogue
from core.locale.mark import N_
from core.store import anchors
from core.store.copies import Backup
from pages._ui import static_pages


def page(
    language: str,
    damage: anchors.Damaged,
    *,
    facts: Sequence[str],
    backup: Backup | None,
    backups: str,
    signers: bool,
    kept: Mapping[str, str],
    alert: str,
) -> str:
    """All of it; `kept` is what was typed before, `facts` are in that language already.

    Nobody is signed in, so it names nobody: `signers` only tells whether there is somebody who could sign.
    """
    say = partial(catalogue.translate, language)
    if damage.missing:
        title = say(N_("%(missing)s audit entries are missing"), {"missing": damage.missing})
    elif damage.kind == "unanchored":
        title = say(N_("The anchor of the audit trail is missing"))
    else:
        title = say(N_("The database is not the one that was anchored"))
    stopped = say(N_("Nothing is changed, and nobody can sign in, until one of these two is done."))
    body = "".join(map(_paragraph, (*facts, stopped)))
    body += _restore(say, damage, backup, backups) + _accept(say, damage, signers, kept)
    lead = say(N_("Countersign is read-only."))
    return static_pages.page(language, title, lead, alert=alert, form=body, query={})


def _restore(say: Any, damage: anchors.Damaged, backup: Backup | None, backups: str) -> str:
    if backup is None:
        known = N_("There is no backup in %(folder)s. If they are kept elsewhere, use the newest of those.")
        newest = say(known, {"folder": backups})
    else:
        values = {"when": backup.made_at.replace("T", " ") + " UTC", "seq": backup.seq}
        newest = say(N_("The newest backup is of %(when)s and ends with entry %(seq)s."), values)
    how = say(N_("Stop Countersign, run this, and start it again. What is there now is kept."))
    command = f"<pre>python -m core restore {escape(str(backup.folder) if backup else 'BACKUP')} --aside</pre>"
    log = N_(
        "If only the log beside the database (countersign.duckdb.wal) is damaged, move it away and start again: "
        "this page then says how many entries that costs."
    )
    return (
        _heading(say(N_("1 · Restore a backup")))
        + _paragraph(newest)
        + _paragraph(how)
        + command
        + (_paragraph(say(log)) if damage.kind == "unreadable" else "")
    )


def _accept(say: Any, damage: anchors.Damaged, signers: bool, kept: Mapping[str, str]) -> str:
    known = damage.kind != "unanchored"
    head = _heading(say(N_("2 · Or go on without them") if known else N_("2 · Or go on as it is")))
    if not signers:
        return head + _paragraph(say(N_("Nobody is left in it who could sign that. Only a backup helps.")))
    said = N_("An admin signs with a reason. What is missing stays missing, and the audit trail says so for good.")
    form = static_pages.form(
        "/recovery",
        static_pages.field("name", say(N_("Name")), autocomplete="username", value=kept["name"]),
        static_pages.field("password", say(N_("Password")), autocomplete="current-password"),
        static_pages.area("reason", say(N_("Reason")), value=kept["reason"]),
        hidden={},
        button=say(N_("Sign and go on")),
    )
    return head + _paragraph(say(said)) + form


def _heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
