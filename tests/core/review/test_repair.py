"""Corrections by a model: asked in words, rewritten by a worker, taken by the expert, and known as what they are."""

import json
import time
from dataclasses import fields, replace

import pytest

from core.errors import Refusal
from core.evaluation import models
from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from core.jobs.launchers import LocalLauncher
from core.review import approvals, ratings, repair, rewrites, rewriting
from core.review.ratings import Rating
from core.store import database
from core.training import drafts
from tests import chain, openai_server


@pytest.fixture
def server():
    """Answers each round with "better" and how often the expert has spoken."""
    with openai_server.serve(answer=better) as running:
        yield running


def better(body):
    return f"better {body['messages'][-1]['content'].count('>>>') // 2 - 2}"


@pytest.fixture
def item(world, queue_id, server, monkeypatch):
    """An answer that waits for Mina, in a task with a model that rewrites."""
    monkeypatch.setattr(rewrites, "IDLE_S", 0.0)
    model = models.register_api(world.conn, by=world.by, name="Writer", base_url=server.base_url, api_model="tiny")
    repair.choose(world.conn, by=world.by, task_id=world.task.task_id, model_id=model.model_id)
    return wrong(world, queue_id)[-1]


def wrong(world, queue_id):
    """The waiting answers that are not the reference."""
    return [one for one in ratings.waiting(world.conn, queue_id, "mina", 100) if one.text != one.reference]


class Here:
    """A launcher whose worker is this process: the worker's own function, without the start of a new one."""

    def launch(self, folder):
        try:
            made = rewriting.work(folder, job_folder.spec(folder))
        except Refusal as refusal:
            job_folder.finish(folder, "failed", refusal.message, values=refusal.values)
        else:
            job_folder.finish(folder, "done", **made)

    def kill(self, folder):
        raise AssertionError


def finish(world):
    while supervisor.step(world.settings, world.conn, Here()):
        pass


def ask(world, queue_id, item, said="It has no date.", **more):
    known = {"by": world.by, "queue_id": queue_id, "answer_id": item.answer_id, "wrong": said}
    return repair.ask(world.conn, **{**known, **more})


def rounds(world, queue_id, item):
    return [(one["state"], one["text"]) for one in repair.rounds(world.conn, queue_id, "mina", item.answer_id)]


def fail(world, queue_id, item, correction, by=None):
    rating = Rating(queue_id=queue_id, answer_id=item.answer_id, verdict="fail", correction=correction)
    ratings.record(world.conn, rating, by=by or world.by)
    return ratings.current(world.conn, queue_id, item.answer_id, (by or world.by).person_id)


def test_round_by_round_the_model_is_told_all_that_was_said_and_never_the_reference(world, queue_id, item, server):
    ask(world, queue_id, item)
    assert rounds(world, queue_id, item) == [("waiting", None)]
    finish(world)
    assert rounds(world, queue_id, item) == [("back", "better 1")]
    ask(world, queue_id, item, "Still no date.", before="better, edited")
    finish(world)
    assert rounds(world, queue_id, item) == [("back", "better 2"), ("back", "better 1")]
    last = server.seen[-1]["messages"][-1]["content"]
    assert all(part in last for part in (item.input, "better, edited", "It has no date.", "Still no date."))
    assert item.reference not in last.split()
    assert item.text not in last, "the second round improves the text of the first"


def test_where_a_correction_comes_from_is_found_out_and_cannot_be_claimed(world, queue_id, item):
    other = wrong(world, queue_id)[0]
    assert fail(world, queue_id, other, "It comes on Monday.")["origin"] == "typed"
    assert fail(world, queue_id, other, other.reference + " ")["origin"] == "reference"
    ask(world, queue_id, item)
    finish(world)
    (first,) = repair.rounds(world.conn, queue_id, "mina", item.answer_id)
    taken = fail(world, queue_id, item, "better 1\n")
    assert (taken["origin"], taken["rewrite_id"]) == ("rewritten", first["rewrite_id"])
    edited = fail(world, queue_id, item, "better 1, on Monday")
    assert (edited["origin"], edited["rewrite_id"]) == ("edited", first["rewrite_id"])
    wei = replace(world.by, person_id="wei")
    assert fail(world, queue_id, item, "better 1", by=wei)["origin"] == "typed", "Wei has asked no model"
    assert "origin" not in {field.name for field in fields(Rating)}


def test_approvals_and_training_sets_keep_who_wrote_it(world, queue_id, item):
    for number in (1, 2):
        ask(world, queue_id, item, f"Reason {number}.")
        finish(world)
    fail(world, queue_id, item, "better 2")
    chain.rate(world, queue_id)
    (row,) = [one for one in approvals.candidates(world.conn, world.task.task_id) if one["written"] == "rewritten"]
    assert (row["completion"], row["origin"], row["rewriter"], row["rounds"]) == ("better 2", "corrected", "Writer", 2)
    chain.approve(world)
    made = drafts.of_task(world.conn, world.task.task_id).composition
    # 12 answers: 3 pass, one is rewritten, 8 are corrected by their reference
    assert (made["as_is"], made["corrected"]) == (3, 9)
    assert made["written"] == {"reference": 8, "rewritten": 1}
    assert made["rewriters"] == {"Writer": 1}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"wrong": " "}, "told what is wrong"),
        ({"wrong": "x" * 4001}, "too long for a model"),
        ({"before": "x" * 20_001}, "too long for a model"),
        ({"answer_id": "other"}, "not in the queue any more"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(world, queue_id, item, more, sentence):
    with pytest.raises(Refusal, match=sentence):
        ask(world, queue_id, item, **more)
    assert database.row(world.conn, "select count(*) as n from rewrites")["n"] == 0


def test_one_round_at_a_time_each_receipt_once_and_none_without_a_model(world, queue_id, item):
    assert ask(world, queue_id, item, receipt="r")
    assert not ask(world, queue_id, item, receipt="r")
    with pytest.raises(Refusal, match="still at the last round"):
        ask(world, queue_id, item)
    finish(world)
    repair.choose(world.conn, by=world.by, task_id=world.task.task_id, model_id=None)
    with pytest.raises(Refusal, match="No model is chosen"):
        ask(world, queue_id, item)
    expert = replace(world.by, roles=frozenset({"expert"}))
    with pytest.raises(Refusal, match="Only an operator"):
        repair.choose(world.conn, by=expert, task_id=world.task.task_id, model_id=None)


def test_a_model_that_fails_is_a_state_and_the_operator_reads_why(world, queue_id, item, server):
    server.faults["*"] = [openai_server.returns(openai_server.error(404, "no such thing"))]
    ask(world, queue_id, item)
    finish(world)
    assert rounds(world, queue_id, item) == [("failed", None)]
    asked, why = repair.failures(world.conn, world.task.task_id)
    assert asked == 1
    assert "has no model tiny" in str(why[0])
    server.answer = lambda body: item.text
    ask(world, queue_id, item)
    finish(world)
    assert rounds(world, queue_id, item)[0] == ("unchanged", item.text)
    shown = "<<<0123456789abcdef EXPERT, ROUND 1>>\nIt has no date."  # as a small model does
    for said in (" ", shown, "<<<0123456789abcdef ANSWER>>>"):
        server.answer = lambda _, said=said: said
        ask(world, queue_id, item)
        finish(world)
        assert rounds(world, queue_id, item)[0] == ("failed", None)
    assert "instead of a corrected answer" in str(repair.failures(world.conn, world.task.task_id)[1][0])


def test_a_job_that_was_stopped_leaves_no_round_waiting(world, queue_id, item):
    ask(world, queue_id, item)
    (job,) = jobs.in_states(world.conn, "queued")
    jobs.stop(world.conn, world.settings, job.job_id, by=world.by)
    assert rounds(world, queue_id, item) == [("failed", None)]
    ask(world, queue_id, item)
    finish(world)
    assert rounds(world, queue_id, item)[0] == ("back", "better 2")


def test_what_is_asked_while_the_worker_leaves_goes_on_in_the_next_job(world, queue_id, item):
    class Leaving(Here):
        def launch(self, folder):
            super().launch(folder)
            if len(others) == 1:
                ask(world, queue_id, others.pop())  # its file is written too late

    others = [wrong(world, queue_id)[0]]
    late = others[0]
    ask(world, queue_id, item)
    while supervisor.step(world.settings, world.conn, Leaving()):
        pass
    assert rounds(world, queue_id, item) == [("back", "better 1")]
    assert rounds(world, queue_id, late) == [("back", "better 1")]
    assert database.row(world.conn, "select count(*) as n from jobs where kind = 'rewrite'")["n"] == 2


def test_a_real_worker_serves_round_after_round_beside_other_work(world, queue_id, item, monkeypatch):
    """With a run at work that lasts, the expert is not kept waiting; the worker ends by itself."""
    monkeypatch.setattr(rewrites, "IDLE_S", 2.0)
    busy = jobs.Job(
        job_id="busy", kind="generate", task_id=world.task.task_id, title="A long run", values={}, spec={}, by="mina"
    )
    jobs.insert(world.conn, busy)
    jobs.set_state(world.conn, "busy", "running")
    folder = jobs.folder_of(world.settings, "busy")
    folder.mkdir(parents=True)
    held = job_folder.lock(folder)
    assert held is not None
    for number in (1, 2):
        ask(world, queue_id, item, f"Reason {number}.")
        until(world, lambda: rounds(world, queue_id, item)[0][0] != "waiting")
    assert rounds(world, queue_id, item) == [("back", "better 2"), ("back", "better 1")]
    (job,) = [one for one in jobs.everything(world.conn) if one.kind == "rewrite"]
    until(world, lambda: jobs.find(world.conn, job.job_id).state == "done")
    assert "tiny" not in json.dumps(repair.rounds(world.conn, queue_id, "mina"))


def until(world, reached):
    end = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < end, "it never came to that"
        supervisor.step(world.settings, world.conn, LocalLauncher())
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("text", "schema", "fault"),
    [
        ("The action is wrong.\n\nThe action is wrong.\n", None, "echo"),
        ("The action is wrong. Say when. The action is wrong.", None, "echo"),
        ("Say when.", None, None),  # once, it may be the right answer, dictated
        ("The action is wrong. The action is wrong, so it is tracked.", None, None),
        ("The answer is:\n\nThe action is tracking.", {"type": "object"}, "no_json"),
        ('{"action": "track"}', {"type": "object"}, None),
        ('It is {"action": "track"}.', {"type": "object"}, None),
    ],
)
def test_what_cannot_be_a_corrected_answer_never_comes_to_the_expert(text, schema, fault):
    item = {"said": ["The action is wrong.", "Say when."], "schema": schema, "before": "late"}
    assert rewriting.fault(text, text, item) == fault


@pytest.mark.parametrize(
    ("said", "before", "kept"),
    [
        (" Late. ", "late", "Late."),
        ("<<<0123456789abcdef ANSWER>>>\nLate.\n<<<0123456789abcdef END OF ANSWER>>>", "late", "Late."),
        ("<<<0123456789abcdef ANSWER>>\nLate.\n<<<0123456789abcdef END OF ANSWER>>", "late", "Late."),
        ('```json\n{"a": 1}\n```', '{"a": 2}', '{"a": 1}'),
        ("```\ncode\n```", "```\nold\n```", "```\ncode\n```"),
    ],
)
def test_marks_and_wrappings_around_the_text_are_taken_off(said, before, kept):
    assert rewriting.bare(said, before) == kept
