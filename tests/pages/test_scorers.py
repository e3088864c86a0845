"""Choosing a scorer: tried on an example, on the answers that are there, and then it counts."""

import pytest

from core.evaluation import answers, current_scorers, eval_sets, models, prompts, runs, tasks
from core.intake.importing import Row
from core.jobs import jobs
from core.scoring import scorers

PAGE = "evaluation/scorers.py"


def row(number, reference):
    key = f"q{number}"
    return Row(key=key, input=f"What is the fee of case {number}?", context="", reference=reference, kind="practice",
               pair="", group_id=key, split="dev", critical=False, tags=(), line=number)  # fmt: skip


@pytest.fixture
def fees(conn, mina):
    """A set of four amounts with its ladder answered once: one exactly right, two near, one wrong."""
    task = tasks.create(conn, by=mina, name={"en": "Fees", "zh": "费用"}, description={"en": "", "zh": ""})
    common = {"by": mina, "task_id": task.task_id}
    references = ["10元", "20元", "30元", "40元"]
    rows = [row(number, reference) for number, reference in enumerate(references, 1)]
    fees = eval_sets.save(conn, name="Fees", rows=rows, scorer="exact", **common)
    rungs = [("A", prompts.Prompt(name="A", system="", template="{input}"))]
    ladder = prompts.save_ladder(conn, eval_set_name="Fees", rungs=rungs, **common)
    model = models.register_api(conn, by=mina, name="Some", base_url="http://127.0.0.1:9/v1", api_model="some")
    job_id = runs.start_ladder(conn, by=mina, eval_set=fees, ladder=ladder, model=model)
    (run,) = runs.of_job(conn, job_id)
    texts = ["10元", "The fee is 20 元.", "CNY 30.2", "400元"]
    samples = eval_sets.samples(conn, fees.eval_set_id)
    answers.keep(
        conn,
        job_id,
        [
            {"run_id": run["run_id"], "sample_id": sample.sample_id, "repeat": 0, "text": text}
            for sample, text in zip(samples, texts, strict=True)
        ],
    )
    jobs.set_state(conn, job_id, "done")
    return fees


def test_a_number_with_tolerance_is_tried_chosen_and_scores_the_answers_anew(page, conn, fees):
    app = page(PAGE)
    key = f"scorers.{fees.eval_set_id}.exact"
    assert app.button(key="scorers.choose").disabled
    app.selectbox(key=f"{key}.method").set_value("numeric").run()
    app.number_input(key=f"{key}.numeric.tolerance").set_value(0.5).run()
    app.text_input(key=f"{key}.numeric.units").set_value("元, CNY").run()
    assert not app.exception
    assert "Of 4 answers, 2 would be judged otherwise: 25% now, 75% with this rule." in [m.value for m in app.markdown]
    app.button(key="scorers.choose").click().run()
    assert not app.exception
    assert current_scorers.of_set(conn, fees).method == scorers.METHODS["numeric"](tolerance=0.5, units="元, CNY")
    assert conn.execute("select avg(value), count(*) from scores").fetchone() == (0.75, 4)
    assert conn.execute("select scorer, avg(value) from superseded_scores group by all").fetchall() == [("exact", 0.25)]
    assert page(PAGE).button(key="scorers.choose").disabled


def test_the_example_answers_at_once(page, conn, fees):
    app = page(PAGE)
    key = f"scorers.{fees.eval_set_id}.exact"
    sample = eval_sets.samples(conn, fees.eval_set_id)[0]
    app.text_area(key=f"{key}.{sample.sample_id}.answer").set_value("11元").run()
    shown = app.dataframe[0].value.to_dict("records")
    assert shown == [{"Metric": "Correct", "Result": "wrong", "Why": "The answer is another text."}]


def test_a_broken_pattern_is_refused_with_a_sentence_and_nothing_else_breaks(page, fees):
    app = page(PAGE)
    key = f"scorers.{fees.eval_set_id}.exact"
    app.selectbox(key=f"{key}.method").set_value("regex").run()
    app.text_input(key=f"{key}.regex.pattern").set_value("(").run()
    assert not app.exception
    assert app.error[0].value.startswith("The pattern is not a regular expression")


def test_overlap_comes_with_its_warning(page, fees):
    app = page(PAGE)
    app.selectbox(key=f"scorers.{fees.eval_set_id}.exact.method").set_value("overlap").run()
    assert "never passes a gate" in app.warning[0].value


def test_one_field_of_json_answers_gets_a_rule_of_its_own(page, conn, task):
    app = page(PAGE)
    chosen = next(one for one in eval_sets.of_task(conn, task) if one.scorer == "json")
    app.selectbox(key="scorers.set").set_value(chosen).run()
    key = f"scorers.{chosen.eval_set_id}.json"
    app.multiselect(key=f"{key}.fields").set_value(["emotion"]).run()
    app.selectbox(key=f"{key}.field.emotion").set_value("ignored").run()
    app.button(key="scorers.choose").click().run()
    assert not app.exception
    assert list(current_scorers.of_set(conn, chosen).definition["options"]["fields"]) == ["emotion"]
