"""The retrieval page and what it reads: found sources, the 2×2, the grid of passages and tuning."""

import json
import re

import pytest

from core.diagnosis import retrieval
from core.evaluation import (
    answers,
    demo_task,
    eval_sets,
    lookups,
    matrices,
    models,
    prompts,
    results,
    retrieving,
    runs,
    sources,
    tasks,
)
from core.evaluation.matrices import Matrix
from core.evaluation.retrieving import Retrieval
from core.jobs import jobs, supervisor
from core.knowledge import grounding, indexes, ways
from core.knowledge.embedders import Embedder
from core.store import audit
from pages._ui import session
from tests import inline
from tests.openai_server import serve

PAGE = "diagnosis/retrieval.py"


@pytest.fixture
def world(conn, task, mina, tmp_path):
    """The demo's desk answers by a base and its adapter, with passages and without: passages bring the facts, tuning
    the closing words, and each the other's in vain."""
    base = models.register_api(conn, by=mina, name="Base", base_url="http://127.0.0.1:9/v1", api_model="b")
    tuned = models.register_api(conn, by=mina, name="Tuned", base_url="http://127.0.0.1:9/v1", api_model="t")
    with audit.change(conn, actor="test", act="test", subject="x"):
        conn.execute("update models set base_model_id = ? where model_id = ?", [base.model_id, tuned.model_id])
    (chosen,) = (one for one in eval_sets.of_task(conn, task) if one.name == demo_task.DESK)
    index = indexes.newest(conn, task)
    matrix = Matrix(
        eval_set=chosen, split="dev", prompts=prompts.ladder(conn, task, chosen.name).rungs, models=[base, tuned],
        retrieval=Retrieval(index_id=index.index_id, k=3), both=True,
    )  # fmt: skip
    job_id = matrices.start(conn, by=mina, matrix=matrix)
    settings = session.settings()
    supervisor.prepare(settings, conn, jobs.find(conn, job_id), tmp_path)
    samples = eval_sets.samples(conn, chosen.eval_set_id, "dev")
    for run in runs.of_job(conn, job_id):
        rows = []
        for sample in samples:
            fact = "fact" in sample.tags  # closing words cite nothing: for some of them nothing at all is found
            right = run["index_id"] if fact else run["model_id"] == tuned.model_id
            text = sample.reference.split("|")[0] + " [1]" * fact if right else "I do not know."
            rows.append({"run_id": run["run_id"], "sample_id": sample.sample_id, "repeat": 0, "text": text,
                         "prompt_tokens": 500 if run["index_id"] else 60, "latency_s": 0.5})  # fmt: skip
        answers.keep(conn, job_id, rows)
    jobs.set_state(conn, job_id, "done")
    return task


def test_passages_help_the_facts_tuning_the_style_and_they_stack(world, conn):
    task = tasks.find(conn, world)
    (measured,) = lookups.grids(conn, task)
    assert measured.grid.rates["base"].value == 0
    assert measured.grid.rates["tuned_rag"].value == 1
    assert measured.grid.retrieval.mean == pytest.approx(48 / 72)
    assert measured.grid.tuning.mean == pytest.approx(24 / 72)
    assert measured.grid.stacks.mean == pytest.approx(0)
    assert measured.cells["base_rag"].prompt_tokens == 500
    for tag, passages, tuning in (("fact", 1, 0), ("style", 0, 1)):
        narrow = lookups.narrowed(conn, task, measured, tag).grid
        assert (narrow.retrieval.mean, narrow.tuning.mean) == (passages, tuning)
    gains = lookups.gains(conn, task)
    assert gains["retrieval"].low > 0


def test_the_search_finds_the_sources_of_the_demo_and_the_page_shows_all_of_it(world, conn, page):
    task = tasks.find(conn, world)
    run = lookups.runs_of(conn, task.task_id)[0]
    found = lookups.report(conn, task, run)
    assert found.search.hits.n == 48
    assert found.search.hits.value == 1
    assert found.exist.value == 1
    app = page(PAGE)
    assert not app.exception
    text = " ".join(one.value for one in app.markdown)
    assert "less what they add to the base" in text
    frames = [frame.value for frame in app.dataframe]
    assert any("500" in str(value) for value in frames[0].to_numpy().ravel())
    assert any("n=48" in str(value) for frame in frames for value in frame.to_numpy().ravel())
    recommended = page("diagnosis/recommendation.py")
    assert not recommended.exception


def test_ways_of_searching_stand_beside_each_other_and_the_2x2_counts_every_sample_that_names_its_source(
    world, conn, mina, page, tmp_path
):
    task, settings = tasks.find(conn, world), session.settings()
    (chosen,) = (one for one in eval_sets.of_task(conn, world) if one.name == demo_task.DESK)
    model = next(one for one in models.everything(conn) if one.name == "Base")
    facts = [one.sample_id for one in eval_sets.samples(conn, chosen.eval_set_id, "dev") if "fact" in one.tags]
    with serve() as server:
        for method, right in (("dense", facts[:6]), ("hybrid", facts[:13])):
            embedder = Embedder(base_url=server.base_url, model="tiny")
            ways.choose(conn, by=mina, task_id=world, method=method, embedder=embedder)
            inline.drain(settings, conn)
            matrix = Matrix(
                eval_set=chosen, split="dev", prompts=prompts.ladder(conn, world, chosen.name).rungs, models=[model],
                retrieval=Retrieval(index_id=indexes.newest(conn, world).index_id, k=3),
            )  # fmt: skip
            job_id = matrices.start(conn, by=mina, matrix=matrix)
            (tmp_path / method).mkdir()
            supervisor.prepare(settings, conn, jobs.find(conn, job_id), tmp_path / method)
            (run,) = runs.of_job(conn, job_id)
            samples = eval_sets.samples(conn, chosen.eval_set_id, "dev")
            answers.keep(conn, job_id, [
                {"run_id": run["run_id"], "sample_id": one.sample_id, "repeat": 0,
                 "text": one.reference.split("|")[0] if one.sample_id in right else "I do not know."}
                for one in samples
            ])  # fmt: skip
            jobs.set_state(conn, job_id, "done")
    app = page(PAGE)
    assert not app.exception
    (beside,) = (frame.value for frame in app.dataframe if "Search" in frame.value)
    assert [value.split(" (")[0] for value in beside["Search"]] == ["by words", "by meaning", "by words and meaning"]
    for title in ("Source among the passages (hit rate)", "How high it stands (mean reciprocal rank)"):
        assert all(re.fullmatch(r"\d+% \(\d+%–\d+%\), n=48", value) for value in beside[title])
    # right of 72: all 48 facts by words; 6 and 13 by the others, which makes 42 and 35 fewer
    assert [value.split(" ")[0] for value in beside["Correct"]] == ["67%", "8%", "18%"]
    assert [value.split(" ")[0] for value in beside["Points more than the first"]] == ["–", "-58", "-49"]
    (table,) = (frame.value for frame in app.dataframe if "passage there" in frame.value)
    counts = [[int(row[column].split(" ")[0]) for column in ("passage there", "passage not there")]
              for _, row in table.iterrows()]  # fmt: skip
    assert [sum(row) for row in counts] == [13, 35], "13 of 48 facts are right in the newest run"
    hits = lookups.report(conn, task, lookups.runs_of(conn, world)[0]).search.hits
    assert sum(row[0] for row in counts) == round(hits.value * 48) > 13


def test_a_click_on_a_step_shows_what_passages_changed_among_the_chosen_samples(world, page, monkeypatch):
    monkeypatch.setattr("pages._ui.charts.picked", lambda event: [{"label": "passages, on the base"}])
    app = page(PAGE)
    assert not app.exception
    shown = [code.value for code in app.code]
    assert "I do not know." in shown
    assert any(value.endswith("[1]") for value in shown)
    assert {"PNG", "SVG", "CSV"} <= {button.label for button in app.get("download_button")}
    (tags,) = (one for one in app.selectbox if one.key == "retrieval.tag.0")
    tags.set_value("style").run()
    assert not app.exception
    assert "Both answer the same samples right." in [caption.value for caption in app.caption]


def test_before_anything_was_looked_up_the_page_says_what_to_do(page, task):
    assert "Nothing was looked up yet" in page(PAGE).info[0].value


def test_the_sources_are_those_that_a_look_at_every_passage_finds(world, conn):
    """Counted in the database, and once more passage by passage; some samples name words that only one passage has."""
    task = tasks.find(conn, world)
    run = lookups.runs_of(conn, task.task_id)[0]
    samples = {one.sample_id: one for one in eval_sets.samples(conn, run["eval_set_id"], run["split"])}
    shown = retrieving.of_samples(conn, run["run_id"])
    named = ["fees.en.md", "Fees.EN.md |  late  PAYMENT", "nowhere.md", "card_rules.en.md | refund"]
    with audit.change(conn, actor="test", act="test", subject="x"):
        for place, sample_id in enumerate(sorted(samples)):
            fields = json.dumps({"note": "n", "source": named[place % 4]}) if place % 5 else None
            conn.execute("update samples set fields = ? where sample_id = ?", [fields, sample_id])
    ranks = {
        sample_id: grounding.rank(named[place % 4], shown.get(sample_id, ()))
        for place, sample_id in enumerate(sorted(samples))
        if place % 5
    }
    assert len({rank is None for rank in ranks.values()}) == 2
    values = results.scores(conn, [run["run_id"]])[run["run_id"]][task.plan.metric]
    search, lost = sources.of_run(conn, task, run)
    expected = retrieval.search(list(ranks.values()))
    assert search.hits == expected.hits
    assert search.reciprocal.value == pytest.approx(expected.reciprocal.value, abs=1e-12)
    by_hand = retrieval.lost({samples[one].key: (values[one], rank is not None) for one, rank in ranks.items()})
    assert {cell: set(names) for cell, names in lost.cells.items()} == {
        cell: set(names) for cell, names in by_hand.cells.items()
    }
    assert lost.there_when_wrong == by_hand.there_when_wrong
