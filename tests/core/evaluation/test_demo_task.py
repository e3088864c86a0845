"""A fresh installation finds a task that shows the whole chain."""

import json
from collections import Counter

from jsonschema import Draft202012Validator

from core.evaluation import demo_task, eval_sets, prompts, retrieving, tasks
from core.evaluation.retrieving import Retrieval
from core.knowledge import grounding, indexes
from core.scoring import scorers
from core.settings import SAMPLES


def test_the_demo_task_has_what_the_chain_needs(conn, mina):
    task = demo_task.create(conn, by=mina)
    sets = {one.name: one for one in eval_sets.of_task(conn, task.task_id)}
    assert list(sets) == ["Card triage", "Instalment fees", "Card replies", "General questions", "Desk answers"]
    triage = eval_sets.samples(conn, sets["Card triage"].eval_set_id)
    assert Counter(sample.tags[0] for sample in triage) == {"en": 248, "zh": 64}
    assert min(sets["Card triage"].counts[split] for split in ("dev", "train", "gate")) >= 45
    assert sets["General questions"].counts == {"retain": 100}
    rungs = dict(prompts.ladder(conn, task.task_id, "Card triage").rungs)
    assert list(rungs) == ["A", "B", "C", "D"]
    assert [rungs[rung].parent_id for rung in "BCD"] == [rungs[rung].prompt_id for rung in "ABC"]
    assert len(task.error_types) >= 5
    assert set(tasks.rubric(conn, task.task_id)["guidelines"]) == {"en", "zh"}
    kinds = Counter(sample.kind for sample in eval_sets.samples(conn, sets["Instalment fees"].eval_set_id))
    assert kinds["concept"] == kinds["practice"] >= 20


def test_every_triage_reference_keeps_the_schema_and_the_house_rule():
    schema = Draft202012Validator(json.loads((SAMPLES / "card_triage.schema.json").read_text("utf-8")))
    rule = {"dispute_charge": "open_dispute", "blocked_card": "verify_identity", "pin_reset": "verify_identity",
            "fee_question": "explain_terms", "instalment": "explain_terms", "raise_limit": "start_application",
            "card_delivery": "track_delivery"}  # fmt: skip
    for file in ("card_triage.en.jsonl", "card_triage.zh.jsonl"):
        for line in (SAMPLES / file).read_text("utf-8").splitlines():
            wanted = json.loads(line)["reference"]
            schema.validate(wanted)
            angry = "call_back" if wanted["emotion"] == "angry" else rule.get(wanted["intent"])
            assert wanted["action"] == ("block_card" if wanted["intent"] == "lost_card" else angry)


def test_every_reference_is_right_by_its_own_scorer():
    for file, scorer in (("general.jsonl", "contains"), ("instalment_fees.jsonl", "contains"),
                         ("desk_answers.jsonl", "contains")):  # fmt: skip
        for line in (SAMPLES / file).read_text("utf-8").splitlines():
            sample = json.loads(line)
            for accepted in sample["reference"].split("|"):
                (score,) = scorers.score(scorer, f"It is {accepted}.", sample["reference"])
                assert score.value == 1, sample


def test_a_fact_of_the_desk_stands_in_the_passage_found_first_and_never_in_the_question(conn, mina, settings):
    """Without this no model could show that looking up helps: each fact question names its source, which the search by
    words puts first, with the right answer in it. Those on style name none, and what they want stands nowhere."""
    task = demo_task.create(conn, by=mina)
    (desk,) = (one for one in eval_sets.of_task(conn, task.task_id) if one.name == demo_task.DESK)
    assert (desk.scorer, set(desk.counts)) == ("contains", {"dev"})
    samples = eval_sets.samples(conn, desk.eval_set_id)
    facts = [one for one in samples if "fact" in one.tags]
    style = [one for one in samples if "style" in one.tags]
    assert min(len(facts) - 36, len(style) - 24) >= 0
    assert len(facts) + len(style) == len(samples)
    index = indexes.newest(conn, task.task_id)
    found = retrieving.find(conn, settings, Retrieval(index_id=index.index_id, k=3), samples)
    for one in facts:
        shown = found[one.sample_id]
        assert grounding.rank(grounding.source_of(one.fields) or "", shown) == 1, one.key
        assert _right(shown[0].text, one.reference), one.key
        assert not _right(one.input, one.reference), one.key
    for one in style:
        assert grounding.source_of(one.fields) is None, one.key
        assert not any(_right(shown.text, one.reference) for shown in found[one.sample_id]), one.key
    groups = Counter(one.group_id for one in samples)
    languages = {one.group_id: {each.tags[0] for each in samples if each.group_id == one.group_id} for one in samples}
    assert set(groups.values()) == {2}
    assert all(spoken == {"en", "zh"} for spoken in languages.values()), "a question and its translation are one group"


def _right(text, reference):
    (score,) = scorers.score("contains", text, reference)
    return score.value == 1


def test_what_is_replayed_in_training_is_not_what_must_not_break():
    asked = {json.loads(line)["input"] for line in (SAMPLES / "general.jsonl").read_text("utf-8").splitlines()}
    replayed = [json.loads(line) for line in (SAMPLES / "general_replay.jsonl").read_text("utf-8").splitlines()]
    assert len(replayed) >= 64
    assert not asked & {row["messages"][-1]["content"] for row in replayed}


def test_making_sure_of_the_demo_task_twice_makes_one(conn):
    demo_task.ensure(conn)
    demo_task.ensure(conn)
    assert len(tasks.everything(conn)) == 1
