"""What a prompt says: to one sample, to every sample, and line by line beside another version.

A template is plain text: only known names in braces are filled in, and once.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence

from core.evaluation.eval_sets import Sample
from core.evaluation.prompts import EXAMPLES, Example, Prompt
from core.generation.base import Message
from core.knowledge import shown
from core.knowledge.shown import Shown

_VARIABLE = re.compile(r"\{([^{}\n\"]{1,80})\}")
KNOWN = ("input", "context", "schema", "passages")
"""Names that every sample has something for, be it empty; `{examples}` is known in a template only."""


def render(prompt: Prompt, sample: Sample, passages: Sequence[Shown] = ()) -> tuple[Message, ...]:
    """The chat messages for one sample and the passages that were looked up for it.

    What samples, examples and passages hold is put in as it is, never read as a template.
    """
    schema = json.dumps(prompt.schema, ensure_ascii=False) if prompt.schema else ""
    values = _values(sample, schema) | ({"passages": shown.in_prompt(passages)} if passages else {})
    before, marked, question = prompt.template.rpartition(EXAMPLES)
    solved = "".join(_solved(example, question, schema) for example in prompt.examples) if marked else ""
    user = _fill(before, values) + solved + _fill(question, values)
    system: tuple[Message, ...] = (
        ({"role": "system", "content": _fill(prompt.system, values)},) if prompt.system else ()
    )
    return (*system, {"role": "user", "content": user})


def frame(prompt: Prompt) -> dict[str, list[dict[str, str]]]:
    """What `render` says to every sample, as `system` and `user`: a list of `{"text"}`, and of the `{"name"}`s of what
    each sample puts in between: its columns, and `passages` for what was looked up for it."""
    schema = json.dumps(prompt.schema, ensure_ascii=False) if prompt.schema else ""
    before, marked, question = prompt.template.rpartition(EXAMPLES)
    solved = "".join(_solved(example, question, schema) for example in prompt.examples) if marked else ""
    user = [*_parts(before, schema), {"text": solved}, *_parts(question, schema)]
    return {"system": _parts(prompt.system, schema), "user": [part for part in user if part != {"text": ""}]}


def _parts(template: str, schema: str) -> list[dict[str, str]]:
    parts, end = [], 0
    for match in _VARIABLE.finditer(template):
        parts.append({"text": template[end : match.start()]})
        parts.append({"text": schema} if match[1] == "schema" else {"name": match[1]})
        end = match.end()
    parts.append({"text": template[end:]})
    return [part for part in parts if part != {"text": ""}]


def _values(of: Sample | Example, schema: str) -> dict[str, str]:
    own = {"input": of.input, "context": of.context, "schema": schema}
    return {"passages": shown.NONE, **dict(of.fields), **own}


def _solved(example: Example, question: str, schema: str) -> str:
    asked = _fill(question, _values(example, schema))
    return f"{asked}{'' if asked[-1:].isspace() else ' '}{example.answer}\n\n"


def _fill(template: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: values.get(match[1], match[0]), template)


def unknown(system: str, template: str, fields: Collection[str]) -> list[str]:
    """Names in braces that nothing will be put in for, since the samples have only these further `fields`."""
    names = _VARIABLE.findall(system + "\n" + template.replace(EXAMPLES, ""))
    return list(dict.fromkeys(name for name in names if name not in KNOWN and name not in fields))


def lines(prompt: Prompt) -> list[str]:
    """All that the prompt says, line by line: instruction, template, one line for each solved example, the schema."""
    solved = [f"{one.input} → {one.answer}" for one in prompt.examples]
    schema = json.dumps(prompt.schema, ensure_ascii=False, indent=1).splitlines() if prompt.schema else []
    further = [line for part in (solved, schema) if part for line in ("", *part)]
    return [*prompt.system.splitlines(), "", *prompt.template.splitlines(), *further]


def difference(before: Prompt, after: Prompt) -> list[str]:
    """The lines that are new (+) or gone (-) in the second prompt; none when the texts are the same."""
    old, new = lines(before), lines(after)
    return [line for line in difflib.ndiff(old, new) if line[0] in "+-"]
