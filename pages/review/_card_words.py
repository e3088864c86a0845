"""The card's words in the reader's language. Braces are filled in by the browser."""

from typing import Any

from core.review import rubrics
from pages._ui import session
from pages._ui.session import plain


def of_card(scale: rubrics.Scale) -> dict[str, Any]:
    """Every text on the card but those of the sample; `sheet` explains the keys."""
    return {
        "language": {"zh": "zh-CN"}.get(session.language(), session.language()),
        "rate": plain("Rate"),
        "asked": plain("What was asked"),
        "known": plain("What was known"),
        "guidelines": plain("Guidelines"),
        "answer": plain("The answer"),
        "field": plain("Field"),
        "cut": plain("The answer ends here because it was not allowed to become longer."),
        "reference": plain("Reference"),
        "corrected": plain("Corrected answer"),
        "wrong": plain("If it fails: what is wrong?"),
        "note": plain("Note"),
        "pass": plain("Pass"),
        "fail": plain("Fail"),
        "skip": plain("Skip"),
        "points": points(),
        "undo": plain("Undo"),
        "correct": plain("Correct it"),
        "tell_model": plain("Tell a model what is wrong"),
        "rewrite": plain("Rewrite it"),
        "rewriting": plain("The model is rewriting it. You can go on with other answers and come back (←)."),
        "rounds": rounds(),
        "say_wrong": plain("The model has to be told what is wrong. Say it in a few words."),
        "no_model": plain("No model is chosen to rewrite answers. An operator chooses one under Rate, How to rate."),
        "leave": plain(
            "A note, a correction or a verdict is not saved yet. It stays in this browser tab until you come back to "
            "Rate. Leave now?"
        ),
        "take": plain("Take the reference"),
        "differences": plain("Differences"),
        "flag": plain("Flag"),
        "previous": plain("Previous"),
        "next": plain("Next"),
        "pause": plain("Pause"),
        "resume": plain("Go on"),
        "keys": plain("Keys"),
        "close": plain("Close"),
        "you_said": plain("You said: %(verdict)s", verdict="{verdict}"),
        "mine": plain("%(done)s of %(total)s rated", done="{mine}", total="{total}"),
        "ours": plain("%(count)s rated by the team", count="{ours}"),
        "left": plain("about %(minutes)s min left at your pace", minutes="{minutes}"),
        "nearly": plain("less than a minute left at your pace"),
        "saving": plain("saving %(count)s …", count="{count}"),
        "loading": plain("The next answers are on their way."),
        "finished": plain("Nothing waits for you here any more. Thank you."),
        "paused": plain("A pause. Press any key to go on."),
        "all_saved": plain("Everything is saved."),
        "still_saving": plain("Still saving. Leave this page open for a moment."),
        "too_long": plain("These texts are too long to be compared word by word."),
        "corrected_passes": plain(
            "An answer that had to be corrected does not pass. Choose fail, or take the change back."
        ),
        "too_soon": plain("That key came before this answer could be read, so it did not count. Press it again."),
        "empty": plain("The corrected answer is empty. Write the right answer, or leave the correction out."),
        "sheet": _sheet(scale),
    }


def rounds() -> dict[str, str]:
    """What to say of a round of rewriting, by its state; `{round}` is filled in later."""
    return {
        "back": plain(
            "Round %(round)s is in the box. Change it, or say what is still wrong; once it is right, choose fail, and "
            "it is kept as the corrected answer.",
            round="{round}",
        ),
        "unchanged": plain(
            "The model changed nothing in round %(round)s. Say more exactly what is wrong.", round="{round}"
        ),
        "failed": plain(
            "The model gave no usable answer this time. Say it in other words, or write the right answer yourself."
        ),
    }


def points() -> list[str]:
    """What each of the five points says, from 1 to 5."""
    return [
        plain("Useless"),
        plain("Wrong in a main point"),
        plain("Needs work"),
        plain("Fit to send"),
        plain("Could not be better"),
    ]


def _sheet(scale: rubrics.Scale) -> list[tuple[str, str]]:
    verdicts = (
        [("1 – 5", plain("From useless to could not be better; 4 and 5 pass"))]
        if scale == "five"
        else [("P, 1", plain("Pass")), ("F, 2", plain("Fail"))]
    )
    return [
        *verdicts,
        ("S", plain("Skip: I cannot judge this one")),
        ("U", plain("Undo the last judgement")),
        ("N", plain("Write a note; Enter or Esc goes back to the keys")),
        ("E", plain("Correct the answer; Esc goes back to the keys")),
        ("M", plain("Tell a model what is wrong; Enter sends it, and the rewritten answer comes into the correction")),
        ("V", plain("Show or hide the reference")),
        ("T", plain("Fail, and take the reference as the right answer")),
        ("D", plain("Mark what differs from the reference")),
        ("G", plain("Flag: somebody else should look at this one")),
        ("←, →", plain("Previous and next, without a verdict")),
        ("B", plain("Pause; any key goes on")),
        ("?", plain("These keys")),
    ]
