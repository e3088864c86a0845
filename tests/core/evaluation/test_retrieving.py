"""Runs that look passages up: what is shown is kept, asked once, cited by number, and learned from as it was."""

import pytest

from core.errors import Refusal
from core.evaluation import answers, asking, estimates, lookups, matrices, prompts, retrieving, runs, searches
from core.evaluation.matrices import Matrix
from core.evaluation.prompts import Prompt
from core.evaluation.retrieving import Retrieval
from core.jobs import jobs
from core.judging import judges, judgings, opinions
from core.judging.criteria import Judge
from core.knowledge import indexes, shown, ways
from core.knowledge.embedders import Embedder
from core.review import queues
from core.scoring import checks
from core.training import training_sets
from tests import chain, inline
from tests.openai_server import serve

WITH = Prompt(name="With passages", system="", template="{passages}\nQuestion: {input}")


@pytest.fixture
def world(conn, settings, mina):
    world = chain.small(conn, settings, mina, train=4)
    text = "\n\n".join(f"# {part}\nWhere the {part} parcel is: 3 days away [7]." for part in ("late", "lost"))
    indexes.add(conn, by=mina, task_id=world.task.task_id, files=[("parcels.md", text.encode())])
    return world


def retrieval(world, k=1):
    return Retrieval(index_id=indexes.newest(world.conn, world.task.task_id).index_id, k=k)


def matrix(world, *named, **how):
    return Matrix(eval_set=world.eval_set, split=how.pop("split", "dev"), prompts=named or [("B", WITH)],
                  models=[world.base], **how)  # fmt: skip


def saved(world):
    prompts.save_ladder(world.conn, by=world.by, task_id=world.task.task_id, eval_set_name="x", rungs=[("B", WITH)])


def begun(world, **how):
    saved(world)
    job_id = matrices.start(world.conn, by=world.by, matrix=matrix(world, **how))
    return job_id, asking.inputs(world.conn, world.settings, job_id)[1]


def test_passages_are_in_the_prompt_kept_as_shown_and_not_looked_up_twice(world):
    job_id, items = begun(world, retrieval=retrieval(world))
    (run,) = runs.of_job(world.conn, job_id)
    kept = retrieving.of_samples(world.conn, run["run_id"])
    assert len(items) == len(kept) == 8
    for item in items:
        (one,) = kept[item["sample_id"]]
        said = item["messages"][-1]["content"]
        assert f"[1] parcels.md · {one.section}" in said
        assert one.text in said
        assert (one.number, one.document, "(7)" in one.text, "[7]" in one.text) == (1, "parcels.md", True, False)
    indexes.add(world.conn, by=world.by, task_id=world.task.task_id, files=[("parcels.md", b"All else.")])
    assert asking.inputs(world.conn, world.settings, job_id)[1] == items


def test_a_prompt_without_a_place_for_passages_says_so_before_the_start(world):
    with pytest.raises(Refusal, match="no place for passages"):
        matrix(world, *world.ladder.rungs, retrieval=retrieval(world))
    with pytest.raises(Refusal, match="Between 1 and 20"):
        retrieval(world, k=21)


def test_without_an_index_the_place_says_that_there_are_none_and_answers_are_not_mixed_up(world):
    job_id, items = begun(world, retrieval=retrieval(world), both=True)
    assert len(items) == 16 == matrix(world, retrieval=retrieval(world), both=True).calls
    ways = matrix(world, retrieval=retrieval(world), both=True, beside=[retrieval(world, 2)] * 2)
    assert ways.ways == (None, retrieval(world, 2), retrieval(world)), "each once"
    assert matrix(world, beside=[retrieval(world)]).ways == (None,)
    without = [item for item in items if shown.NONE in item["messages"][-1]["content"]]
    assert len(without) == 8
    assert len({item["content_key"] for item in items}) == 16
    rows = [{**item, "text": "x", "failure": None} for item in without]
    assert answers.keep(world.conn, job_id, rows) == 8
    jobs.set_state(world.conn, job_id, "done")
    for way, known in ((None, 8), (retrieval(world), 0)):
        found = estimates.of(world.conn, matrix(world, retrieval=way), settings=world.settings)
        assert found.known == known


def test_citations_are_checked_against_the_passages_that_were_shown(world):
    _, items = begun(world, retrieval=retrieval(world))
    passages = retrieving.of_samples(world.conn, items[0]["run_id"], [items[0]["sample_id"]])
    assert list(passages) == [items[0]["sample_id"]]
    context = shown.as_context("Known.", passages[items[0]["sample_id"]])
    assert checks.numbers(context) == {1}, "a document's own [7] is no passage"


def test_a_judge_reads_the_passages_that_were_shown_with_the_answer(world):
    chain.climb(world)
    saved(world)
    job_id = matrices.start(world.conn, by=world.by, matrix=matrix(world, retrieval=retrieval(world)))
    chain.work(world)
    (run,) = runs.of_job(world.conn, job_id)
    judge = Judge(name="Faithful", criterion="It stands in the passages.", passes="It does.", fails="It does not.",
                  model_id=world.base.model_id)  # fmt: skip
    judge = judges.save(world.conn, by=world.by, task_id=world.task.task_id, judge=judge)
    judgings.start(world.conn, by=world.by, judge=judge, run_id=run["run_id"])
    (asked,) = judgings.of_judge(world.conn, judge.judge_id)
    _, items = judgings.inputs(world.conn, asked["judging_id"])
    assert len(items) == 8
    for item in items:
        assert "parcel is: 3 days away (7)" in item["messages"][-1]["content"]
    verdicts = [{"judgement_id": one["judgement_id"], "verdict": "pass" if place < 6 else "fail", "rationale": "",
                 "failure": None, "reply": "", "repaired": False} for place, one in enumerate(items)]  # fmt: skip
    assert judgings.keep(world.conn, asked["judging_id"], verdicts) == 8
    (opinion,) = opinions.of_run(world.conn, run["run_id"], run["model_id"])
    assert (opinion.passed.value, opinion.passed.n, opinion.calibration.calibrated) == (6 / 8, 8, False)


def test_ways_of_searching_stand_beside_each_other_on_the_same_samples(world):
    saved(world)
    with serve() as server:
        embedder = Embedder(base_url=server.base_url, model="tiny")
        for method in ("bm25", "dense", "hybrid"):
            ways.choose(world.conn, by=world.by, task_id=world.task.task_id, method=method, embedder=embedder)
            inline.drain(world.settings, world.conn)
            job_id = matrices.start(world.conn, by=world.by, matrix=matrix(world, retrieval=retrieval(world)))
            (run,) = runs.of_job(world.conn, job_id)
            items = asking.inputs(world.conn, world.settings, job_id)[1]
            right = {"bm25": 2, "dense": 4, "hybrid": 8}[method]
            answers.keep(world.conn, job_id, [
                {**item, "text": "late" if place < right else "x", "failure": None} for place, item in enumerate(items)
            ])  # fmt: skip
            assert len(retrieving.of_samples(world.conn, run["run_id"])) == 8
    assert sorted(map(len, server.embedded)) == [2, 8], "passages once, questions once"
    found = searches.beside(world.conn, world.task, lookups.runs_of(world.conn, world.task.task_id)[0])
    assert [one.index.method for one in found] == ["bm25", "dense", "hybrid"]
    assert [one.right.n for one in found] == [8, 8, 8]
    assert [one.more and one.more.n for one in found] == [None, 8, 8]


def test_an_approved_answer_is_learned_with_the_passages_it_was_given(world):
    chain.climb(world)
    saved(world)
    job_id = matrices.start(world.conn, by=world.by, matrix=matrix(world, split="train", retrieval=retrieval(world)))
    chain.work(world)
    (run,) = runs.of_job(world.conn, job_id)
    queue_id = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=[run["run_id"]], limit=4)
    chain.rate(world, queue_id)
    chain.approve(world)
    frozen = training_sets.freeze(world.conn, by=world.by, task_id=world.task.task_id, prompt=WITH)
    rows = training_sets.rows(world.conn, frozen.training_set_id)
    assert len(rows) == 4
    assert all("parcel is: 3 days away (7)" in row["messages"][-1]["content"] for row in rows)
