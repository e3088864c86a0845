"""`run`: prompts on models over a set, without a browser; every answer is in, or the exit code says that it is not."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from core import settings as places
from core.access.people import Person
from core.commands import exporting
from core.errors import Refusal
from core.evaluation import (
    answer_schemas,
    estimates,
    eval_sets,
    matrices,
    models,
    prompts,
    retrieving,
    runs,
    tasks,
    terms,
)
from core.evaluation.estimates import Estimate
from core.evaluation.eval_sets import EvalSet
from core.evaluation.matrices import Matrix
from core.evaluation.models import Model
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.intake import columns, files, importing
from core.jobs import jobs, supervisor
from core.knowledge import indexes
from core.locale.mark import N_
from core.scoring import scorers
from core.settings import Settings
from core.store import database

OPERATOR = Person(person_id="command", name="command line", roles=frozenset({"operator"}))
TASK = {"en": "Command line", "zh": "命令行"}
INCOMPLETE = 3
"""The exit code when some answers are missing or failed."""


def add(commands: Any) -> None:
    """The command's arguments."""
    parser = commands.add_parser("run", help="ask prompts on models over a set; exit code 0 only if every answer is in")
    parser.add_argument("--set", required=True, help="a file (CSV, JSONL, XLSX…), or the name of a set that is there")
    parser.add_argument("--input", help="the file's column with the question (else by its usual names)")
    parser.add_argument("--reference", help="the file's column with the right answer")
    parser.add_argument("--prompt", type=Path, action="append", required=True, help="a text file with {input} in it")
    parser.add_argument("--system", type=Path, help="a text file with the system prompt of all of them")
    parser.add_argument("--model", action="append", required=True, help="a folder, a registered name, or with "
                        "--base-url what the server calls it")  # fmt: skip
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1")
    parser.add_argument("--key-env", default="", help="the environment variable that holds its key")
    parser.add_argument("--concurrency", type=int, help="calls at once to the endpoint (default 16)")
    parser.add_argument("--index", help="look passages up: a version of the task's knowledge base by number, or newest")
    parser.add_argument("--k", type=int, default=retrieving.USUAL, help="passages shown with a question (default 4)")
    parser.add_argument("--repeats", type=int, default=1, help="how often each question is asked")
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--max-new-tokens", type=int, help="longest answer in tokens (default: what the set's longest "
                        "reference needs)")  # fmt: skip
    parser.add_argument("--structured", action="store_true", help="let endpoints hold answers to the JSON schema of "
                        "the set, as strictly as they can")  # fmt: skip
    parser.add_argument("--schema", type=Path, help="a file with the JSON schema of an answer; endpoints are held to "
                        "it as strictly as they can")  # fmt: skip
    parser.add_argument("--price-prompt", type=float, help="price of a million prompt tokens, with --base-url")
    parser.add_argument("--price-answer", type=float, help="price of a million answer tokens")
    parser.add_argument("--currency", choices=terms.CURRENCIES, help="of these prices (default USD)")
    parser.add_argument("--cap", type=float, help="most money to spend; needs the models' prices")
    parser.add_argument("--fresh", action="store_true", help="ask again what was answered before")
    parser.add_argument("--out", type=Path, help="write the answers and scores here (.jsonl or .csv)")
    parser.add_argument("--data", type=Path, help="the data folder (default COUNTERSIGN_DATA)")
    parser.set_defaults(run=run)


def opened(data: Path | None) -> tuple[Settings, duckdb.DuckDBPyConnection]:
    """The data folder and the one connection to its database; Refusal while the app holds it."""
    settings = Settings(data=data.resolve()) if data else places.read()
    return settings, database.connect(settings)


def run(chosen: argparse.Namespace) -> int:
    """Ask, wait, write down; 0 only if every answer is in."""
    settings, connection = opened(chosen.data)
    conn = connection.cursor()
    try:
        eval_set = _set(conn, chosen)
        matrix = Matrix(
            eval_set=eval_set,
            split="dev",
            prompts=_prompts(conn, eval_set, chosen),
            models=[_model(conn, name, chosen) for name in chosen.model],
            repeats=chosen.repeats,
            temperature=chosen.temperature,
            structured=chosen.structured or chosen.schema is not None,
            max_new_tokens=chosen.max_new_tokens,
            retrieval=_retrieval(conn, eval_set, chosen),
        )
        found = estimates.of(conn, matrix, fresh=chosen.fresh, settings=settings)
        print(f"{eval_set.name}: {matrix.calls} answers wanted; {_told(found)}", flush=True)
        job_id = matrices.start(conn, by=OPERATOR, matrix=matrix, cap=chosen.cap, fresh=chosen.fresh)
        supervisor.drain(settings, conn)
        if chosen.out:
            exporting.write(chosen.out, exporting.rows(conn, job_id))
        return _report(conn, job_id)
    finally:
        connection.close()


def _told(found: Estimate) -> str:
    """Cost and time in a line; what is not known says so."""
    said = [f"{found.known} of them known and copied"] if found.known else []
    most = "perhaps up to" if found.projected else "at most"
    said += [f"about {low:.4g}, {most} {high:.4g} {currency}" for currency, (low, high) in found.costs.items()]
    if found.unpriced:
        said.append(f"cost not known, no price of {', '.join(found.unpriced)}")
    if found.seconds is None:
        said.append(f"time not known before {', '.join(found.untimed)} has answered once")
    else:
        said.append(f"about {max(1, round(found.seconds))} s")
    return "; ".join(said)


def _report(conn: duckdb.DuckDBPyConnection, job_id: str) -> int:
    found, job = runs.measured(conn, job_id), jobs.find(conn, job_id)
    assert job is not None, "it was queued before"
    exporting.say_rates(conn, found)
    names = ("planned", "answered", "failed", "cut")
    wanted, answered, failed, cut = (sum(run[name] for run in found) for name in names)
    print(f"job {job_id}: {job.state}; {answered - failed} of {wanted} answers are in, {failed} calls failed")
    if cut:
        print(f"{cut} of them ended at the limit of tokens and are cut off: raise it with --max-new-tokens")
    if job.message:
        print(job.message % job.message_values)
    return 0 if answered == wanted and not failed else INCOMPLETE


def _set(conn: duckdb.DuckDBPyConnection, chosen: argparse.Namespace) -> EvalSet:
    file = Path(chosen.set)
    if not file.is_file():
        named = [one for task in tasks.everything(conn) for one in eval_sets.of_task(conn, task.task_id)]
        for one in named:
            if one.name == chosen.set:
                return one
        raise Refusal(
            N_("There is neither a file nor an eval set named %(name)s. Known sets are: %(known)s."),
            name=chosen.set,
            known=", ".join(one.name for one in named) or "-",
        )
    table = files.read(file.name, file.read_bytes())
    mapping = columns.guess(table.columns)
    if chosen.input:
        mapping = columns.Mapping(input=chosen.input, reference=chosen.reference)
    if mapping is None:
        raise Refusal(N_("No column looks like the question. Name it with --input, and the answer with --reference."))
    checked = importing.check(table, mapping)
    if checked.problems:
        raise Refusal(
            N_("%(count)s rows of %(file)s cannot be used; the first is in line %(line)s. Correct them first."),
            count=len(checked.problems),
            file=file.name,
            line=checked.problems[0].row,
        )
    rows = [replace(row, split="dev") for row in checked.rows]
    known = {one.name["en"]: one for one in tasks.everything(conn)}
    task = known.get(TASK["en"]) or tasks.create(conn, by=OPERATOR, name=TASK, description={"en": "", "zh": ""})
    references = [row.reference for row in rows]
    scorer = scorers.suggest(references)
    schema = scorers.infer_schema(references) if scorer == "json" else None
    common: dict[str, Any] = {"by": OPERATOR, "task_id": task.task_id, "name": file.stem}
    return eval_sets.save(conn, rows=rows, scorer=scorer, schema=schema, **common)


def _prompts(
    conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, chosen: argparse.Namespace
) -> list[tuple[str, Prompt]]:
    for file in [*chosen.prompt, *(one for one in (chosen.system, chosen.schema) if one)]:
        if not file.is_file():
            raise Refusal(N_("There is no file %(file)s. Check the path."), file=file)
    system = chosen.system.read_text("utf-8").strip() if chosen.system else ""
    schema = answer_schemas.read(chosen.schema.read_text("utf-8")) if chosen.schema else None
    rungs = [
        (file.stem, Prompt(name=file.stem, system=system, template=file.read_text("utf-8").strip(), schema=schema))
        for file in chosen.prompt
    ]
    name = f"{eval_set.name} (command line)"  # the ladder that people made for the set stays the one that counts
    known = prompts.ladder(conn, eval_set.task_id, name)
    if known is None or [prompt.prompt_id for _, prompt in known.rungs] != [prompt.prompt_id for _, prompt in rungs]:
        prompts.save_ladder(conn, by=OPERATOR, task_id=eval_set.task_id, eval_set_name=name, rungs=rungs)
    return rungs


def _retrieval(conn: duckdb.DuckDBPyConnection, eval_set: EvalSet, chosen: argparse.Namespace) -> Retrieval | None:
    if chosen.index is None:
        return None
    known = indexes.versions(conn, eval_set.task_id)
    for one in known:
        if chosen.index in ("newest", str(one.number), one.index_id):
            return Retrieval(index_id=one.index_id, k=chosen.k)
    raise Refusal(
        N_("The task of this set has no version %(index)s of its knowledge base. Known versions are: %(known)s."),
        index=chosen.index,
        known=", ".join(str(one.number) for one in known) or "-",
    )


def _model(conn: duckdb.DuckDBPyConnection, name: str, chosen: argparse.Namespace) -> Model:
    if chosen.base_url:
        model = models.register_api(
            conn, by=OPERATOR, name=name, base_url=chosen.base_url, api_model=name, key_env=chosen.key_env
        )
        said: dict[str, Any] = {
            "concurrency": chosen.concurrency,
            "currency": chosen.currency,
            "price_prompt": chosen.price_prompt,
            "price_completion": chosen.price_answer,
        }
        agreed = replace(terms.of(conn, model.model_id), **{key: one for key, one in said.items() if one is not None})
        terms.agree(conn, by=OPERATOR, model_id=model.model_id, terms=agreed)
        return model
    registered = next((one for one in reversed(models.offered(conn)) if one.name == name), None)
    return registered or models.register_local(conn, by=OPERATOR, folder=Path(name))
