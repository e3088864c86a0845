"""Milliseconds that each diagnosis page computes, at 10,000, 100,000 and 1,000,000 scores and as many ratings.

`python benchmarks/diagnosis.py [--rows 10000 100000 1000000]`. One task holds them all: two models, four prompts, two
answers to each sample, two scores and two ratings to each answer; half of the samples are concept and practice pairs.
Ids are as long as real ones, and no two wrong answers are the same. For the retrieval page three runs more, of a tuned
model and with passages looked up, come on top.
Beside it, in the same run, a bare scan of the same rows by DuckDB. The ratio is what to trust; milliseconds belong to
the machine. What the page draws is not in it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # not this folder, in which `pages` is a file

from core.access import roles  # noqa: E402
from core.access.people import Person  # noqa: E402
from core.diagnosis import errors, probe  # noqa: E402
from core.evaluation import eval_sets, flips, ladders, lookups, pairs, results, searches, sums, tasks  # noqa: E402
from core.evaluation.tasks import Task  # noqa: E402
from core.intake.importing import Row  # noqa: E402
from core.judging import judges, judgings, opinions, standing  # noqa: E402
from core.review import blindness, error_counts, item_quality  # noqa: E402
from core.settings import Settings  # noqa: E402
from core.store import database  # noqa: E402
from pages.diagnosis import _evidence  # noqa: E402

BY = Person(person_id="mina", name="Mina", roles=frozenset(roles.ROLES))
LIMIT_MS = 500
RUNS, REPEATS = 8, 2
TIMES = 5

FILL = (
    """
    insert into samples by name
    select md5(i::text) as sample_id, $task as task_id, 'k' || i as key, 'Question ' || i as input,
        '' as context, 'late' as reference, if(i % 4 = 0, 'concept', 'practice') as kind,
        if(i % 4 < 2, 'pair ' || (i // 4), '') as pair, 'g' || (i // 2) as group_id, 'dev' as split,
        i % 50 = 0 as critical, [] as tags, json_object('source', 'guide-' || i % 200 || '.md') as fields
    from range($samples) as t (i)
    """,
    """
    insert into eval_set_samples by name
    select $set as eval_set_id, i as position, md5(i::text) as sample_id from range($samples) as t (i)
    """,
    "update eval_sets set sample_count = $samples, counts = json_object('dev', $samples) where eval_set_id = $set",
    """
    insert into models by name select 'm' || i as model_id, 'Model ' || i as name, 'api' as kind, '' as path,
        if(i = 2, 'm0', null) as base_model_id, '{}' as file_hashes, '{}' as lineage, 'x' as created_by,
        now()::timestamp as created_at from range(3) as t (i)
    """,
    """
    insert into prompts by name select 'p' || i as prompt_id, $task as task_id, chr(65 + i::int) as name,
        '' as system, '{input}' as template, '' as note, 'x' as created_by, now()::timestamp as created_at
    from range(4) as t (i)
    """,
    """
    insert into jobs by name select 'j' || i as job_id, (i + 1) % 3 as number, 'generate' as kind, $task as task_id,
        '{"message": "", "values": {}}' as title, '{}' as spec, 'done' as state, 'x' as created_by,
        now()::timestamp as created_at from range(3) as t (i)
    """,
    """
    insert into indexes by name select $task as task_id, 1 as number, 'index' as index_id, [] as documents,
        800 as passages, 'x' as created_by, now()::timestamp as created_at, 'bm25' as method
    """,
    """
    insert into runs by name select md5('r' || i) as run_id, $task as task_id, 'j' || (i // 4) as job_id,
        $set as eval_set_id, 'dev' as split, 'p' || (i % 4) as prompt_id, chr(65 + (i % 4)::int) as rung,
        'm' || (i // 4) as model_id, '{}' as decoding, 2 as repeats, 'ladder' as purpose, $samples * 2 as planned,
        'x' as created_by, now()::timestamp + interval (i) second as created_at from range(8) as t (i)
    """,
    """
    insert into runs by name select * exclude (n) replace (
            md5('r' || n) as run_id, 'j2' as job_id, 'matrix' as purpose, if(n = 8, 'm0', 'm2') as model_id,
            if(n = 9, null, 'index') as index_id, if(n = 9, null, 4) as k
        ) from runs, range(8, 11) as t (n) where run_id = md5('r3')
    """,
    """
    insert into shown_passages by name select md5('r' || r) as run_id, md5(i::text) as sample_id, n + 1 as number,
        'passage-' || p as passage_id, 'guide-' || p // 4 || '.md' as document, 'Part ' || p as section,
        repeat('What guide ' || p || ' says of parcels. ', 10) as text, 1.0 / (n + 1) as score
    from (select i, n, r, hash(i // 3, n) % 800 as p from range($samples) as t (i), range(4) as u (n),
        (select unnest([8, 10])) as v (r))
    """,
    """
    insert into answers by name select md5(r || '-' || i || '-' || k) as answer_id,
        md5('r' || r) as run_id, md5(i::text) as sample_id, k as repeat,
        if(hash(i, r, k) % 100 < 30 + 8 * (r % 4), 'late', 'The parcel ' || hash(i, r, k) || ' is on its way') as text,
        90 as prompt_tokens, 20 as completion_tokens, 0.4 as latency_s
    from range($samples) as t (i), range(11) as u (r), range(2) as v (k)
    """,
    """
    insert into scores by name select answer_id, 'exact' as scorer, metric,
        if(metric = 'valid', 1, (text = 'late')::int) as value, '' as reason
    from answers, (select unnest(['correct', 'valid']) as metric)
    """,
    """
    insert into queues by name select 'q' as queue_id, $task as task_id,
        (select any_value(rubric_id) from rubrics where task_id = $task) as rubric_id,
        list(md5('r' || i)) as run_ids, 1 as seed, 'x' as created_by, now()::timestamp as created_at
    from range(8) as t (i)
    """,
    """
    insert into queue_items by name select 'q' as queue_id, row_number() over () as position, answer_id, 2 as needed
    from answers where run_id in (select unnest(run_ids) from queues)
    """,
    """
    insert into ratings by name select 'q' as queue_id, answer_id, rater,
        if(text = 'late' or hash(answer_id, rater) % 10 = 0, 'pass', 'fail') as verdict,
        if(text = 'late' or hash(answer_id, rater) % 10 = 0, [],
            [['knowledge', 'reasoning', 'style', 'format'][1 + (hash(answer_id) % 4)::int]]) as error_types,
        '' as note, 'none' as origin, false as flagged, now()::timestamp as rated_at
    from answers semi join queue_items using (answer_id), (select unnest(['ada', 'bo']) as rater)
    """,
    """
    insert into judgings by name select 'g' as judging_id, $judge as judge_id, $task as task_id, 'j0' as job_id,
        md5('r0') as run_id, $samples * 2 as planned, 'x' as created_by, now()::timestamp as created_at
    """,
    """
    insert into judgements by name select 'u' || answer_id as judgement_id, 'g' as judging_id, answer_id,
        false as swapped, if(text = 'late' or hash(answer_id) % 20 = 0, 'pass', 'fail') as verdict, '' as rationale,
        '' as reply, false as repaired from answers where run_id = md5('r0')
    """,
)
SCAN = """
    select (select bit_xor(hash(answer_id, metric, value)) from scores),
        (select bit_xor(hash(answer_id, run_id, sample_id)) from answers),
        (select bit_xor(hash(answer_id, rater, verdict, error_types)) from ratings)
"""


def fill(conn: duckdb.DuckDBPyConnection, rows: int) -> Task:
    """A task with so many scores and ratings."""
    task = tasks.create(conn, by=BY, name={"en": "Bench"}, description={"en": ""})
    first = Row(key="first", input="?", context="", reference="late", kind="practice", pair="", group_id="first",
                split="train", critical=False, tags=(), line=2)  # fmt: skip
    saved = eval_sets.save(conn, by=BY, task_id=task.task_id, name="Bench", rows=[first], scorer="exact")
    conn.execute("delete from eval_set_samples")
    judge = judges.Judge(name="J", criterion="Right?", passes="It is.", fails="It is not.", model_id="m0")
    known = {"task": task.task_id, "set": saved.eval_set_id, "samples": rows // (RUNS * REPEATS * 2)}
    for query in FILL:
        if "$judge" in query:  # a judge is saved after its model
            judges.save(conn, by=BY, task_id=task.task_id, judge=judge)
        values = {**known, "judge": judge.judge_id}
        conn.execute(query, {name: value for name, value in values.items() if f"${name}" in query} or None)
    conn.execute("insert into tallies from tally(null)")
    sums.catch_up(conn)
    conn.execute("checkpoint")
    return task


def pages(conn: duckdb.DuckDBPyConnection, task: Task) -> dict[str, Callable[[], Any]]:
    """What each page computes when it is opened."""

    def ladder() -> None:
        climb = ladders.of_set(conn, task.task_id, "Bench")[0]
        judged = results.judge_ladder(conn, task, climb.runs)
        ladders.table(conn, climb.runs)
        before, after = climb.runs[-2:]
        blindness.waiting(conn, [before["run_id"], after["run_id"]], BY)
        flips.between(conn, task.plan.metric, [before["run_id"]], [after["run_id"]], most=3)
        assert judged.climb.paired.n

    def asked_pairs() -> None:
        run = pairs.of_task(conn, task.task_id)[0]
        blindness.waiting(conn, [run["run_id"]], BY)
        judged = probe.judge(pairs.values(conn, run["run_id"], task.plan.metric), target=task.target)
        assert judged.concept.n

    def gap() -> None:
        runs = ladders.same_prompt(conn, task.task_id, "Bench")[0]
        assert _evidence.judge_models(conn, task, runs, runs[0]["model_id"])

    def looked_up() -> None:
        grid = lookups.grids(conn, task)[0]
        lookups.tags(conn, grid)
        run = lookups.runs_of(conn, task.task_id)[0]
        report = lookups.report(conn, task, run)
        opinions.of_run(conn, run["run_id"], run["model_id"])
        searches.beside(conn, task, run)
        assert grid.grid.stacks
        assert report.search.hits.n

    def kinds() -> None:
        versions = _evidence.judged_versions(conn, task)
        found = error_counts.of_runs(conn, [one for version in versions for one in version["run_ids"]])
        assert errors.judge(found, {}).n

    def changes() -> None:
        versions = _evidence.judged_versions(conn, task)
        kinds = ["knowledge", "reasoning", "style", "format", "other"]
        found = error_counts.between(conn, versions[0]["run_ids"], versions[-1]["run_ids"], kinds)
        assert errors.changes(found)[0].paired.n

    def items() -> None:
        assert item_quality.of_task(conn, task.task_id, "correct")[0].rates["split"].n

    def judge() -> None:
        one = judges.of_task(conn, task.task_id)[0]
        found = standing.calibrate(conn, one)
        standing.lengths(conn, one)
        for judging in judgings.of_judge(conn, one.judge_id):
            judgings.counts(conn, judging["judging_id"])
            standing.estimate(conn, one, judging, found)
        assert found.calibrated

    def recommendation() -> None:
        base = next(iter(_evidence.bases(conn, task)))
        found = _evidence.facts(conn, task, base, BY.person_id) | _evidence.errors_in(
            task, _evidence.error_shares(conn, task), "en"
        )
        assert {"ladder", "probe", "models", "agreement", "errors"} <= set(found)

    return {"ladder": ladder, "probe": asked_pairs, "models compared": gap, "retrieval": looked_up,
            "errors: kinds": kinds, "errors: changes": changes, "errors: samples": items, "judges": judge,
            "recommendation": recommendation}  # fmt: skip


def median_ms(work: Callable[[], Any]) -> float:
    """The median of a few times, after one to warm up."""
    taken = []
    for _ in range(TIMES + 1):
        started = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - started))
    return statistics.median(taken[1:])


def measure(rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        opened = database.connect(Settings(data=Path(folder)))
        conn = opened.cursor()
        task = fill(conn, rows)
        found = {"bare scan": median_ms(lambda: conn.execute(SCAN).fetchall())}
        found |= {name: median_ms(work) for name, work in pages(conn, task).items()}
        opened.close()
    return found


def main() -> None:
    """Print milliseconds and multiples of the scan, and the slowest page."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    sizes = options.parse_args().rows
    found = {size: measure(size) for size in sizes}
    print(f"{'ms (x bare scan)':20s}" + "".join(f"{size:>22,}" for size in sizes))
    for name in found[sizes[0]]:
        cells = (f"{found[size][name]:.0f} ({found[size][name] / found[size]['bare scan']:.1f}x)" for size in sizes)
        print(f"{name:20s}" + "".join(f"{cell:>22s}" for cell in cells))
    largest = found[sizes[-1]]
    slowest = max(largest, key=lambda name: largest[name])
    print(f"slowest at {sizes[-1]:,} rows: {slowest}, {largest[slowest]:.0f} ms (bar: {LIMIT_MS} ms)")


if __name__ == "__main__":
    main()
