-- A judge of single answers beside people: one row per answer that it was asked about, of all its judgings or of one.
-- `human` is what was decided where people differed, else what most said; null where nobody rated, or as many said both.

create macro judge_beside_people(of_judge, of_judging) as table
with asked as (
    select j.answer_id, a.sample_id, r.model_id, any_value(j.verdict) = 'pass' as judged,
        any_value(length(a.text)) as letters
    from judgings as g join judgements as j using (judging_id) join runs as r using (run_id)
    join answers as a on a.answer_id = j.answer_id
    where g.judge_id = of_judge and (of_judging is null or g.judging_id = of_judging) and j.other_answer_id is null
    group by j.answer_id, a.sample_id, r.model_id
), said as (
    select r.answer_id, arg_max(r.verdict, r.rating_id) as verdict
    from ratings as r join asked using (answer_id) group by r.answer_id, r.rater
), voted as (
    select answer_id, count(*) filter (verdict = 'pass') as passed, count(*) filter (verdict = 'fail') as failed
    from said where verdict in ('pass', 'fail') group by answer_id
), decided as (
    select answer_id, arg_max(verdict, decision_id) = 'pass' as passed
    from decisions join asked using (answer_id) group by answer_id
)
select a.answer_id, a.sample_id, a.model_id, a.judged, a.letters, coalesce(v.passed, 0) as passed,
    coalesce(v.failed, 0) as failed,
    if(v.answer_id is null, null, coalesce(d.passed, if(v.passed = v.failed, null, v.passed > v.failed))) as human
from asked as a left join voted as v using (answer_id) left join decided as d using (answer_id);
