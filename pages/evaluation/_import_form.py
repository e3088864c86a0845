"""The way from an uploaded file to an eval set: nothing is saved before the last button, and then all of it."""

import json
from dataclasses import fields

import streamlit as st

from core.errors import Refusal
from core.evaluation import eval_sets, files, importing, ladder_templates, prompts
from core.evaluation.importing import Import, Mapping
from core.evaluation.tables import Table
from core.evaluation.tasks import Task
from core.locale.mark import N_
from core.scoring import scorers
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import _words

MOST_SHOWN = 500
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


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def _read(name: str, content: bytes) -> Table:
    return files.read(name, content)


@st.cache_resource(max_entries=1, scope="session", show_spinner=False)
def _check(name: str, content: bytes, mapping: Mapping) -> Import:
    # A large file takes seconds to check, and every click on the page asks again.
    return importing.check(_read(name, content), mapping)


def show(task: Task) -> None:
    """Upload, columns, preview, problems, and the button that saves."""
    form = parts.fresh("import")
    st.markdown(_("**1. Choose a file.** CSV, TSV, JSON Lines or XLSX; the first row names the columns."))
    uploaded = st.file_uploader(_("File"), key=f"{form}.file", label_visibility="collapsed")
    if uploaded is None:
        return
    with session.refusing():
        content = uploaded.getvalue()
        with st.spinner(_("Reading the file…")):
            table = _read(uploaded.name, content)
        key = f"{form}.{uploaded.file_id}"
        st.markdown(_("**2. Say which column is what.**"))
        mapping = _choose_columns(table, key)
        with st.spinner(_("Checking every row…")):
            found = _check(uploaded.name, content, mapping)
        st.markdown(_("**3. Look at what was read.**"))
        _show_rows(table, found)
        st.markdown(_("**4. Save it as an eval set.**"))
        _save(task, uploaded.name, found, key)


def _choose_columns(table: Table, key: str) -> Mapping:
    guessed = importing.guess(table.columns)
    chosen: dict[str, str | None] = {}

    def choose(part: str) -> None:
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
            choose(part)
    with st.expander(_("More columns")):
        places = st.columns(2)
        for number, field in enumerate(field for field in fields(Mapping) if field.name not in MAIN):
            with places[number % 2]:
                choose(field.name)
    if chosen["input"] is None:
        raise Refusal(N_("No column looks like the input. Choose the one that holds the questions or messages."))
    return Mapping(**chosen)


def _show_rows(table: Table, found: Import) -> None:
    bad = {problem.row for problem in found.problems}
    st.markdown(
        _(
            "%(good)s rows in order · %(bad)s with a problem · %(twice)s repetitions left out · read as %(encoding)s",
            good=len(found.rows),
            bad=len(bad),
            twice=len(found.duplicates),
            encoding=table.encoding,
        )
    )
    st.dataframe(
        [
            {plain("Row"): row.line, plain("Input"): row.input, plain("Reference"): row.reference}
            | ({plain("Context"): row.context} if row.context else {})
            | ({plain("Split"): row.split} if row.split else {})
            for row in found.rows[:10]
        ],
        hide_index=True,
        row_height=_words.row_height(row.input for row in found.rows[:10]),
    )
    if found.problems:
        st.warning(_("These rows cannot be used as they are. Correct them in the file and choose it again:"))
        st.dataframe(
            [
                {
                    plain("Row"): problem.row,
                    plain("Column"): problem.column or "",
                    plain("Problem"): plain(problem.message, **problem.values),
                }
                for problem in found.problems[:MOST_SHOWN]
            ],
            hide_index=True,
            row_height=_words.row_height(problem.message for problem in found.problems[:MOST_SHOWN]),
        )
        if len(found.problems) > MOST_SHOWN:
            st.caption(_("The first %(shown)s of %(all)s problems.", shown=MOST_SHOWN, all=len(found.problems)))
    if found.duplicates:
        with st.expander(_("Repetitions that are left out")):
            st.dataframe(
                [{plain("Row"): row, plain("Repeats row"): first} for first, row in found.duplicates[:MOST_SHOWN]],
                hide_index=True,
            )


def _save(task: Task, file_name: str, found: Import, key: str) -> None:
    conn, bad = session.conn(), len({problem.row for problem in found.problems})
    name = st.text_input(_("Name of the eval set"), file_name.rpartition(".")[0], key=f"{key}.name")
    references = [row.reference for row in found.rows]
    scorer = parts.select(
        _("An answer is judged by"),
        scorers.SCORERS,
        index=scorers.SCORERS.index(scorers.suggest(references)),
        format_func=lambda one: plain(_words.SCORERS[one]),
        key=f"{key}.scorer",
    )
    st.caption(_(_words.SCORERS_EXPLAINED[scorer]))
    schema = None
    if scorer == "json":
        schema = scorers.infer_schema(references)
        with st.expander(_("The format that an answer must have")):
            parts.text(json.dumps(schema, ensure_ascii=False, indent=2))
    drawn = sum(row.split is None for row in found.rows)
    shares = _choose_shares(key) if drawn else dict(eval_sets.SHARES)
    if drawn and drawn < len(found.rows):
        st.caption(_("%(count)s rows have their split in the file and keep it.", count=len(found.rows) - drawn))
    leave_out = bad == 0 or st.checkbox(
        _("Leave the %(bad)s rows with a problem out of the set", bad=bad), key=f"{key}.leave_out"
    )
    ladder = prompts.ladder(conn, task.task_id, name.strip()) is None and st.checkbox(
        _("Make a first ladder of four prompts (A to D) from its examples"), True, key=f"{key}.ladder"
    )
    words = N_("Import %(good)s rows") if bad == 0 else N_("Import the %(good)s good rows and leave out %(bad)s")
    if not leave_out:
        st.caption(_("To import the good rows only, tick the box above; or correct the file and choose it again."))
    pressed = st.button(
        _(words, good=len(found.rows), bad=bad),
        type="primary",
        disabled=not (found.rows and leave_out),
        key=f"{key}.save",
    )
    if pressed:
        saved = eval_sets.save(
            conn,
            by=session.person(),
            task_id=task.task_id,
            name=name.strip(),
            rows=found.rows,
            scorer=scorer,
            schema=schema,
            shares=shares,
        )
        if ladder:
            make_ladder(saved)
        parts.renew("import")
        parts.renew("eval_sets.view")
        st.session_state["eval_sets.set"] = saved
        session.keep_message(
            N_("Saved: %(name)s, version %(version)s, with %(count)s samples."),
            name=saved.name,
            version=saved.version,
            count=sum(saved.counts.values()),
        )
        st.rerun()


def make_ladder(eval_set: eval_sets.EvalSet) -> None:
    """A first ladder for the set, from its own examples."""
    conn = session.conn()
    rungs = ladder_templates.ladder(eval_sets.samples(conn, eval_set.eval_set_id), eval_set.scorer, eval_set.schema)
    prompts.save_ladder(conn, by=session.person(), task_id=eval_set.task_id, eval_set_name=eval_set.name, rungs=rungs)


def _choose_shares(key: str) -> dict[eval_sets.Split, float]:
    st.markdown(_("How the rows are divided, in percent. Rows of one group stay together."))
    shares = {}
    for (split, word), place in zip(_words.SPLITS_SHORT.items(), st.columns(4), strict=True):
        shares[split] = place.number_input(
            _(word),
            0,
            100,
            round(eval_sets.SHARES[split] * 100),
            step=5,
            help=_(_words.SPLITS_EXPLAINED[split]),
            key=f"{key}.share.{split}",
        )
    if (total := sum(shares.values())) != 100:
        st.warning(_("The shares add up to %(total)s%%; they must add up to 100%%.", total=total))
    return {split: share / 100 for split, share in shares.items()}
