"""How a judge stands beside the people who rated the same answers: calibration, correction, and length of the answers.

The unit is the sample. The database puts samples that look alike together, so that many ratings are few rows.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from core.diagnosis.intervals import Rate
from core.judging import calibration
from core.judging.calibration import Calibration, Label, Length
from core.judging.criteria import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Whether longer answers pass more often: by the judge, and by people on the answers that they rated."""

    judge: Length
    people: Length


def calibrate(conn: duckdb.DuckDBPyConnection, judge: Judge, model_id: str | None = None) -> Calibration:
    """The judge against the people who rated the same answers, of all model versions or of one.

    A judge of pairs is not calibrated by this: verdicts on single answers say nothing of a preference.
    """
    query = """
        with judged as (from judge_beside_people($judge, null)),
        samples as (
            select list_sort(list((human, judged, failed, passed))) as labels from judged
            where human is not null and ($model is null or model_id = $model) group by sample_id
        )
        select labels, count(*) from samples group by labels
    """
    found = conn.execute(query, {"judge": judge.judge_id, "model": model_id}) if judge.form == "single" else None
    samples = Counter[tuple[Label, ...]]()
    for labels, count in found.fetchall() if found else ():
        samples[tuple(Label(*one) for one in labels)] += count
    return calibration.calibrate(samples)


def models(conn: duckdb.DuckDBPyConnection, judge: Judge) -> dict[str, str]:
    """The models whose answers the judge was asked about, by id with their names."""
    query = """
        select distinct model_id, m.name
        from judgings as g join runs as r using (run_id) join models as m using (model_id)
        where g.judge_id = ? order by m.name, model_id
    """
    return dict(conn.execute(query, [judge.judge_id]).fetchall())


def lengths(conn: duckdb.DuckDBPyConnection, judge: Judge) -> Lengths:
    """Verdicts beside the length of the answers, in characters; several answers to a sample are averaged first."""
    query = """
        select avg(judged::integer) as judge, avg(letters) filter (judged is not null) as judge_letters,
            avg(human::integer) as people, avg(letters) filter (human is not null) as people_letters
        from judge_beside_people($judge, null) group by sample_id
    """
    found = conn.execute(query, {"judge": judge.judge_id}).df()
    sides = [found[[side, f"{side}_letters"]].dropna().astype(float).to_numpy() for side in ("judge", "people")]
    by_judge, by_people = (calibration.with_length(side[:, 0], side[:, 1]) for side in sides)
    return Lengths(judge=by_judge, people=by_people)


def estimate(
    conn: duckdb.DuckDBPyConnection, judge: Judge, judging: Mapping[str, Any], known: Calibration | None = None
) -> Rate | None:
    """The share of the run's samples that people would pass, from the judge and from people's ratings of this run.

    `known` is the judge's calibration on the run's model, where it has been worked out already. None unless the judge
    is good and people rated a hundred of this very version: errors differ between versions.
    """
    query = """
        select sample_id, avg(judged::integer), avg(human::integer)
        from judge_beside_people($judge, $judging) where judged is not null group by sample_id
    """
    asked = {"judge": judge.judge_id, "judging": judging["judging_id"]}
    rows = conn.execute(query, asked).fetchall()
    judged = {sample: said for sample, said, _ in rows}
    human = {sample: said for sample, _, said in rows if said is not None}
    if len(human) < calibration.ENOUGH_TO_CORRECT:
        return None
    return calibration.corrected(known or calibrate(conn, judge, judging["model_id"]), judged, human)
