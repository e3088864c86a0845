"""Retrieval or fine-tuning? What people know of the task and no measurement shows, asked in six questions.

The answers never choose a lever: they stand beside what was measured, and it is told where the two differ. What a
comparison with retrieval or with tuning has shown counts before what anybody expects of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.diagnosis.intervals import Paired
from core.diagnosis.levers import Lever
from core.diagnosis.verdicts import FEWEST, Sentence, points
from core.locale.mark import N_

Said = Literal["yes", "no"]
Direction = Literal["rag", "fine_tune", "both", "neither", "open"]
Pointer = Literal["rag", "fine_tune", "no_rag", "no_fine_tune", ""]
"""What an answer speaks for, or rules out."""
Measured = Literal["rag", "fine_tune"]
"""What can be compared with and without."""

LEAST = 4
"""With fewer answers the questions have not been thought about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question; what a yes and what a no point to, and why."""

    text: str
    yes: Pointer
    no: Pointer
    why: str


QUESTIONS: Mapping[str, Question] = {
    "changes": Question(
        text=N_("Do the facts in right answers change, such as prices, rules or dates?"),
        yes="rag",
        no="",
        why=N_("What changes is looked up: weights would have to be trained again at every change."),
    ),
    "sources": Question(
        text=N_("Is what a right answer needs written down in documents that the model may read?"),
        yes="rag",
        no="no_rag",
        why=N_("What is written nowhere cannot be looked up."),
    ),
    "cite": Question(
        text=N_("Does an answer have to name its source?"),
        yes="rag",
        no="",
        why=N_("A model that looked something up can name the passage; a tuned one cannot say where it learned it."),
    ),
    "given": Question(
        text=N_("With the right passage put into the prompt by hand, is the answer right?"),
        yes="rag",
        no="fine_tune",
        why=N_("Where the passage does not help, finding it will not help either: the model has to learn to use it."),
    ),
    "form": Question(
        text=N_("Is it mostly how it answers that is wrong (steps, tone, format), and not what it knows?"),
        yes="fine_tune",
        no="",
        why=N_("Ways of answering are learned well from examples; facts are not."),
    ),
    "samples": Question(
        text=N_("Can people approve at least 50 right answers for it to learn from?"),
        yes="",
        no="no_fine_tune",
        why=N_("Gains usually begin at 50 to 100 approved samples."),
    ),
}

OPEN = N_("Not enough answers yet: %(n)s of %(all)s questions; with %(least)s or more they are weighed.")
RAG = N_("The answers point to retrieval: %(rag)s speak for it and %(tune)s for fine-tuning.")
TUNE = N_("The answers point to fine-tuning: %(tune)s speak for it and %(rag)s for retrieval.")
BOTH = N_(
    "The answers point to both, retrieval for the facts and fine-tuning for the way of answering: %(rag)s speak for "
    "the one and %(tune)s for the other. Begin with retrieval, which is measured sooner."
)
NEITHER = N_("The answers point to neither of the two: what they would need is missing, or nothing speaks for them.")
HELPED = N_("Measured: it helps. %(gain)s points on %(n)s samples, 95%% interval %(low)s to %(high)s.")
HARMED = N_("Measured: it harms. %(gain)s points on %(n)s samples, 95%% interval %(low)s to %(high)s.")
UNSHOWN = N_(
    "Measured: whether it helps cannot be told yet. %(gain)s points on %(n)s samples, 95%% interval %(low)s to "
    "%(high)s."
)
SAME = N_("Answers and evidence agree.")
DIFFERENT = N_(
    "Answers and evidence differ: the evidence decides the recommendation, and the difference is worth a talk."
)
ELSEWHERE = N_("The evidence names another lever to pull first; these answers are for the choice after it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """Where the answers point, in a sentence; `measured` has what comparisons have shown, by lever."""

    direction: Direction
    sentence: Sentence
    measured: Mapping[Measured, Sentence]


def weigh(answers: Mapping[str, Said], *, retrieval: Paired | None = None, tuning: Paired | None = None) -> Guide:
    """Count what the answers speak for. A question that nobody can answer is left out.

    `retrieval` and `tuning` are with less without, on the same samples, as a grid of the two has them. One that is
    measured to harm is ruled out, one that is measured to help is not ruled out by any answer.
    """
    pointers = [QUESTIONS[name].yes if said == "yes" else QUESTIONS[name].no for name, said in answers.items()]
    rag, tune = pointers.count("rag"), pointers.count("fine_tune")
    may_look_up = _helps(retrieval) or ("no_rag" not in pointers and not _harms(retrieval))
    may_tune = _helps(tuning) or ("no_fine_tune" not in pointers and not _harms(tuning))
    direction: Direction = "open"
    if len(answers) >= LEAST:
        look_up, learn = rag > 0 and may_look_up, tune > 0 and may_tune
        direction = "both" if look_up and learn else "rag" if look_up else "fine_tune" if learn else "neither"
    known: dict[Measured, Paired | None] = {"rag": retrieval, "fine_tune": tuning}
    messages: dict[Direction, str] = {"open": OPEN, "rag": RAG, "fine_tune": TUNE, "both": BOTH, "neither": NEITHER}
    values = {"n": len(answers), "all": len(QUESTIONS), "least": LEAST, "rag": rag, "tune": tune}
    return Guide(
        direction=direction,
        sentence=Sentence(messages[direction], {name: str(value) for name, value in values.items()}),
        measured={lever: _told(paired) for lever, paired in known.items() if paired is not None and paired.n},
    )


def beside(guide: Guide, lever: Lever) -> str | None:
    """Whether the answers agree with the lever that the evidence recommends; None where they are too few."""
    if guide.direction == "open":
        return None
    if lever not in ("rag", "fine_tune"):
        return ELSEWHERE
    return SAME if guide.direction in (lever, "both") else DIFFERENT


def _helps(paired: Paired | None) -> bool:
    return paired is not None and paired.n >= FEWEST and paired.low > 0


def _harms(paired: Paired | None) -> bool:
    return paired is not None and paired.n >= FEWEST and paired.high < 0


def _told(paired: Paired) -> Sentence:
    message = HELPED if _helps(paired) else HARMED if _harms(paired) else UNSHOWN
    values = {"n": str(paired.n), "gain": points(paired.mean or 0.0)}
    values |= {"low": points(paired.low), "high": points(paired.high)}
    return Sentence(message, values)
