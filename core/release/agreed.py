"""What a trial's plan fixed, and how it was carried out, in words for the record: sets, judges and decoding."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from core.diagnosis import verdicts
from core.locale.mark import N_
from core.release.plans import Terms
from core.release.sign_offs import SignOff
from core.store import database

JUDGES = {"none": N_("none"), "triage": N_("only sorts what people read first")}
"""Each `plans.JudgeUse` in the reader's words."""

Say = Callable[..., str]
"""A message with its values, in the reader's language."""


def collect(conn: duckdb.DuckDBPyConnection, case: SignOff, terms: Terms) -> dict[str, Any]:
    """`metric`, `sets` with their versions, the `use` of judges, the `judges` that read answers, and the `runs`."""
    sets = """
        select eval_set_id, name, version from eval_sets where list_contains($sets, eval_set_id) order by name, version
    """
    runs = """
        select distinct split, side, decoding::text as decoding, repeats from runs
        where trial_id = ? and purpose = 'proof' order by all
    """
    return {
        "metric": terms.metric,
        "sets": database.rows(conn, sets, {"sets": list(terms.sets)}),
        "use": terms.judge,
        "judges": case.judges,
        "runs": database.rows(conn, runs, [case.trial_id]),
    }


def lines(found: Mapping[str, Any], say: Say) -> list[tuple[str, str]]:
    """The same as label and text, a line each."""
    version, decoding = N_("%(name)s, version %(version)s (%(eval_set_id)s)"), N_("Decoding (%(split)s, %(side)s)")
    splits = {"dev": N_("dev"), "gate": N_("gate"), "retain": N_("retain")}
    sides = {"before": N_("before"), "after": N_("after")}
    read = [_judge(one, say) for one in found["judges"]] or [say(N_("none"))]
    return [
        (say(N_("Measure of success")), say(found["metric"])),
        *((say(N_("Eval set")), say(version, **one)) for one in found["sets"]),
        (say(N_("Use of a judge model")), say(JUDGES[found["use"]])),
        *((say(N_("Judges that read the answers")), one) for one in read),
        *(
            (say(decoding, split=say(splits[one["split"]]), side=say(sides[one["side"]])), _drawn(one, say))
            for one in found["runs"]
        ),
    ]


def _drawn(run: Mapping[str, Any], say: Say) -> str:
    """How the answers of these runs were drawn."""
    said = json.loads(run["decoding"])
    message = N_("at most %(max_new_tokens)s tokens, temperature %(temperature)s, %(repeats)s per sample")
    held = [say(N_("held to the format by the endpoint"))] if said.get("structured") else []
    return ", ".join([say(message, repeats=run["repeats"], **said), *held])


def _judge(judge: Mapping[str, Any], say: Say) -> str:
    known = judge["calibration"]
    values = {"name": judge["name"], "model": judge["model"]}
    if not known or known["agreement"]["value"] is None:
        return say(N_("%(name)s (%(model)s), never held against people"), **values)
    told = known["agreement"]
    shares = {name: verdicts.percent(told[name]) for name in ("value", "low", "high")}
    message = N_(
        "%(name)s (%(model)s), agrees with people on %(value)s of %(n)s samples, 95%% interval %(low)s to %(high)s"
    )
    return say(message, n=told["n"], **values, **shares)
