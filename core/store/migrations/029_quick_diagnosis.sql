-- What each rater says of each answer of these runs now, whatever queue it was asked in. An answer is in two queues only
-- where two queues are about its run; else there is nothing to choose from.
create macro newest_words(of_runs) as table
with several as (
    select count(*) > 1 as queues from queues where list_has_any(run_ids, of_runs)
)
select answer_id, rater, verdict, error_types from standing_ratings where not (select queues from several)
union all
select answer_id, rater, arg_max(verdict, rating_id), arg_max(error_types, rating_id) from standing_ratings
where (select queues from several) group by answer_id, rater;

-- As before, with each answer's raters counted instead of listed, and versions as numbers.
create or replace macro item_quality(of_task, by_metric, fewest) as table
with asked as (
    select run_id, dense_rank() over (order by prompt_id, model_id) as version from runs
    where task_id = of_task and trial_id is null
), answered as (
    select a.sample_id, r.version, avg(c.value) as value
    from scores as c join answers as a using (answer_id) join asked as r using (run_id)
    where c.metric = by_metric and c.value is not null group by all
), versions as (
    select version, sum(value) as total, count(*) as n from answered group by version
), scored as (
    select sample_id, count(*) as versions, avg(value) as share,
        corr(value, (v.total - value) / nullif(v.n - 1, 0)) as with_rest
    from answered join versions as v using (version) group by sample_id
), judged as (
    select answer_id, count(*) as raters, count(*) filter (verdict = 'pass') as passed
    from newest_words((select list(run_id) from asked)) where verdict in ('pass', 'fail')
    group by answer_id having count(*) > 1
), split as (
    select a.sample_id, bool_or(j.passed > 0 and j.passed < j.raters) as split, count(*) as judged
    from judged as j join answers as a using (answer_id) join asked as r using (run_id) group by a.sample_id
)
select sample_id, versions, share, with_rest, coalesce(split, false) as split, coalesce(judged, 0) as judged,
    coalesce(versions >= fewest and share > 1 - 1e-9, false) as always_pass,
    coalesce(versions >= fewest and share < 1e-9, false) as always_fail
from scored full outer join split using (sample_id);

-- As before, with what people say now found through `newest_words`.
create or replace macro judge_beside_people(of_judge, of_judging) as table
with wanted as (
    select g.judging_id, r.run_id, r.model_id from judgings as g join runs as r using (run_id)
    where g.judge_id = of_judge and (of_judging is null or g.judging_id = of_judging)
), asked as (
    select j.answer_id, a.sample_id, w.model_id, any_value(j.verdict) = 'pass' as judged,
        any_value(length(a.text)) as letters
    from wanted as w join judgements as j using (judging_id) join answers as a using (answer_id)
    where j.other_answer_id is null group by j.answer_id, a.sample_id, w.model_id
), voted as (
    select r.answer_id, count(*) filter (r.verdict = 'pass') as passed, count(*) filter (r.verdict = 'fail') as failed
    from newest_words((select list(distinct run_id) from wanted)) as r
    semi join (from judgements semi join wanted using (judging_id)) as j using (answer_id)
    where r.verdict in ('pass', 'fail') group by r.answer_id
), decided as (
    select answer_id, arg_max(verdict, decision_id) = 'pass' as passed
    from decisions semi join asked using (answer_id) group by answer_id
)
select a.answer_id, a.sample_id, a.model_id, a.judged, a.letters, coalesce(v.passed, 0) as passed,
    coalesce(v.failed, 0) as failed,
    if(v.answer_id is null, null, coalesce(d.passed, if(v.passed = v.failed, null, v.passed > v.failed))) as human
from asked as a left join voted as v using (answer_id) left join decided as d using (answer_id);
