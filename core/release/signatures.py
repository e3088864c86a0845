"""Signatures: who declared what about which content, when, and why. Appended and never changed.

A form that is signed carries a challenge, which one person may use once within a few minutes for exactly this
content; and the password is asked for at the moment of signing, or, of people of the company's own sign-in, a new
sign-in for this very form. So neither an abandoned browser nor a copied form can sign.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from core.access import people, roles, sessions
from core.access.people import Person
from core.errors import Refusal
from core.locale.mark import N_
from core.store import database

Kind = Literal["plan", "sign_off", "release"]
Meaning = Literal[
    "authored", "reviewed", "approved", "overridden", "rejected", "insufficient", "released", "rolled_back"
]

MEANINGS: Mapping[str, str] = {
    "authored": N_("authored"),
    "reviewed": N_("reviewed"),
    "approved": N_("approved"),
    "overridden": N_("approved against the gate"),
    "rejected": N_("rejected"),
    "insufficient": N_("not enough evidence"),
    "released": N_("released"),
    "rolled_back": N_("rolled back"),
}
"""Each `Meaning` in the reader's words."""

CHALLENGE_LASTS = timedelta(minutes=15)
LONGEST_REASON = 4000

USED = N_("This form was signed already or is too old. Open it again, check what it says, and sign that.")
OTHER = N_("What this form shows has changed since it was opened. Look at it again, then sign.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What somebody types to sign. `zone` is the name of their clock's time zone, such as Asia/Shanghai.

    The password stays empty where there is none here; the person has then signed in anew for `form_name(challenge)`.
    """

    password: str = field(repr=False)
    challenge: str = field(repr=False)
    reason: str
    zone: str = "UTC"


def challenge(conn: duckdb.DuckDBPyConnection, *, by: Person, subject: str, digest: str) -> str:
    """A new form's challenge: this person may sign this content once, soon. Only its hash is kept."""
    token = secrets.token_urlsafe(24)
    row = {"token_hash": sessions.fingerprint(token), "person_id": by.person_id, "subject": subject, "digest": digest}
    database.insert(conn, "challenges", [{**row, "expires_at": database.now() + CHALLENGE_LASTS}])
    return token


def form_name(challenge: str) -> str:
    """What a form is called where somebody confirms that it is them who will sign it."""
    return sessions.fingerprint(challenge)


def authenticate(
    conn: duckdb.DuckDBPyConnection, signing: Signing, act: roles.Act, *, by: Person, subject: str, digest: str
) -> Person:
    """The signer as the database has them now.

    Raises Refusal when the reason is missing, the form was used, is old or showed other content, when the password is
    wrong, or when the person may not do this (any more).
    """
    roles.require(by, act)
    if not 3 <= len(signing.reason.strip()) <= LONGEST_REASON:
        raise Refusal(N_("A signature needs a reason. Write in a sentence why you sign."))
    query = "select * from challenges where token_hash = ?"
    found = database.row(conn, query, [sessions.fingerprint(signing.challenge)])
    if found is None or found["used_at"] or found["expires_at"] < database.now():
        raise Refusal(USED)
    if found["person_id"] != by.person_id or found["subject"] != subject or found["digest"] != digest:
        raise Refusal(OTHER)
    signer = people.confirm(conn, by, signing.password, what=form_name(signing.challenge))
    roles.require(signer, act)
    return signer


def insert(
    conn: duckdb.DuckDBPyConnection,
    signing: Signing,
    signer: Person,
    *,
    kind: Kind,
    subject: str,
    digest: str,
    meaning: Meaning,
    independent: bool,
    form: str = "",
) -> dict[str, Any]:
    """The bare row, for a caller inside a change; returns what the audit event is to say of it.

    `form` is the challenge's subject where that is not the signature's. Raises Refusal when the form was used by
    somebody faster.
    """
    token = sessions.fingerprint(signing.challenge)
    used = conn.execute(
        "update challenges set used_at = ? where token_hash = ? and used_at is null returning 1",
        [database.now(), token],
    ).fetchone()
    if used is None:
        raise Refusal(USED)
    now = database.now()
    row: dict[str, Any] = {
        "kind": kind,
        "subject": subject,
        "digest": digest,
        "meaning": meaning,
        "reason": signing.reason.strip(),
        "person_id": signer.person_id,
        "printed_name": signer.name,
        "roles": sorted(signer.roles),
        "independent": independent,
        "signed_at": now,
        "local_time": _local(now, signing.zone),
        "challenge": token,
    }
    database.insert(conn, "signatures", [row])
    kept = ("kind", "digest", "meaning", "reason", "printed_name", "roles", "independent", "local_time")
    return {"signed_at": now.isoformat(), **{name: row[name] for name in kept}}


def _local(moment: datetime, zone: str) -> str:
    try:
        place: tzinfo = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):  # the browser says what it likes
        place, zone = UTC, "UTC"
    return f"{moment.replace(tzinfo=UTC).astimezone(place):%Y-%m-%d %H:%M:%S %z} {zone}"


def of(conn: duckdb.DuckDBPyConnection, kind: Kind, subject: str) -> list[dict[str, Any]]:
    """The signatures under one thing, the oldest first."""
    query = """
        select signature_id, kind, subject, digest, meaning, reason, person_id, printed_name, roles, independent,
            signed_at, local_time
        from signatures where kind = ? and subject = ? order by signature_id
    """
    return database.rows(conn, query, [kind, subject])


def shown(signature: Mapping[str, Any]) -> dict[str, str]:
    """The five things that every screen and every export says of a signature, word for word the same."""
    return {
        "name": str(signature["printed_name"]),
        "utc": f"{signature['signed_at']:%Y-%m-%d %H:%M:%S} UTC",
        "local": str(signature["local_time"]),
        "meaning": str(signature["meaning"]),
        "reason": str(signature["reason"]),
    }
