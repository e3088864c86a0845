"""A judge from its version to its calibration, through the real worker against a real server."""

import json

import pytest

from core.access.people import Person
from core.errors import Refusal
from core.evaluation import models, runs
from core.jobs import folder as job_folder
from core.jobs import jobs, supervisor
from core.judging import judges, judgings, standing, work
from core.judging.criteria import Judge
from core.review import queues, ratings
from core.store import database
from tests import chain, openai_server
from tests.core.judging import stub_judge


@pytest.fixture
def world(settings, mina):
    """The ladder's two runs over 60 dev samples each: the first 15 answers are right."""
    connection = database.connect(settings)
    world = chain.small(connection.cursor(), settings, mina, dev=60, train=6, gate=6, retain=6)
    chain.climb(world)
    yield world
    connection.close()


def of(world, server, form="single"):
    model = models.register_api(world.conn, by=world.by, name="J", base_url=server.base_url, api_model="tiny")
    judge = Judge(name="Right", criterion="It is right.", passes="Same.", fails="Other.", model_id=model.model_id,
                  form=form)  # fmt: skip
    return judges.save(world.conn, by=world.by, task_id=world.task.task_id, judge=judge)


class Here:
    """A launcher whose worker is this process: the worker's own function, without the start of a new one."""

    def launch(self, folder):
        job_folder.tell(folder, "started", pid=0)
        made = work.work(folder, job_folder.spec(folder))
        job_folder.finish(folder, "stopped" if made.pop("stopped", False) else "done", **made)

    def kill(self, folder):
        raise AssertionError


def finish(world):
    while supervisor.step(world.settings, world.conn, Here()):
        pass


def rungs(world):
    return [run["run_id"] for run in runs.latest_ladder(world.conn, world.task.task_id, "Parcels")]


def says(verdict):
    return json.dumps({"rationale": "Because.", "verdict": verdict})


def same(body):
    """Whether the answer in the fences is the reference."""
    fences, _ = stub_judge.read(body["messages"][0]["content"], body["messages"][-1]["content"])
    return fences["ANSWER"] == fences["REFERENCE"]


def strict(body):
    return says("pass" if same(body) else "fail")


def labels(world, wrong=0, run_id=None):
    """People judge a run, else rung A: what is the reference passes, but `wrong` of them they judge the other way."""
    queue = queues.create(world.conn, by=world.by, task_id=world.task.task_id, run_ids=[run_id or rungs(world)[0]])
    for number, item in enumerate(ratings.waiting(world.conn, queue, world.by.person_id, 100)):
        right = (item.text == item.reference) != (number < wrong)
        rating = ratings.Rating(queue_id=queue, answer_id=item.answer_id, verdict="pass" if right else "fail")
        ratings.record(world.conn, rating, by=world.by)


def test_a_judge_is_a_version_and_its_verdicts_are_no_scores(world):
    before = world.conn.execute("from scores order by all").fetchall()
    with openai_server.serve(answer=strict) as server:
        judge = of(world, server)
        assert of(world, server) == judge
        judgings.start(world.conn, by=world.by, judge=judge, run_id=rungs(world)[0])
        finish(world)
    [judging] = judgings.of_judge(world.conn, judge.judge_id)
    assert (judging["planned"], judging["judged"], judging["failed"]) == (60, 60, 0)
    said = judgings.verdicts(world.conn, judging["judging_id"])
    assert [row["verdict"] for row in said].count("pass") == 15
    assert world.conn.execute("from scores order by all").fetchall() == before


def test_calibration_counts_the_judge_against_people_and_names_what_is_missing(world):
    with openai_server.serve(answer=strict) as server:
        judge = of(world, server)
        judgings.start(world.conn, by=world.by, judge=judge, run_id=rungs(world)[0])
        finish(world)
    nothing = standing.calibrate(world.conn, judge)
    assert (nothing.samples, nothing.needed, nothing.calibrated) == (0, 50, False)
    assert (nothing.tpr.value, nothing.alpha.value) == (None, None)
    labels(world, wrong=6)
    found = standing.calibrate(world.conn, judge)
    assert (found.samples, found.needed, found.calibrated) == (60, 0, True)
    assert sum(found.confusion.values()) == 60
    assert found.confusion[True, True] + found.confusion[False, False] == 54
    assert found.agreement.value == pytest.approx(0.9)
    assert found.people.n == 0, "one rater cannot differ from others"
    assert standing.calibrate(world.conn, judge, model_id="another").samples == 0
    assert standing.models(world.conn, judge) == {world.base.model_id: "Base"}
    assert (standing.lengths(world.conn, judge).judge.n, standing.lengths(world.conn, judge).people.n) == (60, 60)
    [judging] = judgings.of_judge(world.conn, judge.judge_id)
    assert judgings.counts(world.conn, judging["judging_id"]) == {"pass": 15, "fail": 45}
    assert standing.estimate(world.conn, judge, judging) is None, "60 ratings correct nothing; it takes 100"


def test_what_cannot_be_read_is_asked_once_more_and_then_counted_as_failed(world):
    def stubborn(body):
        """Never readable on the 15 right answers, readable at the second time of asking on the 45 wrong ones."""
        again = "earlier reply could not be read" in body["messages"][-1]["content"]
        return says("fail") if again and not same(body) else "I would say fail."

    with openai_server.serve(answer=stubborn) as server:
        judge = of(world, server)
        judgings.start(world.conn, by=world.by, judge=judge, run_id=rungs(world)[0])
        finish(world)
        assert len(server.seen) == 120
    [judging] = judgings.of_judge(world.conn, judge.judge_id)
    assert (judging["judged"], judging["repaired"], judging["failed"]) == (60, 60, 15)
    labels(world)
    found = standing.calibrate(world.conn, judge)
    assert found.confusion[True, None] == 15
    assert (found.answers, found.needed) == (45, 5), "a failure is no verdict"


def test_pairs_are_asked_in_both_orders_and_a_contradiction_is_a_tie(world):
    with openai_server.serve(answer=lambda body: says("first")) as server:
        judge = of(world, server, form="pair")
        judgings.start(world.conn, by=world.by, judge=judge, run_id=rungs(world)[0], other_run_id=rungs(world)[1])
        finish(world)
        shown = [body["messages"][-1]["content"] for body in server.seen]
    [judging] = judgings.of_judge(world.conn, judge.judge_id)
    assert (judging["planned"], judging["judged"]) == (120, 120)
    assert {row["verdict"] for row in judgings.verdicts(world.conn, judging["judging_id"])} == {"tie"}
    assert judgings.counts(world.conn, judging["judging_id"]) == {"tie": 60}
    assert all("ANSWER 1>>>" in text and "ANSWER 2>>>" in text for text in shown)


def test_taking_judgements_in_twice_changes_nothing(world):
    with openai_server.serve(answer=strict) as server:
        judge = of(world, server)
        job_id = judgings.start(world.conn, by=world.by, judge=judge, run_id=rungs(world)[0])
        finish(world)
    folder = jobs.folder_of(world.settings, job_id)
    rows = [row for shard in job_folder.shards(folder) for row in job_folder.read_lines(shard)]
    [judging] = judgings.of_judge(world.conn, judge.judge_id)
    assert judgings.keep(world.conn, judging["judging_id"], rows) == 0


def test_a_stopped_judging_goes_on_with_what_is_missing(world, tmp_path):
    with openai_server.serve(answer=strict) as server:
        judge = of(world, server)
        job_id = judgings.start(world.conn, by=world.by, judge=judge, run_id=rungs(world)[0])
        [judging] = judgings.of_judge(world.conn, judge.judge_id)
        spec, items = judgings.inputs(world.conn, judging["judging_id"])
        job_folder.write_lines(tmp_path / "items.jsonl", items[:20])
        work.work(tmp_path, spec)
        job_folder.write_lines(tmp_path / "items.jsonl", items)
        assert work.work(tmp_path, spec) == {"judged": 60}
        assert len(server.seen) == 60
    assert jobs.find(world.conn, job_id).state == "queued"


def test_what_makes_no_sense_is_refused(world):
    with openai_server.serve(answer=strict) as server:
        judge, pair = of(world, server), of(world, server, form="pair")
    start = {"by": world.by, "judge": judge, "run_id": rungs(world)[0]}
    judgings.start(world.conn, **start)
    with pytest.raises(Refusal, match="asked about this run already"):
        judgings.start(world.conn, **start)
    with pytest.raises(Refusal, match="needs two runs"):
        judgings.start(world.conn, **{**start, "judge": pair})
    nobody = Person(person_id="x", name="X", roles=frozenset({"expert"}))
    with pytest.raises(Refusal, match="Only an operator"):
        judgings.start(world.conn, **{**start, "by": nobody})
    with pytest.raises(Refusal, match="one criterion"):
        Judge(name="x", criterion=" ", passes="a", fails="b", model_id="m")
