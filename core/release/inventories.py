"""Everything in use, in all tasks: which model and prompt, who answers for it, who signed, and until when."""

import json
from typing import Any

import duckdb

from core.release import sign_offs, signatures
from core.store import database
from core.training import withdrawals


def everything(conn: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Everything in use: `task` (bilingual), `owner`, `alias`, `number`, `model`, `prompt`, who signed and until when.

    `index` is what it looks things up in (`index_id`, `k` and more) or None; `judges` read answers of its proof, each
    with `name`, `model` and `calibration` (see `aids.described`); none where no judge did.
    `stale` names what is not as it was signed, or that it has `expired` (see `sign_offs.stale`); `withdrawn` tells how
    many samples the model learned, itself or through one that it was made from, whose approval was withdrawn since.
    """
    query = """
        select a.task_id, a.alias, r.number, r.sign_off_id, r.release_id, t.name, t.created_by as owner,
            r.manifest -> 'model' ->> 'name' as model,
            r.manifest -> 'model' ->> 'model_id' as model_id, r.manifest -> 'prompt' ->> 'name' as prompt,
            r.manifest -> 'index' as index, r.manifest -> 'judge' as judges
        from aliases as a join releases as r using (release_id) join tasks as t on t.task_id = a.task_id
        order by t.created_at, a.alias desc
    """
    found, marked = [], withdrawals.by_model(conn)
    for row in database.rows(conn, query):
        case = sign_offs.find(conn, row["sign_off_id"])
        assert case is not None, "a release has its sign-off"
        signed = signatures.of(conn, "sign_off", case.sign_off_id)
        row |= {"task": json.loads(row.pop("name")), "purpose": case.scope, "expires_on": case.expires_on}
        row |= {"index": json.loads(row["index"] or "null"), "judges": json.loads(row["judges"] or "null") or []}
        row |= {"withdrawn": len(marked.get(row["model_id"], ()))}
        row |= {"signed_by": [one["printed_name"] for one in signed], "signed_at": signed[-1]["signed_at"]}
        found.append({**row, "state": sign_offs.state(conn, case), "stale": sign_offs.stale(conn, case)})
    return found
