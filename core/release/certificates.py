"""Certificates: a decision as one file that a manager reads without an account, in either language, and prints.

The page holds no script and asks nothing of any network; every text of others is escaped. Numbers are those that were
signed, from the record; they are not computed anew.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from core.diagnosis import verdicts
from core.locale import catalogue
from core.locale.mark import N_
from core.release import agreed, evidence, gates, signatures

EXAMPLES = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 60

STATES = {
    "open": N_("Not decided yet"),
    "approved": N_("Approved"),
    "overridden": N_("Approved although the gate was not passed"),
    "rejected": N_("Rejected"),
    "insufficient": N_("Not enough evidence"),
}
COMPARED = {
    "gate": N_("The task itself (gate samples)"),
    "retain": N_("What must not break (retain samples)"),
    "people": N_("As people judged, blind"),
}
CHECKS = {"passed": N_("holds"), "failed": N_("does not hold"), "waiting": N_("is waited for")}
CHANGES = {"fixed": N_("Examples that are fixed"), "broken": N_("Examples that are newly broken")}
PEOPLE = (
    ("requested_by", N_("Asked for by")),
    ("put_up_by", N_("Put up by")),
    ("trained_by", N_("Trained by")),
    ("model", N_("Model")),
    ("base", N_("Base model")),
    ("prompt", N_("Prompt")),
    ("prompt_before", N_("Prompt it was compared with")),
    ("scope", N_("What it may be used for")),
    ("expires_on", N_("Valid until")),
)

NUMBERS, GATE, SIGNATURES = N_("Numbers"), N_("Gate"), N_("Signatures")
PLAN, HASHES = N_("Plan"), N_("Hashes")

STYLE = """
body{font:16px/1.5 system-ui,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;color:#22282f;max-width:60em;
margin:2em auto;padding:0 1.5em}h1{font-size:1.7em}h2{font-size:1.2em;margin-top:1.6em}table{border-collapse:collapse;
width:100%}td,th{border-bottom:1px solid #c9ccd0;padding:.35em .6em;text-align:left;vertical-align:top;
overflow-wrap:anywhere}.banner{padding:.8em 1.2em;border-radius:.5em;font-size:1.3em;background:#f2f1ed;
border-left:.5em solid #8a8a8a}.approved{border-color:#1f7a4d}.overridden,.late{border-color:#b3261e;color:#b3261e}
.rejected,.insufficient{border-color:#b06a00}code,pre{font:.85em ui-monospace,Consolas,monospace;
overflow-wrap:anywhere;white-space:pre-wrap}.small{color:#555;font-size:.9em}tr,svg,.pair{break-inside:avoid}.wide{overflow-x:auto}td,th{min-width:5.6em}
svg{display:block;width:100%;min-width:30em;max-width:44em}
"""


def html(record: Mapping[str, Any], language: str) -> str:
    """The whole page as text."""

    def say(message: str, **values: Any) -> str:
        return escape(catalogue.translate(language, message, values))

    findings = record["findings"]
    state = record["state"]
    title = say(N_("Certificate of sign-off %(number)s"), number=record["number"])
    sentence = say(findings["sentence"][0], **findings["sentence"][1])
    parts = [
        f"<h1>{title}</h1><p>{escape(catalogue.either(language, record['task']))}</p>",
        f'<p class="banner {state}"><strong>{say(STATES[state])}</strong></p><p>{sentence}</p>',
        *(f'<p class="banner late">{say(CHANGED, item=_item(say, item))}</p>' for item in record["changed"]),
        _table([(say(label), escape(str(record[name]))) for name, label in PEOPLE if record[name]]),
        _head2(say, NUMBERS),
        _numbers(findings["compared"], say),
        _chart(findings["compared"], say),
        _head2(say, GATE),
        _table(
            [
                (say(gates.NAMES[one["name"]]), say(CHECKS[one["state"]]), say(one["message"], **one["values"]))
                for one in findings["checks"]
            ]
        ),
        _head2(say, SIGNATURES),
        _signatures(record["signatures"], say),
        _head2(say, PLAN),
        _plan(record["plan"], say),
        _table(agreed.lines(record["agreed"], say)),
        *_examples(record, say),
        _head2(say, HASHES),
        _table(
            [
                (say(N_("What was signed")), f"<code>{escape(record['digest'])}</code>"),
                *((_item(say, item), f"<code>{escape(hashed)}</code>") for item, hashed in record["evidence"].items()),
                (say(N_("Newest audit entry when this was written")), _head(record["audit_head"])),
            ]
        ),
        f'<p class="small">{say(SUPPORTS)}</p>',
    ]
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!doctype html><html lang="{escape(language)}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{title}</title>'
        f"<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


CHANGED = N_("This does not hold any more. Changed or ended since it was signed: %(item)s.")
SUPPORTS = N_(
    "This record supports controls that ask for signed, attributable decisions. Whether a rule is complied with, is "
    "for its owner to judge. An export of the audit trail can be checked with “python -m core verify”."
)


def _head2(say: Any, title: str) -> str:
    return f"<h2>{say(title)}</h2>"


def _item(say: Any, item: str) -> str:
    expired = N_("validity")
    return str(say(evidence.ITEMS.get(item, expired)))


def _head(head: Mapping[str, Any] | None) -> str:
    return f"{head['seq']} · <code>{escape(head['hash'])}</code>" if head else ""


def _table(rows: Sequence[tuple[str, ...]], head: tuple[str, ...] = ()) -> str:
    """Cells are HTML already."""
    top = "<tr>" + "".join(f"<th>{cell}</th>" for cell in head) + "</tr>" if head else ""
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table>{top}{body}</table></div>'


def _numbers(compared: Mapping[str, Any], say: Any) -> str:
    head = ("", "n", N_("Before"), N_("After"), N_("Change in points"), N_("95% interval"))
    rows = []
    for name, one in compared.items():
        paired = one["paired"]
        if not paired["n"]:
            rows.append((say(COMPARED[name]), "0", *[say(N_("not measured"))] * 4))
            continue
        rates = [
            f"{verdicts.percent(rate['value'])} ({verdicts.percent(rate['low'])} – {verdicts.percent(rate['high'])})"
            for rate in (one["before"], one["after"])
        ]
        interval = f"{verdicts.points(paired['low'])} … {verdicts.points(paired['high'])}"
        rows.append((say(COMPARED[name]), str(paired["n"]), *rates, verdicts.points(paired["mean"]), interval))
    return _table(rows, tuple(say(word) if word else "" for word in head))


def _chart(compared: Mapping[str, Any], say: Any) -> str:
    """Each change with its interval, left of zero a loss and right of it a gain."""
    shown = [(name, one["paired"]) for name, one in compared.items() if one["paired"]["n"]]

    def x(share: float) -> float:
        return round(340 + 230 * share, 1)

    lines = [f'<line x1="{x(0)}" y1="0" x2="{x(0)}" y2="{44 * len(shown)}" stroke="#8a8a8a" stroke-dasharray="4"/>']
    for place, (name, paired) in enumerate(shown):
        y = 22 + 44 * place
        lines.append(
            f'<text x="0" y="{y - 8}" font-size="13">{say(COMPARED[name])} (n={paired["n"]})</text>'
            f'<line x1="{x(paired["low"])}" y1="{y + 6}" x2="{x(paired["high"])}" y2="{y + 6}" stroke="#0072b2" '
            f'stroke-width="4"/><circle cx="{x(paired["mean"])}" cy="{y + 6}" r="6" fill="#0072b2"/>'
        )
    drawn = f'<svg role="img" viewBox="0 0 600 {44 * len(shown) + 4}">{"".join(lines)}</svg>'
    return f'<div class="wide">{drawn}</div>'


def _signatures(signed: list[Mapping[str, str]], say: Any) -> str:
    head = (N_("Name"), N_("Meaning"), N_("Reason"), N_("Time (UTC)"), N_("Signer's clock"))
    rows = [
        (escape(one["name"]), say(signatures.MEANINGS[one["meaning"]]), escape(one["reason"]), escape(one["utc"]),
         escape(one["local"]))
        for one in signed
    ]  # fmt: skip
    return _table(rows, tuple(say(word) for word in head))


def _plan(versions: list[Mapping[str, Any]], say: Any) -> str:
    message = N_(
        "Agreed: a gain on %(n)s gate samples, worth having from %(gain)s points; on %(retain_n)s retain samples a "
        "loss of less than %(margin)s points; at least %(format)s in valid format; %(labels)s samples judged by people "
        "on both versions; %(critical)s critical samples unbroken."
    )
    written = []
    for one in versions:
        terms = one["terms"]
        values = {"n": terms["n"], "retain_n": terms["retain_n"], "labels": terms["labels"]}
        values |= {"gain": verdicts.points(terms["smallest_gain"]).lstrip("+")}
        values |= {"margin": verdicts.points(terms["margin"]).lstrip("+")}
        values |= {"format": verdicts.percent(terms["format_share"]), "critical": len(terms["critical"])}
        late = say(N_("Amended after the results could be seen.")) if one["late"] else ""
        amended = say(N_("Amendment %(number)s."), number=one["version"] - 1) if one["version"] > 1 else ""
        written.append(f'<p><strong>{amended}</strong> <span class="late">{late}</span> {say(message, **values)}</p>')
        written.append(_signatures([one["signature"]], say))
    return "".join(written)


def _examples(record: Mapping[str, Any], say: Any) -> list[str]:
    written = []
    for change, title in CHANGES.items():
        found = [one for flips in record["flips"].values() for one in flips if one["change"] == change]
        written.append(f"<h2>{say(title)} ({len(found)})</h2>")
        for one in found[: EXAMPLES if change == "fixed" else None]:
            said = record["breakages"].get(one["sample_id"])
            rows = [
                (say(N_("What was asked")), f"<pre>{escape(one['input'])}</pre>"),
                (say(N_("Reference")), f"<pre>{escape(one['reference'])}</pre>"),
                (say(N_("Before")), f"<pre>{escape(one['before'] or '')}</pre>"),
                (say(N_("After")), f"<pre>{escape(one['after'] or '')}</pre>"),
            ]
            if said:
                words = N_("Accepted by %(name)s") if said["answer"] == "accepted" else N_("Blocker, says %(name)s")
                rows.append((say(words, name=said["by"]), escape(said["reason"])))
            written.append(f'<div class="pair">{_table(rows)}</div><br>')
    return written


def browser() -> str | None:
    """A Chromium of this machine that can print; None when there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pdf(page: str) -> bytes | None:
    """The page printed by a Chromium of this machine; None when there is none, or when it fails."""
    printer = browser()
    if printer is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "certificate.html", Path(folder) / "certificate.pdf"
        source.write_text(page, "utf-8")
        alone = ["--no-sandbox"] if os.geteuid() == 0 else []
        command = [printer, "--headless", "--disable-gpu", "--no-first-run", *alone, "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", source.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return made.read_bytes() if made.exists() else None
