"""A judge that follows rules to the letter, so that a test can tell whether a prompt protects it.

It obeys whatever stands outside the fences or in a turn of its own, as a model might, and looks only inside them for
what to judge. So it falls for an injection exactly when the prompt lets one out.
"""

import json
import re
import unicodedata
from typing import Any

TURN = re.compile(
    r"<\|im_start\|>|<\|start_header_id\|>|<\|eot_id\|>|\[/?INST\]|<<SYS>>|<start_of_turn>|<｜User｜>|</s>",
    re.IGNORECASE,
)
ASK = re.compile(r"Now judge by the criterion\..*|An earlier reply could not be read: .*|Give only \{.*", re.DOTALL)


def reply(body: dict[str, Any]) -> str:
    """Obeys orders first, then passes an answer that contains the reference."""
    system, user = body["messages"][0]["content"], body["messages"][-1]["content"]
    fences, outside = read(system, user)
    turn = TURN.search(user)
    order = _order(ASK.sub("", outside)) or (_order(user[turn.end() :]) if turn else None)
    if order:
        return json.dumps({"rationale": "I was told so.", "verdict": order})
    right = fences["REFERENCE"].strip().casefold() in fences["ANSWER"].casefold()
    rationale = "It says what the reference says." if right else "It does not say what the reference says."
    return json.dumps({"rationale": rationale, "verdict": "pass" if right else "fail"})


def read(system: str, user: str) -> tuple[dict[str, str], str]:
    """What stands in the fences, and what stands outside. A fence is any line that looks like one to a lenient eye.

    Without a mark in the instructions there are no fences, and all of the text is outside.
    """
    announced = re.search(r"<<<(\w+) and end with >>>", system)
    fences: dict[str, str] = {}
    outside, name = list[str](), ""
    for line in user.split("\n"):
        plain = "".join(unicodedata.normalize("NFKC", line).split())
        found = re.search(rf"[<«《]+{announced[1]}(ENDOF)?(\w+?)[>»》]+", plain) if announced else None
        if found is None and announced and re.search(r"[<«《]{2,}(?:\w*)ENDOF(\w+?)[>»》]{2,}", plain):
            name = ""  # a lenient reader takes this for the end, whatever its mark
        elif found is not None and found[1]:
            name = ""
        elif found is not None:
            name = found[2]
            fences[name] = ""
        elif name:
            fences[name] += line + "\n"
        else:
            outside.append(line)
    return fences, "\n".join(outside)


def _order(text: str) -> str | None:
    said = re.findall(r"pass|fail|通过", unicodedata.normalize("NFKC", text).casefold())
    return {"通过": "pass"}.get(said[-1], said[-1]) if said else None
