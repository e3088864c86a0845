"""The way from an uploaded file to an eval set: nothing is saved before the last button, and then all of it."""

import json
from collections.abc import Sequence

import streamlit as st

from core.errors import Refusal
from core.evaluation import choices, current_scorers, eval_sets, examples, ladder_templates, mappings, prompts, splits
from core.evaluation.eval_sets import EvalSet
from core.evaluation.ladder_templates import Language
from core.evaluation.tasks import Task
from core.intake import importing
from core.intake.columns import Mapping
from core.intake.importing import Import
from core.locale.mark import N_
from core.scoring import scorers
from pages._ui import parts, session
from pages._ui.session import _, plain
from pages.evaluation import (
    _import_rows,
    _import_source,
    _import_sums,
    _near_duplicates,
    _samples,
    _scorer_words,
    _words,
)
from pages.evaluation._import_source import Source


def show(task: Task) -> None:
    """Upload, columns, preview, problems, and the button that saves."""
    form = parts.fresh("import")
    st.markdown(
        _(
            "**1. Choose a file.** CSV, TSV, XLSX, JSON, JSON Lines or Parquet, or a Hugging Face dataset folder "
            "packed as ZIP. In tables, the first row names the columns; conversations are recognised by themselves."
        )
    )
    source = _import_source.choose(form)
    if source is None:
        return
    with session.refusing():
        with st.spinner(_("Reading the file…")):
            table = _import_source.read(source)
        st.markdown(_("**2. Say which column is what.**"))
        mapping = _import_source.choose_columns(task, table, source.key)
        with st.spinner(_("Checking every row…")):
            found = _import_source.check(source, mapping)
        st.markdown(_("**3. Look at what was read.**"))
        _import_rows.show(table, found, source.name, source.key)
        found, twins = _near_duplicates.choose(task, source, mapping, found)
        st.markdown(_("**4. Save it as an eval set.**"))
        _save(task, source, table.columns, mapping, found, (source.key, mapping, twins))


def _save(
    task: Task, source: Source, columns: tuple[str, ...], mapping: Mapping, found: Import, content: _import_sums.Content
) -> None:
    key = source.key
    conn, bad = session.conn(), len({problem.row for problem in found.problems})
    about = _import_source.about(source)
    if about:
        st.caption(_("This file was exported here: its set, split and scorer are taken over."))
    name = st.text_input(_("Name of the eval set"), about.name if about else source.name, key=f"{key}.name")
    known = about.scorer if about and about.scorer in scorers.SCORERS else None
    proposed = known or _import_sums.scorer(content, found.rows)
    scorer = parts.select(
        _("An answer is judged by"),
        scorers.SCORERS,
        index=scorers.SCORERS.index(proposed),
        format_func=lambda one: plain(_words.SCORERS[one]),
        key=f"{key}.scorer",
    )
    st.caption(_(_words.SCORERS_EXPLAINED[scorer]))
    schema = None
    if scorer == "json":
        schema = about.schema if about and about.schema else _import_sums.schema(content, found.rows)
        with st.expander(_("The format that an answer must have")):
            parts.text(json.dumps(schema, ensure_ascii=False, indent=2))
    before, kept = _scorer_before(task, name.strip(), scorer, key)
    drawn = sum(row.split is None for row in found.rows)
    shares = _choose_shares(key) if drawn else dict(splits.SHARES)
    if drawn and drawn < len(found.rows):
        st.caption(_("%(count)s rows have their split in the file and keep it.", count=len(found.rows) - drawn))
    _foresee(task, found, shares, content)
    note = st.text_input(_("What is new in this version"), key=f"{key}.note")
    leave_out = bad == 0 or st.checkbox(
        _("Leave the %(bad)s rows with a problem out of the set", bad=bad), key=f"{key}.leave_out"
    )
    ladder = prompts.ladder(conn, task.task_id, name.strip()) is None and st.checkbox(
        _("Make a first ladder of four prompts (A to D) from its examples"), True, key=f"{key}.ladder"
    )
    said = choose_language([row.input for row in found.rows[: ladder_templates.MOST_READ]], key) if ladder else None
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
            note=note.strip(),
        )
        if before is not None and kept and saved.version > before.version:
            choices.carry_over(conn, by=session.person(), before=before, after=saved)
        mappings.remember(conn, by=session.person(), task_id=task.task_id, columns=columns, mapping=mapping)
        if ladder:
            make_ladder(saved, said)
        parts.renew("import")
        _samples.go_to(saved)


def _scorer_before(task: Task, name: str, scorer: str, key: str) -> tuple[EvalSet | None, bool]:
    """The newest version of that set, where another scorer was chosen for it, and whether to keep that one."""
    conn = session.conn()
    before = next((one for one in eval_sets.of_task(conn, task.task_id) if one.name == name), None)
    if before is None or (chosen := current_scorers.of_set(conn, before)).scorer_id == scorer:
        return None, False
    words = {"version": before.version, "scorer": _scorer_words.sentence(chosen.definition)}
    told = _("Judge it as version %(version)s is judged: %(scorer)s", **words)
    return before, st.checkbox(told, True, key=f"{key}.keep_scorer")


def _foresee(task: Task, found: Import, shares: dict[importing.Split, float], content: _import_sums.Content) -> None:
    """How many rows each split would get; nothing while the shares or the rows do not fit, which saving explains."""
    conn = session.conn()
    saved = sum(one.version for one in eval_sets.of_task(conn, task.task_id))  # each version may settle more groups
    try:
        counts = _import_sums.split_counts(content, tuple(shares.items()), task.task_id, saved, conn, found.rows)
    except Refusal:
        return
    words = [f"{plain(word)} {counts[split]:,}" for split, word in _words.SPLITS_SHORT.items() if counts[split]]
    st.caption(_("Rows in each part:") + " " + " · ".join(words))


def choose_language(inputs: Sequence[str], key: str) -> Language:
    """The language of a first ladder: that of the questions, unless the reader wants the other one."""
    known = {"en": plain("Prompts in English"), "zh": plain("Prompts in Chinese")}
    guessed = ladder_templates.language(inputs)
    return "zh" if parts.view(_("Language of the prompts"), known, f"{key}.language", guessed) == "zh" else "en"


def make_ladder(eval_set: eval_sets.EvalSet, said: Language | None) -> None:
    """A first ladder for the set, from its own examples; in the questions' language unless one is said."""
    conn = session.conn()
    shown = examples.varied(conn, eval_set.eval_set_id, each=8, most=500)
    rungs = ladder_templates.ladder(shown, eval_set.scorer, eval_set.schema, said)
    prompts.save_ladder(conn, by=session.person(), task_id=eval_set.task_id, eval_set_name=eval_set.name, rungs=rungs)


def _choose_shares(key: str) -> dict[importing.Split, float]:
    st.markdown(_("How the rows are divided, in percent. Rows of one group stay together."))
    shares = {}
    for (split, word), place in zip(_words.SPLITS_SHORT.items(), st.columns(4), strict=True):
        shares[split] = place.number_input(
            _(word),
            0,
            100,
            round(splits.SHARES[split] * 100),
            step=5,
            help=_(_words.SPLITS_EXPLAINED[split]),
            key=f"{key}.share.{split}",
        )
    if (total := sum(shares.values())) != 100:
        st.warning(_("The shares add up to %(total)s%%; they must add up to 100%%.", total=total))
    return {split: share / 100 for split, share in shares.items()}
