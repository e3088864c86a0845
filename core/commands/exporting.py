"""`export` and `score`: answers with their scores as a file, and what such a file says."""

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from core.diagnosis import intervals
from core.errors import Refusal
from core.evaluation import results
from core.locale.mark import N_
from core.scoring import scorers
from core.store import database


def add(commands: Any) -> None:
    """Both commands' arguments."""
    parser = commands.add_parser("export", help="write the answers and scores of a job to a file")
    parser.add_argument("--job", required=True, help="as `run` prints it")
    parser.add_argument("--out", type=Path, required=True, help=".jsonl or .csv")
    parser.add_argument("--data", type=Path, help="the data folder (default COUNTERSIGN_DATA)")
    parser.set_defaults(run=export)
    parser = commands.add_parser("score", help="score a JSONL file of answers; needs no database")
    parser.add_argument("--answers", type=Path, required=True, help="JSONL with text and reference in each row")
    parser.add_argument("--scorer", help="exact, contains, json, overlap… (default: what fits the references)")
    parser.add_argument("--at-least", type=float, help="exit code 1 if the rate of a prompt on a model is lower")
    parser.set_defaults(run=score)


def export(chosen: argparse.Namespace) -> int:
    """Write the job's answers to the file."""
    from core.commands import running

    _, connection = running.opened(chosen.data)
    try:
        found = rows(connection.cursor(), chosen.job)
    finally:
        connection.close()
    if not found:
        raise Refusal(N_("There is no job %(job)s with answers. Copy its id from what `run` printed."), job=chosen.job)
    write(chosen.out, found)
    print(f"{len(found)} answers in {chosen.out}")
    return 0


def score(chosen: argparse.Namespace) -> int:
    """Print the rates in a file of answers; 1 if any is below what was asked for."""
    if not chosen.answers.is_file():
        raise Refusal(N_("There is no file %(file)s. Check the path."), file=chosen.answers)
    try:
        read = [json.loads(line) for line in chosen.answers.read_text("utf-8-sig").splitlines() if line.strip()]
        found = [row for row in read if row.get("text") is not None and row["reference"]]
    except (ValueError, LookupError, AttributeError, TypeError):
        raise Refusal(N_("Each line of the file has to be a JSON object with “text” and “reference”.")) from None
    if not found:
        raise Refusal(N_("The file holds no answer with a reference, so there is nothing to score."))
    scorer = chosen.scorer or scorers.suggest([row["reference"] for row in found])
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number, row in enumerate(found):
        lead = scorers.score(scorer, row["text"], row["reference"])[0]
        if lead.value is not None:
            of = f"{row.get('prompt', '')} on {row.get('model', '')}".removesuffix(" on ").strip() or "all"
            values[of][str(row.get("key", number))].append(lead.value)
    enough = True
    for of, by_sample in sorted(values.items()):
        rate = intervals.mean_rate([sum(each) / len(each) for each in by_sample.values()])
        print(f"{of}: {scorer} {rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%}), n={rate.n}")
        enough = enough and (chosen.at_least is None or rate.value >= chosen.at_least)
    print(f"{len(read) - len(found)} rows without text or reference are counted apart")
    return 0 if enough else 1


def rows(conn: duckdb.DuckDBPyConnection, job_id: str) -> list[dict[str, Any]]:
    """One row per answer of the job, in the order of set, prompt and model, with `scores` by metric."""
    query = """
        select s.name as set, s.version, p.key, p.input, p.reference, r.rung as prompt, r.prompt_id, m.name as model,
            r.model_id, a.repeat, a.text, a.cut, a.failure, a.failure_code, a.prompt_tokens, a.completion_tokens,
            a.latency_s, a.cost, a.copied_from is not null as copied,
            (select json_group_object(metric, value) from scores as c where c.answer_id = a.answer_id) as scores
        from runs as r join answers as a using (run_id) join samples as p using (sample_id)
        join models as m using (model_id) join eval_sets as s using (eval_set_id)
        where r.job_id = ? order by model, prompt, p.key, a.repeat
    """
    return [{**row, "scores": json.loads(row["scores"] or "{}")} for row in database.rows(conn, query, [job_id])]


def write(out: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """As JSON Lines, or as CSV that Excel opens without taking a text for a formula."""
    if out.suffix == ".jsonl":
        out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found), "utf-8")
        return
    if out.suffix != ".csv":
        raise Refusal(N_("The file to write has to end in .jsonl or .csv."))
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(found[0] if found else [])
        for row in found:
            writer.writerow([_cell(value) for value in row.values()])


def _cell(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def say_rates(conn: duckdb.DuckDBPyConnection, of_runs: Sequence[Mapping[str, Any]]) -> None:
    """Print each run's rates with their interval and n."""
    names = {run["run_id"]: f"{run['rung']} on {run['model_name']}" for run in of_runs}
    for row in results.table(conn, of_runs).to_dict("records"):
        shown = f"{row['value']:.1%} ({row['low']:.1%} to {row['high']:.1%}), n={row['n']}"
        print(f"{names[row['run_id']]}: {row['metric']} {shown}")
