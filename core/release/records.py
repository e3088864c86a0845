"""The record of a sign-off: all that a certificate, a workbook or a JSON file says of it, from one place."""

import io
import json
from collections.abc import Mapping
from typing import Any

import duckdb
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from core import content
from core.access import people
from core.errors import Refusal
from core.evaluation import models, prompts, spreadsheets, tasks
from core.evaluation.flips import Flip
from core.locale.mark import N_
from core.release import agreed, breakages, involvement, plans, proofs, sign_offs, signatures, trail
from core.store import database
from core.training import trials

LONGEST_CELL = 32_000


def collect(conn: duckdb.DuckDBPyConnection, sign_off_id: str) -> dict[str, Any]:
    """Everything, ready for JSON but for the dates. Raises Refusal for a sign-off that does not exist."""
    case = sign_offs.find(conn, sign_off_id)
    trial = trials.find(conn, case.trial_id) if case else None
    task = tasks.find(conn, case.task_id) if case else None
    if case is None or trial is None or task is None:
        raise Refusal(N_("There is no such sign-off. Choose one of the list."))
    plan, head = plans.versions(conn, case.trial_id), trail.head(conn)
    tuned, base = models.find(conn, trial["model_id"]), models.find(conn, trial["base_model_id"])
    prompt, before = prompts.find(conn, trial["prompt_id"]), prompts.find(conn, trial["baseline_prompt_id"])
    report = proofs.report(conn, case.trial_id, plan[-1]["terms"].judged_by())
    assert report is not None, "a sign-off is asked for when all answers are in"
    signed, names = signatures.of(conn, "sign_off", sign_off_id), people.names(conn)
    trainers = involvement.trainers(conn, trial["model_id"])
    return {
        "number": case.number,
        "task": dict(task.name),
        "state": sign_offs.state(conn, case),
        "scope": case.scope,
        "expires_on": str(case.expires_on),
        "requested_by": names[case.requested_by],
        "requested_at": f"{case.requested_at:%Y-%m-%d %H:%M:%S} UTC",
        "put_up_by": names[trial["created_by"]],
        "trained_by": ", ".join(names[one] for one in trainers),
        "model": tuned.name if tuned else "",
        "base": base.name if base else "",
        "prompt": prompt.name if prompt else "",
        "prompt_before": before.name if before else "",
        "signatures": [signatures.shown(one) for one in signed],
        "plan": [
            {
                "version": one["version"],
                "late": bool(one["late"]),
                "terms": {name: getattr(one["terms"], name) for name in plans.Terms.__slots__},
                "signature": signatures.shown(one["signature"]),
            }
            for one in plan
        ],
        "agreed": agreed.collect(conn, case, plan[-1]["terms"]),
        "findings": case.findings,
        "changed": sign_offs.stale(conn, case),
        "digest": case.digest,
        "evidence": case.evidence,
        "evidence_version": case.evidence_version,
        "audit_head": {"seq": head["seq"], "hash": head["hash"]} if head else None,
        "flips": {split: [_flip(flip) for flip in flips] for split, flips in report.flips.items()},
        "breakages": {
            sample: {"answer": one["answer"], "reason": one["reason"], "by": names[one["answered_by"]]}
            for sample, one in breakages.answered(conn, case.trial_id).items()
        },
        "ratings": [{**row, "rater": names[row["rater"]]} for row in database.rows(conn, _RATINGS, [case.trial_id])],
    }


_RATINGS = """
    select r.side, a.sample_id, g.rater, g.verdict, g.note, g.rated_at::text as rated_at
    from ratings as g join answers as a using (answer_id) join runs as r using (run_id)
    where r.trial_id = ? and r.purpose = 'proof' order by g.rating_id
"""


def _flip(flip: Flip) -> dict[str, Any]:
    return {name: getattr(flip, name) for name in Flip.__slots__}


def workbook(record: dict[str, Any]) -> bytes:
    """The evidence as an Excel file: every cell is text, and none can be read as a formula."""
    said = record["breakages"]
    sheets: dict[str, list[list[Any]]] = {
        "decision": [[name, record[name]] for name in ("number", "state", "scope", "expires_on", "requested_by",
                     "requested_at", "put_up_by", "trained_by", "model", "base", "prompt", "prompt_before", "digest")],
        "signatures": _table(record["signatures"]),
        "plan": _plan_rows(record),
        "gate": [["check", "state", "finding"]] + [
            [one["name"], one["state"], one["message"] % one["values"] if one["values"] else one["message"]]
            for one in record["findings"]["checks"]
        ],
        "numbers": [["compared", "n", "before", "after", "gain", "low 95%", "high 95%"]] + [
            [name, one["paired"]["n"], one["before"]["value"], one["after"]["value"], one["paired"]["mean"],
             one["paired"]["low"], one["paired"]["high"]]
            for name, one in record["findings"]["compared"].items()
        ],
        "samples": [["split", "sample", "critical", "change", "input", "reference", "before", "after", "expert", "why"]]
        + [
            [split, one["sample_id"], one["critical"], one["change"], one["input"], one["reference"], one["before"],
             one["after"], said.get(one["sample_id"], {}).get("answer", ""),
             said.get(one["sample_id"], {}).get("reason", "")]
            for split, flips in record["flips"].items() for one in flips
        ],
        "ratings": _table(record["ratings"]),
        "evidence": [["item", "sha256"], *map(list, record["evidence"].items())],
    }  # fmt: skip
    return book(sheets)


def _plan_rows(record: Mapping[str, Any]) -> list[list[Any]]:
    """Every version with its terms and who signed it, then what the newest came to."""
    rows: list[list[Any]] = [["version", "item", "value"]]
    for one in record["plan"]:
        said = {**one["terms"], **{f"signature {name}": value for name, value in one["signature"].items()}}
        said |= {"amended after the results could be seen": one["late"]}
        rows += [[one["version"], name, value] for name, value in said.items()]
    newest = record["plan"][-1]["version"]
    found = agreed.lines(record["agreed"], lambda message, **values: message % values if values else message)
    return [*rows, *([newest, label, text] for label, text in found)]


def exported(record: Mapping[str, Any]) -> str:
    """The record as one canonical JSON text, with its own `hash`.

    Without `hash`, written as `content.canonical` writes it, it hashes to that with SHA-256; and so does its `evidence`
    to its `digest`, which is what people signed.
    """
    plain = json.loads(json.dumps(record, default=str))
    return content.canonical({**plain, "hash": content.digest(plain)}) + "\n"


def signatures_csv(record: Mapping[str, Any]) -> bytes:
    """Every signature under the plan, its amendments and the decision, with the five things that `signatures.shown`
    says of it."""
    under = [(f"plan, version {one['version']}", one["signature"]) for one in record["plan"]]
    under += [(f"sign-off {record['number']}", one) for one in record["signatures"]]
    header = ("signed", *under[0][1])
    return spreadsheets.csv_bytes(header, [(what, *one.values()) for what, one in under])


def book(sheets: Mapping[str, list[list[Any]]]) -> bytes:
    """An Excel file of these sheets, the first row of each its head; no cell can be read as a formula."""
    made = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append([_cell(sheet, value) for value in row])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _table(rows: list[dict[str, Any]]) -> list[list[Any]]:
    return [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []


def _cell(sheet: Any, value: Any) -> Any:
    cell = WriteOnlyCell(sheet)
    written = "" if value is None else str(value)
    written = "".join(sign for sign in written if sign in "\t\n" or sign >= " ")[:LONGEST_CELL]
    cell.value = written if isinstance(value, int | float) else spreadsheets.escape(written)
    cell.data_type = "s"
    return cell
