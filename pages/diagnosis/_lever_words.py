"""Words for levers, evidence and verdicts; the paragraph to forward; the table of rules."""

from typing import Any

from core.diagnosis import guide
from core.diagnosis.guide import Guide
from core.diagnosis.levers import RULES, Kind, Lever, Recommendation
from core.evaluation.tasks import Task
from core.locale import catalogue
from core.locale.mark import N_
from pages._ui.session import plain

LEVERS: dict[Lever, tuple[str, str, str]] = {
    "keep": (N_("Keep what you have, and sign it off"), "release/before_after.py", "check_circle"),
    "fix_rubric": (N_("Make the rubric clearer"), "review/rate.py", "rule"),
    "fix_task": (N_("Fix the question"), "evaluation/eval_sets.py", "edit_note"),
    "rag": (N_("Retrieval: let it look the facts up"), "evaluation/knowledge.py", "menu_book"),
    "prompt": (N_("A better prompt"), "evaluation/prompts.py", "notes"),
    "decompose": (N_("Take the task apart into steps"), "evaluation/prompts.py", "account_tree"),
    "distil": (N_("Distil: let a stronger model teach it"), "training/distil.py", "school"),
    "other_base": (N_("Another base model"), "evaluation/models.py", "deployed_code"),
    "fine_tune": (N_("Fine-tune"), "training/trial.py", "model_training"),
    "evidence": (N_("Not enough evidence yet: measure first"), "evaluation/runs.py", "search"),
}
"""Title, the page where it is done, and icon."""

KINDS: dict[Kind, str] = {
    "proof": N_("Proof of the newest trial"),
    "agreement": N_("Agreement between raters"),
    "ladder": N_("Prompt ladder"),
    "locked": N_("The best prompt on locked samples"),
    "probe": N_("Knowledge probe"),
    "models": N_("Models compared"),
    "errors": N_("Errors named by raters"),
    "retrieval": N_("Passages that were looked up"),
}
VERDICTS = {
    "": N_("not measured"),
    "not_enough": N_("not enough evidence yet"),
    "better": N_("better, nothing else broke"),
    "broke": N_("better, but something broke"),
    "agree": N_("raters agree"),
    "disagree": N_("raters disagree"),
    "on_target": N_("target reached"),
    "headroom": N_("headroom"),
    "plateau_suspected": N_("plateau suspected"),
    "plateau_confirmed": N_("plateau confirmed"),
    "knowledge_missing": N_("knowledge missing"),
    "cannot_apply": N_("knows, cannot apply"),
    "leak_suspected": N_("leak suspected"),
    "capability_gap": N_("capability gap"),
    "all_weak": N_("all models weak"),
    "search": N_("the passage was missing"),
    "application": N_("the passage was there"),
    "held": N_("the target holds"),
    "fell": N_("below the target"),
    "target_fine": N_("the wanted model reaches the target"),
    "unproven": N_("better, the rest not shown"),
    "no_gain": N_("no gain"),
    "worse": N_("worse"),
    "knowledge": N_("mostly missing knowledge"),
    "reasoning": N_("mostly reasoning"),
    "format": N_("mostly format"),
    "style": N_("mostly style"),
}
TASK = N_("Task “%(name)s”.")
RECOMMENDED = N_("We recommend: %(lever)s.")
CHANGE = N_("What would change this: %(change)s")
DOUBT = N_("In doubt: %(doubts)s")


def paragraph(task: Task, found: Recommendation, language: str, answered: Guide | None = None) -> str:
    """The recommendation with its evidence, its doubts and what would change it, as plain text in that language.

    `answered` are the answers on retrieval or fine-tuning, told after the evidence.
    """

    def say(message: str, **values: Any) -> str:
        return catalogue.translate(language, message, values)

    gap = "" if language == "zh" else " "
    sentences = [
        say(TASK, name=catalogue.either(language, task.name)),
        say(RECOMMENDED, lever=say(LEVERS[found.lever][0])),
        say(found.rule.why),
        *(say(one.sentence.message, **one.sentence.values) for one in found.evidence.values()),
    ]
    if answered is not None and (told := guide.beside(answered, found.lever)) is not None:
        sentences += [say(answered.sentence.message, **answered.sentence.values), say(told)]
    if found.doubts:
        sentences.append(say(DOUBT, doubts=gap.join(map(say, found.doubts))))
    return gap.join([*sentences, say(CHANGE, change=say(found.rule.change))])


def table(found: Recommendation) -> list[dict[str, str]]:
    """One row per rule: what has to be so, and the lever; the one that fits is marked."""
    return [
        {
            "": "→" if number == found.number else "",
            plain("If"): "; ".join(
                f"{plain(KINDS[kind])}: {' / '.join(plain(VERDICTS[word]) for word in words)}"
                for kind, words in rule.when.items()
            )
            or plain("otherwise"),
            plain("Then"): plain(LEVERS[rule.lever][0]),
            plain("Because"): plain(rule.why),
        }
        for number, rule in enumerate(RULES, 1)
    ]
