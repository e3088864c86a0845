"""Knowledge probe, models compared and the recommendation, on the demo task."""

import pytest

from core.access import preferences
from core.evaluation import eval_sets, guides, prompts, runs
from core.evaluation.demo_task import FEES, TRIAGE
from core.store import audit
from pages._ui import session
from tests import chain


@pytest.fixture
def world(conn, mina, task):
    return chain.demo(conn, session.settings(), mina)


def ask(world, name, right, model=None):
    """Run the ladder of the set; `right` says of a sample's place whether the answer is."""
    eval_set = next(one for one in eval_sets.of_task(world.conn, world.task.task_id) if one.name == name)
    ladder = prompts.ladder(world.conn, world.task.task_id, name)
    common = {"by": world.by, "eval_set": eval_set, "ladder": ladder}
    runs.start_ladder(world.conn, **common, model=model or world.base)
    chain.work(world, right)


def said(app):
    return "\n".join(one.value for kind in (app.markdown, app.caption, app.info, app.success) for one in kind)


def concepts_only(run, place, count):
    """Pairs come as concept, practice, concept, ..."""
    return place % 2 == 0


def test_a_model_that_knows_the_rules_and_fails_the_cases_cannot_apply_them(page, world):
    ask(world, FEES, concepts_only)
    app = page("diagnosis/probe.py")
    assert not app.exception
    assert "It knows but cannot apply: of 22 rules it states 100% right and applies" in app.info[0].value
    assert "fee\\-en\\-" in app.info[0].value, "the pairs that decide it are named"
    table = app.dataframe[0].value
    assert table.iloc[0, 2].endswith("knows, cannot apply")
    assert app.code, "the questions of a pair are shown"
    assert "Take the task apart" in said(page("diagnosis/recommendation.py"))


def test_a_model_that_knows_nothing_is_told_to_look_it_up(page, world):
    ask(world, FEES, lambda run, place, count: False)
    assert "Knowledge is missing" in page("diagnosis/probe.py").info[0].value
    assert "Retrieval: let it look the facts up" in said(page("diagnosis/recommendation.py"))


def test_a_strong_model_beside_a_weak_one_is_a_capability_gap(page, world):
    strong = chain.other_model(world, "Strong")
    ask(world, TRIAGE, lambda run, place, count: place % 5 == 0)
    ask(world, TRIAGE, lambda run, place, count: True, model=strong)
    with audit.change(world.conn, actor="test", act="test", subject="x"):
        world.conn.execute(
            "update answers set cost = 0.004 where run_id in (select run_id from runs where model_id = ?)",
            [strong.model_id],
        )
    app = page("diagnosis/model_gap.py")
    assert not app.exception
    assert app.info[0].value.startswith("### Capability gap: on the same 48 samples Strong is right in 100%")
    rows = app.dataframe[-1].value.set_index("Model")
    assert rows["Difference in points (Holm)"]["Base"] == "the wanted model"
    assert rows["Seconds per answer"]["Strong"] == pytest.approx(0.4)
    assert rows["Cost of an answer"]["Strong"].startswith("0.004 ")
    assert rows["Cost of an answer"]["Base"] == "not known"


def test_models_that_are_all_weak_point_to_the_task(page, world):
    ask(world, TRIAGE, lambda run, place, count: place % 5 == 0)
    ask(world, TRIAGE, lambda run, place, count: place % 4 == 0, model=chain.other_model(world, "Other"))
    assert "All 2 models are below the target" in page("diagnosis/model_gap.py").info[0].value
    app = page("diagnosis/recommendation.py")
    assert "Fix the question" in said(app)


def test_without_any_measurement_it_recommends_to_measure_and_says_what_is_missing(page, world):
    app = page("diagnosis/recommendation.py")
    assert not app.exception
    assert "Not enough evidence yet: measure first" in said(app)
    assert "Whether better prompts help was not measured" in said(app)


def test_the_paragraph_to_forward_is_there_in_both_languages_with_n_and_interval(page, world, conn, mina):
    ask(world, TRIAGE, lambda run, place, count: place % 5 == 0)
    preferences.choose_language(conn, mina, "zh")
    app = page("diagnosis/recommendation.py")
    english, chinese = (code.value for code in app.code)
    assert english.startswith("Task “Card services desk: message triage”. We recommend: A better prompt.")
    assert "on 48 samples" in english
    assert "95% interval" in english
    assert chinese.startswith("任务“银行卡服务台：客户来信分拣”。我们建议：改进提示词。")
    assert "95% 区间" in chinese
    rules = app.dataframe[-1].value
    assert list(rules.iloc[:, 0]).count("→") == 1


def test_each_finding_that_decides_is_marked(page, world):
    ask(world, TRIAGE, lambda run, place, count: place % 5 == 0)
    app = page("diagnosis/recommendation.py")
    assert "**Prompt ladder:** Stuck at" in said(app)
    assert sum("decides" in one.value for one in app.markdown) == 1
    assert "Knowledge probe:" not in said(app)


def test_findings_about_another_model_do_not_speak_for_this_one(page, world):
    ask(world, TRIAGE, lambda run, place, count: place % 5 == 0)
    other = chain.other_model(world, "Other")
    ask(world, TRIAGE, lambda run, place, count: place < {"A": 0.2, "B": 0.3, "C": 0.4, "D": 0.7}[run["rung"]] * count,
        model=other)  # fmt: skip
    app = page("diagnosis/recommendation.py")
    assert "**Prompt ladder:** Stuck at" in said(app)
    app.selectbox(key="lever.base").set_value(other.model_id).run()
    assert "prompting still has headroom" in said(app)


def test_answers_on_retrieval_or_fine_tuning_are_kept_and_stand_beside_the_evidence(page, world, conn, mina):
    ask(world, FEES, lambda run, place, count: False)
    app = page("diagnosis/recommendation.py")
    task_id = world.task.task_id
    for name, said_so in {"changes": "yes", "sources": "yes", "cite": "yes", "given": "yes"}.items():
        app.segmented_control(key=f"guide.{task_id}.{name}").set_value(said_so)
    app.button(key="guide.save").click().run()
    assert not app.exception
    assert guides.latest(conn, task_id)["answers"] == dict.fromkeys(("changes", "sources", "cite", "given"), "yes")
    assert "The answers point to retrieval: 4 speak for it" in said(app)
    assert "Answers and evidence agree." in said(app)
    assert "The answers point to retrieval" in app.code[0].value
    event = conn.execute("select actor, subject from audit_events where act = 'guide.answered'").fetchall()
    assert event == [(mina.person_id, task_id)]
    with pytest.raises(ValueError, match="yes or no"):
        guides.answer(conn, by=mina, task_id=task_id, answers={"weather": "yes"})
