"""Where the samples come from, a file or a dataset folder on the server, and which of its columns is what."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.errors import Refusal
from core.evaluation import exports, mappings
from core.evaluation.exports import About
from core.evaluation.tasks import Task
from core.intake import arrow_files, columns, files, importing
from core.intake.columns import Mapping
from core.intake.importing import Import
from core.intake.tables import Table
from core.locale.mark import N_
from pages._ui import parts, session
from pages._ui.session import _, plain

COLUMNS = {
    "input": (N_("Input"), N_("the question or message, as it comes in")),
    "reference": (N_("Reference"), N_("the right answer")),
    "context": (N_("Context"), N_("facts that go with the question")),
    "key": (N_("Key"), N_("a name of the row; else its number")),
    "group": (N_("Group"), N_("rows that belong together stay in one part of the set")),
    "split": (N_("Split"), N_("dev, train, gate or retain; else drawn at random")),
    "tags": (N_("Tags"), N_("words to filter by, between commas")),
    "kind": (N_("Kind"), N_("practice or concept")),
    "pair": (N_("Pair"), N_("ties a practice row to the concept row behind it")),
    "critical": (N_("Critical"), N_("yes where a wrong answer does real harm")),
}
MAIN = ("input", "reference")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file or folder: its name without the ending, a key that changes with its content, and how to read it."""

    name: str
    key: str
    read: Callable[[], Table]


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def _read(key: str, _source: Source) -> tuple[Table, About | None]:
    return exports.restored(_source.read())


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def _check(key: str, mapping: Mapping, _table: Table) -> Import:
    # A large file takes seconds to check, and every click on the page asks again.
    return importing.check(_table, mapping)


def read(source: Source) -> Table:
    """The table in the source, read once for as long as the page shows it."""
    return _read(source.key, source)[0]


def about(source: Source) -> About | None:
    """What the file says about its set, if it was exported here."""
    return _read(source.key, source)[1]


def check(source: Source, mapping: Mapping) -> Import:
    """The table's rows as that mapping understands them, checked once for each mapping."""
    return _check(source.key, mapping, read(source))


def choose(form: str) -> Source | None:
    """A file from the reader's machine or a folder on the server; None until one is chosen."""
    places = {"file": plain("A file from my computer"), "folder": plain("A dataset folder on the server")}
    place = parts.view(_("Where the samples are"), places, f"{form}.place")
    if place == "file":
        uploaded = st.file_uploader(_("File"), key=f"{form}.file", label_visibility="collapsed")
        if uploaded is None:
            return None
        return Source(
            name=uploaded.name.rpartition(".")[0],
            key=f"{form}.{uploaded.file_id}",
            read=lambda: files.read(uploaded.name, uploaded.getvalue()),
        )
    path = st.text_input(
        _("Full path of the folder"),
        key=f"{form}.path",
        help=_("A Hugging Face dataset, as Dataset.save_to_disk writes it. To send one from here, pack it as ZIP."),
    ).strip()
    if not path:
        return None
    return Source(name=Path(path).name, key=f"{form}.{path}", read=lambda: arrow_files.read_folder(path))


def choose_columns(task: Task, table: Table, key: str) -> Mapping:
    """The mapping as last time for this task, else as the names suggest, and what the reader makes of it."""
    guessed = mappings.remembered(session.conn(), task.task_id, table.columns)
    if guessed:
        st.caption(_("The columns are filled in as last time for this task."))
    guessed = guessed or columns.guess(table.columns)
    chosen: dict[str, str | None] = {}

    def choose_one(part: str) -> None:
        word, explained = COLUMNS[part]
        options = list(table.columns) if part == "input" else ["", *table.columns]
        guess = (guessed and getattr(guessed, part)) or ""
        chosen[part] = (
            parts.select(
                _(word),
                options,
                index=options.index(guess) if guess in options else None,
                placeholder=plain("Choose a column"),
                format_func=lambda column: column or plain("(none)"),
                help=_(explained),
                key=f"{key}.column.{part}",
            )
            or None
        )

    for part, place in zip(MAIN, st.columns(2), strict=True):
        with place:
            choose_one(part)
    with st.expander(_("More columns")):
        places = st.columns(2)
        for number, part in enumerate(part for part in columns.PARTS if part not in MAIN):
            with places[number % 2]:
                choose_one(part)
    if chosen["input"] is None:
        raise Refusal(N_("No column looks like the input. Choose the one that holds the questions or messages."))
    kept = st.multiselect(
        _("Further columns to keep, which prompts can name"),
        [column for column in table.columns if column not in chosen.values()],
        default=[column for column in (guessed.fields if guessed else ()) if column not in chosen.values()],
        placeholder=plain("none"),
        key=f"{key}.fields",
    )
    return Mapping(**chosen, fields=tuple(kept))  # type: ignore[arg-type]  # the input was chosen
