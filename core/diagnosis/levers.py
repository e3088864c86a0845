"""Which lever to pull next: a table of rules over what was measured, read from the top; the first that fits counts.

The order is the argument. Proof beats diagnosis; without raters who agree no number means anything; what the model
does not know it cannot be told by tuning; and the cheapest lever that still has room comes before a dearer one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from core.diagnosis.agreement import TENTATIVE, Agreement
from core.diagnosis.verdicts import Sentence
from core.locale.mark import N_

Lever = Literal[
    "keep", "fix_rubric", "fix_task", "rag", "prompt", "decompose", "distil", "other_base", "fine_tune", "evidence"
]
LEVERS: tuple[Lever, ...] = get_args(Lever)
Kind = Literal["proof", "agreement", "ladder", "locked", "probe", "models", "errors", "retrieval"]
"""What there may be evidence of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was measured: its verdict as a word, and the sentence with its n and interval."""

    verdict: str
    sentence: Sentence


Facts = Mapping[Kind, Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of the table: the lever when every named finding has one of its verdicts. "" stands for not measured."""

    when: Mapping[Kind, tuple[str, ...]]
    lever: Lever
    why: str
    change: str
    """What would change the recommendation."""

    def fits(self, facts: Facts) -> bool:
        return all((facts[kind].verdict if kind in facts else "") in words for kind, words in self.when.items())


STUCK = ("plateau_suspected", "plateau_confirmed")
NOT_SHOWN = ("", "not_enough")
IN_VAIN = ("no_gain", "worse")
NOT_TUNED = N_("Prompts are exhausted, and fine-tuning this model gained nothing: try another base before more of it.")
RETRIED = N_("A trial with more or better approved samples that gains what is worth having would change this.")

RULES: tuple[Rule, ...] = (
    Rule(
        when={"proof": ("better",)},
        lever="keep",
        why=N_("The tuned model has proven itself on locked samples, and nothing else broke."),
        change=N_("A newly broken sample that an expert cannot accept would change this."),
    ),
    Rule(
        when={"ladder": ("on_target",), "locked": (*NOT_SHOWN, "held")},
        lever="keep",
        why=N_("The best prompt reaches the target, so no further lever is needed."),
        change=N_("A worse result of the same prompt on the locked samples would change this."),
    ),
    Rule(
        when={"models": ("target_fine",), "ladder": NOT_SHOWN},
        lever="keep",
        why=N_("The model reaches the target with the prompt that the models were compared with."),
        change=N_("A worse result of the same prompt on the locked samples would change this."),
    ),
    Rule(
        when={"agreement": ("disagree",)},
        lever="fix_rubric",
        why=N_("The raters do not agree on what is right, so every other number stands on sand."),
        change=N_("Raters who agree after the rubric was made clearer would change this."),
    ),
    Rule(
        when={"proof": ("broke",)},
        lever="fine_tune",
        why=N_("Fine-tuning helps on this task, but something else broke: train again with more general samples."),
        change=N_("A trial that still breaks something else with more general samples would change this."),
    ),
    Rule(
        when={"proof": ("unproven",)},
        lever="evidence",
        why=N_("The trial gained, but too few samples say whether something else broke: add some that must not break."),
        change=N_("A proof on more of them decides it: keep the trial, or train again with more general samples."),
    ),
    Rule(
        when={"probe": ("leak_suspected",)},
        lever="fix_task",
        why=N_("The practice questions are answered better than the rules behind them: replace them before going on."),
        change=N_("New practice questions with the same result would change this."),
    ),
    Rule(
        when={"retrieval": ("application",)},
        lever="decompose",
        why=N_("The passages with the facts were there and answers are still wrong: prescribe how to use them first."),
        change=N_("Steps in the prompt that gain too little would point to fine-tuning."),
    ),
    Rule(
        when={"retrieval": ("search",)},
        lever="rag",
        why=N_("Wrong answers lacked the passage that has the fact: mend the documents and the search."),
        change=N_("Answers that stay wrong although the right passage was in the prompt would change this."),
    ),
    Rule(
        when={"probe": ("knowledge_missing",)},
        lever="rag",
        why=N_("The model does not know the rules. Models learn facts poorly by tuning; looking them up gives them."),
        change=N_("Answers that stay wrong although the right passage was in the prompt would change this."),
    ),
    Rule(
        when={"models": ("all_weak",), "agreement": ("agree",)},
        lever="fix_task",
        why=N_("Every model fails while the raters agree: the question is badly defined, or information is missing."),
        change=N_("One model that reaches the target with the same question would change this."),
    ),
    Rule(
        when={"models": ("all_weak",), "agreement": NOT_SHOWN},
        lever="fix_task",
        why=N_("Every model fails. Read the question first; whether the raters agree on it was not measured yet."),
        change=N_("Raters who disagree would point to the rubric; one model that reaches the target, to the model."),
    ),
    Rule(
        when={"ladder": ("headroom",)},
        lever="prompt",
        why=N_("Prompting still has headroom, and it is the cheapest lever."),
        change=N_("A further prompt that gains less than what is worth having would change this."),
    ),
    Rule(
        when={"ladder": ("on_target",), "locked": ("fell",)},
        lever="prompt",
        why=N_("The prompt reached the target where it was chosen and misses it on the locked samples: it was luck."),
        change=N_("A prompt that reaches the target on locked samples that nobody has looked at would change this."),
    ),
    Rule(
        when={"probe": ("cannot_apply",), "ladder": ("", "not_enough")},
        lever="decompose",
        why=N_("The model knows the rules but does not apply them: take the task apart and prescribe the steps first."),
        change=N_("Steps in the prompt that gain too little would point to fine-tuning."),
    ),
    Rule(
        when={"models": ("capability_gap",), "ladder": STUCK},
        lever="distil",
        why=N_("A stronger model can do it and prompts do not help this one: let the stronger one teach it."),
        change=N_("If the stronger model may be used in daily work, switching to it is simpler."),
    ),
    Rule(
        when={"models": ("capability_gap",)},
        lever="other_base",
        why=N_("A stronger model reaches the target with the same prompt: use it as the base."),
        change=N_("If its cost or its place rules it out, let it teach the smaller model instead."),
    ),
    Rule(
        when={"errors": ("knowledge",), "probe": NOT_SHOWN},
        lever="rag",
        why=N_("Raters name missing knowledge as the reason of most failures, and tuning teaches facts poorly."),
        change=N_("Concept and practice pairs that show that it knows the rules would change this."),
    ),
    Rule(
        when={"errors": ("reasoning",), "probe": NOT_SHOWN, "ladder": (*NOT_SHOWN, "plateau_suspected")},
        lever="decompose",
        why=N_("Raters name reasoning as the reason of most failures: prescribe the steps before anything is trained."),
        change=N_("Steps in the prompt that gain too little would point to fine-tuning."),
    ),
    Rule(
        when={"errors": ("format",), "ladder": (*NOT_SHOWN, "plateau_suspected")},
        lever="prompt",
        why=N_("Raters name the format as the reason of most failures: show it, or hold answers to a JSON schema."),
        change=N_("Answers that stay wrong in a right format would change this."),
    ),
    Rule(
        when={"proof": ("not_enough",), "ladder": STUCK},
        lever="evidence",
        why=N_("A trial was made already, and too few locked samples say what it gained: add some first."),
        change=N_("A proof on more locked samples decides it, whichever way it ends."),
    ),
    Rule(
        when={"proof": IN_VAIN, "ladder": ("plateau_confirmed",)},
        lever="other_base",
        why=NOT_TUNED,
        change=RETRIED,
    ),
    Rule(
        when={"proof": IN_VAIN, "ladder": ("plateau_suspected",), "probe": ("cannot_apply",)},
        lever="other_base",
        why=NOT_TUNED,
        change=RETRIED,
    ),
    Rule(
        when={"ladder": ("plateau_suspected",), "errors": ("style",)},
        lever="fine_tune",
        why=N_("Raters name the style as the reason of most failures, and a way of writing is learned from examples."),
        change=N_("A prompt with better examples that gains what is worth having would change this."),
    ),
    Rule(
        when={"ladder": ("plateau_confirmed",)},
        lever="fine_tune",
        why=N_("Two attempts in a row gained too little: prompting is exhausted, and the weights can still learn."),
        change=N_("A prompt that gains what is worth having, or a trial without a gain, would change this."),
    ),
    Rule(
        when={"ladder": ("plateau_suspected",), "probe": ("cannot_apply",)},
        lever="fine_tune",
        why=N_("The model knows the rules, does not apply them, and the last prompt did not help."),
        change=N_("A further prompt with smaller steps that helps would change this."),
    ),
    Rule(
        when={"ladder": ("plateau_suspected",)},
        lever="prompt",
        why=N_("The last prompt gained too little, but one step is no proof: make one more real attempt."),
        change=N_("If that attempt gains too little as well, prompting is exhausted and fine-tuning is next."),
    ),
    Rule(
        when={},
        lever="evidence",
        why=N_("Nothing that was measured so far decides it."),
        change=N_("A ladder, concept and practice pairs, or a second model on the same samples would decide it."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The one lever, the rule that chose it, what it rests on, and what leaves it in doubt."""

    lever: Lever
    rule: Rule
    number: int
    """The rule's place in the table, from 1."""
    evidence: Facts
    decisive: tuple[Kind, ...]
    doubts: tuple[str, ...]


UNMEASURED: Mapping[Kind, str] = {
    "ladder": N_("Whether better prompts help was not measured."),
    "probe": N_(
        "Whether the model knows the rules was not measured: there are no answered concept and practice pairs."
    ),
    "models": N_("No models were compared, so a weak model cannot be told from a badly defined task."),
    "agreement": N_("Whether raters agree was not measured."),
}
"""What nobody has measured is a doubt."""
UNCONFIRMED = N_("Whether the best prompt reaches the target on the locked samples, too, was not measured.")
UNSETTLED: Mapping[Kind, str] = {
    "proof": N_("The newest trial's proof has too few samples to say what it gained."),
    "ladder": N_("The ladder has too few samples to say whether better prompts help."),
    "locked": N_("Too few locked samples say whether the best prompt reaches the target there, too."),
    "probe": N_("There are too few concept and practice pairs to say whether the model knows the rules."),
    "models": N_("The models were compared on too few samples to tell a weak model from a badly defined task."),
    "agreement": N_("Too few answers were judged by two people to say whether raters agree."),
    "retrieval": N_("Too few wrong answers name their source to say whether the search or its use loses them."),
}
"""What was measured and settles nothing is a doubt, too."""


def recommend(facts: Facts) -> Recommendation:
    """The first rule that fits. What was not measured, or settles nothing, never speaks for a lever: it is a doubt."""
    number, rule = next((number, rule) for number, rule in enumerate(RULES, 1) if rule.fits(facts))
    return Recommendation(
        lever=rule.lever,
        rule=rule,
        number=number,
        evidence=facts,
        decisive=tuple(kind for kind in rule.when if kind in facts),
        doubts=(
            *(words for kind, words in UNMEASURED.items() if kind not in facts),
            *([UNCONFIRMED] if _unconfirmed(facts) else []),
            *(words for kind, words in UNSETTLED.items() if kind in facts and facts[kind].verdict == "not_enough"),
        ),
    )


def _unconfirmed(facts: Facts) -> bool:
    return "ladder" in facts and facts["ladder"].verdict == "on_target" and "locked" not in facts


def agreed(found: Agreement) -> str:
    """The word for the raters' agreement: agree, disagree, or not_enough in between.

    Never decided by the point alone: the whole interval has to lie on one side of the tentative bound.
    """
    if found.low is None or found.high is None or found.problem is not None:
        return "not_enough"
    return "agree" if found.low >= TENTATIVE else "disagree" if found.high < TENTATIVE else "not_enough"
