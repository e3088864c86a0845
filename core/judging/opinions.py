"""What judges said of one run's answers, each with how it stands beside people: only a calibrated one counts."""

from dataclasses import dataclass

import duckdb

from core.diagnosis import intervals
from core.diagnosis.intervals import Rate
from core.errors import Refusal
from core.judging import judges, standing
from core.judging.calibration import Calibration
from core.judging.criteria import Judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One judge's verdicts on the run: the share of samples it passed, repeats averaged."""

    judge: Judge
    passed: Rate
    calibration: Calibration
    """On answers of the run's model."""


def of_run(conn: duckdb.DuckDBPyConnection, run_id: str, model_id: str) -> list[Opinion]:
    """Of every judge of single answers that was asked about the run and can be asked still."""
    query = "select judge_id, judging_id from judgings where run_id = ? and other_run_id is null order by created_at"
    found = []
    for judge_id, judging_id in conn.execute(query, [run_id]).fetchall():
        try:
            judge = judges.find(conn, judge_id)
        except Refusal:
            continue  # an earlier wording
        said = """
            select avg(judged::integer) from judge_beside_people($judge, $judging) where judged is not null
            group by sample_id
        """
        values = conn.execute(said, {"judge": judge_id, "judging": judging_id}).fetchall()
        if judge is not None and values:
            passed = intervals.mean_rate([value for (value,) in values])
            calibration = standing.calibrate(conn, judge, model_id)
            found.append(Opinion(judge=judge, passed=passed, calibration=calibration))
    return found
